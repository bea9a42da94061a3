"""How work in progress learns that its process has to end.

A supervisor signals the whole group or only the parent of the workers. Both must reach the one
process that works on a scan, in the middle of whatever it does: so SIGTERM raises there, and a
parent that was signalled alone says so through a byte of memory that its children share.
"""

from __future__ import annotations

import mmap
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# Made when the worker starts, before it forks: every child sees the same byte.
_shared = mmap.mmap(-1, 1)


class StopRequested(BaseException):
    """End now. No ``Exception``: code that survives every error must not survive this."""


def announce() -> None:
    """Tell all children, those that work and those to come, that the worker ends."""
    _shared[0] = 1


def is_announced() -> bool:
    """True when the worker was told to end."""
    return bool(_shared[0])


def interrupt() -> None:
    """From another thread: let the main thread of this process stop its work."""
    os.kill(os.getpid(), signal.SIGTERM)


def _raise(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: what gives the work back must not be interrupted itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise StopRequested


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM raise :class:`StopRequested` in this block, if this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
