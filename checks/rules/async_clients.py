"""Checks of async code: clients that would block the event loop."""

from __future__ import annotations

from checks.check import At, One, Skip, check
from checks.project.subjects import Call, Function
from checks.rules.async_ import has_async

_THREADED = ("thread", "async", "executor")


@check("sync-client-in-async", applies=has_async)
def sync_client_in_async(function: Function) -> One:
    """An async function talks to databases, caches and clouds by asynchronous clients.

    A synchronous client holds the event loop until the other side answers: no other request of
    the process is served meanwhile.

    Instead: use the async client (``AsyncSession``, ``redis.asyncio``, ``aioboto3``), or
    ``await asyncio.to_thread(...)``.

    Known problems: a client whose type cannot be told (a parameter without annotation) is not
    judged; opening a connection counts as construction; a third first-party call is not followed.
    """
    if not function.is_async:
        return Skip("not an async function")
    reach, database = function.file.project.reach, function.file.project.database
    talks = False
    for call in function.calls:
        reached = reach.reached(call)
        if (reached is not None and reached.library.kind != "http") or database.operation(call):
            talks = True
        what = _blocks(call)
        if what:
            message = f"`{function.name}` calls the synchronous `{what}` on the event loop"
            return At(call.line, message, symbol=function.symbol, anchor=what)
    return None if talks else Skip("calls no client")


def _blocks(call: Call) -> str:
    """The synchronous method that a call runs here, directly or through plain functions."""
    if call.fact.awaited or _is_handed_over(call):
        return ""
    own = _own(call)
    if own:
        return own
    for target in call.file.project.calls.resolve(call):
        what = _of_plain(target) if _is_plain(target) else ""
        if what:
            return what
    return ""


def _own(call: Call) -> str:
    """The synchronous method that a call itself is."""
    reached = call.file.project.reach.reached(call)
    if reached is None or reached.library.is_async:
        return ""
    return f"{reached.client.rpartition('.')[2]}.{call.last}"


def _of_plain(function: Function) -> str:
    """What a plain function runs, itself or in a plain function that it calls."""
    known: dict[int, str] = function.file.memo.setdefault("blocking", {})
    if function.index not in known:
        known[function.index] = _direct(function) or next(
            (
                what
                for call, target in function.file.project.calls.callees(function)
                if _is_plain(target) and not _is_handed_over(call) and (what := _direct(target))
            ),
            "",
        )
    return known[function.index]


def _direct(function: Function) -> str:
    found = (_own(call) for call in function.calls if not _is_handed_over(call))
    return next(filter(None, found), "")


def _is_plain(function: Function) -> bool:
    """Runs in the thread that calls it: no coroutine, not wrapped into one."""
    if function.is_async:
        return False
    names = (function.file.resolve(each.value).lower() for each in function.fact.decorators)
    return not any(word in name for name in names for word in _THREADED)


def _is_handed_over(call: Call) -> bool:
    """Whether a call stands in a lambda, which somebody else runs."""
    return any(block.kind == "lambda" for _, block in call.file.blocks_around(call.fact.block))
