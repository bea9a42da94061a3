"""What checks that rest on ruff share: its reports as findings, and what stands at their lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

import msgspec

from checks.check import Answer, At, Sites, Skip
from checks.facts import tree
from checks.facts.lint import Diagnostic
from checks.facts.tree import Expr
from checks.project.subjects import File, Function
from checks.rules.style import reported

type Excuse = Callable[[Diagnostic], bool]


class Comparison(msgspec.Struct, frozen=True, gc=False):
    """A comparison and the lines of the statement that holds it; whether it asks for equality."""

    line: int
    end_line: int
    equality: bool
    operands: tuple[Expr, ...]
    function: Function | None


def answer(
    sites: int,
    diagnostics: Iterable[Diagnostic],
    message: Callable[[Diagnostic], str] | str,
    *,
    excused: Excuse | None = None,
    line: Callable[[Diagnostic], int] | None = None,
) -> Answer:
    """The answer of a file whose findings are what ruff reports, one for each line.

    Args:
        sites: How many sites the file holds; the reports count at least.
        diagnostics: What ruff reports.
        message: What is wrong, as a text or made from a report.
        excused: Whether a report is one that the definition excuses.
        line: Where the finding stands, when it is not where ruff reports it.
    """
    found: dict[int, At] = {}
    for each in diagnostics:
        if excused is None or not excused(each):
            at = 0 if line is None else line(each)
            text = message if isinstance(message, str) else message(each)
            found.setdefault(at or each.line, reported(each, text, line=at))
    count = max(sites, len(found))
    return Sites(count, list(found.values())) if count else Skip("no site")


def expressions(file: File) -> Iterator[tuple[int, int, Expr, int]]:
    """Every outermost expression of a file: first and last line of its statement, it, function.

    Arguments of a call stand for themselves, since expressions refer to calls by number.
    """
    facts = file.facts
    for assign in facts.assigns:
        if assign.value is not None:
            yield assign.line, assign.end_line, assign.value, assign.function
    for statement in facts.statements:
        if statement.value is not None:
            yield statement.line, statement.end_line, statement.value, statement.function
    for block in facts.blocks:
        if block.kind != "else":
            for expr in block.exprs:
                yield block.line, block.end_line, expr, block.function
    for call in facts.calls:
        for argument in (*call.args, *(item.value for item in call.keywords)):
            yield call.line, call.end_line, argument, call.function


def comparisons(file: File) -> list[Comparison]:
    """All comparisons of a file; worked out once."""
    known: list[Comparison] | None = file.memo.get("comparisons")
    if known is None:
        known = file.memo["comparisons"] = [
            Comparison(
                first,
                last,
                node.kind in {"Compare:Eq", "Compare:NotEq"},
                node.items,
                file.function_of(function),
            )
            for first, last, expr, function in expressions(file)
            if not tree.is_leaf(expr)
            for node in tree.walk(expr)
            if isinstance(node, tree.Op) and node.kind.startswith("Compare:")
        ]
    return known


def compared_at(file: File, line: int, value: object) -> list[Comparison]:
    """The comparisons with a constant at a line, of the innermost statement that has one."""
    candidates = _compared_with(file).get((type(value), value), [])
    found: list[Comparison] = []
    # statements nest: of those around a line the innermost begins last
    for place in range(bisect_right(candidates, line, key=lambda each: each.line), 0, -1):
        each = candidates[place - 1]
        if found and (each.line, each.end_line) != (found[0].line, found[0].end_line):
            break
        if line <= each.end_line:
            found.append(each)
    return found[::-1]


def _compared_with(file: File) -> dict[tuple[type, object], list[Comparison]]:
    """Comparisons by the constants they compare with; at one line the widest come first."""
    known: dict[tuple[type, object], list[Comparison]] | None = file.memo.get("compared with")
    if known is None:
        known = file.memo["compared with"] = {}
        for each in sorted(comparisons(file), key=lambda each: (each.line, -each.end_line)):
            values = (constant(operand) for operand in each.operands)
            for key in dict.fromkeys((type(value), value) for value in values):
                known.setdefault(key, []).append(each)
    return known


def constant(expr: Expr) -> object:
    """The value of a literal or of a signed number, ``...`` for any other expression."""
    if isinstance(expr, tree.Op) and expr.kind in {"USub", "UAdd"}:
        value = constant(expr.items[0])
        if isinstance(value, (int, float)):
            return -value if expr.kind == "USub" else value
    return expr.value if isinstance(expr, tree.Const) else ...
