"""Checks of how often dependencies are renewed, as the history of the lock file tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.kinds import kind_of
from checks.project.project import Project
from checks.rules.applies import has_history

_DAY = 86_400
_BATCH = 4


@check("dependency-update-cadence", applies=has_history, asks_source=True)
def dependency_update_cadence(
    project: Project, *, months: int = 6, max_age_days: int = 35, min_history_days: int = 60
) -> Answer:
    """Dependencies are renewed every month.

    Small steps are easy to check; a year's worth at once is a project of its own.

    Instead: let a bot renew the lock file, or run ``uv lock --upgrade`` every month.

    Known problems: a version that a range alone moves is seen only through the lock file.
    """
    history = project.source.history()
    now = project.source.time
    if not history or now - min(each.time for each in history) < min_history_days * _DAY:
        return Skip(f"the history is shorter than {min_history_days} days")
    paths = _locks(project)
    steps = _steps(project, paths)
    if not steps:
        return Skip("no lock file or pinned requirements file with a history")
    versions = _Versions(project)
    path, last, first = paths[0], _month(now), steps[-1].time
    active = {_month(commit.time) for commit in history}
    judged = [
        month
        for month in _months_until(last, months)
        if month in active and _month(first) < month < last
    ]
    found = [
        At(0, f"No version was renewed in {month}", path=path, anchor=month)
        for month in judged
        if not any(versions.renewed(step for step in steps if _month(step.time) == month))
    ]
    recent = [step for step in steps if now - step.time <= max_age_days * _DAY]
    if not any(versions.renewed(recent)):
        older = (step for step in steps if now - step.time > max_age_days * _DAY)
        since = next(versions.renewed(older), first)
        age, limit = f"{(now - since) // _DAY} days", f"{max_age_days} days"
        text = f"The newest version change is {age} old"
        found.append(At(0, text, path=path, measured=age, limit=limit, anchor=last))
    return Sites(len(judged) + 1, found)


def _locks(project: Project) -> list[str]:
    """The lock file nearest to the root, else all requirements files that pin."""
    paths = sorted(project.documents, key=lambda path: (path.count("/"), path))
    locks = [path for path in paths if project.documents[path].kind == "lock"]
    return locks[:1] or [
        path
        for path in paths
        if any(each.spec.startswith("==") for each in project.documents[path].requirements)
    ]


class _Step(msgspec.Struct, frozen=True):
    """One commit that touched a lock file: its date, and the file before and after."""

    time: int
    path: str
    before: str
    after: str


def _steps(project: Project, paths: Sequence[str]) -> list[_Step]:
    """Every commit that touched one of the files, newest first."""
    wanted = set(paths)
    times = {commit.oid: commit.time for commit in project.source.history()}
    found = [
        _Step(times[oid], change.path, change.old_oid, change.new_oid)
        for oid, changes in project.source.changes()
        if oid in times
        for change in changes
        if change.path in wanted
    ]
    return sorted(found, key=lambda step: -step.time)


class _Versions:
    """Versions by blob, read a few at a time and only as far as an answer needs them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[str, dict[str, str]] = {}

    def renewed(self, steps: Iterator[_Step] | Sequence[_Step]) -> Iterator[int]:
        """Dates of the steps that changed the version of a package there before and after."""
        batch: list[_Step] = []
        for step in steps:
            if step.before and step.after:
                batch.append(step)
            if len(batch) == _BATCH:
                yield from self._changed(batch)
                batch = []
        yield from self._changed(batch)

    def _changed(self, batch: Sequence[_Step]) -> Iterator[int]:
        self._read(batch)
        for step in batch:
            before, after = self._known.get(step.before, {}), self._known.get(step.after, {})
            if any(after.get(name, version) != version for name, version in before.items()):
                yield step.time

    def _read(self, batch: Sequence[_Step]) -> None:
        wanted: dict[str, list[str]] = {}
        for step in batch:
            kind = kind_of(step.path)
            if kind is not None:
                wanted.setdefault(kind, []).extend((step.before, step.after))
        read, analyses = self._project.source.blobs, self._project.analyses
        for name, oids in wanted.items():
            missing = [oid for oid in oids if oid not in self._known]
            for oid, document in analyses.documents(name, missing, read).items():
                rows = {each.name: each.version for each in document.packages}
                self._known[oid] = rows or {each.name: each.spec for each in document.requirements}


def _month(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m")


def _months_until(last: str, count: int) -> list[str]:
    """The ``count`` months before ``last``, and ``last`` itself, oldest first."""
    latest = int(last[:4]) * 12 + int(last[5:]) - 1
    numbers = range(latest - count, latest + 1)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]
