"""From a source to a project: which blobs are read, as what, and what could not be read."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from checks.facts.analyses import Analyses
from checks.facts.doctree import DocumentFact
from checks.facts.kinds import kind_of
from checks.facts.lint import LintFact
from checks.facts.mapper import MapJob, Mapped, key_of, map_blobs
from checks.facts.store import FactStore
from checks.facts.team import Team
from checks.lintcontext import lint_contexts
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
        content: Digest of all that checks can see without asking the source.
    """

    project: Project
    files: int
    python_files: int
    analysed: int
    skipped: tuple[Skipped, ...]
    content: str


def read_project(
    source: Source,
    store: FactStore,
    *,
    jobs: int = 1,
    team: Team | None = None,
    attestations: Sequence[Mapping[str, Any]] = (),
    tables: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Read:
    """Read one commit.

    Args:
        source: The repository at the commit.
        store: Facts of earlier reviews.
        jobs: Analysis processes at the same time, where no team is given.
        team: Analysis processes that stay for what checks ask about the history; without one
            they are started again for that.
        attestations: What leads have attested.
        tables: Dated data of the product (releases, advisories).
        progress: Told about each phase.

    Raises:
        checks.errors.InputError: The repository cannot be read.
    """
    tell = progress or (lambda phase, done, total: None)
    tell("tree", 0, 1)
    files = _Files(source)
    with contextlib.nullcontext(team) if team is not None else Team(jobs) as working:
        made = partial(map_blobs, read=source.blobs, store=store, team=working)
        texts = made(list(files.documents.values()), progress=_part(tell, "documents"))
        documents = _documents(files.documents, texts)
        wanted = _python_jobs(files.python, documents)
        asked = [(path, job) for path, pair in wanted.items() for job in pair]
        mapped = made([job for _, job in asked], progress=_part(tell, "files"))
    files.note(files.documents.items(), texts)
    files.note(asked, mapped)
    python = _python(files.python, wanted, mapped)
    project = Project(
        source,
        entries=files.entries,
        python=python,
        documents=documents,
        lint=_lint({path: pair[1] for path, pair in wanted.items()}, mapped),
        attestations=attestations,
        tables=tables,
        analyses=Analyses(store, team),
    )
    return files.read(project, _digest(project, python, files.documents, wanted, texts, mapped))


def _digest(
    project: Project,
    python: Mapping[str, object],
    jobs: Mapping[str, MapJob],
    wanted: Mapping[str, tuple[MapJob, MapJob]],
    texts: Mapped,
    mapped: Mapped,
) -> str:
    """A digest of what a project holds: its tree without the blobs, and the facts themselves."""
    documents = {path: texts.facts.get(key_of(job)) for path, job in jobs.items()}
    lint = {path: mapped.facts.get(key_of(pair[1])) for path, pair in wanted.items()}
    # Where a component is judged, another file of the same content may have the same name.
    tree = [(project.real_path(path), each) for path, each in project.entries.items()]
    return hashlib.sha256(msgspec.msgpack.encode([tree, python, documents, lint])).hexdigest()


class _Files:
    """What is read of a tree: Python files of the project's own, and documents."""

    def __init__(self, source: Source) -> None:
        self.entries = source.tree()
        self.notes = dict(source.notes())
        self.python: list[Entry] = []
        self.documents: dict[str, MapJob] = {}
        self.python_count = 0
        for entry in self.entries:
            kind = kind_of(entry.path)
            if kind is None or entry.kind not in {"file", "executable"}:
                continue
            self.python_count += kind == "python"
            if entry.path in self.notes:
                continue
            if kind != "python":
                self.documents[entry.path] = MapJob(entry.oid, kind, entry.size)
            elif not excluded_path(entry.path):
                self.python.append(entry)

    def note(self, jobs: Iterable[tuple[str, MapJob]], mapped: Mapped) -> None:
        """Keep the first reason why a file was not, or not wholly, analysed."""
        for path, job in jobs:
            if not self.notes.get(path):
                self.notes[path] = mapped.notes.get(key_of(job), "")

    def read(self, project: Project, content: str) -> Read:
        """The project that was made of the files, with the proof of what was read."""
        return Read(
            project=project,
            files=len(self.entries),
            python_files=self.python_count,
            analysed=sum(1 for file in project.files if file.parsed),
            skipped=tuple(Skipped(path, why) for path, why in sorted(self.notes.items()) if why),
            content=content,
        )


def _part(tell: Progress, phase: str) -> Callable[[int, int], None]:
    return lambda done, total: tell(phase, done, total)


def _python_jobs(
    entries: Sequence[Entry], documents: Mapping[str, DocumentFact]
) -> dict[str, tuple[MapJob, MapJob]]:
    """What to map of each Python file: its syntax, and what ruff says of it."""
    contexts = lint_contexts([entry.path for entry in entries], documents)
    return {
        entry.path: (
            MapJob(entry.oid, "py", entry.size),
            MapJob(
                entry.oid,
                "lint",
                entry.size,
                entry.path.rpartition("/")[2],
                contexts[entry.path],
            ),
        )
        for entry in entries
    }


def _python(
    entries: Iterable[Entry], wanted: Mapping[str, tuple[MapJob, MapJob]], mapped: Mapped
) -> dict[str, tuple[str, bytes | None]]:
    """Blob id and syntax fact of each Python file."""
    return {
        entry.path: (entry.oid, mapped.facts.get(key_of(wanted[entry.path][0])))
        for entry in entries
    }


def _documents(wanted: Mapping[str, MapJob], mapped: Mapped) -> dict[str, DocumentFact]:
    found: dict[str, DocumentFact] = {}
    for path, job in wanted.items():
        data = mapped.facts.get(key_of(job))
        if data is not None:
            found[path] = _DOCUMENTS.decode(data)
    return found


def _lint(wanted: Mapping[str, MapJob], mapped: Mapped) -> dict[str, LintFact]:
    found: dict[str, LintFact] = {}
    for path, job in wanted.items():
        data = mapped.facts.get(key_of(job))
        if data is not None:
            found[path] = _LINT.decode(data)
    return found
