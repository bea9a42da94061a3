"""Checks of style: functions in functions, and callbacks in callbacks."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.subjects import File, Function

_NO_CALLBACKS = frozenset({"key", "default_factory", "default"})


@check("nested-function-depth")
def nested_function_depth(file: File, *, max_depth: int = 2, count_lambdas: bool = False) -> Answer:
    """Functions are not nested deeply.

    An inner function reads the names of all around it, and can be neither tested nor reused.

    Instead: move it to module level, or replace callbacks by ``await``.

    Known problems: callbacks are seen where they are written as a lambda in the call.
    """
    facts = file.facts
    depths = [_depth(file, function) for function in file.functions]
    inner = [(depth, f) for depth, f in zip(depths, file.functions, strict=True) if depth]
    parents = {fact.parent for fact in facts.functions if fact.cls < 0}
    found = [
        At(
            function.line,
            f"`{function.name}` is nested {depth} functions deep",
            symbol=function.symbol,
            measured=str(depth),
            limit=str(max_depth),
        )
        for depth, function in inner
        if depth > max_depth and function.index not in parents
    ]
    callbacks = list(_callbacks(file)) if count_lambdas else []
    found += [
        At(line, "A callback passes a callback itself") for line, nested in callbacks if nested
    ]
    outer = {f.parent for f in facts.functions if f.parent >= 0}
    count = max(len(outer) + len(callbacks), len(found))
    return Sites(count, found) if count else Skip("no nested function")


def _depth(file: File, function: Function) -> int:
    """How many functions are around one, up to the class that it is a method of."""
    depth, fact = 0, function.fact
    while fact.parent >= 0 and fact.cls < 0:
        depth += 1
        fact = file.facts.functions[fact.parent]
    return depth


def _callbacks(file: File) -> Iterator[tuple[int, bool]]:
    """Calls that pass a lambda: line of the innermost one, and whether a lambda passes another."""
    calls = file.facts.calls
    for call in calls:
        passed = _lambdas(call)
        if passed:
            inner = [
                calls[node.index].line
                for value in passed
                for node in tree.walk(value)
                if isinstance(node, tree.CallRef) and _lambdas(calls[node.index])
            ]
            yield (inner[0] if inner else call.line), bool(inner)


def _lambdas(call: tree.Call) -> list[tree.Expr]:
    """The lambdas that a call passes as callbacks: keys of a sort and factories are none."""
    if call.last == "defaultdict":
        return []
    named = (item.value for item in call.keywords if item.name not in _NO_CALLBACKS)
    return [
        value
        for value in (*call.args, *named)
        if isinstance(value, tree.Op) and value.kind == "Lambda"
    ]
