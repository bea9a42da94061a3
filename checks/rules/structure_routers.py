"""Checks of how routes are grouped: which router holds which resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import At, One, Skip, check
from checks.project.conditions import words
from checks.project.routers import Hop, Router
from checks.project.routes import Endpoint, Route, is_infrastructure, segments
from checks.project.subjects import File
from checks.rules.applies import has_routes

_INFRASTRUCTURE = (
    "/", "/health", "/healthz", "/health/*", "/ready", "/readyz", "/live", "/livez", "/metrics",
    "/ping", "/version", "/docs", "/redoc", "/openapi.json", "/favicon.ico",
)  # fmt: skip
_VERSION = re.compile(r"v\d+([._]\d+)?")
_PREFIXES = frozenset({"api", "rest"})
_AUTH = frozenset(
    "login logout refresh token tokens register registration me auth authentication signin signup "
    "signout password oauth oauth2 session sso 2fa mfa otp".split()
)


@check("router-per-resource", applies=has_routes, advisory=True)
def router_per_resource(
    file: File, *, max_app_routes: int = 0, infrastructure: Sequence[str] = _INFRASTRUCTURE
) -> One:
    """Every resource has a router of its own.

    A router is what can be moved, secured and versioned at once; mixed ones cannot.

    Instead: register the handlers on an APIRouter of their resource and include it.

    Known problems: a path whose prefix cannot be known is not compared with others; probes,
    ``/metrics`` and the like are no resource, wherever they are registered; a path below an item
    (``/users/{id}/posts``) may stand with either of its resources.
    """
    routes = file.project.routes.in_module.get(file.path)
    if not routes:
        return Skip("no routes module")
    own: list[Route] = []
    grouped: dict[str, list[tuple[Route, Endpoint]]] = {}
    for route, endpoint in _served(file, routes):
        if is_infrastructure(endpoint.path, infrastructure):
            continue
        router = endpoint.registration.router
        if _on_application(router, endpoint.chain):
            own.append(route)
        else:
            grouped.setdefault(router.key, []).append((route, endpoint))
    if len(own) > max_app_routes:
        route = own[max_app_routes]
        return _at(route, f"`{route.name}` is registered on the application itself")
    strangers = [found for served in grouped.values() if (found := _stranger(served)) is not None]
    return min(strangers, key=lambda at: at.line, default=None)


def _served(file: File, routes: Sequence[Route]) -> Iterator[tuple[Route, Endpoint]]:
    """Each handler once per router that it is registered on in this file."""
    for route in routes:
        seen: set[str] = set()
        for endpoint in route.endpoints:
            made = endpoint.registration
            if made.file is file and made.router.key not in seen:
                seen.add(made.router.key)
                yield route, endpoint


def _on_application(router: Router, chain: tuple[Hop, ...]) -> bool:
    """Whether a router is the application, or a parameter that receives it."""
    if router.kind != "parameter":
        return router.kind == "application"
    return bool(chain) and chain[0].kind == "same" and chain[0].parent.kind == "application"


def _stranger(served: Sequence[tuple[Route, Endpoint]]) -> At | None:
    """The first handler whose resource is none of those that the ones before it share."""
    shared: frozenset[str] = frozenset()
    for route, endpoint in served:
        resources = frozenset() if endpoint.partial else _resources(endpoint.path)
        if not resources:
            continue
        if shared and not shared & resources:
            text = f"`{endpoint.path}` is another resource than `{'`, `'.join(sorted(shared))}`"
            return _at(route, f"{text} on the same router")
        shared = (shared & resources) or resources
    return None


def _resources(path: str) -> frozenset[str]:
    """What a path may belong to: its first word after the version, and those below an item."""
    parts = segments(path.lower())
    versions = [number for number, part in enumerate(parts) if _VERSION.fullmatch(part)]
    if versions:
        parts = parts[versions[0] + 1 :]
    elif parts and parts[0] in _PREFIXES:
        parts = parts[1:]
    literal = [number for number, part in enumerate(parts) if "{" not in part]
    return frozenset(
        _resource(parts[number])
        for number in literal
        if number == literal[0] or "{" in parts[number - 1]
    )


def _resource(part: str) -> str:
    """A segment as the name of a resource: in the singular; ``auth`` for all of its actions."""
    if not _AUTH.isdisjoint(words(part)):
        return "auth"
    if part.endswith("ies"):
        return f"{part[:-3]}y"
    return part[:-1] if part.endswith("s") and not part.endswith("ss") else part


def _at(route: Route, message: str) -> At:
    return At(route.line, message, path=route.path, symbol=route.symbol, anchor=route.name)
