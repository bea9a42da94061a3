"""Checks of what an API has promised in earlier releases."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from checks.check import At, Sites, Skip, check
from checks.project.once import once
from checks.project.project import Project
from checks.project.routes import Endpoint, Route, is_infrastructure
from checks.project.snapshots import Snapshot
from checks.rules.api_bodies import has_no_default
from checks.rules.applies import has_history
from checks.rules.paths import is_flagged, sends_header
from checks.rules.validation import INFRASTRUCTURE

type _Key = tuple[str, str]

_DAY = 86_400
_PARAMETER = re.compile(r"\{[^{}]*\}")
_VERSION = re.compile(r"(?:/[^/{}]+)*?/v\d+(?=/|$)")
_OPEN = (*INFRASTRUCTURE, "/docs*", "/redoc*", "/openapi.json")


class _Seen(msgspec.Struct, frozen=True):
    """An endpoint as one snapshot has it.

    Attributes:
        snapshot: The snapshot.
        route: The handler.
        endpoint: The method and path.
    """

    snapshot: Snapshot
    route: Route
    endpoint: Endpoint

    @property
    def is_deprecated(self) -> bool:
        """Whether clients were told that it will go."""
        return is_flagged(self.endpoint) or sends_header(self.snapshot.project, self.route)


@check("api-backward-compatible", applies=has_history, asks_source=True)
def api_backward_compatible(
    project: Project,
    *,
    min_notice_days: int = 0,
    snapshots: str = "tags",
    compare_schemas: bool = False,
) -> Sites | Skip:
    """Do not break published endpoints.

    Somebody calls what was released; what goes without notice breaks them on the day of the
    update.

    Instead: restore the endpoint, or deprecate it first and remove it in the next major version.

    Known problems: six snapshots are read, the newest and some spread over the older ones; tags
    before 1.0, and those of other branches than the mainline, are left out. How long an endpoint
    was deprecated is told by the snapshots. Fields are compared by their names on the first level.
    """
    if len(project.snapshots.moments(snapshots)) < 2:
        return Skip("fewer than two releases")
    published = _published(project, snapshots)
    if not published:
        return Skip("no endpoint under a version prefix was released")
    now = _current(project)
    versions = {match[0] for _, path in now if (match := _VERSION.match(path))}
    maybe = _unclear(project)
    found = []
    for key, seen in published.items():
        if key in now:
            message = _lost_fields(seen[-1], now[key]) if compare_schemas else ""
            if message:
                found.append(_at(now[key], message, key))
        elif not _is_hidden(project, seen[-1], maybe):
            at = _removed(project, key, seen, versions, min_notice_days, snapshots)
            found += [] if at is None else [at]
    return Sites(len(published), found)


# What was and what is -----------------------------------------------------------------------------


def _key(endpoint: Endpoint) -> _Key:
    return endpoint.method, _PARAMETER.sub("{}", endpoint.path).rstrip("/")


def _endpoints(project: Project) -> Iterator[tuple[Route, Endpoint]]:
    for route in project.routes.handlers:
        if route.file.is_production:
            yield from ((route, each) for each in route.endpoints if each.method != "HEAD")


@once
def _published(project: Project, kind: str) -> dict[_Key, list[_Seen]]:
    """Endpoints below a version prefix, with the snapshots that have them, oldest first."""
    found: dict[_Key, list[_Seen]] = {}
    for snapshot in project.snapshots.taken(kind):
        for route, endpoint in _endpoints(snapshot.project):
            lost = not endpoint.mounted and bool(snapshot.project.routes.applications)
            if endpoint.partial or lost or not _VERSION.match(endpoint.path):
                continue
            if route.in_schema and not is_infrastructure(endpoint.path, _OPEN):
                found.setdefault(_key(endpoint), []).append(_Seen(snapshot, route, endpoint))
    return found


@once
def _current(project: Project) -> dict[_Key, Route]:
    return {_key(endpoint): route for route, endpoint in _endpoints(project)}


def _unclear(project: Project) -> list[str]:
    """Paths of which the beginning cannot be known."""
    return [_key(endpoint)[1] for _, endpoint in _endpoints(project) if endpoint.partial]


def _is_hidden(project: Project, seen: _Seen, maybe: list[str]) -> bool:
    """Whether an endpoint may be there still: its file cannot be read, or a prefix is unknown."""
    file = project.by_path.get(seen.route.path)
    if file is not None and not file.parsed:
        return True
    own = _PARAMETER.sub("{}", seen.route.own_path).rstrip("/")
    return bool(own) and any(path.endswith(own) for path in maybe)


# What is gone -------------------------------------------------------------------------------------


def _removed(
    project: Project, key: _Key, seen: list[_Seen], versions: set[str], days: int, kind: str
) -> At | None:
    """The finding for an endpoint that is gone, None where it went as announced."""
    last = seen[-1]
    path, line = last.endpoint.path, last.route.line
    match = _VERSION.match(path)
    if match is None or (match[0] not in versions and not days):
        return None
    oid, time = _remover(project, last, kind)
    told = next((each.snapshot.time for each in seen if each.is_deprecated), 0)
    if told and time - told >= days * _DAY:
        return None
    message = f"{key[0]} {path} of {last.snapshot.name} was removed in {oid[:10]} " + (
        "after less notice than agreed" if told else "without being deprecated before"
    )
    notice = max(time - told, 0) // _DAY if told else 0
    return At(line, message, path=last.route.path, symbol=f"commit:{oid}",
              measured=f"{notice} days", limit=f"{days} days",
              anchor=f"{key[0]} {key[1]}")  # fmt: skip


def _remover(project: Project, seen: _Seen, kind: str) -> tuple[str, int]:
    """The commit of the mainline that removed an endpoint, and its date.

    The first one after the last snapshot with it whose version of the handler's file has the
    handler no more; where the file still has it, the last commit that changed Python files.
    """
    snapshots = project.snapshots
    had = seen.snapshot.number
    later = [each.number for each in snapshots.taken(kind) if each.number > had]
    until = later[0] if later else project.trunk.steps[-1].number
    name = re.compile(rf"\bdef {re.escape(seen.route.name)}\b")
    touching = [v for v in snapshots.versions(seen.route.path) if had < v.step.number <= until]
    for version in touching:
        if not name.search(version.text):
            return version.step.oid, version.step.time
    if touching:
        return touching[-1].step.oid, touching[-1].step.time
    step = snapshots.last_step(until)
    return step.oid, step.time


# What changed -------------------------------------------------------------------------------------


def _at(route: Route, message: str, key: _Key) -> At:
    return At(route.line, message, path=route.path, symbol=route.symbol,
              anchor=f"{key[0]} {key[1]} fields")  # fmt: skip


def _lost_fields(old: _Seen, route: Route) -> str:
    """What the schemas of an endpoint lost, or newly require, "" for nothing."""
    before, after = _response_fields(old.route), _response_fields(route)
    if before and after and (lost := sorted(before - after)):
        return f"the response of `{route.name}` lost {', '.join(lost)} since {old.snapshot.name}"
    asked = sorted(_required_fields(route) - _required_fields(old.route))
    if asked and _required_fields(old.route):
        return f"`{route.name}` newly requires {', '.join(asked)} since {old.snapshot.name}"
    return ""


def _response_fields(route: Route) -> set[str]:
    schemas = route.file.project.schemas
    response = schemas.response_type(route)
    classes = schemas.contained(response) if response is not None else ()
    return {field.wire_name for cls in classes for field in schemas.fields(cls).values()}


def _required_fields(route: Route) -> set[str]:
    project = route.file.project
    return {
        field.wire_name
        for slot in project.parameters.of(route)
        if slot.kind == "body" and slot.type is not None
        for cls in project.schemas.contained(slot.type)
        for field in project.schemas.fields(cls).values()
        if has_no_default(field)
    }
