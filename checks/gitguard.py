"""Run one program under limits and end its whole family when the caller is gone. A script.

    python -I -S gitguard.py MEMORY FILE CPU GRACE INPUT program argument...

Sizes are bytes, times seconds; INPUT is the descriptor that becomes the program's standard input.
Limits are set between fork and exec, which is only safe in a process with a single thread: hence
this small one of its own. Its standard input is a lifeline: the caller closes it to end the
program, and the kernel closes it when the caller is killed. Then the process group gets TERM and,
GRACE seconds later, KILL. The exit code is the program's, or 128 + the signal that ended it.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (ceiling, ceiling))


def _become(program: list[str], memory: int, file: int, cpu: int, given: int) -> None:
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    # The last two are ignored by Python itself; a program that passes its limit has to end.
    for name in ("SIGTERM", "SIGINT", "SIGCHLD", "SIGPIPE", "SIGXFSZ"):
        signal.signal(signal.Signals[name], signal.SIG_DFL)
    os.dup2(given, 0)
    os.close(given)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, file)
    _limit(resource.RLIMIT_CPU, cpu)
    os.execve(program[0], program, os.environ)  # noqa: S606 - a fixed absolute path, never a shell


def _wait(child: int, wake: int, seconds: float | None) -> int | None:
    """Exit status of the child; None when ``seconds`` (without them: the lifeline) end first."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if left == 0.0:
            return None
        ready, _, _ = select.select([wake, 0] if left is None else [wake], [], [], left)
        if wake in ready:
            os.read(wake, 512)
        if 0 in ready and not os.read(0, 512):
            return None


def _kill(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def main(arguments: list[str]) -> int:
    """Guard one program until it ends or the lifeline breaks; leave nobody of its group behind."""
    memory, file, cpu, grace, given = (int(text) for text in arguments[:5])
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # The one way to end the guard is its lifeline: a signal would leave the program unwatched.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        try:
            _become(arguments[5:], memory, file, cpu, given)
        finally:
            os._exit(127)
    status = _wait(child, wake, None)
    if status is None:
        _kill(child, signal.SIGTERM)
        status = _wait(child, wake, grace)
    _kill(child, signal.SIGKILL)
    if status is None:
        _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
