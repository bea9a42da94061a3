"""Checks of error handling: what is caught, and what happens to it."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.project.subjects import Except, Raise

BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})


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
    function = clause.function
    if function is None:
        return False
    cls = function.cls
    if function.name == "dispatch" and cls is not None and _is_middleware(cls.ancestors):
        return True
    decorators = [function.file.resolve(each.value) for each in function.fact.decorators]
    if any(name.endswith((".middleware", ".exception_handler")) for name in decorators):
        return True
    around = list(clause.file.blocks_around(clause.block.parent))
    loops = [block for _, block in around if block.kind in {"while", "for", "async for"}]
    return bool(loops) and loops[0].kind == "while" and _endless(loops[0])


def _is_middleware(ancestors: Sequence[str]) -> bool:
    return any(name.endswith("BaseHTTPMiddleware") for name in ancestors)


def _endless(block: tree.Block) -> bool:
    test = block.exprs[0]
    return isinstance(test, tree.Const) and bool(test.value)


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
    for each in raised.file.lint("B904"):
        if each.line == raised.line:
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
    if isinstance(exc, tree.Name):
        last = exc.id.rpartition(".")[2]
        return last[:1].islower()
    if isinstance(exc, tree.CallRef):
        call = raised.file.facts.calls[exc.index]
        return call.last in {"retry", "with_traceback"}
    return False
