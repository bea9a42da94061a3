"""The analysis children of one review: hired when there is work, replaced when they die."""

from __future__ import annotations

import contextlib
import select
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from checks.facts.children import Child, ChildDied
from checks.facts.scratch import scratch_directory
from checks.facts.store import Key
from checks.facts.wire import DONE, Answer, Batch


class Work(msgspec.Struct):
    """A batch under way.

    Attributes:
        batch: What a child is given.
        keys: The tasks without an answer, with the fact that each is to make.
        retries: Deaths before this try that may have been accidents.
    """

    batch: Batch
    keys: dict[int, Key]
    retries: int = 0


class Listener(Protocol):
    """Who is told what becomes of the work."""

    def answer(self, work: Work, answer: Answer) -> None:
        """One task is done."""
        ...

    def finished(self) -> None:
        """A batch is through."""
        ...

    def died(self, work: Work, death: ChildDied) -> None:
        """A child died of a batch; ``work.keys`` says what is left of it."""
        ...


class Team:
    """Up to ``processes`` children at the same time; ends them all when the ``with`` block ends.

    One team serves any number of calls of :func:`checks.facts.mapper.map_blobs`: starting a child
    costs as much as reading a small change.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = max(processes, 1)
        self._places = contextlib.ExitStack()
        self._free: list[Path] | None = None
        self._idle: list[tuple[Child, Path]] = []
        self._busy: dict[int, tuple[Child, Path, Work]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()
        for child, _ in self._idle:
            child.end()
        self._idle.clear()
        self._free = None
        self._places.close()

    @property
    def processes(self) -> int:
        """Children that may work at the same time."""
        return self._processes

    @property
    def has_room(self) -> bool:
        """Whether one more batch can be given."""
        return len(self._busy) < self._processes

    @property
    def busy(self) -> bool:
        """Whether a batch is under way."""
        return bool(self._busy)

    def give(self, work: Work, listener: Listener) -> None:
        """Hand a batch to an idle or a new child.

        Raises:
            checks.facts.children.AnalysisError: No child can be started.
        """
        child, path = self._idle.pop() if self._idle else self._hire()
        number = child.fileno()
        self._busy[number] = child, path, work
        try:
            child.send(work.batch)
        except ChildDied as death:
            self._bury(number, listener, death)

    def _hire(self) -> tuple[Child, Path]:
        if self._free is None:
            scratch = self._places.enter_context(scratch_directory())
            self._free = [scratch / f"child{number}" for number in range(self._processes)]
            for path in self._free:
                path.mkdir()
        path = self._free[-1]
        _empty(path)
        child = Child(path)
        self._free.pop()
        return child, path

    def listen(self, listener: Listener) -> None:
        """Take in what the children say for up to a second."""
        ready, _, _ = select.select(list(self._busy), [], [], 1.0)
        for number in list(self._busy):
            child, path, work = self._busy[number]
            try:
                if number not in ready:
                    child.watch()
                    continue
                for answer in child.receive():
                    if answer.task in work.keys:
                        listener.answer(work, answer)
                    elif answer.task == DONE:
                        del self._busy[number]
                        self._idle.append((child, path))
                        listener.finished()
            except ChildDied as death:
                self._bury(number, listener, death)

    def _bury(self, number: int, listener: Listener, death: ChildDied) -> None:
        work = self._dismiss(number)
        listener.died(work, death)

    def _dismiss(self, number: int) -> Work:
        child, path, work = self._busy.pop(number)
        child.end()
        if self._free is not None:
            self._free.append(path)
        return work

    def drop(self) -> None:
        """End the children that are at work; nobody waits for their answers any more."""
        for number in list(self._busy):
            self._dismiss(number)


def _empty(path: Path) -> None:
    """Remove what a dead child left in its directory."""
    for entry in sorted(path.rglob("*"), reverse=True):
        if entry.is_dir() and not entry.is_symlink():
            entry.rmdir()
        else:
            entry.unlink()
