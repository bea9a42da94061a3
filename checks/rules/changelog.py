"""Checks of what is told about releases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import Answer, At, Sites, check
from checks.project.declared import table_of
from checks.project.project import Project
from checks.rules.applies import has_python
from checks.source import Commit

_CHANGELOG = re.compile(r"(?:docs?/)?(?:CHANGELOG|CHANGES|HISTORY|NEWS)(?:\.(?:md|rst|txt))?", re.I)
_FRAGMENTS = re.compile(r"(?:changes|changelog\.d|newsfragments|news)/[^/]+\.[^/]+")
_DRAFTER = re.compile(r"\.github/release-drafter[\w-]*\.ya?ml")
_SECTION = re.compile(r"unreleased|\bv?\d+\.\d+|\d{4}-\d{2}-\d{2}", re.IGNORECASE)
_BREAKING = re.compile(r"^[a-z]+(\([^()]*\))?!:", re.IGNORECASE)
_FOOTER = re.compile(r"^BREAKING[ -]CHANGE:", re.MULTILINE)
_TAG = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")


@check("changelog-maintained", applies=has_python, asks_source=True)
def changelog_maintained(project: Project, *, window: int = 10) -> Answer:
    """A change log tells users what changed, breaking changes first of all.

    Instead: keep CHANGELOG.md with a section per version and name breaking changes in it.

    Known problems: whether the text tells the change is not judged, only that it was touched.
    """
    paths = [path for path in project.entries if _CHANGELOG.fullmatch(path)]
    if not any(_has_section(project, path) for path in paths) and not _is_generated(project):
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


def _is_generated(project: Project) -> bool:
    """Whether release notes are put together by a tool, from fragments or from pull requests."""
    if any(_DRAFTER.fullmatch(path) or _FRAGMENTS.fullmatch(path) for path in project.entries):
        return True
    return any(
        table_of(data, "tool", "towncrier") for data in project.manifests.pyprojects.values()
    )


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
