"""CPU time and memory of a command with all its descendants."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What a command cost.

    Attributes:
        cpu: User and system seconds of the command and the descendants it waited for.
        wall: Seconds on the clock.
        peak: Largest resident size of any one of its processes, in MiB.
        code: Its exit code.
    """

    cpu: float
    wall: float
    peak: float
    code: int


def run(command: Sequence[str], *, folder: Path, output: Path | None = None) -> Cost:
    """Run a command to its end and measure it.

    Args:
        command: Program and arguments.
        folder: Working directory.
        output: File for its standard output; dropped without one.
    """
    started = time.monotonic()
    with (output or Path(os.devnull)).open("wb") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(cpu, wall, usage.ru_maxrss / 1024, process.returncode)


def best(costs: Sequence[Cost]) -> Cost:
    """The run that cost the least CPU: the one that was disturbed least."""
    return min(costs, key=lambda cost: cost.cpu)
