"""Route handlers: the functions that a FastAPI application answers requests with.

A handler knows its full paths, the options that hold for it on the way from its decorator up to
the application, and the dependencies that run before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.dependencies import Dependency, Providers
from checks.project.given import Given
from checks.project.hooks import ExceptionHandler, Hooks, Middleware
from checks.project.registrations import Registration, Registrations
from checks.project.responses import Answer, Responses, number
from checks.project.routers import Hop, Router, is_mounted

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Function

_PROBES = {
    "health": ("health", "healthz", "healthcheck", "health-check", "health_check"),
    "ready": ("ready", "readyz", "readiness"),
    "live": ("live", "livez", "liveness"),
}
_PARAMETER = re.compile(r"\{[^{}]*\}")


class Endpoint(msgspec.Struct, frozen=True):
    """One method under one full path.

    Attributes:
        method: In capitals.
        path: Route path from the application's root, as far as it is known.
        partial: A prefix or the path itself could not be known.
        mounted: An application was reached.
        registration: Where it is registered.
        chain: The hops to the top.
    """

    method: str
    path: str
    partial: bool
    mounted: bool
    registration: Registration
    chain: tuple[Hop, ...]

    def option(self, *names: str) -> Given | None:
        """The nearest value of an option."""
        return self.registration.option(self.chain, *names)


class Route:
    """A route handler: the subject of checks on routes.

    Attributes:
        function: The function or method.
        file: Its file.
        path: Path of its file; route paths are :attr:`paths`.
        line: Line of its def.
        registrations: Each decorator or call that registers it.
    """

    def __init__(self, function: Function, registrations: list[Registration]) -> None:
        self.function = function
        self.file = function.file
        self.path = function.path
        self.line = function.line
        self.end_line = function.end_line
        self.symbol = function.symbol
        self.name = function.name
        self.registrations = registrations

    def __repr__(self) -> str:
        return f"Route({self.symbol!r})"

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """Every method and full path it answers."""
        return [
            _endpoint(method, each, chain)
            for each in self.registrations
            for chain in each.router.chains
            for method in each.methods
        ]

    @cached_property
    def methods(self) -> frozenset[str]:
        """All methods it answers, in capitals."""
        return frozenset(method for each in self.registrations for method in each.methods)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All route paths, sorted."""
        return tuple(sorted({each.path for each in self.endpoints}))

    @property
    def partial(self) -> bool:
        """Whether some part of some path could not be known."""
        return any(each.partial for each in self.endpoints)

    @property
    def own_path(self) -> str:
        """The path of its first registration as written there, "" when it cannot be known."""
        return self.registrations[0].own_path or ""

    @property
    def docstring(self) -> str | None:
        """Docstring of the function."""
        return self.function.fact.docstring

    # Options --------------------------------------------------------------------------------------

    def option(self, *names: str) -> Given | None:
        """The nearest value of an option: decorator, router, include_router, application."""
        return next((g for e in self.endpoints if (g := e.option(*names)) is not None), None)

    def options(self, *names: str) -> list[Given]:
        """The values of an option at all levels of all registrations."""
        seen: dict[tuple[str, Any], Given] = {}
        for each in self.registrations:
            for chain in each.router.chains:
                for given in each.options(chain, *names):
                    seen.setdefault((given.file.path, id(given.expr)), given)
        return list(seen.values())

    @cached_property
    def in_schema(self) -> bool:
        """Whether OpenAPI shows it: no level of at least one way up says otherwise."""
        return any(
            all(given.value is not False for given in each.options(chain, "include_in_schema"))
            for each in self.registrations
            for chain in each.router.chains
        )

    @cached_property
    def answers(self) -> list[Answer]:
        """What each of its return statements gives."""
        return self.file.project.routes.responses.answers(self.function)

    @cached_property
    def status_code(self) -> int | None:
        """Success status of decorator or router, else 200; None when unknown."""
        given = self.option("status_code")
        return 200 if given is None else number(given.value)

    @cached_property
    def response_class(self) -> str:
        """Last name of the response class of decorator, routers or application, "" for none."""
        given = self.option("response_class", "default_response_class")
        if given is None:
            return ""
        return self.file.project.routes.responses.kind_of(given.name) or given.name

    @cached_property
    def dependencies(self) -> list[Dependency]:
        """Everything that runs before it, nested dependencies included, each once."""
        return self.file.project.routes.providers.closure(self.direct_dependencies)

    @cached_property
    def direct_dependencies(self) -> list[Dependency]:
        """Dependencies of its parameters, its class, its decorator, routers and application.

        Of several ways to the application, what all of them ask for.
        """
        providers = self.file.project.routes.providers
        ways = []
        for each in self.registrations:
            for chain in each.router.chains:
                given = each.options(chain, "dependencies")
                ways.append([dep for item in given for dep in providers.listed(item)])
        shared = [d for d in (ways[0] if ways else []) if all(d in way for way in ways[1:])]
        return [*providers.of_function(self.function), *providers.of_view(self.function), *shared]


def _endpoint(method: str, registration: Registration, chain: tuple[Hop, ...]) -> Endpoint:
    """One method of a registration on one way to the top.

    A router that nothing includes is on its own path, unless some ``include_router`` takes what
    we cannot follow.
    """
    path, partial = _full_path(registration, chain)
    mounted = is_mounted(registration.router, chain)
    project = registration.function.file.project
    partial = partial or (not mounted and bool(project.routers.unresolved))
    return Endpoint(method, path, partial, mounted, registration, chain)


