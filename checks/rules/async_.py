"""Checks on asynchronous code."""

from __future__ import annotations

from checks.check import check
from checks.project.routes import Route
from checks.rules.applies import has_routes


@check("async-route-handlers", applies=has_routes)
def async_route_handlers(route: Route) -> str | None:
    """Make route handlers async.

    A plain def runs in a thread of a small pool: every request holds one, and all of them wait
    when the pool is empty.

    Instead: declare the handler with ``async def`` and await its I/O.

    Known problems: a plain def is right for a library without an asynchronous interface; the
    finding cannot see that.
    """
    if route.function.is_async:
        return None
    return f"`{route.name}` is a plain def: FastAPI runs it in a thread of its pool"
