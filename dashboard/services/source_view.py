"""Source text beside its findings. Workers read the mirror; requests read rows."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from checks.facts.text import decode
from dashboard import queue
from dashboard.models import OPEN_STATES, Finding, FindingEvent, Scan, SourceFile, SourceState
from dashboard.services.highlight import code_lines
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django.utils.safestring import SafeString

    from checks.source import Entry, Source
    from dashboard.models import Repository

READ_SOURCE = "dashboard.read_source"
MAX_BYTES = 1024 * 1024
MAX_KEPT_BYTES = 64 * 1024 * 1024
WINDOW = 1500
SNIPPET_LINES = 60
CONTEXT = 8
KEEP_FOR = timedelta(days=14)
BATCH = 200

NOT_THERE = "This file does not exist at that commit."
NO_FILE = "This is a {kind}, not a file; its content is not shown."
TOO_LARGE = "This file has {size} bytes; files of more than 1 MiB are not shown."


@dataclass(frozen=True)
class Line:
    """One line of source with the findings that begin on it."""

    number: int
    html: SafeString
    findings: Sequence[Finding] = ()
    hit: bool = False


@dataclass(frozen=True)
class View:
    """A file, or why it is not there yet or at all."""

    state: SourceState
    note: str = ""
    lines: Sequence[Line] = ()
    total: int = 0
    start: int = 1
    aside: Sequence[Finding] = field(default_factory=list)

    @property
    def next_start(self) -> int | None:
        """First line of the next window, None at the end."""
        following = self.start + len(self.lines)
        return following if following <= self.total else None

    @property
    def previous_start(self) -> int | None:
        """First line of the window before, None at the beginning."""
        return max(1, self.start - WINDOW) if self.start > 1 else None


def digest(path: str) -> str:
    """Return what stands for a path in an index."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()


def was_judged(repository: Repository, commit: str, path: str) -> bool:
    """True when the commit has a scan, or turned a finding of the file: only such are shown."""
    if not commit:
        return False
    if Scan.objects.filter(repository=repository, commit=commit).exists():
        return True
    there = Finding.objects.in_file(path).filter(repository=repository)
    return FindingEvent.objects.filter(commit=commit, finding__in=there).exists()


def read_view(repository: Repository, commit: str, path: str, start: int = 1) -> View:
    """Return a window of the file with its open findings.

    The findings stand on the lines of the last scan, so older commits are shown without them.
    """
    row = wanted(repository, commit, path)
    if row.state != SourceState.READY:
        return View(SourceState(row.state), row.note)
    html = code_lines(text_of(row), path)
    found = _findings(repository, path) if commit == repository.scanned_commit else []
    start = (max(1, min(start, len(html))) - 1) // WINDOW * WINDOW + 1
    numbers = range(start, min(start + WINDOW, len(html) + 1))
    return View(
        SourceState.READY,
        row.note,
        _lines(html, numbers, found),
        total=len(html),
        start=start,
        aside=[finding for finding in found if not 0 < finding.line <= len(html)],
    )


def read_snippet(finding: Finding, commit: str) -> View:
    """Return the lines around one finding, at most 60."""
    row = wanted(finding.repository, commit, finding.path)
    if row.state != SourceState.READY:
        return View(SourceState(row.state), row.note)
    html = code_lines(text_of(row), finding.path)
    line = min(max(finding.line, 1), max(len(html), 1))
    first = max(1, line - CONTEXT)
    last = min(len(html), max(finding.end_line, line) + CONTEXT, first + SNIPPET_LINES - 1)
    return View(
        SourceState.READY,
        row.note,
        _lines(html, range(first, last + 1), [finding]),
        total=len(html),
        start=first,
    )


def _findings(repository: Repository, path: str) -> list[Finding]:
    rows = Finding.objects.in_file(path).filter(repository=repository, state__in=OPEN_STATES)
    shown = rows.select_related("repository", "waived_by__approver")
    return list(shown.order_by("line", "severity", "pk"))


def _lines(html: Sequence[SafeString], numbers: range, found: Iterable[Finding]) -> list[Line]:
    begins: dict[int, list[Finding]] = {}
    covered: set[int] = set()
    for finding in found:
        begins.setdefault(finding.line, []).append(finding)
        end = min(max(finding.end_line, finding.line), finding.line + SNIPPET_LINES)
        covered.update(range(finding.line, end + 1))
    return [
        Line(number, html[number - 1], begins.get(number, ()), number in covered)
        for number in numbers
    ]