def _full_path(registration: Registration, chain: tuple[Hop, ...]) -> tuple[str, bool]:
    """Route path, and whether a part of it is unknown."""
    parts = [registration.own_path, _prefix(registration.router)]
    for hop in chain:
        if hop.kind != "same":
            parts.append(_hop_prefix(hop))
        parts.append(_prefix(hop.parent))
    own, *prefixes = parts
    text = "".join((part or "").rstrip("/") for part in reversed(prefixes)) + (own or "")
    return (text if text.startswith("/") else f"/{text}"), None in parts


def _hop_prefix(hop: Hop) -> str | None:
    """What an ``include_router`` or ``mount`` puts before the path, None when unknown."""
    given = hop.option("prefix") if hop.kind == "include" else hop.argument(0, "path")
    return "" if given is None else given.text


def _prefix(router: Router) -> str | None:
    """A router's own prefix: "" for none, None when it cannot be known."""
    given = router.option("prefix") if router.kind != "application" else None
    return "" if given is None else given.text


class Routes:
    """Applications, routers and all route handlers of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.registrations = Registrations(project)
        self.providers = Providers(project)
        self.responses = Responses(project)
        self.hooks = Hooks(project)

    @property
    def applications(self) -> list[Router]:
        """Every FastAPI object that is constructed."""
        return self.project.routers.applications

    @cached_property
    def handlers(self) -> list[Route]:
        """Every route handler, in order of path and line."""
        return self._grouped(sockets=False)

    @cached_property
    def sockets(self) -> list[Route]:
        """Every WebSocket handler."""
        return self._grouped(sockets=True)

    def _grouped(self, *, sockets: bool) -> list[Route]:
        found: dict[tuple[str, int], list[Registration]] = {}
        for each in self.registrations.all:
            if each.is_socket == sockets and not each.function.file.is_excluded:
                found.setdefault((each.function.path, each.function.index), []).append(each)
        routes = [Route(rows[0].function, rows) for rows in found.values()]
        return sorted(routes, key=lambda route: (route.path, route.line))

    @cached_property
    def functions_of_the_framework(self) -> frozenset[str]:
        """Keys of the functions that the framework is handed: providers, lifespans, factories."""
        found = set()
        for file in self.project.production:
            for call in file.calls_named("Depends", "Security"):
                found |= {file.resolve(each, call.function) for each in call.fact.args[:1]}
                found |= {file.resolve(i.value, call.function) for i in call.fact.keywords}
        for app in self.applications:
            if app.call is not None:
                names = (i.value for i in app.call.fact.keywords if i.name == "lifespan")
                found |= {app.call.file.resolve(each, app.call.function) for each in names}
                maker = app.call.function
                found |= {maker.key} if maker is not None else set()
        return frozenset(found)

    @property
    def middleware(self) -> list[Middleware]:
        """Every registration of a middleware."""
        return self.hooks.middleware

    @property
    def exception_handlers(self) -> list[ExceptionHandler]:
        """Every registered exception handler."""
        return self.hooks.exception_handlers

    @cached_property
    def by_function(self) -> dict[str, Route]:
        """Route handlers by the canonical name of their function."""
        return {route.function.key: route for route in self.handlers}

    @cached_property
    def unknown(self) -> frozenset[str]:
        """Canonical names of functions whose decorator takes a router in a way we cannot read."""
        _ = self.registrations.all
        return frozenset(self.registrations.unknown)

    def of(self, function: Function | None) -> Route | None:
        """The route handler that a function is."""
        return None if function is None else self.by_function.get(function.key)

    @cached_property
    def modules(self) -> frozenset[str]:
        """Paths of the files that register at least one route handler."""
        return frozenset(self.in_module)

    @cached_property
    def in_module(self) -> dict[str, list[Route]]:
        """Route handlers by the path of the file that registers them."""
        found: dict[str, list[Route]] = {}
        for route in self.handlers:
            for path in dict.fromkeys(each.file.path for each in route.registrations):
                found.setdefault(path, []).append(route)
        return found

    @cached_property
    def socket_modules(self) -> frozenset[str]:
        """Paths of the files that register a WebSocket handler."""
        return frozenset(route.path for route in self.sockets)

    @cached_property
    def app_modules(self) -> frozenset[str]:
        """Paths of the files that construct an application."""
        return frozenset(app.path for app in self.applications if app.call is not None)


def is_infrastructure(path: str, patterns: Iterable[str]) -> bool:
    """Whether a route path ends, after any prefix, in a path of a list of infrastructure paths.

    ``/`` is the root only. A star continues a probe's word (``/health*``: health, healthz,
    healthcheck, health-check, health_check) or follows it by one literal segment.
    """
    parts = _segments(path.lower())
    return any(_ends_in(parts, pattern.lower()) for pattern in patterns)


def _ends_in(parts: Sequence[str], pattern: str) -> bool:
    wanted = _segments(pattern)
    if not wanted:
        return not parts
    if not pattern.endswith("*"):
        return parts[-len(wanted) :] == wanted
    if wanted[-1] == "*":  # everything below a folder
        head, size = wanted[:-1], len(wanted) - 1
        return any(parts[at : at + size] == head for at in range(len(parts) - size))
    stem = wanted[-1].rstrip("*")
    forms = _PROBES.get(stem) or (stem, f"{stem}z")
    tail = len(wanted)
    if parts[-tail:-1] == wanted[:-1] and parts[-1:] and parts[-1] in forms:
        return True
    below = parts[-tail - 1 : -1]
    return below == (*wanted[:-1], stem) and "{" not in parts[-1]


@lru_cache(maxsize=10_000)
def _segments(path: str) -> tuple[str, ...]:
    return tuple(_PARAMETER.sub("{}", part) for part in path.split("/") if part)


def segments(path: str) -> list[str]:
    """The segments of a route path; those with a parameter are written ``{}``."""
    return list(_segments(path))
