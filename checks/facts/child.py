"""The analysis child: a disposable process that turns bytes of blobs into facts.

It is started by :mod:`checks.facts.children` in an empty directory with an empty environment,
limits itself before it reads a byte, and may die of any file: the parent knows which one it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from checks.facts import limits
from checks.facts.lint import shape_of
from checks.facts.ruffrun import LintFile, LintRun
from checks.facts.wire import BATCHES, DONE, ENCODER, HEADER, READY, Answer, Batch, Task, frame

if TYPE_CHECKING:
    from checks.facts.kinds import Kind

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

type Extractor = Callable[[bytes], tuple[Any, str]]


def main(isolate: bool = True) -> None:
    """Answer batches from standard input on standard output until the input ends.

    Args:
        isolate: Leave the network, where the platform allows it.
    """
    confine(isolate=isolate)
    warnings.simplefilter("ignore")
    source, sink = sys.stdin.buffer, _own_output()
    # Cycles are rare in what is made here, and looking for them costs half as much as parsing.
    gc.disable()
    gc.freeze()
    _send(sink, Answer(READY))
    while header := source.read(HEADER.size):
        batch = BATCHES.decode(source.read(HEADER.unpack(header)[0]))
        _work(batch, sink)
        del batch
        gc.collect()
        _send(sink, Answer(DONE))


def _own_output() -> BinaryIO:
    """The answering end of the pipe; what a library prints goes nowhere."""
    sink = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return sink


def confine(*, isolate: bool) -> None:
    """Take away what the analysis of a file never needs: memory, time, rights and the network."""
    _limit(resource.RLIMIT_AS, limits.CHILD_MEMORY)
    _limit(resource.RLIMIT_FSIZE, limits.OUTPUT_BYTES)
    _limit(resource.RLIMIT_NOFILE, limits.CHILD_FILES)
    _limit(resource.RLIMIT_CPU, limits.CHILD_CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if isolate:
            _leave_network()
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _limit(kind: int, value: int) -> None:
    # Some platforms know a limit by name and refuse to set it; the other limits still hold.
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))


def _leave_network() -> None:
    """Move into a network of our own without any interface, where the kernel lets us.

    Raises:
        OSError: We moved and may no longer write files; the parent starts a child that stays.
    """
    user, group = os.getuid(), os.getgid()
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
    except OSError:
        return
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    probe = Path("probe")
    probe.touch()
    probe.unlink()


def _send(sink: BinaryIO, answer: Answer) -> None:
    sink.write(frame(answer))
    sink.flush()


def _work(batch: Batch, sink: BinaryIO) -> None:
    """Facts of one batch: ruff runs beside, everything else file by file in the order given."""
    runs = _lint_runs(batch)
    for run in runs[:1]:
        run.start()
    for item in batch.items:
        for task in item.tasks:
            if task.kind != "lint":
                _send(sink, _extract(task, item.data))
    _reset_clock(limits.LINT_BATCH_SECONDS)
    for run in runs:
        run.start()
        for answer in run.finish(lambda: _send(sink, Answer(READY))):
            data = ENCODER.encode(answer.fact) if answer.fact else b""
            _send(sink, Answer(answer.task, data, answer.note, answer.lasting))


def _lint_runs(batch: Batch) -> list[LintRun]:
    """One run of ruff per context, each in a directory of its own."""
    files: dict[int, list[LintFile]] = {}
    for item in batch.items:
        for task in item.tasks:
            if task.kind == "lint":
                file = LintFile(task.id, shape_of(task.basename), item.data)
                files.setdefault(task.context, []).append(file)
    runs: list[LintRun] = []
    for context, members in files.items():
        scratch = Path.cwd() / f"lint{context}"
        scratch.mkdir(exist_ok=True)
        runs.append(LintRun(members, batch.contexts[context], scratch))
    return runs


def _extract(task: Task, data: bytes) -> Answer:
    _reset_clock(limits.FILE_SECONDS)
    try:
        fact, note = _extractor(task.kind)(data)
        return Answer(task.id, ENCODER.encode(fact), note)
    except MemoryError:
        return Answer(task.id, note="analysis ran out of memory")
    except RecursionError:
        return Answer(task.id, note="nested too deeply to be analysed")
    except Exception as fault:  # noqa: BLE001 - a fault of ours costs one file and is told
        return Answer(task.id, note=f"analysis failed ({type(fault).__name__})")


@cache
def _extractor(kind: str) -> Extractor:
    """What makes facts of this kind; imported late, since most children need few of them."""
    if kind == "py":
        from checks.facts.syntax import extract

        def python(data: bytes) -> tuple[Any, str]:
            facts = extract(data)
            return facts, facts.error

        return python
    if kind == "tables":
        from checks.facts.pasttables import TableReader

        # Versions of a file share most of their text, and come one after the other.
        reader = TableReader()
        return lambda data: (reader.read(data), "")
    if kind in {"docstrings", "shapes"}:
        from checks.facts.pastfunctions import documented, shapes

        extract_past = documented if kind == "docstrings" else shapes
        return lambda data: (extract_past(data), "")
    from checks.facts.documents import read

    def document(data: bytes) -> tuple[Any, str]:
        fact = read(cast("Kind", kind), data)
        return fact, fact.error

    return document


def _reset_clock(seconds: int) -> None:
    """Allow this much CPU time from now; the kernel ends the process after it."""
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        until = int(time.process_time()) + 1 + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (until if hard < 0 else min(until, hard), hard))
