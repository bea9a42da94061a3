"""The rows of one file by what they stand in, so that no question walks through a whole file.

A file may hold ten thousand functions or except clauses; asking each for its statements must not
cost a look at those of all others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from checks.facts import tree

if TYPE_CHECKING:
    from checks.facts.tree import Expr, PyFacts

_REPEATED = frozenset({"else", "comp", "lambda"})
"""Blocks whose expressions stand in another row too."""


class Placed(NamedTuple):
    """A whole expression of a statement, with where it stands.

    Attributes:
        line: Line of its statement.
        block: The block it stands in; of a header the one around it.
        function: The function it stands in.
        expr: The expression.
    """

    line: int
    block: int
    function: int
    expr: Expr


class Tables:
    """Groups of the rows of one file; all indices are those of the facts, in their order."""

    def __init__(self, facts: PyFacts) -> None:
        self._facts = facts

    # By the function or class they stand in; -1 for the module ------------------------------------

    @cached_property
    def assigns(self) -> Mapping[int, Sequence[tree.Assign]]:
        """Assignments by function."""
        return _grouped(self._facts.assigns, lambda row: row.function)

    @cached_property
    def class_assigns(self) -> Mapping[int, Sequence[tree.Assign]]:
        """Assignments by the class in whose body they stand."""
        return _grouped(self._facts.assigns, lambda row: row.cls)

    @cached_property
    def inner_classes(self) -> Mapping[int, Sequence[int]]:
        """Classes by the class in whose body they stand."""
        rows = self._facts.classes
        return _grouped(range(len(rows)), lambda index: rows[index].parent)

    @cached_property
    def statements(self) -> Mapping[int, Sequence[tree.Statement]]:
        """Statements by function."""
        return _grouped(self._facts.statements, lambda row: row.function)

    @cached_property
    def blocks(self) -> Mapping[int, Sequence[int]]:
        """Blocks by function."""
        rows = self._facts.blocks
        return _grouped(range(len(rows)), lambda index: rows[index].function)

    @cached_property
    def raises(self) -> Mapping[int, Sequence[int]]:
        """Raise statements by function."""
        rows = self._facts.raises
        return _grouped(range(len(rows)), lambda index: rows[index].function)

    @cached_property
    def excepts(self) -> Mapping[int, Sequence[int]]:
        """Blocks of except clauses by function, in order of line."""
        rows = self._facts.blocks
        found = [index for index, row in enumerate(rows) if row.kind == "except"]
        found.sort(key=lambda index: rows[index].line)
        return _grouped(found, lambda index: rows[index].function)

    @cached_property
    def methods(self) -> Mapping[int, Sequence[int]]:
        """Methods by class."""
        rows = self._facts.functions
        return _grouped(range(len(rows)), lambda index: rows[index].cls)

    @cached_property
    def inner_functions(self) -> Mapping[int, Sequence[int]]:
        """Functions by the function in whose body they stand."""
        rows = self._facts.functions
        return _grouped(range(len(rows)), lambda index: rows[index].parent)

    @cached_property
    def expressions(self) -> Mapping[int, Sequence[Placed]]:
        """Whole expressions of statements and headers by function, in order of line."""
        found: dict[int, list[Placed]] = defaultdict(list)
        for place in _placed(self._facts):
            found[place.function].append(place)
        for places in found.values():
            places.sort(key=lambda place: place.line)
        return dict(found)

    # By block -------------------------------------------------------------------------------------

    def assigns_inside(self, block: int) -> list[tree.Assign]:
        """Assignments of a block and of the blocks in it, nested functions left out."""
        rows = self._facts.assigns
        return [rows[index] for index in self._inside(block, self._assigns_of)]

    def statements_inside(self, block: int) -> list[tree.Statement]:
        """Statements of a block and of the blocks in it, nested functions left out."""
        rows = self._facts.statements
        return [rows[index] for index in self._inside(block, self._statements_of)]

    def raises_inside(self, block: int) -> list[int]:
        """Raise statements of a block and of the blocks in it, nested functions left out."""
        return self._inside(block, self._raises_of)

    def calls_inside(self, block: int) -> list[int]:
        """Calls of a block and of the blocks in it, nested functions left out."""
        return self._inside(block, self._calls_of)

    def _inside(self, block: int, rows: Mapping[int, Sequence[int]]) -> list[int]:
        return sorted(index for each in self.below(block) for index in rows.get(each, ()))

    def below(self, block: int) -> Iterator[int]:
        """A block and the blocks in it, nested functions left out."""
        waiting = [block]
        while waiting:
            each = waiting.pop()
            yield each
            waiting += self.children.get(each, ())

    @cached_property
    def children(self) -> Mapping[int, Sequence[int]]:
        """Blocks by the block around them."""
        rows = self._facts.blocks
        return _grouped(range(len(rows)), lambda index: rows[index].parent)

    @cached_property
    def _assigns_of(self) -> Mapping[int, Sequence[int]]:
        rows = self._facts.assigns
        return _grouped(range(len(rows)), lambda index: rows[index].block)

    @cached_property
    def _statements_of(self) -> Mapping[int, Sequence[int]]:
        rows = self._facts.statements
        return _grouped(range(len(rows)), lambda index: rows[index].block)

    @cached_property
    def _raises_of(self) -> Mapping[int, Sequence[int]]:
        rows = self._facts.raises
        return _grouped(range(len(rows)), lambda index: rows[index].block)

    @cached_property
    def _calls_of(self) -> Mapping[int, Sequence[int]]:
        rows = self._facts.calls
        return _grouped(range(len(rows)), lambda index: rows[index].block)

    def comprehensions(self, first: int, last: int) -> Sequence[tree.Block]:
        """Comprehensions that begin between two lines, in order of line."""
        rows = self._comprehensions
        start = bisect_left(rows, first, key=lambda row: row.line)
        return rows[start : bisect_right(rows, last, key=lambda row: row.line)]

    @cached_property
    def _comprehensions(self) -> list[tree.Block]:
        found = [row for row in self._facts.blocks if row.kind == "comp"]
        return sorted(found, key=lambda row: row.line)

    # By name and by line --------------------------------------------------------------------------

    @cached_property
    def functions_named(self) -> Mapping[str, int]:
        """The first function of each qualified name."""
        return _first_of_each(row.qualname for row in self._facts.functions)

    @cached_property
    def classes_named(self) -> Mapping[str, int]:
        """The first class of each qualified name."""
        return _first_of_each(row.qualname for row in self._facts.classes)

    @cached_property
    def assigns_to(self) -> Mapping[str, Sequence[tree.Assign]]:
        """Assignments that bind a name or a dotted name by itself, by that name."""
        found: dict[str, list[tree.Assign]] = defaultdict(list)
        for row in self._facts.assigns:
            for name in {each.id for each in row.targets if isinstance(each, tree.Name)}:
                found[name].append(row)
        return dict(found)

    @cached_property
    def assigns_in(self) -> Mapping[tuple[str, int], Sequence[tree.Assign]]:
        """The same by name and function (-1 for the module); dotted names of objects under -2."""
        found: dict[tuple[str, int], list[tree.Assign]] = defaultdict(list)
        for row in self._facts.assigns:
            for name in {each.id for each in row.targets if isinstance(each, tree.Name)}:
                found[name, -2 if name.startswith("self.") else row.function].append(row)
        return dict(found)

    @cached_property
    def assign_of_call(self) -> Mapping[int, tree.Assign]:
        """The first assignment whose whole value is a call, by that call."""
        found: dict[int, tree.Assign] = {}
        for row in self._facts.assigns:
            if isinstance(row.value, tree.CallRef):
                found.setdefault(row.value.index, row)
        return found

    @cached_property
    def entered(self) -> Mapping[int, tuple[int, tree.Expr | None]]:
        """The first ``with`` that enters the result of a call, and the name it is bound to."""
        found: dict[int, tuple[int, tree.Expr | None]] = {}
        for index, row in enumerate(self._facts.blocks):
            if row.kind in {"with", "async with"}:
                for expr, target in zip(row.exprs, row.targets, strict=True):
                    if isinstance(expr, tree.CallRef):
                        found.setdefault(expr.index, (index, target))
        return found

    def signature_at(self, line: int) -> int:
        """The function whose signature holds a line, -1 for none."""
        starts, indices = self._signatures
        place = bisect_right(starts, line) - 1
        if place < 0 or self._facts.functions[indices[place]].header_end < line:
            return -1
        return indices[place]

    @cached_property
    def _signatures(self) -> tuple[list[int], list[int]]:
        rows = self._facts.functions
        indices = sorted(range(len(rows)), key=lambda index: rows[index].line)
        return [rows[index].line for index in indices], indices

    def symbol_at(self, line: int) -> str:
        """Qualified name of the innermost function or class around a line, "" for none."""
        starts, names = self._stretches
        return names[bisect_right(starts, line)]

    @cached_property
    def _stretches(self) -> tuple[list[int], list[str]]:
        """Lines at which the innermost definition changes, and what it is up to each of them."""
        rows = [(row.line, row.end_line, row.qualname) for row in self._facts.classes]
        rows += [(row.line, row.end_line, row.qualname) for row in self._facts.functions]
        rows.sort(key=lambda row: row[0])
        starts: list[int] = []
        names = [""]
        around: list[tuple[int, str]] = []

        def begin(line: int) -> None:
            starts.append(line)
            names.append(around[-1][1] if around else "")

        def end_before(line: int) -> None:
            while around and around[-1][0] < line:
                last, _ = around.pop()
                begin(last + 1)

        for first, last, name in rows:
            end_before(first)
            around.append((last, name))
            begin(first)
        end_before(max((last for _, last, _ in rows), default=0) + 1)
        return starts, names


def _grouped[Each](rows: Iterable[Each], of: Callable[[Each], int]) -> Mapping[int, Sequence[Each]]:
    found: dict[int, list[Each]] = defaultdict(list)
    for row in rows:
        found[of(row)].append(row)
    return dict(found)


def _first_of_each(names: Iterable[str]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        found.setdefault(name, index)
    return found


def _placed(facts: PyFacts) -> Iterator[Placed]:
    for assign in facts.assigns:
        if assign.value is not None and assign.op != ":=":
            yield Placed(assign.line, assign.block, assign.function, assign.value)
    for statement in facts.statements:
        if statement.value is not None and statement.kind != "yield":
            yield Placed(statement.line, statement.block, statement.function, statement.value)
    for row in facts.raises:
        for expr in (row.exc, row.cause):
            if expr is not None:
                yield Placed(row.line, row.block, row.function, expr)
    for block in facts.blocks:
        if block.kind not in _REPEATED:
            for expr in block.exprs:
                yield Placed(block.line, block.parent, block.function, expr)
