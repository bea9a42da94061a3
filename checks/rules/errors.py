"""Checks of error handling: what is caught, and what happens to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.project.subjects import Except, File, Function, Raise

BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})
_LOOPS = frozenset({"while", "for", "async for"})
_RUNNING = re.compile(r"running|alive|active|connected|keep_going|\brun$")
_STOPPED = re.compile(r"stop|shut|closed|closing|exit|cancel|terminat|is_set$")


def logs_traceback(clause: Except) -> bool:
    """Whether a clause logs the traceback or hands it to an error tracker."""
    logs = clause.file.project.logs
    return logs.captures(clause) or any(each.traceback for each in logs.inside(clause))


@check("no-broad-except")
def no_broad_except(clause: Except, *, rules: Sequence[str] = ("E722", "BLE001")) -> Answer:
    """An except clause names what can happen.

    A broad clause also catches the mistakes nobody thought of, and hides them.

    Instead: name the exceptions; re-raise or log with traceback what is unexpected.

    Known problems: ``contextlib.suppress(Exception)`` is left to review.
    """
    broad = sorted(BROAD & set(clause.types))
    if clause.types and not broad:
        return None
    code = "BLE001" if clause.types else "E722"
    if code not in rules or clause.raises or logs_traceback(clause) or _last_resort(clause):
        return None
    caught = broad[0].removeprefix("builtins.") if broad else "everything"
    message = f"The clause catches {caught} and neither raises nor logs the traceback"
    return At(clause.line, message, column=clause.block.column, code=code, anchor=caught)


def _last_resort(clause: Except) -> bool:
    """A worker's endless loop, a middleware or an exception handler that logs the error."""
    logs = clause.file.project.logs
    if not any(each.level >= 40 for each in logs.inside(clause)):
        return False
    return _keeps_worker_alive(clause) or _around_handlers(clause)


def _around_handlers(clause: Except) -> bool:
    """Whether the function is a middleware or a registered exception handler."""
    function = clause.function
    if function is None:
        return False
    bases = function.cls.ancestors if function.cls is not None else []
    if function.name == "dispatch" and any(n.endswith("BaseHTTPMiddleware") for n in bases):
        return True
    decorators = [function.file.resolve(each.value) for each in function.fact.decorators]
    if any(name.endswith((".middleware", ".exception_handler")) for name in decorators):
        return True
    return function.param("call_next") is not None or (
        function.key in clause.file.project.routes.hooks.functions
    )


def _keeps_worker_alive(clause: Except) -> bool:
    """Whether the clause lets an endless loop go on: nothing else is left to catch the error."""
    around = clause.file.blocks_around(clause.block.parent)
    loop = next((block for _, block in around if block.kind in _LOOPS), None)
    if loop is None or loop.kind != "while" or not _endless(clause.file, loop.exprs[0]):
        return False
    own = (each for each in clause.statements if each.block == clause.index)
    return not any(each.kind in {"break", "return"} for each in own)


def _endless(file: File, test: tree.Expr) -> bool:
    """``while True``, ``while self.running`` and ``while not stop.is_set()``."""
    if isinstance(test, tree.Const):
        return bool(test.value)
    if isinstance(test, tree.Op) and test.kind == "Not":
        test, wanted = test.items[0], _STOPPED
    else:
        wanted = _RUNNING
    if isinstance(test, tree.CallRef):
        test = file.facts.calls[test.index].func
    return isinstance(test, tree.Name) and bool(wanted.search(test.id))


@check("exception-chaining")
def exception_chaining(raised: Raise) -> Answer:
    """An exception raised in an except clause says what caused it.

    Without ``from``, the traceback reads as if handling the error had failed.

    Instead: ``raise New(...) from exc``, or ``from None`` on purpose.

    Known problems: none known.
    """
    if raised.handler is None or raised.fact.exc is None or _re_raises(raised):
        return Skip("raises nothing new inside an except clause")
    if raised.fact.cause is not None:
        return None
    for each in raised.file.lint_at(raised.line, "B904"):
        name = raised.name.rpartition(".")[2] or "the exception"
        message = f"`{name}` is raised in an except clause without `from`"
        return At(
            raised.line, message, column=each.column, code="B904", noqa_line=each.noqa_line,
            anchor=name,
        )  # fmt: skip
    return None


def _re_raises(raised: Raise) -> bool:
    """``raise exc``, ``raise exc.with_traceback(...)``, and Celery's ``raise self.retry(...)``."""
    exc = raised.fact.exc
    if isinstance(exc, tree.CallRef):
        call = raised.file.calls[exc.index]
        if call.last == "with_traceback":
            return _is_at_hand(raised, tree.dotted(call.receiver))
        return call.last == "retry"
    return isinstance(exc, tree.Name) and _is_at_hand(raised, exc.id)


def _is_at_hand(raised: Raise, name: str) -> bool:
    """Whether a name holds an exception that was caught or passed in, not a new one."""
    file, function = raised.file, raised.function
    if function is not None and function.param(name) is not None:
        return True
    caught = _caught(file, function)
    return name in caught or any(
        isinstance(assign.value, tree.Name) and assign.value.id in caught
        for assign in file.tables.assigns_to.get(name, ())
        if assign.function == raised.fact.function
    )


def _caught(file: File, function: Function | None) -> set[str]:
    """Names to which the except clauses of a function bind; worked out once."""
    key = f"caught in {-1 if function is None else function.index}"
    known: set[str] | None = file.memo.get(key)
    if known is None:
        clauses = (function or file).excepts
        known = file.memo[key] = {clause.bound for clause in clauses if clause.bound}
    return known
