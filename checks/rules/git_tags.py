"""Checks of releases: how tags and versions are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.project.declared import table_of
from checks.project.manifests import is_auxiliary
from checks.project.project import Project
from checks.rules.applies import has_history
from checks.source import Commit

_NUMBER = r"(?:0|[1-9]\d*)"
_SEMVER = (
    rf"(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    r"(?P<pre>-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*|[-_.]?(?:a|b|c|rc|alpha|beta|pre|dev)[-_.]?\d*"
    r"(?:\.dev\d+)?)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_VERSION = re.compile(_SEMVER)
_COMPONENT = r"(?P<component>@?[A-Za-z][\w./-]*?[-/@_]|[\w.-]+/)?"
_ENVIRONMENT = re.compile(
    r"(?:.*[-/_])?(?:prod(?:uction)?|stag(?:e|ing)|dev(?:elop(?:ment)?)?|qa|uat|test|demo|sandbox"
    r"|preview|canary|deploy(?:ed|ment)?s?|nightly|build|ci|snapshot|backup|archive|latest"
    r"|weekly|daily|live)(?:[-/_.].*|\d*)",
    re.IGNORECASE,
)
_MOVING = re.compile(r"(?:v|.*[-_/@]v|.*[/@])?\d+")
_BREAKING = re.compile(r"^[A-Za-z]+(?:\([^()]*\))?!: ")
_START = frozenset({"0.0.0", "0.1.0"})


class _Tag(msgspec.Struct, frozen=True):
    """One release tag, with its version where it has a semantic one."""

    name: str
    commit: Commit
    component: str = ""
    version: tuple[int, int, int] = (0, 0, 0)
    rank: tuple[int, tuple[tuple[int, str], ...]] = (0, ())
    valid: bool = False

    @property
    def order(self) -> tuple[tuple[int, int, int], tuple[int, tuple[tuple[int, str], ...]]]:
        """What versions are compared by."""
        return self.version, self.rank


@check("semver-tags", applies=has_history, asks_source=True)
def semver_tags(project: Project, *, check_bumps: bool = False, prefix: str = "v?") -> Answer:
    """Releases are tagged by semantic version, and versions only rise.

    Who depends on a release can then tell from its number what an update may break.

    Instead: tag releases as ``v1.2.3`` and raise the version by the size of the change.

    Known problems: tags that the commit does not reach are not seen. Whether a change breaks
    something is known from its message only.
    """
    tags = list(_tags(project, re.compile(f"{_COMPONENT}(?:{prefix}){_SEMVER}")))
    declared = _declared(project)
    if not any(commit.tags for commit in project.history.commits) and (
        declared is None or declared[2] in _START
    ):
        return Skip("no tag and no version")
    found = {each.name: _at(each, "is no semantic version") for each in tags if not each.valid}
    for fault in _falling(project, tags):
        found.setdefault(fault.anchor, fault)
    for fault in _unraised(project, tags) if check_bumps else ():
        found.setdefault(fault.anchor, fault)
    places = list(found.values())
    if declared is not None and not _VERSION.fullmatch(declared[2]):
        path, line, version = declared
        text = f"The version `{version}` is no semantic version"
        places.append(At(line, text, path=path, anchor="version"))
    count = len(tags) + (declared is not None)
    return Sites(count, places) if count else Skip("no release tag and no version")


def _at(tag: _Tag, message: str) -> At:
    text = f"The tag `{tag.name}` {message}"
    return At(0, text, symbol=f"tag:{tag.name}", anchor=tag.name)


def _tags(project: Project, pattern: re.Pattern[str]) -> Iterator[_Tag]:
    """Tags that look like a release, newest first."""
    for commit in project.history.commits:
        for name in commit.tags:
            if not re.search(r"\d", name):
                continue
            match = pattern.fullmatch(name)
            if match is not None and not _ENVIRONMENT.fullmatch(match["component"] or ""):
                yield _read(name, commit, match)
            elif not _MOVING.fullmatch(name) and not _ENVIRONMENT.fullmatch(name):
                yield _Tag(name, commit)


def _read(name: str, commit: Commit, match: re.Match[str]) -> _Tag:
    version = (int(match["major"]), int(match["minor"]), int(match["patch"]))
    parts = re.findall(r"\d+|[A-Za-z]+", (match["pre"] or "").lower())
    rank = tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
    component = (match["component"] or "").lower()
    return _Tag(name, commit, component, version, (0 if parts else 1, rank), valid=True)


def _falling(project: Project, tags: list[_Tag]) -> Iterator[At]:
    """Tags of the mainline whose version is lower than that of an earlier one."""
    mainline = {oid: place for place, oid in enumerate(project.source.mainline())}
    rows = [tag for tag in tags if tag.valid and tag.commit.oid in mainline]
    rows.sort(key=lambda tag: (-mainline[tag.commit.oid], tag.order))
    highest: dict[str, _Tag] = {}
    for tag in rows:
        before = highest.get(tag.component)
        if before is None or before.order <= tag.order:
            highest[tag.component] = tag
        else:
            yield _at(tag, f"is lower than the earlier `{before.name}`")


def _unraised(project: Project, tags: list[_Tag]) -> Iterator[At]:
    """Tags that release a breaking change without raising the major version."""
    at = {tag.commit.oid: tag for tag in tags if tag.valid and not tag.component}
    current: _Tag | None = None
    breaking = False
    for commit in project.history.commits:
        tag = at.get(commit.oid)
        if tag is not None:
            if current is not None and breaking and not _raises(tag, current):
                yield _at(current, "releases a breaking change without a new major version")
            current, breaking = tag, False
        breaking = breaking or bool(
            _BREAKING.match(commit.subject) or "BREAKING CHANGE" in commit.body
        )


def _raises(before: _Tag, after: _Tag) -> bool:
    """Whether the first number was raised; below 1.0 the second one stands for it."""
    if before.version[0] == 0 == after.version[0]:
        return after.version[1] > before.version[1]
    return after.version[0] > before.version[0]


def _declared(project: Project) -> tuple[str, int, str] | None:
    """Path, line and text of the version of the manifest nearest to the root."""
    manifests = project.manifests
    for path in manifests.paths:
        if is_auxiliary(path):
            continue
        document = project.documents.get(path)
        if path in manifests.pyprojects and document is not None:
            for keys in (("project",), ("tool", "poetry")):
                version = table_of(manifests.pyprojects[path], *keys).get("version")
                if isinstance(version, str):
                    return path, document.line_of(".".join((*keys, "version"))), version
        elif path in manifests.setup_scripts:
            values, lines = manifests.setup_scripts[path]
            if isinstance(values.get("version"), str):
                return path, lines.get("version", 0), values["version"]
        elif document is not None and path.endswith("setup.cfg"):
            version = table_of(document.data, "metadata").get("version")
            if isinstance(version, str) and ":" not in version:
                return path, document.line_of("metadata.version"), version
    return None
