"""The mainline, oldest commit first: what each commit did to Python files, and how they read then.

What happened inside a branch before it was merged does not show here, on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts.limits import SYNTAX_BYTES
from checks.facts.tree import DECODER, ENCODER, PyFacts
from checks.project.subjects import NO_FACTS, File
from checks.source import Change

if TYPE_CHECKING:
    from checks.project.pastnotes import Note
    from checks.project.project import Project

type Pair = tuple[str, str]
"""A blob before and after a change, "" where there is none."""

_MIGRATION_FOLDERS = frozenset({"versions", "migrations", "migration", "revisions", "alembic"})


class Step(msgspec.Struct, frozen=True):
    """One commit of the mainline that changed Python files.

    Attributes:
        number: Its place on the mainline, counted from the first commit.
        oid: Its id.
        time: Its date.
        changes: What it changed.
    """

    number: int
    oid: str
    time: int
    changes: Sequence[Change]


class Trunk:
    """The mainline of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._facts: dict[str, PyFacts] = {}
        self._may_migrate: dict[str, bool] = {}

    @cached_property
    def steps(self) -> list[Step]:
        """Commits of the mainline that changed Python files, oldest first."""
        source = self.project.source
        order = {oid: number for number, oid in enumerate(reversed(source.mainline()))}
        times = {commit.oid: commit.time for commit in source.history()}
        found = []
        for oid, changes in source.changes():
            if oid in order:
                rows = [change for change in changes if change.path.endswith(".py")]
                if rows:
                    found.append(Step(order[oid], oid, times.get(oid, 0), rows))
        return sorted(found, key=lambda step: step.number)

    @cached_property
    def migration_folders(self) -> frozenset[str]:
        """Folders in which migrations lie now."""
        return frozenset(file.path.rpartition("/")[0] for file in self.project.migrations)

    @cached_property
    def model_paths(self) -> frozenset[str]:
        """Files that define ORM models, or bases and mixins of them, now."""
        found = self.project.classes.with_role("orm", "orm-base")
        return frozenset(cls.path for cls in found)

    def may_migrate(self, path: str) -> bool:
        """Whether a path, which may be gone, may be that of a migration."""
        known = self._may_migrate.get(path)
        if known is None:
            known = self._may_migrate[path] = self._is_of_migration(path)
        return known

    def _is_of_migration(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        if name in {"env.py", "__init__.py"}:
            return False
        if folder in self.migration_folders:
            return True
        return not _MIGRATION_FOLDERS.isdisjoint(folder.split("/"))

    def read(self, oids: Iterable[str]) -> None:
        """Read and analyse blobs, in one go."""
        known = {file.oid: file for file in self.project.files if file.parsed}
        wanted = {oid for oid in oids if oid and oid not in self._facts}
        for oid in wanted & known.keys():
            self._facts[oid] = known[oid].facts
        for oid, data in self.analysed("py", sorted(wanted - known.keys())).items():
            self._facts[oid] = DECODER.decode(data)

    def analysed(self, kind: str, oids: Iterable[str]) -> Mapping[str, bytes]:
        """Encoded facts of blobs (:mod:`checks.facts.analyses`), "" left out."""
        wanted = dict.fromkeys(oid for oid in oids if oid)
        return self.project.analyses.of(kind, wanted, self.project.source.blobs)

    @cached_property
    def notes(self) -> list[Note]:
        """What docstrings say, or said earlier and no longer say."""
        from checks.project.pastnotes import notes

        return notes(self)

    def facts(self, oid: str) -> PyFacts:
        """What a blob said; nothing for one that was not read."""
        return self._facts.get(oid, NO_FACTS)

    def texts(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The blobs themselves."""
        wanted = sorted({oid for oid in oids if oid})
        return {
            oid: data
            for oid, data in self.project.source.blobs(wanted)
            if len(data) <= SYNTAX_BYTES
        }

    def compared(self, pairs: Sequence[Pair]) -> Iterator[tuple[bytes, bytes]]:
        """The blobs of each pair, read in one pass; nothing where there is none, or a large one.

        A blob is held until the last pair that it belongs to: changes of one file are best given
        one after the other.
        """
        last = {oid: number for number, pair in enumerate(pairs) for oid in pair if oid}
        order = {oid: place for place, oid in enumerate(dict.fromkeys(
            oid for pair in pairs for oid in pair if oid))}  # fmt: skip
        stream = self.project.source.blobs(order)
        held: dict[str, bytes] = {}
        read = -1
        for number, pair in enumerate(pairs):
            for oid in pair:
                # One that is left out shows by another one that comes behind it.
                while oid and read < order[oid] and (got := next(stream, None)) is not None:
                    read = order[got[0]]
                    held[got[0]] = got[1] if len(got[1]) <= SYNTAX_BYTES else b""
            yield held.get(pair[0], b""), held.get(pair[1], b"")
            for oid in pair:
                if oid and last[oid] == number:
                    held.pop(oid, None)

    def is_migration(self, path: str, oid: str) -> bool:
        """Whether a file was a migration at some time."""
        facts = self.facts(oid)
        file = File(self.project, path, oid, ENCODER.encode(facts))
        return self.project.layout.migrates(file)
