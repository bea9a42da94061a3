"""Checks on what a service tells about its state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from checks.check import At, Sites, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.project import Project
from checks.project.routes import Route, is_infrastructure, segments
from checks.project.subjects import Call, Function
from checks.rules.applies import has_routes

HEALTH = ("/health*", "/ready*", "/live*")
_LIVENESS = ("/livez", "/readyz", "/healthz")
_EXTERNAL = (
    "httpx.", "requests.", "aiohttp.", "urllib3.", "urllib.request.", "boto3.", "aioboto3.",
    "smtplib.", "aiosmtplib.", "redis.", "kafka.", "aiokafka.", "pika.", "aio_pika.", "grpc.",
    "pymongo.", "motor.", "elasticsearch.", "opensearchpy.", "asyncpg.", "psycopg",
)  # fmt: skip
_PINGS = frozenset({"ping", "health_check", "check_connection", "is_connected", "server_info"})
_KEYS = {
    "version": frozenset("version app_version api_version build_version service_version".split()),
    "build-time": frozenset(
        "build_time built_at build_date build_timestamp buildtime build_at builddate".split()
    ),
    "commit": frozenset(
        "commit commit_hash commit_sha commit_id git_commit git_sha git_hash sha revision "
        "git_revision build_commit".split()
    ),
}
_DEGRADED = frozenset(
    "degraded unhealthy error fail failed failing down unavailable not_ready not-ready critical "
    "warning disconnected partial".split()
)


@check("health-endpoint", applies=has_routes)
def health_endpoint(
    project: Project, *, path: str = "/health*", probes: bool = False, fields: Sequence[str] = ()
) -> Sites:
    """Serve health endpoints.

    Load balancers and orchestrators ask it whether to send traffic or to restart; people ask
    it which version runs.

    Instead: add the endpoint, probe the dependencies in the readiness endpoint, report version
    and state.

    Known problems: an endpoint that a package registers by a mechanism of its own is seen only
    where the call names the path.
    """
    routes = [route for route in project.routes.handlers if _serves(route, path)]
    if not routes and _foreign(project, path):
        return Sites(1 + len(fields))
    found: list[At] = []
    if not routes:
        file, line = _place(project)
        found.append(At(line, f"no GET handler serves {path}", path=file, anchor=path))
    elif probes:
        found += _unprobed(routes, path)
    health = routes or [route for route in project.routes.handlers if _is_health(route)]
    found += [at for field in fields for at in _without(project, health, field)]
    return Sites(1 + len(fields), found)


def _serves(route: Route, path: str) -> bool:
    """Whether a handler answers GET under a health path."""
    wanted = (path, *_LIVENESS) if path.endswith("*") else (path,)
    return any(each.method == "GET" and _matches(each.path, wanted) for each in route.endpoints)


def _matches(path: str, wanted: Iterable[str]) -> bool:
    if is_infrastructure(path, wanted):
        return True
    return any("*" not in each and segments(path) == segments(each) for each in wanted)


def _is_health(route: Route) -> bool:
    return any(is_infrastructure(path, HEALTH) for path in route.paths)


def _place(project: Project) -> tuple[str, int]:
    """Where the repository is found wanting: its application, else its first handler."""
    applications = [app for app in project.routes.applications if app.call is not None]
    if applications:
        return applications[0].path, applications[0].line
    return project.routes.handlers[0].path, project.routes.handlers[0].line


def _nowhere(project: Project, field: str) -> At:
    file, line = _place(project)
    return At(line, f"no health endpoint reports {field}", path=file, anchor=field)


def _foreign(project: Project, path: str) -> bool:
    """Whether a package answers the path: registered by a call, mounted or included."""
    wanted = (path, *_LIVENESS) if path.endswith("*") else (path,)
    for file in project.routers.files:
        for call in file.calls_named("add_api_route", "add_route", "mount", "Route", "APIRoute"):
            value = call.arg(0, "path")
            text = Given(file, value, call.function).text if value is not None else None
            if text is not None and _matches(text, wanted):
                return True
        for call in file.calls_named("include_router"):
            value = call.arg(0, "router")
            name = "" if value is None else Given(file, value, call.function).name
            if project.layout.split(name) is None and "health" in name.lower():
                return True
    return False


# Probes -----------------------------------------------------------------------------------------


def _unprobed(routes: list[Route], path: str) -> Iterator[At]:
    if any(_probes(route) for route in routes):
        return
    route = routes[0]
    message = f"`{route.name}` serves {path} without probing anything"
    yield At(route.line, message, path=route.path, symbol=route.symbol, anchor=path)


def _probes(route: Route) -> bool:
    project = route.file.project
    functions = set(project.calls.reachable(route.function, 2))
    functions |= {dep.function for dep in route.dependencies if dep.function is not None}
    return any(_is_probe(project, call) for function in functions for call in function.calls)


def _is_probe(project: Project, call: Call) -> bool:
    if project.database.operation(call) or call.last in _PINGS:
        return True
    return call.name.startswith(_EXTERNAL)


# Fields -----------------------------------------------------------------------------------------


def _without(project: Project, routes: list[Route], field: str) -> Iterator[At]:
    if any(_reports(project, route, field) for route in routes):
        return
    if not routes:
        yield _nowhere(project, field)
        return
    route = routes[0]
    message = f"`{route.name}` does not report {field}"
    yield At(route.line, message, path=route.path, symbol=route.symbol, anchor=field)


def _reports(project: Project, route: Route, field: str) -> bool:
    """Whether a handler's answer, two levels deep, holds a field."""
    functions = project.calls.reachable(route.function, 2)
    if field == "degraded-state":
        return any(_degrades(function) for function in functions)
    wanted = _KEYS.get(field, frozenset({field}))
    keys = {key for function in functions for key in _keys(function)}
    keys |= _schema_fields(project, route)
    return any("_".join(words(key)) in wanted for key in keys)


def _keys(function: Function) -> Iterator[str]:
    """Keys of dict displays, items assigned and keyword arguments in a body."""
    facts = function.file.facts
    exprs: list[Expr] = [s.value for s in function.statements if s.value is not None]
    for fact in facts.assigns:
        if fact.function == function.index:
            exprs += [fact.value] if fact.value is not None else []
            for target in fact.targets:
                if isinstance(target, tree.Item):
                    yield tree.text_of(target.index) or ""
    for expr in exprs:
        for node in tree.walk(expr, facts):
            if isinstance(node, tree.Map):
                yield from (tree.text_of(key) or "" for key in node.keys)
            elif isinstance(node, tree.CallRef):
                yield from (item.name for item in facts.calls[node.index].keywords)


def _schema_fields(project: Project, route: Route) -> set[str]:
    """Fields of the schema that a handler declares as its response."""
    given = route.option("response_model")
    name = given.name if given is not None else ""
    if not name:
        name = route.file.project.values.of_annotation(
            route.file, route.function.fact.returns, route.function
        )
    cls = project.classes.by_key.get(name)
    return set() if cls is None else set(cls.attributes)


def _degrades(function: Function) -> bool:
    """Whether a status other than ok appears in a body."""
    facts = function.file.facts
    exprs = [s.value for s in function.statements if s.value is not None]
    exprs += [
        fact.value
        for fact in facts.assigns
        if fact.function == function.index and fact.value is not None
    ]
    for expr in exprs:
        for node in tree.walk(expr, facts):
            text = tree.text_of(node)
            if text is not None and text.lower() in _DEGRADED:
                return True
            if isinstance(node, tree.Name) and node.id.rpartition(".")[2].lower() in _DEGRADED:
                return True
    return False
