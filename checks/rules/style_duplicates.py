"""Checks of style: runs of statements that stand in two functions."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr, PyFacts
from checks.project.project import Project
from checks.project.subjects import Function

_HEADED = frozenset(["if", "for", "async for", "while", "with", "async with", "try", "match"])
_PROPERTIES = ("builtins.property", "functools.cached_property", "typing.overload")


class Step(msgspec.Struct, frozen=True, gc=False):
    """One statement of a function, nested ones in source order; ``rough`` is a first likeness."""

    line: int
    block: int
    rough: int
    row: tree.Assign | tree.Statement | tree.Raise | tree.Block


@check("duplicate-code")
def duplicate_code(project: Project, *, min_statements: int = 6) -> Answer:
    """No run of statements is written twice.

    A mistake in a copy is mended in one place and stays in the other.

    Instead: move the common part into a function and call it from both places.

    Known problems: names of local variables and literals may differ, names of attributes and of
    what is called may not. A run may begin inside of a block. Runs within one function are left
    to its author.
    """
    runs = [
        (function, steps)
        for file in project.production
        for function in file.functions
        if function.fact.body_lines >= min_statements
        and len(steps := _steps(function)) >= min_statements
    ]
    if not runs:
        return Skip("no function is long enough")
    shared = _shared(runs, min_statements)
    first: dict[tuple[object, ...], Function] = {}
    found: list[At] = []
    for function, steps in runs:
        original: Function | None = None
        for start in range(len(steps) - min_statements + 1):
            window = steps[start : start + min_statements]
            if tuple([step.rough for step in window]) not in shared:
                continue
            known = first.setdefault(_likeness(function, window), function)
            if known is not function and original is None:
                original = known
                found.append(_repeats(function, original, window))
    return Sites(len(runs), found)


def _repeats(function: Function, original: Function, window: list[Step]) -> At:
    name = original.symbol
    return At(
        window[0].line,
        f"`{function.name}` repeats {len(window)} or more statements of `{name}`",
        path=function.path,
        symbol=function.symbol,
        end_line=window[-1].line,
        anchor=name,
    )


def _shared(runs: list[tuple[Function, list[Step]]], size: int) -> set[tuple[int, ...]]:
    """Rough likenesses of windows that stand in more than one function."""
    seen: dict[tuple[int, ...], int] = {}
    shared: set[tuple[int, ...]] = set()
    for number, (_, steps) in enumerate(runs):
        rough = [step.rough for step in steps]
        for start in range(len(rough) - size + 1):
            window = tuple(rough[start : start + size])
            if seen.setdefault(window, number) != number:
                shared.add(window)
    return shared


# Statements ---------------------------------------------------------------------------------------


def _steps(function: Function) -> list[Step]:
    """The statements of a function; what only stores arguments or hands out is left out."""
    index, facts, tables = function.index, function.file.facts, function.file.tables
    if function.fact.decorators and function.decorated_by(*_PROPERTIES):
        return []
    storing = function.name == "__init__"
    rows: list[tree.Assign | tree.Statement | tree.Raise | tree.Block] = [
        row
        for row in tables.assigns.get(index, ())
        if row.op != ":=" and not (storing and _stores(row))
    ]
    rows += [row for row in tables.statements.get(index, ()) if row.kind != "yield"]
    rows += [facts.raises[each] for each in tables.raises.get(index, ())]
    steps = [
        Step(row.line, row.block, _rough(row, facts), row)
        for row in rows
        if not isinstance(row, tree.Block)
    ]
    for each in tables.blocks.get(index, ()):
        block = facts.blocks[each]
        if block.kind in _HEADED:
            steps.append(Step(block.line, block.parent, _rough(block, facts), block))
    steps.sort(key=lambda step: step.line)
    return steps


def _stores(row: tree.Assign) -> bool:
    """``self.x = x``."""
    plain = isinstance(row.value, (tree.Name, tree.Const)) or row.value is None
    return plain and all(tree.dotted(target).startswith("self.") for target in row.targets)


def _rough(row: tree.Assign | tree.Statement | tree.Raise | tree.Block, facts: PyFacts) -> int:
    """A number that is the same for equal statements, and cheap."""
    match row:
        case tree.Assign():
            return hash((row.op, len(row.targets), _head(row.value, facts)))
        case tree.Statement():
            return hash((row.kind, _head(row.value, facts)))
        case tree.Raise():
            return hash(("raise", _head(row.exc, facts)))
    return hash((row.kind, _head(row.exprs[-1], facts) if row.exprs else 0))


def _head(expr: Expr | None, facts: PyFacts) -> object:
    """What an expression begins with."""
    if isinstance(expr, tree.CallRef):
        call = facts.calls[expr.index]
        return call.last, len(call.args), len(call.keywords)
    if isinstance(expr, tree.Op):
        inner = expr.items[0] if expr.kind == "Await" else None
        return expr.kind, _head(inner, facts) if inner is not None else 0
    return type(expr).__name__


# Likeness -----------------------------------------------------------------------------------------


def _likeness(function: Function, window: list[Step]) -> tuple[object, ...]:
    """What must be equal for two runs to be the same: all but local names and literals."""
    names: dict[str, int] = {}
    blocks: dict[int, int] = {}
    return tuple(
        token
        for step in window
        for token in (
            blocks.setdefault(step.block, len(blocks)),
            *_tokens(function, step.row, names),
        )
    )


def _tokens(
    function: Function,
    row: tree.Assign | tree.Statement | tree.Raise | tree.Block,
    names: dict[str, int],
) -> Iterator[object]:
    match row:
        case tree.Assign():
            yield f"={row.op}"
            exprs: tuple[Expr | None, ...] = (*row.targets, row.annotation, row.value)
        case tree.Statement():
            yield row.kind
            exprs = (row.value,)
        case tree.Raise():
            yield "raise"
            exprs = (row.exc, row.cause)
        case _:
            yield row.kind
            exprs = (*row.exprs, *row.targets)
    for expr in exprs:
        yield from _spelled(function, expr, names)


def _spelled(function: Function, expr: Expr | None, names: dict[str, int]) -> Iterator[object]:
    """The parts of an expression in order; a local name by where the run first uses it."""
    file = function.file
    for node in tree.walk(expr, file.facts):
        match node:
            case tree.Name(id=text):
                head, dot, rest = text.partition(".")
                owner = file.project.names.binding(file, head, function)[1]
                if owner is None:
                    yield text
                else:
                    yield names.setdefault(head, len(names))
                    yield dot + rest
            case tree.Const(kind=kind):
                yield f"<{kind}>"
            case tree.CallRef(index=index):
                call = file.facts.calls[index]
                yield ("call", len(call.args), *(item.name for item in call.keywords))
            case tree.Attr(attr=attr):
                yield f".{attr}"
            case tree.Op(kind=kind) | tree.Seq(kind=kind):
                yield (kind, len(node.items))
            case tree.Bin(op=op, items=items):
                yield (op, len(items))
            case _:
                yield type(node).__name__
