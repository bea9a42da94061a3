"""The examples of the catalogue, materialised as git repositories and read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from checks import rules
from checks.check import CATALOGUE
from checks.facts.kinds import kind_of
from checks.facts.mapper import MapJob, map_blobs
from checks.facts.store import FactStore
from checks.gitsource import GitSource
from checks.judge import answer
from checks.lintcontext import lint_contexts
from checks.model import Outcome
from checks.reading import read_project
from checks.rules.specs import areas, examples, specs
from tests.materialise import Materialised, materialise


class Case(NamedTuple):
    """One side of one pair: a repository, and how many findings it must give."""

    check: str
    number: int
    side: str
    params: dict[str, object]
    text: str

    @property
    def name(self) -> str:
        """Name of the test."""
        variant = f"-variant{self.number}" if self.number else ""
        return f"{self.check}{variant}-{self.side}"

    @property
    def findings(self) -> int:
        """How many findings it must give."""
        return 1 if self.side == "bad" else 0


def cases(*, built: bool = True) -> Iterator[Case]:
    """Every side of every pair of every (built) check."""
    rules.load()
    for area in areas():
        for check, pairs in examples(area).items():
            if built and check not in CATALOGUE:
                continue
            for number, pair in enumerate(pairs):
                yield Case(check, number, "good", pair.params, pair.good)
                yield Case(check, number, "bad", pair.params, pair.bad)


def warm(made: Sequence[Materialised], store: FactStore) -> None:
    """Map the blobs of many repositories in one go: one child instead of hundreds."""
    contents: dict[str, bytes] = {}
    jobs: list[MapJob] = []
    for each in made:
        source = GitSource(each.git_dir, each.commit)
        entries = [entry for entry in source.tree() if entry.kind == "file"]
        contents.update(source.blobs([entry.oid for entry in entries]))
        python = [entry.path for entry in entries if kind_of(entry.path) == "python"]
        contexts = lint_contexts(python, {})
        for entry in entries:
            kind = kind_of(entry.path)
            name = entry.path.rpartition("/")[2]
            if kind == "python":
                jobs.append(MapJob(entry.oid, "py", entry.size))
                jobs.append(MapJob(entry.oid, "lint", entry.size, name, contexts[entry.path]))
            elif kind is not None:
                jobs.append(MapJob(entry.oid, kind, entry.size))
    map_blobs(jobs, lambda oids: ((oid, contents[oid]) for oid in oids), store, processes=2)


def judged(case: Case, made: Materialised, store: FactStore) -> Outcome:
    """The outcome of the case's check over its repository."""
    source = GitSource(made.git_dir, made.commit)
    read = read_project(source, store, attestations=made.attestations, tables=made.tables)
    spec = specs()[case.check]
    check = CATALOGUE[case.check]
    outcome = answer(check, read.project, spec.merged(case.params))
    assert check.asks_source or not read.project.source_asked, f"{check.id}: asks_source=True"
    return outcome


def build(case: Case, folder: Path) -> Materialised:
    """Materialise a case below a folder."""
    place = folder / case.name
    place.mkdir(parents=True)
    return materialise(case.text, place)
