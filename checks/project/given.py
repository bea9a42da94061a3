"""Expressions where they stand, and what they lead to: arguments, sources, items.

A :class:`Given` carries the file and function that its names belong to, so that it can be
followed into other files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from checks.facts import tree
from checks.facts.tree import Assign, Expr

if TYPE_CHECKING:
    from checks.project.subjects import Call, File, Function

_DEPTH = 16
_COPIES = frozenset({"builtins.list", "builtins.tuple", "builtins.reversed", "builtins.sorted"})


class Given(msgspec.Struct, frozen=True):
    """An expression where it stands, so that its names can be resolved there.

    Attributes:
        file: The file it is written in.
        expr: The expression.
        function: The function around it.
        known: What some parameters or loop variables of that function stand for.
    """

    file: File
    expr: Expr
    function: Function | None = None
    known: Mapping[str, Given] = {}

    def at(self, expr: Expr) -> Given:
        """Another expression of the same place."""
        return Given(self.file, expr, self.function, self.known)

    @property
    def name(self) -> str:
        """Canonical name."""
        behind = self.behind
        return behind.file.resolve(behind.expr, behind.function)

    @property
    def behind(self) -> Given:
        """The same, or what a known parameter stands for."""
        given = self
        for _ in range(_DEPTH):
            text = tree.dotted(given.expr)
            if text not in given.known:
                break
            given = given.known[text]
        return given

    @property
    def value(self) -> Any:
        """Its value as plain data; ``literals.UNKNOWN`` where it cannot be known."""
        return self.file.project.literals.value(self)

    @property
    def text(self) -> str | None:
        """Its value when that is a text."""
        value = self.value
        return value if isinstance(value, str) else None


def argument(
    call: Call, names: tuple[str, ...], known: Mapping[str, Given] | None = None
) -> Given | None:
    """The first of some keyword arguments of a call, as an expression of its place."""
    for name in names:
        value = call.fact.keyword(name)
        if value is not None:
            return Given(call.file, value, call.function, known or {})
    for item in call.fact.keywords:
        if not item.name:
            spread = Given(call.file, item.value, call.function, known or {})
            for name in names:
                found = _spread(spread, name)
                if found is not None:
                    return found
    return None


def _spread(given: Given, name: str) -> Given | None:
    """The value of a key in ``**mapping``, where the mapping is a display or names one."""
    given = source(given)
    if isinstance(given.expr, tree.Map):
        for key, value in zip(given.expr.keys, given.expr.values, strict=True):
            if key is not None and tree.text_of(key) == name:
                return given.at(value)
    if isinstance(given.expr, tree.CallRef):
        call = given.file.calls[given.expr.index]
        if call.name == "builtins.dict":
            inner = call.fact.keyword(name)
            return None if inner is None else given.at(inner)
    return None


def source(given: Given) -> Given:
    """Where a name is assigned: the expression that its value comes from, in its own place."""
    for _ in range(_DEPTH):
        given = given.behind
        if not isinstance(given.expr, tree.Name):
            break
        names = given.file.project.names
        binding, owner = names.binding(given.file, given.expr.id, given.function)
        if isinstance(binding, Assign) and binding.value is not None:
            if not isinstance(binding.targets[0], tree.Name) or binding.op == "type":
                break
            given = Given(given.file, binding.value, owner, given.known if owner else {})
            continue
        found = names.assignment_named(given.file.resolve(given.expr, given.function))
        if found is None or not isinstance(found[1].targets[0], tree.Name):
            break
        if found[1].value is None or found[1].value is given.expr:
            break
        given = Given(found[0], found[1].value)
    return given


def passed(call: Call, function: Function, name: str) -> Iterator[Given]:
    """What a call passes for a parameter of the function that it calls."""
    params = [param for param in function.fact.params if param.kind in {"pos", "arg"}]
    bound = function.cls is not None and not function.decorated_by("builtins.staticmethod")
    names = [param.name for param in (params[1:] if bound else params)]
    position = names.index(name) if name in names else -1
    value = call.arg(position, name)
    if value is not None:
        yield Given(call.file, value, call.function)


def bound(function: Function, call: Call, scope: Function | None) -> dict[str, Given]:
    """What the parameters of a function stand for in one call of it, defaults included.

    Args:
        function: The function; for a class its ``__init__``.
        call: The call.
        scope: The function around the call (of a decorator: around the decorated function).
    """
    params = [param for param in function.fact.params if param.kind in {"pos", "arg", "kw"}]
    known: dict[str, Given] = {}
    if function.cls is not None and params:
        first = params.pop(0)
        if call.receiver is not None:
            known[first.name] = Given(call.file, call.receiver, scope)
    for position, param in enumerate(params):
        value = call.arg(-1 if param.kind == "kw" else position, param.name)
        if value is not None:
            known[param.name] = Given(call.file, value, scope)
        elif param.default is not None:
            known[param.name] = Given(function.file, param.default)
    return known


def elements(given: Given) -> list[Given]:
    """The items of a list or tuple display, or of the values a name of one stands for."""
    given = source(given)
    match given.expr:
        case tree.Seq(items=items):
            return [given.at(item) for item in items]
        case tree.Map(values=values):
            return [given.at(value) for value in values]
        case tree.Bin(op="Add", items=items):
            return [each for item in items for each in elements(given.at(item))]
        case tree.CallRef(index=index):
            call = given.file.calls[index]
            if call.last in {"values", "items"} and call.receiver is not None:
                return elements(given.at(call.receiver))
            if call.name in _COPIES and call.fact.args:
                return elements(given.at(call.fact.args[0]))
            function = given.file.project.names.function_named(call.name)
            if function is not None and len(function.returned) == 1:
                return elements(Given(function.file, function.returned[0], function))
    return []


def turns(call: Call) -> list[dict[str, Given]]:
    """What the variables of the loop around a call stand for: one mapping per turn."""
    for _, block in call.file.blocks_around(call.fact.block):
        if block.kind in {"for", "async for", "comp"}:
            found = [_turn(block.exprs[0], item) for item in elements(_iterated(call, block))]
            return [turn for turn in found if turn] or [{}]
    return [{}]


def _iterated(call: Call, block: tree.Block) -> Given:
    return Given(call.file, block.exprs[1], call.function)


def _turn(target: Expr, item: Given) -> dict[str, Given]:
    if isinstance(target, tree.Name):
        return {target.id: item}
    item = source(item)
    if not isinstance(target, tree.Seq):
        return {}
    parts: tuple[Expr, ...] = item.expr.items if isinstance(item.expr, tree.Seq) else ()
    if not parts and target.items:  # the values of a mapping's items()
        return {tree.dotted(target.items[-1]): item}
    names = [tree.dotted(each) for each in target.items]
    return {name: item.at(part) for name, part in zip(names, parts, strict=False) if name}
