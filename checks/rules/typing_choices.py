"""Checks of types: texts that can only be one of a few."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import argument
from checks.project.subjects import File, Function
from checks.project.tables import Placed
from checks.rules.applies import has_python

_COMPARED = frozenset(f"Compare:{op}" for op in ("Eq", "NotEq", "In", "NotIn"))
_CHOICES = re.compile(r"\^?\(?(?:\?:)?[\w-]+(?:\|[\w-]+)+\)?\$?\Z")
_GROUPED = re.compile(r"\^\(?(?:\?:)?[\w-]+\)?\$(?:\|\^\(?(?:\?:)?[\w-]+\)?\$)+\Z")
_ROLES = ("schema", "orm", "settings")
_TALKS = frozenset(
    "debug info warning warn error exception critical log print getLogger get_logger".split()
)


@check("literal-for-fixed-values", applies=has_python)
def literal_for_fixed_values(file: File, *, min_values: int = 2) -> Answer:
    """A text that can only be one of a few values says so in its type.

    A plain ``str`` lets a misspelt value through to the branch that nobody wrote.

    Instead: annotate with ``Literal[...]`` or a ``StrEnum``.

    Known problems: comparisons with a named constant or a method's result (``kind.lower()``) are
    not counted. A text that the function also cuts, measures or searches, or hands on when no
    comparison held, is taken for free text. ``str | None`` counts as ``str``.
    """
    sites, found = 0, []
    for function in file.functions:
        for param, values in _compared(function).items():
            sites += 1
            if len(values) >= min_values and not _is_free_text(function, param):
                row = function.param(param)
                found.append(
                    At(function.line if row is None else row.line, _message(param, sorted(values)),
                       symbol=function.symbol, anchor=param, measured=str(len(values)),
                       limit=str(min_values - 1))
                )  # fmt: skip
    for line, name, symbol, pattern in _patterns(file):
        sites += 1
        message = f"`{name}` is a plain str whose pattern `{pattern}` lists its values"
        found.append(At(line, message, symbol=symbol, anchor=name))
    return Sites(sites, found) if sites else Skip("no text is compared")


def _message(name: str, values: list[str]) -> str:
    shown = ", ".join(f'"{value}"' for value in values[:3])
    more = ", ..." if len(values) > 3 else ""
    return f"`{name}` is a plain str that is compared with {shown}{more}"


def _compared(function: Function) -> dict[str, set[str]]:
    """Plain str parameters with the non-empty texts that the function compares them with."""
    if function.name.startswith("__") and function.name != "__init__":
        return {}  # the language says what it takes
    names = {p.name for p in function.fact.params if _is_text(function, p.annotation)}
    if not names:
        return {}
    found: dict[str, set[str]] = {}
    for name, values in _comparisons(function):
        if name in names and values - {""}:
            found.setdefault(name, set()).update(values - {""})
    return found


def _is_text(function: Function, annotation: Expr | None) -> bool:
    return (
        annotation is not None
        and function.file.project.values.of_annotation(function.file, annotation, function)
        == "builtins.str"
    )


def _comparisons(function: Function) -> Iterator[tuple[str, set[str]]]:
    """Names that are compared, each with the texts of the other side."""
    for place in _places(function):
        for node in tree.walk(place.expr, function.file.facts):
            if isinstance(node, tree.Op) and node.kind in _COMPARED:
                left, right = node.items
                yield tree.dotted(left), _texts(right, several=node.kind.endswith("In"))
                if not node.kind.endswith("In"):
                    yield tree.dotted(right), _texts(left, several=False)
    blocks = function.file.facts.blocks
    for _, block in function.blocks:
        if block.kind == "case":
            values = (tree.text_of(each) for each in block.targets)
            subject = tree.dotted(blocks[block.peer].exprs[0])
            yield subject, {value for value in values if value is not None}


def _texts(expr: Expr, *, several: bool) -> set[str]:
    items = expr.items if several and isinstance(expr, tree.Seq) else () if several else (expr,)
    return {text for item in items if (text := tree.text_of(item)) is not None}


def _places(function: Function) -> list[Placed]:
    return list(function.file.tables.expressions.get(function.index, ()))


# Free text ----------------------------------------------------------------------------------------


def _is_free_text(function: Function, name: str) -> bool:
    """Whether the function treats the parameter as a text, or hands it on as a default."""
    if any(name in _bound(assign) for assign in function.assigns):
        return True
    returned = _returned(function, name)
    return any(_as_text(function, name, place, returned) for place in _places(function))


def _returned(function: Function, name: str) -> dict[int, int]:
    """First last line of an ``if`` that compares a name and returns, by the block around it."""
    found: dict[int, int] = {}
    for _, block in function.blocks:
        if block.kind == "if" and block.last == "Return" and _is_equal(block.exprs[0], name):
            found[block.parent] = min(block.end_line, found.get(block.parent, block.end_line))
    return found


def _bound(assign: tree.Assign) -> set[str]:
    return {target.id for target in assign.targets if isinstance(target, tree.Name)}


def _as_text(function: Function, name: str, place: Placed, returned: dict[int, int]) -> bool:
    facts = function.file.facts
    for node in tree.walk(place.expr, facts):
        match node:
            case tree.Name(id=text) if text.startswith(f"{name}."):
                return True  # a method of str
            case tree.Item(value=tree.Name(id=text)) if text == name:
                return True
            case tree.Op(kind="Compare:In" | "Compare:NotIn", items=(_, tree.Name(id=text))):
                if text == name:
                    return True
            case tree.CallRef(index=index):
                call = facts.calls[index]
                if call.last in {"len", "int", "float"} and tree.Name(name) in call.args:
                    return True
            case tree.Op(kind="IfExp", items=(test, body, other)):
                negated = isinstance(test, tree.Op) and test.kind.startswith("Compare:Not")
                default = body if negated else other
                if _compares(test, name) and _mentions(default, name, facts):
                    return True
    return _is_default(function, name, place, returned)


def _is_default(function: Function, name: str, place: Placed, returned: dict[int, int]) -> bool:
    """Whether a text is used where no comparison held: in an ``else``, or behind a ``return``."""
    facts = function.file.facts
    if not _mentions(place.expr, name, facts) or _only_told(function, place):
        return False
    for _, block in function.file.blocks_around(place.block):
        if block.kind == "else" and _compares(block.exprs[0], name):
            return True
        if block.kind == "case" and not block.targets and not block.exprs:
            subject = facts.blocks[block.peer].exprs[0]
            return tree.dotted(subject) == name
    return returned.get(place.block, place.line) < place.line


def _compares(expr: Expr, name: str) -> bool:
    return any(
        isinstance(node, tree.Op) and node.kind in _COMPARED and tree.Name(name) in node.items
        for node in tree.walk(expr)
    )


def _is_equal(expr: Expr, name: str) -> bool:
    parts = expr.items if isinstance(expr, tree.Op) and expr.kind in {"Or", "And"} else (expr,)
    return any(
        isinstance(each, tree.Op)
        and each.kind in {"Compare:Eq", "Compare:In"}
        and each.items[0] == tree.Name(name)
        for each in parts
    )


def _mentions(expr: Expr, name: str, facts: tree.PyFacts) -> bool:
    """Whether a name is used, other than to be compared."""
    used = sum(each == tree.Name(name) for each in tree.walk(expr, facts))
    compared = (
        each.items.count(tree.Name(name))
        for each in tree.walk(expr, facts)
        if isinstance(each, tree.Op) and each.kind in _COMPARED
    )
    return used > sum(compared)


def _only_told(function: Function, place: Placed) -> bool:
    """Whether an expression only goes into an error or a log."""
    if place.line in _raised(function):
        return True
    if isinstance(place.expr, tree.CallRef):
        return function.file.facts.calls[place.expr.index].last in _TALKS
    return False


def _raised(function: Function) -> set[int]:
    """Lines on which a function raises."""
    known: dict[int, set[int]] = function.file.memo.setdefault("raising lines", {})
    if function.index not in known:
        known[function.index] = {row.line for row in function.raises}
    return known[function.index]


# Patterns -----------------------------------------------------------------------------------------


def _patterns(file: File) -> Iterator[tuple[int, str, str, str]]:
    """Str fields and parameters whose ``pattern`` is a list of values."""
    for call in file.calls_named("Field", "constr", "Query", "Path", "Body", "Form", "Header",
                                 "StringConstraints"):  # fmt: skip
        given = argument(call, ("pattern", "regex"))
        text = None if given is None else given.text
        if text is None or not _lists_values(text):
            continue
        owner = _owner(file, call.index)
        if owner is not None:
            yield (*owner, text)


def _lists_values(pattern: str) -> bool:
    return bool(_CHOICES.match(pattern) or _GROUPED.match(pattern))


def _owner(file: File, call: int) -> tuple[int, str, str] | None:
    """Line, name and symbol of the field or parameter that a call describes."""
    known: dict[int, tuple[int, str, str]] | None = file.memo.get("described")
    if known is None:
        known = file.memo["described"] = {}
        for line, name, symbol, exprs in _described(file):
            for expr in exprs:
                for node in tree.walk(expr, file.facts):
                    if isinstance(node, tree.CallRef):
                        known.setdefault(node.index, (line, name, symbol))
    return known.get(call)


def _described(file: File) -> Iterator[tuple[int, str, str, list[Expr]]]:
    for cls in file.classes:
        if file.project.classes.role(cls) in _ROLES:
            for name, row in cls.attributes.items():
                if _holds_text(file, row.annotation):
                    exprs = [each for each in (row.annotation, row.value) if each is not None]
                    yield row.line, name, cls.symbol, exprs
    for function in file.functions:
        for param in function.fact.params:
            if _is_text(function, param.annotation):
                exprs = [each for each in (param.annotation, param.default) if each is not None]
                yield param.line, param.name, function.symbol, exprs


def _holds_text(file: File, annotation: Expr | None) -> bool:
    """A str, or what ``constr(...)`` makes of one."""
    kind = file.project.values.of_annotation(file, annotation)
    return kind == "builtins.str" or kind.endswith(".constr")
