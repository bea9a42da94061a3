"""Checks of rate limits: of the service and of each public endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.conditions import words
from checks.project.given import Given, argument, source
from checks.project.limiters import SLOWAPI
from checks.project.project import Project
from checks.project.routes import Route, is_infrastructure
from checks.project.subjects import Call
from checks.project.surroundings import function_texts
from checks.rules.applies import has_routes

_PROXY = (
    "limit_req ", "limit_req_zone", "ratelimit", "limit-rps", "limit-rpm", "limit-connections",
    "rate_limit", "rate-limit", "rate_based_statement",
)  # fmt: skip
_ADDRESSES = frozenset({"get_remote_address", "get_ipaddr", "get_ip", "get_real_ip"})
_WHO = ("client", "user", "token", "ip", "host", "forwarded", "key", "sub", "tenant", "auth")
_SHARED = ("redis", "memcached", "mongodb", "valkey", "etcd", "postgres")
_ASKING = (["get"], ["require"], ["ensure"], ["check"], ["extract"], ["current"], ["verify"])
_INFRASTRUCTURE = ("/", "/health*", "/ready*", "/live*", "/metrics", "/docs*", "/openapi.json")


@check("rate-limiting", each="aspects")
def rate_limiting(
    project: Project, aspect: str, *, aspects: Sequence[str] = ("enabled",)
) -> Answer:
    """Requests are limited in number.

    Without a limit one client guesses passwords, or takes the service from all others.

    Instead: attach a limiter with a shared storage and its exception handler.

    Known problems: limits of a gateway outside the repository cannot be seen. A limiter of our
    own is told by answering 429. The other aspects are judged where a limiter of slowapi or
    Flask-Limiter is made; those of fastapi-limiter hold for all of them by default.
    """
    applications = project.entrypoints.web
    if not applications:
        return Skip("no web application")
    if aspect == "enabled":
        if project.limiters.is_attached or _by_proxy(project) or _in_django(project):
            return None
        first = applications[0]
        return At(first.line, "No rate limiter is attached", path=first.path, anchor=aspect)
    limiters = project.limiters.constructed
    if not limiters:
        return Skip("no limiter is constructed")
    failing = [(call, text) for call in limiters if (text := _ASPECTS[aspect](call))]
    return [At(call.line, text, path=call.path, anchor=aspect) for call, text in failing] or None


def _by_proxy(project: Project) -> bool:
    text = project.proxies.text.lower()
    return any(word in text for word in _PROXY) or any(
        path.endswith(".tf") and "rate_based_statement" in fact.text
        for path, fact in project.documents.items()
    )


def _in_django(project: Project) -> bool:
    """Whether the framework's throttling is set up."""
    return any(
        tree.text_of(node) == "DEFAULT_THROTTLE_CLASSES"
        for file in project.production
        for row in file.tables.assigns_to.get("REST_FRAMEWORK", ())
        for node in tree.walk(row.value)
    )


# Aspects: what is wrong with a limiter, "" for nothing --------------------------------------------


def _key(call: Call) -> str:
    value = call.arg(0, "key_func")
    if value is None:
        return "The limiter has no key"
    given = source(Given(call.file, value, call.function))
    last = given.name.rpartition(".")[2]
    function = call.file.project.names.function_named(given.name) if given.name else None
    if last in _ADDRESSES or function is None:
        is_fixed = (
            isinstance(given.expr, tree.Op)
            and given.expr.kind == "Lambda"
            and all(isinstance(item, tree.Const) for item in given.expr.items)
        )
        return "The limiter has the same key for everybody" if is_fixed else ""
    said = " ".join(
        [*function_texts(function)]
        + [
            node.id if isinstance(node, tree.Name) else getattr(node, "attr", "")
            for place in function.file.tables.expressions.get(function.index, ())
            for node in tree.walk(place.expr, function.file.facts)
        ]
    ).lower()
    if any(word in said for word in _WHO):
        return ""
    return "The key of the limiter is neither the address nor the user"


