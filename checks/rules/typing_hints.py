"""Checks of types: hints that are long enough to deserve a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.project import Project
from checks.project.subjects import File, Function
from checks.rules.applies import has_python
from checks.rules.typing import written_annotations

_FLAT = frozenset(
    f"typing.{name}" for name in ("Literal", "Optional", "Union", "ClassVar", "Final")
)
_BUILTIN = {
    f"typing.{name}": f"builtins.{name.lower()}"
    for name in ("List", "Dict", "Set", "FrozenSet", "Tuple", "Type")
}
_CALLABLES = frozenset({"typing.Callable", "collections.abc.Callable"})
_TYPEVARS = frozenset({"typing.TypeVar", "typing.ParamSpec", "typing.TypeVarTuple"})
_STEPS = 400
_PREFIX = re.compile(r"\b(?:\w+\.)+(?=\w)")


class _Use(msgspec.Struct, frozen=True):
    """One place where a hint is written."""

    path: str
    line: int
    depth: int
    symbol: str


@check("type-alias-for-complex-hints", applies=has_python)
def type_alias_for_complex_hints(
    project: Project, *, min_depth: int = 2, min_uses: int = 2, max_depth: int = 4
) -> Answer:
    """A complex type that is written again has a name.

    A nested hint says how a value is built and not what it is, and its copies drift apart.

    Instead: define a type alias (``type Index = dict[str, list[int]]``) and use it.

    Known problems: ``X`` and ``X | None`` are different hints; hints of all files are compared,
    and a hint that only repeats as a part of larger ones is not counted.
    """
    uses: dict[str, list[_Use]] = {}
    for file in project.production:
        for text, use in _hints(file):
            if use.depth >= min_depth:
                uses.setdefault(text, []).append(use)
    found = []
    for name, places in uses.items():
        text = _PREFIX.sub("", name)
        place = places[min(1, len(places) - 1)]
        if len(places) >= min_uses:
            message = f"`{text}` is written {len(places)} times"
            measured, limit = len(places), min_uses - 1
        elif place.depth > max_depth:
            message = f"`{text}` is nested {place.depth} deep"
            measured, limit = place.depth, max_depth
        else:
            continue
        found.append(
            At(place.line, message, path=place.path, symbol=place.symbol, anchor=text,
               measured=str(measured), limit=str(limit))
        )  # fmt: skip
    return Sites(len(uses), found) if uses else Skip("no nested annotation")


def _hints(file: File) -> list[tuple[str, _Use]]:
    """Subscripted annotations of a file, normalised; worked out once per file."""
    known: list[tuple[str, _Use]] | None = file.memo.get("hints")
    if known is None:
        known = file.memo["hints"] = sorted(_read(file), key=lambda each: each[1].line)
    return known


def _read(file: File) -> Iterator[tuple[str, _Use]]:
    definitions = {row.line for row in file.facts.assigns if _is_definition(file, row)}
    for line, expr, function in written_annotations(file):
        bare = _bare(file, expr, function)
        if line in definitions or not _is_nested(bare):
            continue
        depth = _depth(file, bare, function)
        if depth > 1 and not _is_plumbing(file, bare, function):
            symbol = function.symbol if function is not None else ""
            yield _text(file, bare, function), _Use(file.path, line, depth, symbol)


def _is_definition(file: File, row: tree.Assign) -> bool:
    """Whether an assignment defines an alias."""
    if row.op.startswith("type"):
        return True
    return row.annotation is not None and file.resolve(row.annotation) == "typing.TypeAlias"


def _bare(file: File, expr: Expr, function: Function | None) -> Expr:
    """The type without the metadata of an ``Annotated`` around it."""
    while isinstance(expr, tree.Item) and file.resolve(expr.value, function) == "typing.Annotated":
        expr = _arguments(expr)[0]
    return expr


def _arguments(item: tree.Item) -> tuple[Expr, ...]:
    """What stands between the brackets."""
    index = item.index
    return index.items if isinstance(index, tree.Seq) and index.items else (index,)


def _is_nested(expr: Expr) -> bool:
    """Whether any subscript stands in another one: cheap, before names are resolved."""
    return sum(isinstance(node, tree.Item) for node in tree.walk(expr)) > 1


def _depth(file: File, expr: Expr, function: Function | None) -> int:
    """How deep subscripts are nested; literals, unions and metadata count nothing."""
    deepest, stack = 0, [(expr, 0)]
    for _ in range(_STEPS):
        if not stack:
            break
        node, depth = stack.pop()
        if not isinstance(node, tree.Item):
            stack += [(child, depth) for child in tree.children(node)]
            continue
        bare = _bare(file, node, function)
        if bare is not node:
            stack.append((bare, depth))
            continue
        name = file.resolve(node.value, function)
        if name == "typing.Literal":
            continue
        depth += name not in _FLAT
        deepest = max(deepest, depth)
        stack.append((node.index, depth))
    return deepest


def _is_plumbing(file: File, expr: Expr, function: Function | None) -> bool:
    """``Callable[P, Awaitable[R]]``: what a decorator takes and gives back."""
    for node in tree.walk(expr):
        if not isinstance(node, tree.Item) or file.resolve(node.value, function) not in _CALLABLES:
            continue
        if isinstance(_arguments(node)[0], (tree.Name, tree.Item)):
            return True
        if any(_is_variable(file, each, function) for each in tree.walk(node.index)):
            return True
    return False


def _is_variable(file: File, expr: Expr, function: Function | None) -> bool:
    if not isinstance(expr, tree.Name):
        return False
    made = file.project.names.assignment_named(file.resolve(expr, function))
    if made is None or not isinstance(made[1].value, tree.CallRef):
        return False
    return made[0].resolve(made[1].value) in _TYPEVARS


def _text(file: File, expr: Expr, function: Function | None) -> str:
    """The hint with resolved names, so that different spellings of it compare equal."""
    done: list[str] = []
    stack: list[Expr | str] = [expr]
    for _ in range(_STEPS):
        if not stack:
            break
        node = stack.pop()
        if isinstance(node, str):
            done.append(node)
        else:
            stack += reversed(_parts(file, node, function))
    return "".join(done)


def _parts(file: File, node: Expr, function: Function | None) -> Sequence[Expr | str]:
    """What a node of a hint is written as."""
    match node:
        case tree.Name(id=text) | tree.Const(kind="str", value=str(text)):
            name = file.resolve(text, function) or text
            return (_BUILTIN.get(name, name),)
        case tree.Const(kind=kind, value=value):
            return ({"NoneType": "None", "ellipsis": "..."}.get(kind, repr(value)),)
        case tree.Item(value=value):
            bare = _bare(file, node, function)
            if bare is not node:
                return (bare,)
            if file.resolve(value, function) == "typing.Optional":
                return (*_arguments(node), " | None")
            return (value, "[", *_joined(_arguments(node), ", "), "]")
        case tree.Bin(items=items):
            return _joined(items, " | ")
        case tree.Seq(items=items):
            return ("[", *_joined(items, ", "), "]")
    return tree.children(node)


def _joined(items: Sequence[Expr], text: str) -> list[Expr | str]:
    found: list[Expr | str] = []
    for item in items:
        found += [text, item] if found else [item]
    return found
