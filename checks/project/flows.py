"""Where a value goes inside one function: variables, attributes, other objects, the caller."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Assign, Expr

if TYPE_CHECKING:
    from checks.project.subjects import Call, Function

_ENTERS = frozenset({"enter_async_context", "enter_context", "setdefault"})
_MOST = 60


class Flow:
    """The assignments and calls of one function, by what they are given.

    Attributes:
        into: Assignments by the calls and names that they may take their value from.
        held: Calls that make another object of a value, or enter it, by the value.
        defaults: Values that ``setdefault`` keeps.
        returned: Calls and names that the function may return.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.into: dict[Expr, list[Assign]] = {}
        self.held: dict[Expr, list[Call]] = {}
        self.defaults: set[Expr] = set()
        self.returned: set[Expr] = {each for value in function.returned for each in values(value)}
        for assign in function.assigns:
            for each in values(assign.value):
                self.into.setdefault(each, []).append(assign)
        for call in function.calls:
            if call.last in _ENTERS or call.last[:1].isupper():
                for arg in call.arguments:
                    if isinstance(arg, (tree.CallRef, tree.Name)):
                        self.held.setdefault(arg, []).append(call)
            if call.last == "setdefault":
                self.defaults.update(
                    arg for arg in call.fact.args if isinstance(arg, (tree.CallRef, tree.Name))
                )

    @cached_property
    def outer_names(self) -> frozenset[str]:
        """Names that the function binds outside of itself."""
        return frozenset(
            name
            for each in self.function.statements
            if each.kind in {"global", "nonlocal"}
            for name in each.names
        )

    def forms(self, call: Call) -> list[Expr]:
        """What stands for the result of a call.

        The call, variables, other objects that hold it, an exit stack that enters it.
        """
        found: dict[Expr, None] = {tree.CallRef(call.index): None}
        queue = list(found)
        for each in queue:
            if len(queue) > _MOST:
                break
            made: list[Expr] = [tree.CallRef(other.index) for other in self.held.get(each, ())]
            made += [
                target
                for assign in self.into.get(each, ())
                for target in assign.targets
                if isinstance(target, tree.Name) and "." not in target.id
            ]
            for one in made:
                if one not in found:
                    found[one] = None
                    queue.append(one)
        return queue


def flow(function: Function) -> Flow:
    """The flow of a function, made once."""
    known: dict[int, Flow] = function.file.memo.setdefault("flows", {})
    if function.index not in known:
        known[function.index] = Flow(function)
    return known[function.index]


def values(expr: Expr | None) -> tuple[Expr, ...]:
    """The calls and names that an expression may give: both sides of ``or``, what is awaited."""
    match expr:
        case tree.CallRef() | tree.Name():
            return (expr,)
        case tree.Op(kind="Await" | "Or" | "IfExp" | "NamedExpr", items=items):
            inner = (_awaited(each) for each in items)
            return tuple(each for each in inner if isinstance(each, (tree.CallRef, tree.Name)))
    return ()


def _awaited(expr: Expr) -> Expr:
    return expr.items[0] if isinstance(expr, tree.Op) and expr.kind == "Await" else expr
