"""Check of how far the versions in use lie behind the newest releases."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from checks.check import Answer, At, Sites, Skip, check
from checks.project.declared import RUNTIME, Dependency, specifiers
from checks.project.project import Project
from checks.project.releases import Release, Releases
from checks.rules.applies import has_manifest

_DAY = 86_400
_FIRST_YEAR = 1990


class _InUse(msgspec.Struct, frozen=True):
    """One direct dependency with the version in use, and where that stands."""

    dependency: Dependency
    version: Version
    path: str
    line: int


@check("dependency-freshness", applies=has_manifest, asks_source=True)
def dependency_freshness(
    project: Project,
    *,
    packages: Sequence[str] = (),
    rules: Sequence[str] = ("latest",),
    max_minor_lag: int = 1,
    grace_days: int = 60,
) -> Answer:
    """Dependencies are final releases, and not far behind the newest ones.

    Old releases get no security fixes, and the longer one waits the harder the update.

    Instead: upgrade the package and renew the lock.

    Known problems: releases are known up to the date of the table that the product brings along;
    a package that is not in it is not judged, and without the table nothing is.
    """
    releases = Releases(project.tables)
    if not releases:
        return Skip("no table of releases")
    wanted = {canonicalize_name(name) for name in packages}
    now = max(project.source.time, releases.newest)
    count, found = 0, list[At]()
    for each in _in_use(project):
        known = releases.final(each.dependency.name, now)
        if not known or (wanted and each.dependency.name not in wanted):
            continue
        aged = releases.final(each.dependency.name, now - grace_days * _DAY)
        for rule in rules:
            count += 1
            if rule == "stable-release":
                fault = "is a pre-release" if each.version.is_prerelease else ""
            else:
                behind = is_behind(each.version, aged, max_minor_lag)
                fault = f"is behind {known[-1].version}" if behind else ""
            if fault:
                found.append(_at(project, each, fault, str(known[-1].version)))
    return Sites(count, found) if count else Skip("no version in use that the table knows")


def _at(project: Project, each: _InUse, fault: str, newest: str) -> At:
    name = each.dependency.name
    text = f"`{name}` {each.version} {fault}"
    weight = 0.5 if _is_explained(project, each.dependency) else 1.0
    return At(each.line, text, path=each.path, measured=str(each.version), limit=newest,
              weight=weight, anchor=name)  # fmt: skip


def is_behind(version: Version, releases: Sequence[Release], max_lag: int) -> bool:
    """Whether a version lies a major release, or more minor ones than allowed, behind others."""
    newer = [row.version for row in releases if row.version > version]
    if not newer:
        return False
    newest = max(newer)
    by_date = _is_calendar(releases)
    if newest.major > version.major and not by_date:
        return True
    if version.major == 0 and not by_date:
        return newest.minor > version.minor
    series = {(each.major, each.minor) for each in newer} - {(version.major, version.minor)}
    return len(series) > max_lag


def _is_calendar(releases: Sequence[Release]) -> bool:
    """Whether a package counts versions by the year: no year is a major release."""
    newest = max(releases, key=lambda row: row.version)
    year = int(newest.date[:4]) if newest.date[:4].isdigit() else 0
    return newest.version.major >= _FIRST_YEAR or newest.version.major in {
        year % 100, (year - 1) % 100
    }  # fmt: skip


def _in_use(project: Project) -> list[_InUse]:
    """Every direct runtime dependency once, in the version that a lock or a pin gives it."""
    found: dict[tuple[str, str], _InUse] = {}
    for each in project.manifests.dependencies:
        if each.group != RUNTIME or each.source or (each.folder, each.name) in found:
            continue
        place = _locked(project, each) or _pinned(each)
        if place is not None:
            found[each.folder, each.name] = place
    return list(found.values())


def _locked(project: Project, each: Dependency) -> _InUse | None:
    for lock in reversed(project.manifests.locks.above(each.folder)):
        for entry in lock.packages.get(each.name, ()):
            version = _version(entry.version)
            if version is not None and entry.source in {"", "registry"}:
                return _InUse(each, version, lock.path, entry.line)
    return None


def _pinned(each: Dependency) -> _InUse | None:
    spec = each.spec.strip()
    version = _version(spec.lstrip("=")) if spec.startswith("==") and "," not in spec else None
    return None if version is None else _InUse(each, version, each.path, each.line)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _is_explained(project: Project, each: Dependency) -> bool:
    """Whether a comment beside an upper bound says why newer versions do not fit."""
    bounds = specifiers(each.spec) or ()
    if not each.line or not any(bound.operator in {"<", "<=", "=="} for bound in bounds):
        return False
    entry = project.blobs.get(each.path)
    for _, content in project.source.blobs([entry.oid] if entry else []):
        lines = content.decode("utf-8", "replace").splitlines()[: each.line]
        if not lines:
            return False
        above = lines[-2].strip() if len(lines) > 1 else ""
        return " #" in lines[-1] or above.startswith("#")
    return False
