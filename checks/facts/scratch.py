"""Scratch directories: in memory where possible, removed whatever happens to their owner."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from checks.facts.limits import MIB

_PREFIX = "straightedge-scratch-"
_OWNER = ".owner"
_NEEDED = 256 * MIB
_SWEEP_AFTER = 60.0  # seconds; a directory without a lock may be one that is just being made


@contextlib.contextmanager
def scratch_directory() -> Iterator[Path]:
    """An empty directory that is removed afterwards; sweeps what killed processes left behind.

    Raises:
        OSError: No directory can be made.
    """
    base = _base()
    _sweep(base)
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    # The lock says "alive" for as long as the process lives, also from another pid namespace.
    owner = os.open(path / _OWNER, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX)
        yield path
    finally:
        os.close(owner)
        shutil.rmtree(path, ignore_errors=True)


def _base() -> Path:
    """Shared memory when there is enough of it, else the system's temporary directory."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp below makes a private directory in it
    with contextlib.suppress(OSError):
        room = os.statvfs(memory)
        if room.f_bavail * room.f_frsize >= _NEEDED and os.access(memory, os.W_OK):
            return memory
    return Path(tempfile.gettempdir())


def _sweep(base: Path) -> None:
    """Remove our directories in ``base`` whose owner is gone."""
    for path in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if path.is_symlink() or status.st_uid != os.getuid():
                continue
            if time.time() - status.st_mtime > _SWEEP_AFTER and _abandoned(path / _OWNER):
                shutil.rmtree(path, ignore_errors=True)


def _abandoned(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
