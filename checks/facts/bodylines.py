"""How many lines of code a file and a function's body have."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Mapping, Sequence, Set

from checks.facts.tree import Function


def code_lines(lines: Sequence[str], text_lines: Set[int]) -> list[int]:
    """Numbers of the lines that are neither blank nor only a comment.

    Args:
        lines: The lines of the file.
        text_lines: Lines inside a text of several lines: there a ``#`` begins no comment.
    """
    found = []
    for number, line in enumerate(lines, 1):
        bare = line.lstrip()
        if bare and (bare[0] != "#" or number in text_lines):
            found.append(number)
    return found


class BodyLines:
    """Counts the lines of bodies.

    Args:
        code: What :func:`code_lines` gave.
        docstrings: Last line of every docstring of a function or class, by its first.
    """

    def __init__(self, code: Sequence[int], docstrings: Mapping[int, int]) -> None:
        self._code = code
        self._docs = sorted(docstrings.items())
        self._starts = [first for first, _ in self._docs]

    def of(self, function: Function, node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        """Lines from the first statement after the docstring on, without inner docstrings."""
        body = node.body[1:] if function.docstring is not None else node.body
        if not body:
            return 0
        last = function.end_line
        decorators = getattr(body[0], "decorator_list", ())
        first = min([body[0].lineno, *(each.lineno for each in decorators)])
        inner = slice(bisect_left(self._starts, first), bisect_left(self._starts, last + 1))
        return self._between(first, last) - sum(
            self._between(start, end) for start, end in self._docs[inner]
        )

    def _between(self, first: int, last: int) -> int:
        return bisect_left(self._code, last + 1) - bisect_left(self._code, first)


def with_counts(function: Function, lines: int, complexity: int, generator: bool) -> Function:
    """The function with what is known only after its body (``structs.replace`` is slow)."""
    f = function
    return Function(
        f.name, f.qualname, f.line, f.column, f.end_line, f.header_end, f.is_async, generator,
        f.params, f.returns, f.decorators, f.docstring, lines, complexity, f.shape, f.typevars,
        f.last, f.parent, f.cls, f.block,
    )  # fmt: skip