def _retry_after(call: Call) -> str:
    enabled = argument(call, ("headers_enabled",))
    if enabled is not None and enabled.value is not False:
        return ""
    project = call.file.project
    for handler in project.routes.exception_handlers:
        if any(name.endswith(".RateLimitExceeded") for name in handler.types):
            reached = project.calls.reachable(handler.function, 1)
            if any("retry-after" in text for each in reached for text in function_texts(each)):
                return ""
    if project.surroundings.says("retry-after"):
        return ""
    return "Nothing sets `Retry-After` when the limit is exceeded"


def _status(call: Call) -> str:
    project = call.file.project
    for handler in project.routes.exception_handlers:
        if any(name.endswith(".RateLimitExceeded") for name in handler.types):
            statuses = {
                status
                for each in project.calls.reachable(handler.function, 1)
                for status in project.limiters.statuses(each)
            }
            if statuses and 429 not in statuses:
                return "The handler of an exceeded limit does not answer 429"
    return ""


def _storage(call: Call) -> str:
    text = "The limiter counts in the memory of each process"
    given = argument(call, ("storage_uri", "storage"))
    if given is None:
        return "" if call.spreads or _is_configured(call) else text
    value = source(given).value
    if isinstance(value, str):
        return "" if any(word in value.lower() for word in _SHARED) else text
    if any(word in tree.dotted(given.expr).lower() for word in _SHARED):
        return ""
    return text if isinstance(given.expr, tree.Const) else ""


def _is_configured(call: Call) -> bool:
    """Flask-Limiter takes its storage from the configuration of the application."""
    return call.name not in SLOWAPI and any(
        tree.text_of(node) == "RATELIMIT_STORAGE_URI"
        for file in call.file.project.production
        for row in file.facts.assigns
        for target in row.targets
        for node in tree.walk(target)
    )


_ASPECTS: Mapping[str, Callable[[Call], str]] = {
    "keyed": _key,
    "retry-after": _retry_after,
    "status-429": _status,
    "shared-storage": _storage,
}


# Endpoints ----------------------------------------------------------------------------------------


@check("rate-limit-per-endpoint", applies=has_routes)
def rate_limit_per_endpoint(
    project: Project, *, scope: str = "public", infrastructure: Sequence[str] = _INFRASTRUCTURE
) -> Answer:
    """Endpoints that everybody may call have a limit of their own.

    A limit for the whole service is too wide for a login and too narrow for a search.

    Instead: ``@limiter.limit(...)`` below the route decorator, or a limiting dependency.

    Known problems: an endpoint counts as public when no dependency turns strangers away, nor a
    decorator or middleware. A limiter of our own that the body asks counts as a limit.
    """
    handlers = [route for route in project.routes.handlers if route.file.is_production]
    if not handlers:
        return Skip("no route handler")
    if scope == "any":
        if any(project.limiters.limits(route) for route in handlers):
            return None
        first = handlers[0]
        return At(first.line, "No endpoint has a limit of its own", path=first.path, anchor="any")
    public = [route for route in handlers if _is_public(route, infrastructure)]
    found = [
        At(route.line, f"`{route.name}` is public and has no limit of its own", path=route.path,
           anchor=route.name)
        for route in public
        if not project.limiters.limits(route)
    ]  # fmt: skip
    return Sites(len(public), found) if public else Skip("no public endpoint")


def _is_public(route: Route, infrastructure: Sequence[str]) -> bool:
    if route.paths and all(is_infrastructure(path, infrastructure) for path in route.paths):
        return False
    authentication = route.file.project.authentication
    if authentication.protects(route) or authentication.rejecting_middleware:
        return False
    return not (authentication.is_decorated(route) or _asks_who(route))


def _asks_who(route: Route) -> bool:
    """Whether the body hands the request to a function that turns strangers away."""
    file, function = route.file, route.function
    requests = {
        param.name
        for param in function.fact.params
        if file.project.values.of_annotation(file, param.annotation, function) == "fastapi.Request"
    }
    return any(
        words(call.last)[:1] in _ASKING
        and not requests.isdisjoint(map(tree.dotted, call.arguments))
        and any(
            file.project.authentication.denies(each)
            for target in file.project.calls.resolve(call)
            for each in file.project.calls.reachable(target, 1)
        )
        for call in function.calls
    )