def text_of(row: SourceFile) -> str:
    """Return the text that was read, "" for none."""
    return zlib.decompress(row.data or b"").decode() if row.data else ""


# --- how a file gets from the mirror into a row


def wanted(repository: Repository, commit: str, path: str) -> SourceFile:
    """Return the row of a file; when it was never asked for, ask a worker to read it."""
    row: SourceFile
    row, new = SourceFile.objects.get_or_create(
        repository=repository,
        commit=commit,
        path_digest=digest(path),
        defaults={"path": clean(path, 1100)},
    )
    if new:
        transaction.on_commit(lambda: ring(row.pk))
    return row


def ring(pk: int) -> None:
    """Ask a worker to read the file. A lost bell is rung again by :func:`ring_unheard`."""
    queue.ring(READ_SOURCE, [pk])


def ring_unheard(after: timedelta = timedelta(seconds=20)) -> int:
    """Ring again for the files that nobody has read; return how many."""
    rows = list(SourceFile.objects.unheard(after).values_list("pk", flat=True)[:BATCH])
    SourceFile.objects.filter(pk__in=rows).update(rung_at=Now())
    for pk in rows:
        ring(pk)
    return len(rows)


def fill(row: SourceFile, source: Source) -> None:
    """Read one file of ``source``, which stands at the row's commit, into its row."""
    entry = next((entry for entry in source.tree() if entry.path == row.path), None)
    refusal = _refusal(entry)
    if entry is None or refusal:
        _store(row, SourceState.REFUSED, refusal, None)
        return
    for _, data in source.blobs([entry.oid]):
        _store_data(row, data)


def keep(repository: Repository, source: Source, paths: Collection[str]) -> None:
    """Read the files in which a scan found something, so that their pages open at once.

    Files beyond 64 MiB in sum are left to be read when somebody asks for them.
    """
    known = set(
        SourceFile.objects.filter(repository=repository, commit=source.commit).values_list(
            "path_digest", flat=True
        )
    )
    room = MAX_KEPT_BYTES
    entries: list[Entry] = []
    for entry in source.tree():
        if entry.path not in paths or digest(entry.path) in known or _refusal(entry):
            continue
        room -= entry.size
        if room < 0:
            break
        entries.append(entry)
    for start in range(0, len(entries), BATCH):
        _keep_batch(repository, source, entries[start : start + BATCH])


def _keep_batch(repository: Repository, source: Source, entries: Sequence[Entry]) -> None:
    blobs = dict(source.blobs({entry.oid for entry in entries}))
    rows = []
    for entry in entries:
        row = SourceFile(
            repository=repository,
            commit=source.commit,
            path=clean(entry.path, 1100),
            path_digest=digest(entry.path),
        )
        set_data(row, blobs[entry.oid])
        rows.append(row)
    SourceFile.objects.bulk_create(rows, ignore_conflicts=True)


def forget_old() -> int:
    """Delete the files of commits that are no longer the last judged; return how many."""
    old = SourceFile.objects.filter(rung_at__lt=Now() - KEEP_FOR)
    return old.exclude(commit=F("repository__scanned_commit")).delete()[0]


def _refusal(entry: Entry | None) -> str:
    if entry is None:
        return NOT_THERE
    if entry.kind not in ("file", "executable"):
        return NO_FILE.format(kind={"symlink": "symbolic link"}.get(entry.kind, entry.kind))
    return TOO_LARGE.format(size=f"{entry.size:,}") if entry.size > MAX_BYTES else ""


def set_data(row: SourceFile, data: bytes) -> None:
    """Put the content of a blob into its row, without saving it."""
    decoded = decode(data)
    row.note = f"This file {decoded.note}." if decoded.note else ""
    row.state = SourceState.READY if decoded.readable else SourceState.REFUSED
    row.data = zlib.compress(decoded.text.encode("utf-8", "replace")) if decoded.readable else None


def _store_data(row: SourceFile, data: bytes) -> None:
    set_data(row, data)
    row.save(update_fields=["state", "note", "data"])


def _store(row: SourceFile, state: SourceState, note: str, data: bytes | None) -> None:
    row.state, row.note, row.data = state, note, data
    row.save(update_fields=["state", "note", "data"])
