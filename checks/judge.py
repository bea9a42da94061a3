"""Asks one check about one project and counts the answers; a crash costs that check only."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import msgspec

from checks.check import At, Check, Sites, Skip
from checks.model import Observation, Outcome
from checks.pathpatterns import PathPatterns
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.subjects import Call, Class, Except, File, Function, ImportedName, Loop, Raise
from checks.rules.specs import canonical

ROWS: dict[type, str] = {
    Function: "functions",
    Class: "classes",
    Call: "calls",
    Except: "excepts",
    Raise: "raises",
    Loop: "loops",
    ImportedName: "imports",
}
"""Populations that are rows of a file, by the attribute of the file that lists them."""
_REASON = 300


def answer(check: Check, project: Project, params: Mapping[str, Any]) -> Outcome:
    """The outcome of a check under some limits.

    Args:
        check: The check.
        project: What it is asked about.
        params: All limits, defaults merged in, with the general ``exempt`` list.

    Returns:
        ``measured`` with sites and observations in order of path and line; ``not-applicable``
        where a predicate says so or no site was found; ``unknown`` when the check crashed.
    """
    started = time.process_time()
    key = canonical(params)
    try:
        reason = next(filter(None, (applies(project) for applies in check.applies)), "")
        if reason:
            return Outcome(check=check.id, params=key, state="not-applicable", reason=reason)
        sites, observations = _count(check, project, dict(params))
    except Exception as fault:  # noqa: BLE001 - a check that breaks costs its own answer only
        reason = f"check failed: {type(fault).__name__}: {fault}"[:_REASON]
        return Outcome(check=check.id, params=key, state="unknown", reason=reason)
    seconds = time.process_time() - started
    if not sites:
        return Outcome(
            check=check.id, params=key, state="not-applicable", reason="no site", seconds=seconds
        )
    observations.sort(key=lambda each: (each.path, each.line, each.column, each.message))
    found = tuple(observations)
    return Outcome(
        check=check.id,
        params=key,
        sites=sites,
        observations=found,
        advisory=check.advisory,
        seconds=seconds,
    )


def _count(check: Check, project: Project, params: dict[str, Any]) -> tuple[int, list[Observation]]:
    # A check may have a limit of this name itself: names that it lets pass, no subjects.
    exempt = () if "exempt" in check.defaults else tuple(params.pop("exempt", ()))
    limits = {name: params[name] for name in check.defaults if name in params}
    observations: list[Observation] = []
    sites = 0
    for subject in _population(check, project):
        if exempt and _exempted(subject, exempt):
            continue
        for entry in limits[check.each] if check.each else (None,):
            given = (
                check.ask(subject, entry, **limits) if check.each else check.ask(subject, **limits)
            )
            if given is None or given == []:  # most subjects comply
                sites += 1
                continue
            count, found = _read(given, subject, entry)
            sites += count
            observations.extend(found)
    return sites, observations


def _population(check: Check, project: Project) -> Iterable[Any]:
    if check.population is Project:
        return (project,)
    if check.population is Route:
        return project.routes.handlers
    files = project.select(check.scope)
    if check.population is File:
        return files
    attribute = ROWS[check.population]
    return (row for file in files for row in getattr(file, attribute))


def _read(given: Any, subject: Any, entry: Any) -> tuple[int, list[Observation]]:
    """Sites and observations of one answer."""
    if isinstance(given, Skip):
        return 0, []
    if isinstance(given, Sites):
        return given.count, [_observe(at, subject, entry, "") for at in given.found]
    if isinstance(given, (str, At)):
        return 1, [_observe(_at(given, subject), subject, entry, "")]
    places = [_observe(_at(each, subject), subject, entry, "") for each in given]
    if len(places) < 2:
        return 1, places
    name = f"{_path(subject)}:{getattr(subject, 'line', 0)}:{'' if entry is None else entry}"
    return 1, [_named(place, name) for place in places]


def _named(place: Observation, site: str) -> Observation:
    return msgspec.structs.replace(place, site=site)


def _at(given: str | At, subject: Any) -> At:
    if isinstance(given, At):
        return given
    return At(getattr(subject, "line", 0), given)


def _path(subject: Any) -> str:
    return getattr(subject, "path", "")


def _observe(at: At, subject: Any, entry: Any, site: str) -> Observation:
    path = at.path or _path(subject)
    file = _file(subject, path)
    symbol = at.symbol or getattr(subject, "symbol", "")
    suppressed = bare = False
    if file is not None:
        symbol = symbol or (file.symbol_at(at.line) if at.line else "")
        covered = at.noqa_line or at.line
        suppressed = bool(at.code) and file.suppressed(covered, at.code)
        bare = suppressed and not file.suppressed(covered, at.code, reasoned=True)
    return Observation(
        path=path,
        line=at.line,
        end_line=max(at.end_line, at.line),
        column=at.column,
        symbol=symbol,
        message=at.message,
        measured=at.measured,
        limit=at.limit,
        weight=at.weight,
        suppressed=suppressed,
        bare=bare,
        anchor=at.anchor or at.code or ("" if entry is None else str(entry)),
        site=site,
    )


def _file(subject: Any, path: str) -> File | None:
    if isinstance(subject, File) and subject.path == path:
        return subject
    owner = getattr(subject, "file", None)
    if isinstance(owner, File) and owner.path == path:
        return owner
    project = (
        subject if isinstance(subject, Project) else getattr(owner or subject, "project", None)
    )
    return project.by_path.get(path) if isinstance(project, Project) else None


def _exempted(subject: Any, patterns: tuple[str, ...]) -> bool:
    """Whether a subject's file or qualified name is among the exempt ones."""
    path, symbol = _path(subject), getattr(subject, "symbol", "")
    if path and _spec(patterns).match(path):
        return True
    return bool(symbol) and any(fnmatchcase(symbol, pattern) for pattern in patterns)


@cache
def _spec(patterns: tuple[str, ...]) -> PathPatterns:
    return PathPatterns(patterns)
