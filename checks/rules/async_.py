"""Checks on asynchronous code."""

from __future__ import annotations

from checks.check import Skip, check
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.subjects import Call, Function
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


_BRIDGES = frozenset(
    {
        "asyncio.run",
        "asyncio.get_event_loop",
        "nest_asyncio.apply",
        "asgiref.sync.async_to_sync",
        "asgiref.sync.sync_to_async",
        "asyncio.runners.run",
        "anyio.run",
    }
)
_NAMES = ("run", "get_event_loop", "apply", "async_to_sync", "sync_to_async", "run_until_complete")
_ENTRY_STEMS = frozenset("main cli worker workers tasks celery celery_app __main__".split())
_TASKS = frozenset({"task", "shared_task", "periodic_task", "command", "callback", "actor", "job"})


def has_async(project: Project) -> str | None:
    """Any async function in a production file."""
    if any(function.is_async for file in project.production for function in file.functions):
        return None
    return "no async function"


@check("sync-async-bridge", applies=has_async)
def sync_async_bridge(call: Call) -> str | Skip | None:
    """Bridge sync and async code properly.

    ``asyncio.run`` below a running loop fails, and beside one it starts a second loop whose
    clients and locks belong to nobody else.

    Instead: make the caller async, or hand blocking work to ``asyncio.to_thread``.

    Known problems: functions that no handler, service or repository reaches by a call that can
    be resolved count as entry points.
    """
    if call.last not in _NAMES or not _is_bridge(call):
        return Skip("no bridge")
    if call.name == "nest_asyncio.apply":
        return "nest_asyncio patches the event loop"
    function = call.function
    if function is None or _is_entry(function):
        return None
    project = call.file.project
    if (
        call.file.layer in {"routes", "services", "repositories"}
        or function.key in project.calls.from_handlers
    ):
        return f"`{call.last}` bridges to async code below a handler or a service"
    return None


def _is_bridge(call: Call) -> bool:
    if call.last == "run_until_complete":
        return True
    return call.name in _BRIDGES


def _is_entry(function: Function) -> bool:
    """Whether a function is where a process or a task starts."""
    outer = function
    while outer.parent is not None:
        outer = outer.parent
    if outer.name == "main" or outer.file.stem in _ENTRY_STEMS or outer.file.facts.main_guard[0]:
        return True
    names = (outer.file.resolve(each.value) for each in outer.fact.decorators)
    return any(name.rpartition(".")[2] in _TASKS for name in names)
