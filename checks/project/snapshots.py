"""The project as it was at earlier commits of the mainline: its releases, or the ends of months.

Only files that may have a part in routes are read; all others are there without content, so that
imports still lead where they led.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts.tree import ENCODER, PyFacts, dotted
from checks.project.layout import excluded_path

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import File
    from checks.project.trunk import Step
    from checks.source import Commit

MOST = 6
"""Snapshots that are read: the newest, and some that are spread over what is older."""
_NEWEST = 3
_RELEASE = re.compile(r"(?:^|.*[-_/])v?(\d+)(?:\.\d+)*", re.IGNORECASE)
_PART = re.compile(rb"APIRouter|FastAPI|add_api_route|router|prefix|PREFIX|API_V\d")
_MODULES = ("fastapi", "starlette", "router")
_NAMES = ("prefix", "api_v", "router")


class Snapshot(msgspec.Struct, frozen=True):
    """The project at one commit.

    Attributes:
        oid: The commit.
        name: The tag, or the month.
        time: Committer date in seconds since the epoch.
        number: Place of the commit on the mainline, counted from the first one.
        project: What the files said then.
    """

    oid: str
    name: str
    time: int
    number: int
    project: Project


class Version(msgspec.Struct, frozen=True):
    """A file as one commit of the mainline left it.

    Attributes:
        step: The commit.
        text: The content, "" where the commit deleted the file.
    """

    step: Step
    text: str


class Snapshots:
    """Reads earlier states of a project; each kind once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._taken: dict[str, list[Snapshot]] = {}
        self._versions: dict[str, list[Version]] = {}

    def moments(self, kind: str) -> list[tuple[Commit, str]]:
        """The commits of the mainline that count, oldest first: ``tags`` or ``months``."""
        source = self.project.source
        commits = {commit.oid: commit for commit in source.history()}
        line = [commits[oid] for oid in reversed(source.mainline()) if oid in commits]
        if kind == "tags":
            return [(c, name) for c in line if (name := next(filter(is_release, c.tags), ""))]
        last = {_month(commit): commit for commit in line}
        return [(commit, month) for month, commit in last.items()]

    def taken(self, kind: str) -> list[Snapshot]:
        """The snapshots of a kind before the checked commit, oldest first."""
        known = self._taken.get(kind)
        if known is None:
            moments = [m for m in self.moments(kind) if m[0].oid != self.project.source.commit]
            known = self._taken[kind] = list(self._read(_chosen(moments)))
        return known

    def versions(self, path: str) -> list[Version]:
        """What the mainline made of a file, oldest first."""
        known = self._versions.get(path)
        if known is None:
            rows = self._changed.get(path, [])
            texts = self.project.trunk.texts(oid for _, oid in rows)
            known = self._versions[path] = [
                Version(step, texts.get(oid, b"").decode("utf-8", "replace")) for step, oid in rows
            ]
        return known

    @cached_property
    def _changed(self) -> dict[str, list[tuple[Step, str]]]:
        """Commits that changed a file, with the blob it became, by path."""
        found: dict[str, list[tuple[Step, str]]] = {}
        for step in self.project.trunk.steps:
            for change in step.changes:
                found.setdefault(change.path, []).append((step, change.new_oid))
        return found

    def last_step(self, number: int) -> Step:
        """The last commit up to a place on the mainline that changed Python files."""
        steps = self.project.trunk.steps
        return steps[max(bisect_right(steps, number, key=lambda step: step.number) - 1, 0)]

    def _read(self, moments: list[tuple[Commit, str]]) -> Iterator[Snapshot]:
        order = {oid: n for n, oid in enumerate(reversed(self.project.source.mainline()))}
        trees = self._trees({order[commit.oid] for commit, _ in moments})
        now = {file.oid for file in self.project.files}
        wanted = {oid for tree in trees.values() for oid in tree.values()} - now
        texts = self.project.trunk.texts(wanted)
        self.project.trunk.read(oid for oid, text in texts.items() if _PART.search(text))
        for commit, name in moments:
            number = order[commit.oid]
            python = {path: (oid, self._encoded(oid)) for path, oid in trees[number].items()}
            yield Snapshot(commit.oid, name, commit.time, number, self._project(python))

    def _trees(self, numbers: set[int]) -> dict[int, dict[str, str]]:
        """Python files by path at some commits of the mainline: what later ones did is undone."""
        tree = {file.path: file.oid for file in self.project.files}
        found: dict[int, dict[str, str]] = {}
        waiting = sorted(numbers)
        for step in reversed(self.project.trunk.steps):
            while waiting and waiting[-1] >= step.number:
                found[waiting.pop()] = dict(tree)
            for change in step.changes:
                if excluded_path(change.path):
                    continue
                if change.old_oid:
                    tree[change.path] = change.old_oid
                else:
                    tree.pop(change.path, None)
        for number in waiting:
            found[number] = dict(tree)
        return found

    def _encoded(self, oid: str) -> bytes | None:
        """The facts of a blob, None where it has no part in routes."""
        file = self._by_oid.get(oid)
        if file is not None:
            return file.encoded if file.parsed and _matters(file.facts) else None
        facts = self.project.trunk.facts(oid)
        return ENCODER.encode(facts) if facts.statements_count else None

    @cached_property
    def _by_oid(self) -> dict[str, File]:
        """The files of the checked commit by the blobs that they are."""
        return {file.oid: file for file in self.project.files}

    def _project(self, python: dict[str, tuple[str, bytes | None]]) -> Project:
        made = type(self.project)
        return made(
            self.project.source,
            entries=self.project.source.tree(),
            python=python,
            documents=self.project.documents,
            lint={},
        )


def is_release(tag: str) -> bool:
    """Whether a tag names a finished release: a version or a date, nothing before 1.0."""
    match = _RELEASE.fullmatch(tag)
    return match is not None and (int(match[1]) > 0)


def _month(commit: Commit) -> str:
    return datetime.fromtimestamp(commit.time, UTC).strftime("%Y-%m")


def _chosen(moments: list[tuple[Commit, str]]) -> list[tuple[Commit, str]]:
    """The newest moments, and a few that are spread evenly over the older ones."""
    if len(moments) <= MOST:
        return moments
    older, newest = moments[:-_NEWEST], moments[-_NEWEST:]
    count = MOST - _NEWEST
    return [older[n * (len(older) - 1) // (count - 1)] for n in range(count)] + newest


def _matters(facts: PyFacts) -> bool:
    """Whether a file may have a part in routes: it imports routers, or holds a prefix."""
    if any(word in f"{row.module}.{row.name}" for row in facts.imports for word in _MODULES):
        return True
    names = (dotted(target).lower() for row in facts.assigns for target in row.targets)
    return any(word in name for name in names for word in _NAMES)
