"""Checks of what the history says about releases and dependencies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.documents import read
from checks.facts.kinds import kind_of
from checks.project.project import Project
from checks.rules.applies import has_history, has_python
from checks.source import Change, Commit

_CHANGELOG = re.compile(r"(?:docs?/)?(?:CHANGELOG|CHANGES|HISTORY|NEWS)(?:\.(?:md|rst|txt))?", re.I)
_FRAGMENTS = re.compile(r"(?:changes|changelog\.d|newsfragments|news)/[^/]+\.[^/]+")
_SECTION = re.compile(r"unreleased|\bv?\d+\.\d+|\d{4}-\d{2}-\d{2}", re.IGNORECASE)
_BREAKING = re.compile(r"^[a-z]+(\([^()]*\))?!:", re.IGNORECASE)
_FOOTER = re.compile(r"^BREAKING[ -]CHANGE:", re.MULTILINE)
_TAG = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_DAY = 86_400


@check("changelog-maintained", applies=has_python)
def changelog_maintained(project: Project, *, window: int = 10) -> Answer:
    """A change log tells users what changed, breaking changes first of all.

    Instead: keep CHANGELOG.md with a section per version and name breaking changes in it.

    Known problems: whether the text tells the change is not judged, only that it was touched.
    """
    paths = [path for path in project.entries if _CHANGELOG.fullmatch(path)]
    if not any(_has_section(project, path) for path in paths):
        path = paths[0] if paths else ""
        return At(0, "There is no change log with a section of a version", path=path)
    if project.source.shallow:
        return None
    count, found = 0, []
    for commit in _unannounced(project, window):
        count += 1
        if commit is not None:
            text = f"Commit {commit.oid[:10]} breaks something that the change log does not tell"
            found.append(At(0, text, symbol=f"commit:{commit.oid}", anchor=commit.oid))
    return Sites(1 + count, found)


def _has_section(project: Project, path: str) -> bool:
    document = project.documents.get(path)
    if document is None:
        return False
    if document.sections:
        return any(_SECTION.search(section.title) for section in document.sections)
    return any(_SECTION.search(line) for line in document.text.splitlines())


def _unannounced(project: Project, window: int) -> Iterator[Commit | None]:
    """For each breaking change since the change log appeared: the commit, or None when told."""
    touched = {
        oid
        for oid, changes in project.source.changes()
        if any(_CHANGELOG.fullmatch(c.path) or _FRAGMENTS.fullmatch(c.path) for c in changes)
    }
    oldest_first = list(reversed(project.source.history()))
    start = next((n for n, commit in enumerate(oldest_first) if commit.oid in touched), None)
    if start is None:
        return
    for number in range(start, len(oldest_first)):
        commit = oldest_first[number]
        if not _breaks(commit):
            continue
        told = False
        for later in oldest_first[number : number + window + 1]:
            told = told or later.oid in touched
            if later is not commit and later.tags:
                break
        yield None if told else commit


def _breaks(commit: Commit) -> bool:
    if _BREAKING.match(commit.subject) or _FOOTER.search(commit.body):
        return True
    for tag in commit.tags:
        match = _TAG.fullmatch(tag)
        if match and int(match[1]) > 1 and match[2] == "0" and match[3] in {None, "0"}:
            return True
    return False


@check("dependency-update-cadence", applies=has_history)
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
    if not paths:
        return Skip("no lock file or pinned requirements file")
    times = {commit.oid: commit.time for commit in history}
    since = now - (months + 2) * 31 * _DAY
    rows = [_updates(project, path, times, since) for path in paths]
    starts = [start for _, start in rows if start is not None]
    if not starts:
        return Skip("the lock file has no history")
    path, first = paths[0], min(starts)
    updates = [time for found, _ in rows for time in found]
    active = {_month(commit.time) for commit in history}
    last = _month(now)
    judged = [
        month
        for month in _months_before(last, months)
        if month in active and _month(first) < month < last
    ]
    done = {_month(each) for each in updates}
    found = [
        At(0, f"No version was renewed in {month}", path=path, anchor=month)
        for month in judged
        if month not in done
    ]
    age = (now - max([*updates, first])) // _DAY
    if age > max_age_days:
        text = f"The newest version change is {age} days old"
        limit = f"{max_age_days} days"
        found.append(At(0, text, path=path, measured=f"{age} days", limit=limit, anchor=last))
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


def _updates(
    project: Project, path: str, times: dict[str, int], since: int
) -> tuple[list[int], int | None]:
    """Times of the commits that changed a version, and that of the first with the file.

    Of the files older than ``since`` only the last is read.
    """
    touched = [
        (times[oid], change)
        for oid, changes in project.source.changes()
        for change in changes
        if change.path == path and oid in times
    ]
    touched.sort(key=lambda each: each[0])
    if not touched:
        return [], None
    old = sum(1 for time, _ in touched if time < since)
    recent = touched[max(old - 1, 0) :]
    versions = _versions(project, path, [change for _, change in recent])
    found = []
    for (_, before), (time, after) in pairwise(recent):
        there, new = versions.get(before.new_oid, {}), versions.get(after.new_oid, {})
        if any(new[name] != version for name, version in there.items() if name in new):
            found.append(time)
    return found, touched[0][0]


def _versions(project: Project, path: str, changes: Sequence[Change]) -> dict[str, dict[str, str]]:
    """Version of each package by blob."""
    kind = kind_of(path)
    if kind is None:
        return {}
    oids = list(dict.fromkeys(change.new_oid for change in changes if change.new_oid))
    found: dict[str, dict[str, str]] = {}
    for oid, data in project.source.blobs(oids):
        document = read(kind, data)
        rows = {each.name: each.version for each in document.packages}
        found[oid] = rows or {each.name: each.spec for each in document.requirements}
    return found


def _month(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m")


def _months_before(last: str, count: int) -> list[str]:
    """The months that end with ``last``, oldest first."""
    year, month = int(last[:4]), int(last[5:])
    found = []
    for back in range(count, -1, -1):
        total = year * 12 + month - 1 - back
        found.append(f"{total // 12:04}-{total % 12 + 1:02}")
    return found
