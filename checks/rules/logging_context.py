"""Checks of the context that log calls give: fields beside the message."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.logs import LogCall
from checks.project.subjects import File, Function
from checks.rules.logging import configures

_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error"}
_NO_CONTEXT = frozenset({"exc_info", "stack_info", "stacklevel", "event", "msg"})
_STANDARD = _NO_CONTEXT | {"extra"}
_STARTS = frozenset({"main", "startup", "shutdown", "lifespan", "on_startup", "on_shutdown"})
_STEMS = frozenset(
    "main __main__ config settings configuration logging logger log logging_config log_config "
    "setup_logging conf".split()
)


@check("log-call-context")
def log_call_context(
    file: File,
    *,
    levels: Sequence[str] = ("info", "warning", "error"),
    require: bool = True,
    style: str = "any",
) -> Answer:
    """A log call says what it speaks of, in fields.

    A record without the id of the thing it tells about cannot be found or counted.

    Instead: attach the facts as fields (keyword arguments of structlog, ``extra=`` of the
    standard library).

    Known problems: a value inside the message is no field; whether the fields given are enough
    is not judged. A logger that is bound in another function is followed through one name.
    """
    count, found = 0, []
    logs = file.project.logs
    for each in logs.calls(file).values():
        if _passes_on(each) or not each.levelled or _LEVELS.get(each.level) not in levels:
            continue
        count += 1
        fault = _style(each, style) or (_bare(each) if require else "")
        if fault:
            found.append(At(each.call.line, fault, anchor=each.method))
    return Sites(count, found) if count else Skip("no log call of these levels")


def _passes_on(each: LogCall) -> bool:
    """Whether a call inside a log wrapper passes on the message that the wrapper was given."""
    function = each.call.function
    logs = each.call.file.project.logs
    if function is None or logs.wrapper(function) is None:
        return False
    return function.param(tree.dotted(logs.message(each))) is not None


def _style(each: LogCall, style: str) -> str:
    """What is wrong with how the context is passed."""
    if each.wrapper is not None or style == "any":
        return ""
    names = {item.name for item in each.call.fact.keywords}
    if style == "kwargs" and "extra" in names:
        return "The context is passed by `extra=`, not as keyword arguments"
    if style == "extra" and each.library == "logging" and names - _STANDARD - {""}:
        return "The context is passed as keyword arguments, not by `extra=`"
    return ""


def _bare(each: LogCall) -> str:
    if _has_fields(each) or each.method == "exception" or _starts_up(each):
        return ""
    context = each.call.file.project.log_context
    carried = context.libraries
    if each.library in carried or (not each.library and carried) or context.is_bound(each):
        return ""
    return f"`{each.method}` is called without any context"


def _has_fields(each: LogCall) -> bool:
    """Whether a call passes anything beside its message."""
    call = each.call
    if any(item.name not in _NO_CONTEXT for item in call.fact.keywords):
        return True
    given = len(call.fact.args)
    if each.wrapper is not None:
        inner = call.file.project.logs.wrapper(each.wrapper)
        passed = given + sum(item.name in {"event", "msg"} for item in call.fact.keywords)
        return passed > 1 or (inner is not None and _has_fields(inner))
    if any(isinstance(arg, tree.Op) and arg.kind == "Starred" for arg in call.fact.args):
        return True
    return given > (2 if call.last in {"log", "alog"} else 1)


def _starts_up(each: LogCall) -> bool:
    """A record of start-up or shutdown: of the lifespan, main, or a configuration module."""
    file, outer = each.call.file, each.call.function
    while outer is not None and outer.parent is not None:
        outer = outer.parent
    memo = f"starts up {-1 if outer is None else outer.index}"
    known: bool | None = file.memo.get(memo)
    if known is None:
        known = file.memo[memo] = _belongs_to_start(file, outer)
    return known


def _belongs_to_start(file: File, outer: Function | None) -> bool:
    """Whether a function of a file (None: its body) runs when the service starts or stops."""
    if outer is not None:
        callers = (call.function for call in file.project.calls.callers(outer))
        if _is_start(outer) or any(each is not None and _is_start(each) for each in callers):
            return True
    if file.stem not in _STEMS and file.path not in file.project.routes.app_modules:
        return configures(file) and (outer is None or "log" in outer.name)
    return not _serves(outer)


def _is_start(function: Function) -> bool:
    if function.name in _STARTS or "lifespan" in function.name:
        return True
    return function in function.file.project.lifetimes.lifespans


def _serves(function: Function | None) -> bool:
    """Whether a function of the main module works for requests: a handler, a hook, a method."""
    if function is None:
        return False
    project = function.file.project
    hooked = function.key in project.routes.hooks.functions
    provides = project.routes.of(function) is not None or function.cls is not None
    return hooked or provides
