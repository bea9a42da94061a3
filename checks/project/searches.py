"""Columns that queries filter, order or join by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import Call, File, Function

if TYPE_CHECKING:
    from checks.project.project import Project

_CONDITIONS = frozenset({"where", "filter", "filter_by", "order_by", "join", "outerjoin"})
_QUERIES = frozenset(
    "select query exists execute exec scalar scalars get with_entities with_only_columns "
    "subquery scalar_subquery cte aliased".split()
) | (_CONDITIONS - {"filter"})
"""Calls that are queries of their own: what they name is not searched by the one around."""
_AGGREGATES = frozenset("count sum avg min max array_agg string_agg json_agg row_number".split())
_GROWING = frozenset({"append", "extend", "insert"})
_STEPS = 3


def searched(project: Project) -> dict[str, int]:
    """How often production queries search by ``<class key>.<column>``.

    Conditions that a function first collects in a local variable or a list are followed.
    """
    found: Counter[str] = Counter()
    for file in project.production:
        for call in file.calls_named(*_CONDITIONS):
            if call.receiver is None:
                continue
            seen: set[str] = set()
            for argument in call.fact.args:
                seen.update(_columns(file, argument, call.function))
            model = _queried(call) if call.last == "filter_by" else ""
            if model:
                seen.update(f"{model}.{item.name}" for item in call.fact.keywords)
            found.update(name for name in seen if name)
    return dict(found)


def _columns(file: File, expr: Expr, function: Function | None) -> Iterator[str]:
    """Canonical names of what an expression compares or orders by."""
    stack = [(expr, 0)]
    followed: set[str] = set()
    while stack:
        node, steps = stack.pop()
        if isinstance(node, tree.Name):
            if "." in node.id:
                yield _named(file, node, function)
            elif function is not None and steps < _STEPS and node.id not in followed:
                followed.add(node.id)
                stack += [(each, steps + 1) for each in _collected(function, node.id)]
        elif isinstance(node, tree.CallRef):
            made = file.calls[node.index]
            if made.last in _QUERIES or made.last in _AGGREGATES:
                continue
            stack += [(each, steps) for each in made.fact.args]
            if made.receiver is not None:
                stack.append((made.receiver, steps))
        else:
            stack += [(each, steps) for each in tree.children(node)]


def _named(file: File, name: tree.Name, function: Function | None) -> str:
    """What a dotted name stands for; ``cls.email`` in a method of a model is a column of it."""
    head, _, rest = name.id.partition(".")
    if head == "cls" and function is not None and function.cls is not None:
        return f"{function.cls.key}.{rest}"
    return file.resolve(name, function)


def _collected(function: Function, name: str) -> Iterator[Expr]:
    """What a function puts into a local variable: by assignment, ``append`` or ``extend``."""
    for assign in function.assigns:
        if assign.value is not None and tree.Name(name) in assign.targets:
            yield assign.value
    for call in function.calls:
        if call.last in _GROWING and tree.dotted(call.receiver) == name:
            yield from call.fact.args


def _queried(call: Call) -> str:
    """Canonical name of the model that a chain of calls queries."""
    inner = call.receiver
    for _ in range(20):
        if not isinstance(inner, tree.CallRef):
            return ""
        made = Call(call.file, inner.index)
        if made.last in {"query", "select"} and made.fact.args:
            return call.file.resolve(made.fact.args[0], call.function)
        inner = made.receiver
    return ""
