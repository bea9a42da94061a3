"""Check of dependencies with known vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from packaging.version import InvalidVersion, Version

from checks.check import Answer, At, Sites, Skip, check
from checks.project.advisories import Advisories, Advisory
from checks.project.declared import DEV, RUNTIME, group_named, table_of
from checks.project.project import Project

_DAY = 86_400
_OPTIONS = ("--ignore-vuln", "--ignore", "-i")
_AUDITS = frozenset({"pip-audit", "pip_audit", "safety"})


class _Used(msgspec.Struct, frozen=True):
    """One package in the version in use, and where that stands."""

    name: str
    version: Version
    path: str
    line: int


@check("known-vulnerabilities", asks_source=True)
def known_vulnerabilities(
    project: Project, *, grace_days: int = 14, ignore: Sequence[str] = ()
) -> Answer:
    """No dependency has a known vulnerability.

    Who looks for a way in begins with the published ones.

    Instead: upgrade to the fixed version that the advisory names.

    Known problems: advisories are known up to the date of the table that the product brings
    along; without it nothing is judged. Which packages only development needs is known for those
    that a manifest names, not for what they bring along.
    """
    advisories = Advisories(project.tables)
    if not advisories.known:
        return Skip("no table of advisories")
    used = _in_use(project)
    if not used:
        return Skip("no lock file and no pins")
    ignored = {each.lower() for each in (*ignore, *_ignored(project))}
    # What was published after the last commit concerns it as well, as far as the table knows.
    until = max(project.source.time, advisories.newest + _DAY) - grace_days * _DAY
    found: list[At] = []
    for each in used:
        on = [
            advisory
            for advisory in advisories.on(each.name, each.version, until)
            if ignored.isdisjoint(map(str.lower, (advisory.id, *advisory.aliases, each.name)))
        ]
        if on:
            found.append(_at(project, each, on))
    return Sites(len(used), found)


def _at(project: Project, each: _Used, on: Sequence[Advisory]) -> At:
    ids = ", ".join(advisory.id for advisory in on[:4]) + (" ..." if len(on) > 4 else "")
    fixes = [fixed for advisory in on if (fixed := advisory.fixed_after(each.version)) is not None]
    newest = str(max(fixes)) if fixes else ""
    text = f"`{each.name}` {each.version} is affected by {ids}"
    text += f", fixed in {newest}" if newest else ", which no release fixes"
    weight = 0.5 if _is_for_development(project, each) else 1.0
    return At(
        each.line, text, path=each.path, measured=str(each.version), limit=newest, weight=weight,
        anchor=each.name,
    )  # fmt: skip


def _in_use(project: Project) -> list[_Used]:
    """Every locked package, and every pin of a folder that no lock speaks for."""
    found: dict[tuple[str, str, str], _Used] = {}
    locks = project.manifests.locks
    for lock in locks.all:
        for entries in lock.packages.values():
            for each in entries:
                if each.source in {"", "registry"}:
                    _enter(found, each.name, each.version, lock.path, each.line)
    for dependency in project.manifests.dependencies:
        spec = dependency.spec.strip()
        pinned = spec.startswith("==") and "," not in spec and not dependency.source
        above = locks.above(dependency.folder)
        if pinned and not any(dependency.name in lock.packages for lock in above):
            version = spec.lstrip("=").strip()
            _enter(found, dependency.name, version, dependency.path, dependency.line)
    return sorted(found.values(), key=lambda each: (each.path, each.line, each.name))


def _enter(
    found: dict[tuple[str, str, str], _Used], name: str, version: str, path: str, line: int
) -> None:
    try:
        found.setdefault((path, name, version), _Used(name, Version(version), path, line))
    except InvalidVersion:
        return


def _is_for_development(project: Project, each: _Used) -> bool:
    """Whether manifests name a package for development only, or its lock is one for that."""
    if group_named(each.path.rpartition("/")[2].rpartition(".")[0], RUNTIME) == DEV:
        return True
    groups = {d.group for d in project.manifests.dependencies if d.name == each.name}
    return groups == {DEV}


def _ignored(project: Project) -> Iterator[str]:
    """Ids that pip-audit or safety is told to leave out."""
    for written in project.scripts.commands:
        words = written.words
        if _AUDITS.isdisjoint(words):
            continue
        for place, word in enumerate(words):
            option, equals, value = word.partition("=")
            if option in _OPTIONS:
                yield value if equals else "".join(words[place + 1 : place + 2])
    for path, fact in project.documents.items():
        if path.rpartition("/")[2].startswith(".safety-policy."):
            given = table_of(fact.data, "security", "ignore-vulnerabilities")
            yield from map(str, given)
