"""Limits of the door, far above what any forge sends; each web process counts for itself."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """So many at once, and so many a second after that."""

    size: float
    per_second: float
    level: float = field(init=False)
    seen: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin full."""
        self.level, self.seen = self.size, time.monotonic()

    def take(self) -> int:
        """0 when there was room, else the seconds after which there will be."""
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self.seen) * self.per_second)
        self.seen = now
        if self.level < 1:
            return int((1 - self.level) / self.per_second) + 1
        self.level -= 1
        return 0


class Limits:
    """All requests together before anything is looked up; each hook once its signature held.

    A forged request never takes from a hook's own share, so nobody can close a hook from outside.
    """

    def __init__(
        self,
        *,
        everybody: tuple[float, float] = (20_000, 2_000),
        hook: tuple[float, float] = (10_000, 100),
    ) -> None:
        self._lock = threading.Lock()
        self._everybody = Bucket(*everybody)
        self._hook = hook
        self._hooks: dict[int, Bucket] = {}

    def take(self) -> int:
        """Seconds to wait for a request of whomever; 0 to go on."""
        with self._lock:
            return self._everybody.take()

    def take_for(self, hook: int) -> int:
        """Seconds to wait for a request that a hook's secret has signed; 0 to go on."""
        with self._lock:
            return self._hooks.setdefault(hook, Bucket(*self._hook)).take()
