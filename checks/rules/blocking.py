"""Checks of async code: what must not block the event loop."""

from __future__ import annotations

import msgspec

from checks.check import At, Skip, check
from checks.project.subjects import Function
from checks.rules.style import reported

CODES = (
    "ASYNC210", "ASYNC212", "ASYNC220", "ASYNC221", "ASYNC222", "ASYNC230", "ASYNC240",
    "ASYNC250", "ASYNC251",
)  # fmt: skip


@check("blocking-call-in-async")
def blocking_call_in_async(function: Function) -> list[At] | Skip:
    """An async function does not block the event loop.

    While it blocks, no other request of the process is served.

    Instead: use the async counterpart, or ``await asyncio.to_thread(...)``.

    Known problems: a blocking call in a helper that the function calls is not followed.
    """
    if not function.is_async:
        return Skip("not an async function")
    startup = _runs_once(function)
    return [
        msgspec.structs.replace(
            reported(each, f"`{function.name}` blocks the event loop: {each.message}"),
            weight=0.5 if startup else 1.0,
            symbol=function.symbol,
        )
        for each in function.file.lint(*CODES)
        if function.line <= each.line <= function.end_line and _own(function, each.line)
    ]


def _own(function: Function, line: int) -> bool:
    """Whether a line belongs to this function and not to one nested in it."""
    return not any(
        other.parent == function.index and other.line <= line <= other.end_line
        for other in function.file.facts.functions
    )


def _runs_once(function: Function) -> bool:
    """A lifespan runs once, before any request is served."""
    decorators = (function.file.resolve(each.value) for each in function.fact.decorators)
    return function.name == "lifespan" or any(each.endswith(".on_event") for each in decorators)
