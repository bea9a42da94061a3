"""The map phase: facts of many blobs, from the store where they are, else from analysis children.

Whatever a blob does to its child, it ends as a note of that blob alone; the others keep their
facts. The result depends on the blobs and the contexts only, never on the store or the number of
processes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from checks.facts import limits
from checks.facts.children import AnalysisError, ChildDied
from checks.facts.lint import LintContext, kind_of_fact, shape_of
from checks.facts.store import FactStore, Key
from checks.facts.team import Team, Work
from checks.facts.version import extractor_version
from checks.facts.wire import Answer, Batch, Item, Task

__all__ = ["AnalysisError", "MapJob", "Mapped", "Team", "key_of", "map_blobs"]

PAST = frozenset({"tables", "docstrings", "shapes"})
"""What is asked of versions of Python files that are no more: :mod:`checks.facts.pasttables`,
:mod:`checks.facts.pastfunctions`."""

type Reader = Callable[[Iterable[str]], Iterator[tuple[str, bytes]]]
type Progress = Callable[[int, int], None]


class MapJob(msgspec.Struct, frozen=True):
    """One fact that is wanted of one blob.

    Attributes:
        oid: Blob id.
        kind: ``py`` for :class:`~checks.facts.tree.PyFacts`, ``lint`` for
            :class:`~checks.facts.lint.LintFact`, a kind of :data:`PAST`, else a kind of document
            (:mod:`checks.facts.kinds`) for :class:`~checks.facts.documents.DocumentFact`.
        size: Bytes of the blob; -1 where that shows only when it is read.
        basename: Last part of a path that has the blob; matters to ``lint`` only.
        context: What ``lint`` needs to know; None for all other kinds.
    """

    oid: str
    kind: str
    size: int
    basename: str = ""
    context: LintContext | None = None


class Mapped(msgspec.Struct, frozen=True):
    """What the map phase found.

    Attributes:
        facts: Encoded facts by :func:`key_of`; a key without one has a note.
        notes: Why a fact is missing or incomplete, in words that follow a path ("larger than
            512 KiB", "does not parse: line 12: invalid syntax").
        accidents: Those of the notes that another run may do without; nothing of them is kept.
    """

    facts: dict[Key, bytes]
    notes: dict[Key, str]
    accidents: set[Key]


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A fact and its note, as the store holds them."""

    data: bytes
    note: str = ""


_ALLOWED = dict.fromkeys(("py", *PAST), limits.SYNTAX_BYTES) | {
    "lint": limits.LINT_BYTES,
    "lock": limits.LOCK_BYTES,
}
_KEEP = msgspec.msgpack.Encoder()
_KEPT = msgspec.msgpack.Decoder(_Kept)


def key_of(job: MapJob) -> Key:
    """The key under which the fact of this job is returned and stored.

    Raises:
        ValueError: A lint job without a context.
    """
    kind = job.kind
    if kind == "lint":
        if job.context is None:
            raise ValueError("A lint job needs a LintContext.")
        kind = kind_of_fact(job.context, shape_of(job.basename))
    elif kind != "py" and kind not in PAST:
        kind = f"doc:{kind}"
    return Key(job.oid, kind, extractor_version())


def map_blobs(
    jobs: Sequence[MapJob],
    read: Reader,
    store: FactStore,
    *,
    processes: int = 1,
    team: Team | None = None,
    progress: Progress | None = None,
) -> Mapped:
    """Make or look up the facts of all jobs.

    Args:
        jobs: What is wanted; the order decides which blobs fall behind the limits of a scan.
        read: Content of blobs in the order asked for, such as ``Source.blobs``.
        store: Facts of earlier reviews; new ones are added.
        processes: Analysis children at the same time, where no team is given.
        team: Children of an earlier call to go on with; they stay for the next one.
        progress: Called with (facts that are there, facts wanted), at least once.

    Raises:
        AnalysisError: No analysis child can be started.
    """
    run = _Run(jobs, store, progress or (lambda done, total: None))
    missing = run.look_up()
    if missing and team is not None:
        run.map(missing, read, team)
    elif missing:
        with Team(processes) as own:
            run.map(missing, read, own)
    return run.result


class _Blob(msgspec.Struct):
    """A blob to read, with the jobs that want something of it."""

    oid: str
    size: int
    jobs: list[tuple[Key, MapJob]]


class _Run:
    """One call of :func:`map_blobs`."""

    def __init__(self, jobs: Sequence[MapJob], store: FactStore, progress: Progress) -> None:
        self._jobs = {key_of(job): job for job in jobs}
        self._store = store
        self._progress = progress
        self._fresh: dict[Key, bytes] = {}
        self._again: deque[Work] = deque()
        self.result = Mapped({}, {}, set())

    # What is there already ----------------------------------------------------------------------

    def look_up(self) -> list[_Blob]:
        """Settle what the limits or the store decide; the blobs that must be read."""
        blobs: dict[str, _Blob] = {}
        wanted = list(self._allowed())
        kept = self._store.get_many(wanted)
        for key in wanted:
            job = self._jobs[key]
            if key in kept and self._take(key, kept[key]):
                continue
            blob = blobs.setdefault(job.oid, _Blob(job.oid, job.size, []))
            blob.jobs.append((key, job))
        self._tell()
        return list(blobs.values())

    def _allowed(self) -> Iterator[Key]:
        seen: set[str] = set()
        total = 0
        for key, job in self._jobs.items():
            if note := _too_large(job, job.size):
                self.result.notes[key] = note
                continue
            if job.oid not in seen:
                seen.add(job.oid)
                total += max(job.size, 0)
            if len(seen) > limits.SCAN_FILES or total > limits.SCAN_BYTES:
                self.result.notes[key] = "beyond the number of files or bytes that one scan reads"
                continue
            yield key

    def _take(self, key: Key, stored: bytes) -> bool:
        try:
            kept = _KEPT.decode(stored)
        except msgspec.DecodeError:
            return False
        self._settle(key, kept.data, kept.note)
        return True

    def _settle(self, key: Key, data: bytes, note: str) -> None:
        if data:
            self.result.facts[key] = data
        if note:
            self.result.notes[key] = note

    def _tell(self) -> None:
        done = len(self.result.facts.keys() | self.result.notes.keys())
        self._progress(done, len(self._jobs))

    # What must be made --------------------------------------------------------------------------

    def map(self, blobs: Sequence[_Blob], read: Reader, team: Team) -> None:
        """Read the blobs and hand them out to children until each job is settled."""
        works = self._works(blobs, read, team.processes)
        try:
            while True:
                while team.has_room and (work := self._next(works)) is not None:
                    team.give(work, self)
                if not team.busy:
                    break
                team.listen(self)
        finally:
            team.drop()
        self._keep()

    def _next(self, works: Iterator[Work]) -> Work | None:
        return self._again.popleft() if self._again else next(works, None)

    def _works(self, blobs: Sequence[_Blob], read: Reader, processes: int) -> Iterator[Work]:
        """Batches in the order of the blobs, small enough that every process gets its share."""
        total = sum(blob.size for blob in blobs)
        share = min(limits.BATCH_BYTES, max(total // (2 * processes), limits.BATCH_BYTES // 8))
        waiting: list[tuple[_Blob, bytes]] = []
        size = 0
        by_oid = {blob.oid: blob for blob in blobs}
        for oid, data in read(list(by_oid)):
            blob = by_oid[oid]
            if blob.size < 0 and not self._readable(blob, len(data)):
                continue
            waiting.append((blob, data))
            size += len(data)
            if size >= share or len(waiting) >= limits.BATCH_FILES:
                yield _work(waiting)
                waiting, size = [], 0
        if waiting:
            yield _work(waiting)

    def _readable(self, blob: _Blob, size: int) -> bool:
        """Whether a blob whose size was not known is small enough for any of its jobs."""
        allowed: list[tuple[Key, MapJob]] = []
        for key, job in blob.jobs:
            if note := _too_large(job, size):
                self._settle(key, b"", note)
                self._fresh[key] = _KEEP.encode(_Kept(b"", note))
            else:
                allowed.append((key, job))
        blob.jobs = allowed
        return bool(allowed)

    def answer(self, work: Work, answer: Answer) -> None:
        """Settle one task of a batch."""
        key = work.keys.pop(answer.task)
        self._settle(key, answer.data, answer.note)
        if answer.lasting:
            self._fresh[key] = _KEEP.encode(_Kept(answer.data, answer.note))
        else:
            self.result.accidents.add(key)

    def finished(self) -> None:
        """A batch is through: keep what it gave."""
        if len(self._fresh) >= limits.BATCH_FILES:
            self._keep()
        self._tell()

    def _keep(self) -> None:
        self._store.put_many(self._fresh)
        self._fresh = {}

    def died(self, work: Work, death: ChildDied) -> None:
        """A child died of a batch: blame one task or halve what is left, and go on."""
        single, lint = _outstanding(work)
        if not single and not lint:
            return
        if not single and len(lint) > 1:
            half = len(lint) // 2
            self._again.extend(_part(work, set(part)) for part in (lint[:half], lint[half:]))
            return
        culprit = (single or lint)[0]
        if not death.lasting and work.retries == 0:
            self._again.append(_part(work, {culprit}, retries=1))
            work.keys.pop(culprit)
        else:
            self.answer(work, Answer(culprit, note=death.reason, lasting=death.lasting))
        if work.keys:
            self._again.append(_part(work, set(work.keys)))


def _too_large(job: MapJob, size: int) -> str:
    limit = _ALLOWED.get(job.kind, limits.DOCUMENT_BYTES)
    if size <= limit:
        return ""
    return (
        f"larger than {limit // limits.KIB} KiB"
        if limit < limits.MIB
        else (f"larger than {limit // limits.MIB} MiB")
    )


def _work(blobs: Sequence[tuple[_Blob, bytes]]) -> Work:
    contexts: dict[LintContext, int] = {}
    keys: dict[int, Key] = {}
    items: list[Item] = []
    for blob, data in blobs:
        tasks: list[Task] = []
        for key, job in blob.jobs:
            context = -1 if job.context is None else contexts.setdefault(job.context, len(contexts))
            tasks.append(Task(len(keys), job.kind, job.basename, context))
            keys[len(keys)] = key
        items.append(Item(data, tuple(tasks)))
    return Work(Batch(tuple(contexts), tuple(items)), keys)


def _outstanding(work: Work) -> tuple[list[int], list[int]]:
    """Tasks without an answer, in the order in which the child takes them: single ones, lint."""
    single: list[int] = []
    lint: list[int] = []
    for item in work.batch.items:
        for task in item.tasks:
            if task.id in work.keys:
                (lint if task.kind == "lint" else single).append(task.id)
    return single, lint


def _part(work: Work, tasks: set[int], *, retries: int = 0) -> Work:
    """The same batch with some of its tasks only."""
    items = tuple(
        Item(item.data, kept)
        for item in work.batch.items
        if (kept := tuple(task for task in item.tasks if task.id in tasks))
    )
    keys = {task: key for task, key in work.keys.items() if task in tasks}
    return Work(Batch(work.batch.contexts, items), keys, retries)
