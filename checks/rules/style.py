"""Checks of style: what ruff and the shape of a function show."""

from __future__ import annotations

import sys

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts.lint import Diagnostic
from checks.project.subjects import File, Function


def reported(diagnostic: Diagnostic, message: str, *, line: int = 0, anchor: str = "") -> At:
    """A finding where ruff reports one; an exact ``noqa`` on ruff's own line suppresses it."""
    return At(
        line or diagnostic.line,
        message,
        column=0 if line else diagnostic.column,
        code=diagnostic.code,
        noqa_line=diagnostic.noqa_line,
        anchor=anchor,
    )


@check("mutable-default-argument", scope="python")
def mutable_default_argument(function: Function) -> list[At] | Skip:
    """A default argument is immutable.

    The default is built once, when the function is defined, and shared by all calls: what one
    call puts in, the next one finds.

    Instead: default to ``None`` and build the object inside.

    Known problems: a call that builds a mutable object of a first-party class is not recognised.
    """
    fact = function.fact
    defaults = [param.default for param in fact.params if param.default is not None]
    if not defaults:
        return Skip("no default argument")
    return [
        reported(each, f"`{function.name}` has a mutable default argument")
        for each in function.file.lint("B006")
        if fact.line <= each.line <= fact.header_end
    ]


@check("import-order", scope="production+test")
def import_order(file: File) -> One:
    """Imports are sorted as isort sorts them.

    A fixed order makes an import easy to find and keeps merges quiet.

    Instead: run ``ruff check --select I --fix``.

    Known problems: first-party packages are told from the folders of the repository; where a
    folder of scripts is named like a library (``alembic``), files that import it are not judged.
    """
    statements = {(row.line, row.fact.function) for row in file.imports}
    if len(statements) < 2 or file.facts.skips_isort:
        return Skip("fewer than two imports")
    found = file.lint("I001")
    if not found or _imports_namesake(file):
        return None
    return reported(found[0], "The imports are not sorted")


def _imports_namesake(file: File) -> bool:
    """Whether a library is imported that a folder without ``__init__`` is named like.

    Versions of isort and ruff do not agree on whose it is, so both orders are right.
    """
    layout = file.project.layout
    return any(
        row.distribution in layout.bare_folders and layout.split(row.target) is None
        for row in file.imports
        if row.distribution not in sys.stdlib_module_names
    )


@check("line-length", scope="production+test")
def line_length(file: File, *, max: int = 88) -> Answer:
    """Lines are short enough to be read side by side.

    Instead: break the line; a formatter does it.

    Known problems: none known; lines that end in a URL and pragma comments are spared as ruff does.
    """
    found = [
        At(
            each.line,
            f"The line is {each.width} columns wide",
            measured=str(each.width),
            limit=str(max),
            code="E501",
            noqa_line=each.noqa_line,
        )
        for each in file.long_lines
        if each.exceeds(max)
    ]
    return Sites(file.facts.code_lines, found)


@check("cyclomatic-complexity")
def cyclomatic_complexity(function: Function, *, max: int = 10) -> One:
    """A function takes few decisions.

    Each branch is a case to keep in mind and to test. Closures are counted by themselves.

    Instead: split the function, or replace branches by a table or by polymorphism.

    Known problems: a flat ``match`` that only maps values counts like any other.
    """
    measured = function.fact.complexity
    if measured <= max:
        return None
    message = f"`{function.name}` takes {measured} independent paths"
    return At(
        function.line, message, measured=str(measured), limit=str(max), symbol=function.symbol
    )


@check("function-length")
def function_length(function: Function, *, max_lines: int = 50) -> One:
    """The body of a function fits on a screen.

    Counted are the lines of the body without its docstring, blank lines and lines of comment.

    Instead: extract parts into functions of their own.

    Known problems: in strings joined by standing side by side, comments in between do not count.
    """
    fact = function.fact
    if fact.shape == "literal" or fact.body_lines <= max_lines:
        return None
    message = f"The body of `{function.name}` has {fact.body_lines} lines"
    limit = str(max_lines)
    return At(
        function.line, message, measured=str(fact.body_lines), limit=limit, symbol=function.symbol
    )
