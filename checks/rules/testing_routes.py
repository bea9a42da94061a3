"""The check of routes: that some test requests each of them."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.project import Project
from checks.project.routes import is_infrastructure
from checks.rules.applies import has_routes

_PLAIN = ("requests.", "urllib3.", "urllib.request.", "aiohttp.")


@check("route-covered-by-test", applies=has_routes)
def route_covered_by_test(
    project: Project,
    *,
    clients: Sequence[str] = ("TestClient", "AsyncClient", "requests", "schemathesis"),
    infrastructure: Sequence[str] = ("/docs*", "/redoc*", "/openapi.json", "/favicon.ico"),
) -> Answer:
    """Each endpoint is requested by a test.

    Only a request runs routing, validation, dependencies and serialisation together.

    Instead: a test that asks for the path through a test client.

    Known problems: any object that is asked for an address counts as a client. An address that
    is put together at run time matches the parameters of paths; one that is wholly unknown
    matches nothing. A route whose path is not known is matched by the end that is.
    """
    if project.requests.fuzzed and "schemathesis" in clients:
        return Skip("schemathesis requests every route")
    covered = {
        key
        for key, rows in project.requests.covered.items()
        if "requests" in clients or any(not row.call.name.startswith(_PLAIN) for row in rows)
    }
    seen: set[tuple[str, str]] = set()
    found = []
    for route in project.routes.handlers:
        if route.file.is_test:
            continue
        for each in route.endpoints:
            key = (each.method, each.path)
            if key in seen or is_infrastructure(each.path, infrastructure):
                continue
            seen.add(key)
            if key not in covered:
                text = f"No test requests {each.method} {each.path}"
                found.append(At(route.line, text, path=route.path, symbol=route.symbol,
                                anchor=f"{each.method} {each.path}"))  # fmt: skip
    return Sites(len(seen), found) if seen else Skip("no route outside infrastructure")
