"""Checks of documents against the history of what they describe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.globs import matcher
from checks.project.history import is_bot, is_release
from checks.project.project import Project
from checks.rules.applies import has_history
from checks.source import Change, Commit

_DAY = 86_400
_LOCK = re.compile(r"(?:^|/)(?:[^/]*\.lock|package-lock\.json|pnpm-lock\.yaml|pylock[\w.]*\.toml)$")
_BADGE = re.compile(
    r"\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)|!\[[^\]]*\]\([^)]*(?:badge|shields\.io)[^)]*\)"
    r"|<img[^>]*(?:badge|shields\.io)[^>]*>|^\.\. image::.*(?:badge|shields\.io).*$"
    r"|^\[[^\]]*\]:.*(?:badge|shields\.io).*$",
    re.MULTILINE,
)
_VERSION = re.compile(r"^\s*[\"']?(?:version|__version__|appVersion)[\"']?\s*[=:].*$", re.MULTILINE)
_SPACE = re.compile(r"\s+")
_SPARED = {_BADGE: "badges", _VERSION: "versions"}


class Touch(msgspec.Struct, frozen=True):
    """What one commit of the mainline did to one path; numbers count from the newest commit."""

    number: int
    commit: Commit
    path: str
    old_oid: str
    new_oid: str


@check("docs-freshness", applies=has_history, asks_source=True)
def docs_freshness(
    project: Project,
    *,
    docs: Sequence[str] = ("README*",),
    subjects: Sequence[str] = (
        "Dockerfile*", "docker-compose*", "compose*.y*ml", "pyproject.toml", ".env.example",
        "Makefile", "deploy/**", "k8s/**", "helm/**", "terraform/**", ".github/workflows/*deploy*",
    ),
    min_changes: int = 3,
    max_lag_days: int = 90,
) -> Answer:  # fmt: skip
    """Documents change with what they describe.

    Who follows a guide that is a year behind loses an afternoon, and then trusts no other one.

    Instead: review the document and update it.

    Known problems: whether a change concerns the document is not known, only that the files
    belong to its subject. A file that is renamed and changed at once counts as new.
    """
    paths = [path for path in project.entries if matcher(tuple(docs))(path)]
    if not paths:
        return Skip("no such document")
    steps = list(_steps(project))
    touches = list(_subject_touches(steps, matcher(tuple(subjects))))
    count, found = 0, []
    for path in paths:
        own, created = _followed(steps, path)
        if not any(each.number < created for each in touches):
            continue
        count += 1
        last = _last_change(project, own)
        links = _links(project, path)
        behind = [
            each for each in touches
            if last is not None and each.number < last.number and not _linked(each.path, links)
        ]  # fmt: skip
        commits = {each.commit.oid: each.commit for each in behind}
        if last is not None and len(commits) >= min_changes:
            newest = _differing(project, behind, _VERSION)
            fresh = {each.commit.oid for each in newest}
            days = (newest[0].commit.time - last.commit.time) // _DAY if newest else 0
            if len(fresh) >= min_changes and days > max_lag_days:
                found.append(_stale(path, newest, len(fresh), days, max_lag_days))
    return Sites(count, found) if count else Skip("nothing that the documents describe changed")


def _stale(path: str, newest: Sequence[Touch], changes: int, days: int, limit: int) -> At:
    change = newest[0]
    text = (
        f"`{path}` is {days} days behind `{change.path}`, changed by {change.commit.oid[:10]}, "
        f"and missed {changes} changes"
    )
    return At(0, text, path=path, measured=str(days), limit=str(limit), anchor="stale")


# History ------------------------------------------------------------------------------------------

type Step = tuple[int, Commit, Sequence[Change], frozenset[str]]
"""Number from the newest commit on, the commit, its changes, and blobs that only moved."""


def _steps(project: Project) -> Iterator[Step]:
    """The mainline, newest commit first."""
    source = project.source
    order = {oid: number for number, oid in enumerate(source.mainline())}
    commits = {commit.oid: commit for commit in source.history()}
    for oid, changes in source.changes():
        commit = commits.get(oid)
        if oid in order and commit is not None:
            added = {each.new_oid for each in changes if each.status == "A"}
            moved = {each.old_oid for each in changes if each.status == "D"} & added
            yield order[oid], _brought(commit, commits), changes, frozenset(moved)


def _brought(commit: Commit, commits: Mapping[str, Commit]) -> Commit:
    """A merge of what a bot wrote is the bot's."""
    merged = [commits[oid] for oid in commit.parents[1:] if oid in commits]
    if merged and all(is_bot(each) for each in merged):
        return msgspec.structs.replace(commit, author=merged[0].author, email=merged[0].email)
    return commit


def _subject_touches(steps: Sequence[Step], matches: Callable[[str], bool]) -> Iterator[Touch]:
    for number, commit, changes, moved in steps:
        touched = [each for each in changes if matches(each.path) and not _LOCK.search(each.path)]
        if not touched or is_bot(commit) or is_release(commit):
            continue
        for each in touched:
            if each.old_oid != each.new_oid and not {each.old_oid, each.new_oid} & moved:
                yield Touch(number, commit, each.path, each.old_oid, each.new_oid)


def _followed(steps: Sequence[Step], path: str) -> tuple[list[Touch], int]:
    """The commits that changed a document, through its renames, and the number of the first."""
    found: list[Touch] = []
    created = 0
    for number, commit, changes, moved in steps:
        change = next((each for each in changes if each.path == path), None)
        if change is None:
            continue
        created = number
        if change.status == "A" and change.new_oid in moved:
            path = next(
                each.path for each in changes
                if each.status == "D" and each.old_oid == change.new_oid
            )  # fmt: skip
            continue
        found.append(Touch(number, commit, path, change.old_oid, change.new_oid))
        if change.status == "A":
            break
    return found, created


# Contents -----------------------------------------------------------------------------------------


def _last_change(project: Project, touches: Sequence[Touch]) -> Touch | None:
    """The newest change of more than blanks and badges."""
    for each in touches:
        if _differing(project, [each], _BADGE):
            return each
    return None


def _differing(project: Project, touches: Sequence[Touch], spared: re.Pattern[str]) -> list[Touch]:
    """Those changes that change more than blanks and what a pattern spares."""

    def read(missing: Sequence[str]) -> Iterator[tuple[str, bool]]:
        pairs = {name: name.split(":") for name in missing}
        texts = project.trunk.texts(oid for pair in pairs.values() for oid in pair)
        for name, (old, new) in pairs.items():
            same = old in texts and new in texts and said(texts[old]) == said(texts[new])
            yield name, not same

    def said(text: bytes) -> str:
        return _SPACE.sub("", spared.sub("", text.decode("utf-8", "replace")))

    names = [f"{each.old_oid}:{each.new_oid}" for each in touches]
    known = project.source.remembered(f"beside {_SPARED[spared]}", bool).records(names, read)
    return [each for each, name in zip(touches, names, strict=True) if known[name]]


def _links(project: Project, path: str) -> list[str]:
    """Paths that a document links to."""
    document = project.documents.get(path)
    folder = path.rpartition("/")[0]
    found = []
    for section in document.sections if document is not None else ():
        for link in section.links:
            target = link.target.partition("#")[0].removeprefix("./").rstrip("/")
            if target and "://" not in target and not link.image:
                found += [target.lstrip("/"), f"{folder}/{target}" if folder else target]
    return found


def _linked(path: str, links: Sequence[str]) -> bool:
    return any(path == link or path.startswith(f"{link}/") for link in links)
