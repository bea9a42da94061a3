"""Which process holds a lease, and whether it still lives, as far as this machine can tell."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_START_FIELD = 19  # of /proc/<pid>/stat, counted after the name in brackets


def _machine() -> str:
    """Name this machine and its process numbering: containers may share the one or the other."""
    try:
        numbering = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        numbering = ""
    return f"{socket.gethostname()}/{numbering}"


def _started(pid: int) -> str | None:
    """Return when the process began, "" where that is not told, None when there is no process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        return "" if _answers(pid) else None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[_START_FIELD]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def name() -> str:
    """Return the name under which this process holds leases."""
    pid = os.getpid()
    return f"{_machine()}/{pid}/{_started(pid)}"[-200:]


def is_dead(owner: str) -> bool:
    """True when the owner was a process of this machine that has ended; False when unsure."""
    machine, pid, started = owner.rsplit("/", 2) if owner.count("/") >= 2 else ("", "", "")
    if machine != _machine() or not pid.isdigit():
        return False
    return _started(int(pid)) != started
