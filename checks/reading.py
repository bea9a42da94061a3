"""From a source to a project: which blobs are read, as what, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from checks.facts.doctree import DocumentFact
from checks.facts.kinds import kind_of
from checks.facts.lint import LintContext, LintFact
from checks.facts.mapper import MapJob, Mapped, key_of, map_blobs
from checks.facts.store import FactStore
from checks.lintcontext import lint_context
from checks.model import Skipped
from checks.project.layout import excluded_path
from checks.project.project import Project
from checks.source import Entry, Source

type Progress = Callable[[str, int, int], None]
"""Called with a phase, what is done and what is to do."""

_DOCUMENTS = msgspec.msgpack.Decoder(DocumentFact)
_LINT = msgspec.msgpack.Decoder(LintFact)


class Read(msgspec.Struct, frozen=True):
    """A project, and the proof of what was read.

    Attributes:
        project: What checks are asked about.
        files: Tracked entries.
        python_files: Python files among them, vendored ones included.
        analysed: Python files that were read and understood.
        skipped: What was seen and not (wholly) analysed, with the reason, by path.
    """

    project: Project
    files: int
    python_files: int
    analysed: int
    skipped: tuple[Skipped, ...]


def read_project(
    source: Source,
    store: FactStore,
    *,
    jobs: int = 1,
    attestations: Sequence[Mapping[str, Any]] = (),
    tables: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Read:
    """Read one commit.

    Args:
        source: The repository at the commit.
        store: Facts of earlier reviews.
        jobs: Analysis processes at the same time.
        attestations: What leads have attested.
        tables: Dated data of the product (releases, advisories).
        progress: Told about each phase.

    Raises:
        checks.errors.InputError: The repository cannot be read.
    """
    tell = progress or (lambda phase, done, total: None)
    tell("tree", 0, 1)
    entries = source.tree()
    notes = dict(source.notes())
    readable = [e for e in entries if e.kind in {"file", "executable"} and e.path not in notes]
    kinds = {entry.path: kind for entry in readable if (kind := kind_of(entry.path)) is not None}
    python = [e for e in readable if kinds.get(e.path) == "python"]
    documents = [e for e in readable if kinds.get(e.path) not in {None, "python"}]
    own = [entry for entry in python if not excluded_path(entry.path)]

    wanted = {e.path: MapJob(e.oid, str(kinds[e.path]), e.size) for e in documents}
    texts = map_blobs(
        list(wanted.values()), source.blobs, store, processes=1, progress=_part(tell, "documents")
    )
    decoded = _documents(wanted, texts)
    context = lint_context([entry.path for entry in own], decoded)
    mapped = map_blobs(
        [job for entry in own for job in _python_jobs(entry, context)],
        source.blobs,
        store,
        processes=jobs,
        progress=_part(tell, "files"),
    )
    facts: dict[str, tuple[str, bytes | None]] = {}
    lint: dict[str, LintFact] = {}
    for entry in own:
        syntax, style = _python_jobs(entry, context)
        facts[entry.path] = (entry.oid, mapped.facts.get(key_of(syntax)))
        found = mapped.facts.get(key_of(style))
        if found is not None:
            lint[entry.path] = _LINT.decode(found)
        for job in (syntax, style):
            notes.setdefault(entry.path, mapped.notes.get(key_of(job), ""))
    for path, job in wanted.items():
        notes.setdefault(path, texts.notes.get(key_of(job), ""))
    project = Project(
        source,
        entries=entries,
        python=facts,
        documents=decoded,
        lint=lint,
        attestations=attestations,
        tables=tables,
    )
    return Read(
        project=project,
        files=len(entries),
        python_files=len(python),
        analysed=sum(1 for file in project.files if file.parsed),
        skipped=tuple(Skipped(path, why) for path, why in sorted(notes.items()) if why),
    )


def _part(tell: Progress, phase: str) -> Callable[[int, int], None]:
    return lambda done, total: tell(phase, done, total)


def _python_jobs(entry: Entry, context: LintContext) -> tuple[MapJob, MapJob]:
    name = entry.path.rpartition("/")[2]
    return (
        MapJob(entry.oid, "py", entry.size),
        MapJob(entry.oid, "lint", entry.size, name, context),
    )


def _documents(wanted: Mapping[str, MapJob], mapped: Mapped) -> dict[str, DocumentFact]:
    found: dict[str, DocumentFact] = {}
    for path, job in wanted.items():
        data = mapped.facts.get(key_of(job))
        if data is not None:
            found[path] = _DOCUMENTS.decode(data)
    return found
