"""Watch one git program: read both of its outputs, look at the clock and at the disk."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

type Overrun = Literal["", "timeout", "too-large"]

_STDERR_KEPT = 8192
_PROGRESS = re.compile(
    rb"(Receiving objects|Resolving deltas): {1,3}([0-9]{1,3})% \(([0-9]{1,12})/([0-9]{1,12})\)"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one conversation with a repository may go.

    Attributes:
        seconds: Wall clock of one fetch.
        short_seconds: Wall clock of listing references and of any local git program.
        silent_seconds: A server that sends less than 1,000 bytes a second this long is left.
        bytes: Largest pack, and largest growth of the mirror, in bytes.
        listing_bytes: Largest list of references, in bytes.
        memory: Address space of each process, in bytes.
        free_bytes: No fetch begins with less free space than this.
        free_share: Nor with a smaller share of the disk free than this.
        grace: Seconds between TERM and KILL.
    """

    seconds: float = 900.0
    short_seconds: float = 60.0
    silent_seconds: int = 30
    bytes: int = 2 * 1024**3
    listing_bytes: int = 32 * 1024**2
    memory: int = 4 * 1024**3
    free_bytes: int = 2 * 1024**3
    free_share: float = 0.05
    grace: int = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch has come: ``receiving`` objects, then ``resolving`` them."""

    phase: Literal["receiving", "resolving"]
    percent: int
    done: int
    total: int


class Watch:
    """Reads both outputs of one program, and looks at the clock and the disk once a second."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        seconds: float,
        git_dir: Path | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.output = bytearray()
        self.overrun: Overrun = ""
        self._process = process
        self._limits = limits
        self._deadline = time.monotonic() + seconds
        self._git_dir = git_dir
        self._at_first = folder_bytes(git_dir) if git_dir else 0
        self._progress = progress
        self._last: Progress | None = None
        self._line = b""
        self._kept = b""

    def until_end(self) -> None:
        """Return when both outputs are closed or a limit is passed."""
        looked = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for stream, take in (
                (self._process.stdout, self._take_output),
                (self._process.stderr, self._take_complaint),
            ):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, take)
            while selector.get_map() and not self.overrun:
                for key, _ in selector.select(timeout=1.0):
                    chunk = os.read(key.fd, 65536)
                    if chunk:
                        key.data(chunk)
                    else:
                        selector.unregister(key.fileobj)
                if time.monotonic() - looked >= 1.0:
                    self._look()
                    looked = time.monotonic()

    def complaints(self) -> str:
        """The end of standard error, without the lines that only report progress."""
        return (self._kept + self._line)[-_STDERR_KEPT:].decode("utf-8", "replace")

    def _look(self) -> None:
        if time.monotonic() > self._deadline:
            self.overrun = "timeout"
        elif self._git_dir is not None:
            grown = folder_bytes(self._git_dir) - self._at_first
            if grown > self._limits.bytes:
                self.overrun = "too-large"

    def _take_output(self, chunk: bytes) -> None:
        self.output += chunk
        if len(self.output) > self._limits.listing_bytes:
            self.overrun = "too-large"

    def _take_complaint(self, chunk: bytes) -> None:
        *lines, self._line = re.split(rb"[\r\n]", self._line[-_STDERR_KEPT:] + chunk)
        for line in lines:
            if not self._take_progress(line) and line.strip():
                self._kept = (self._kept + line + b"\n")[-_STDERR_KEPT:]

    def _take_progress(self, line: bytes) -> bool:
        match = _PROGRESS.match(line)
        if match is None:
            return line.startswith(b"remote: ") and b"%" in line
        now = Progress(
            "receiving" if match[1] == b"Receiving objects" else "resolving",
            min(100, int(match[2])),
            int(match[3]),
            int(match[4]),
        )
        seen = self._last
        if self._progress and (not seen or (seen.phase, seen.percent) != (now.phase, now.percent)):
            self._progress(now)
        self._last = now
        return True


def folder_bytes(folder: Path) -> int:
    """Size of all files below, in bytes; files that vanish meanwhile count nothing."""
    total = 0
    for root, _, names in folder.walk():
        for name in names:
            with contextlib.suppress(OSError):
                total += (root / name).lstat().st_size
    return total
