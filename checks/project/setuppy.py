"""What a setup.py passes to ``setup()``, as far as it is written out; nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.facts import tree
from checks.facts.tree import Expr, PyFacts

_DEPTH = 12


def setup_arguments(facts: PyFacts) -> tuple[dict[str, Any], dict[str, int]]:
    """Keyword arguments of the call of ``setup``: values, and their lines.

    Values are texts, lists and tables with text keys; what is not written out is left out.
    """
    names = {
        target.id: each.value
        for each in facts.assigns
        if each.function < 0 and each.cls < 0 and not each.op
        for target in each.targets
        if isinstance(target, tree.Name) and each.value is not None
    }
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for call in facts.calls:
        if call.last != "setup":
            continue
        for keyword in call.keywords:
            value = _value(keyword.value, names, facts, 0)
            if keyword.name and value is not None:
                values[keyword.name] = value
                lines[keyword.name] = call.line
    return values, lines


def _value(expr: Expr | None, names: dict[str, Expr], facts: PyFacts, depth: int) -> Any:
    if depth > _DEPTH:
        return None
    match expr:
        case tree.Const(kind="str", value=text):
            return text
        case tree.Name(id=name) if name in names:
            return _value(names[name], names, facts, depth + 1)
        case tree.Seq(items=items):
            return list(_flat(items, names, facts, depth))
        case tree.Bin(op="Add", items=items):
            return list(_flat(items, names, facts, depth))
        case tree.Map(keys=keys, values=values):
            return {
                key.value: _value(value, names, facts, depth + 1)
                for key, value in zip(keys, values, strict=True)
                if isinstance(key, tree.Const) and isinstance(key.value, str)
            }
        case tree.CallRef(index=index):
            call = facts.calls[index]
            if call.last in {"list", "dict"} and not call.args:
                return {
                    item.name: _value(item.value, names, facts, depth + 1)
                    for item in call.keywords
                    if item.name
                }
    return None


def _flat(
    items: tuple[Expr, ...], names: dict[str, Expr], facts: PyFacts, depth: int
) -> Iterator[Any]:
    for item in items:
        inner = item.items[0] if isinstance(item, tree.Op) and item.kind == "Starred" else item
        value = _value(inner, names, facts, depth + 1)
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value
