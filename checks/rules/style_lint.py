"""Checks of style that are declarations over ruff: its codes, our sites and excuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.facts.lint import Diagnostic
from checks.project.subjects import Call, File, Loop
from checks.rules.lintrules import (
    Comparison,
    answer,
    compared_at,
    comparisons,
    constant,
)
from checks.rules.style import reported

PEP8 = (
    "E101", "E401", "E402", "E701", "E702", "E703", "E711", "E712", "E713", "E714", "E721",
    "E731", "E741", "E742", "E743", "W191", "W291", "W292", "W293", "W605",
)  # fmt: skip
COMPREHENSIONS = (
    "PERF401", "PERF403", "C400", "C401", "C402", "C403", "C404", "C416", "C417",
)  # fmt: skip
ALLOWED = (
    0, 1, -1, 2, 100, 200, 201, 204, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410,
    422, 429, 500, 502, 503, 504,
)  # fmt: skip
_QUERY = frozenset(
    "where filter having and_ or_ not_ join outerjoin on when case select any has "
    "with_loader_criteria select_from options of_type".split()
)
_VALUE = re.compile(r"`(.+)`")


@check("absolute-imports")
def absolute_imports(
    file: File, *, ban_relative_imports: str = "all", exempt_init: bool = True
) -> Answer:
    """First-party modules are imported by their full path.

    A full path reads alike from everywhere, is found by a search, and stays right when the
    importing module moves.

    Instead: import the module by its full package path.

    Known problems: none known.
    """
    if exempt_init and file.is_package:
        return Skip("an __init__.py")
    rows = {row.line: row for row in file.imports if row.definer is not None or row.fact.level}
    least = 1 if ban_relative_imports == "all" else 2
    return answer(
        len(rows),
        file.lint("TID252"),
        "The import is relative",
        excused=lambda each: each.line in rows and rows[each.line].fact.level < least,
    )


@check("wildcard-import", scope="production+test")
def wildcard_import(file: File) -> Answer:
    """Imports name what they import.

    After a wildcard nobody sees where a name comes from, and a new name in the other module
    silently replaces one here.

    Instead: import the names that are used.

    Known problems: stub files are not judged; they repeat what their module does.
    """
    if file.path.endswith(".pyi"):
        return Skip("a stub file")
    count = len({(row.line, row.fact.column) for row in file.imports if row.fact.name})
    return answer(count, file.lint("F403", "F406"), "The import takes everything by a wildcard")


@check("noqa-with-code", scope="production+test")
def noqa_with_code(file: File) -> Answer:
    """A noqa comment names the rule it silences.

    A bare one also hides every mistake that comes to the line later.

    Instead: write ``# noqa: CODE``.

    Known problems: none known.
    """
    comments = [each for each in file.facts.suppressions if each.kind == "noqa"]
    return answer(len(comments), file.lint("PGH004"), "The noqa comment names no rule")


@check("implicit-optional")
def implicit_optional(file: File) -> Answer:
    """A parameter whose default is None says so in its type.

    Instead: add ``| None`` to the annotation.

    Known problems: a class of the project or of a library as annotation is taken as ruff takes
    it, which cannot tell it from an alias that admits None.
    """
    count = sum(
        param.annotation is not None
        and isinstance(param.default, tree.Const)
        and param.default.kind == "NoneType"
        for function in file.facts.functions
        for param in function.params
    )
    message = "The default is None, and the annotation does not admit it"
    return answer(count, file.lint("RUF013"), message)


@check("magic-numbers")
def magic_numbers(file: File, *, allowed: Sequence[float] = ALLOWED) -> Answer:
    """A number that decides something has a name.

    Instead: give the number a name at module level.

    Known problems: only comparisons are judged. Status codes of responses, ``len(x) == n`` and
    versions of Python are left out.
    """

    def excused(each: Diagnostic) -> bool:
        value = _value(each)
        if value is None or value in allowed:
            return True
        return any(_explains_itself(file, c) for c in compared_at(file, each.line, value))

    count = sum(
        any(type(constant(operand)) in {int, float} for operand in each.operands)
        for each in comparisons(file)
    )
    return answer(
        count,
        file.lint("PLR2004"),
        lambda each: f"The comparison is with the bare number {_value(each)}",
        excused=excused,
    )


def _value(each: Diagnostic) -> float | None:
    """The number of a report, None when it is something else."""
    written = _VALUE.search(each.message)
    try:
        value = ast.literal_eval(written[1]) if written else None
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, (int, float)) else None


def _explains_itself(file: File, comparison: Comparison) -> bool:
    """Whether a number is compared with a status, a version of Python or a length."""
    for operand in comparison.operands:
        name = tree.dotted(operand) or (operand.attr if isinstance(operand, tree.Attr) else "")
        if name.rpartition(".")[2] in {"status_code", "status"}:
            return True
        if file.resolve(operand, comparison.function).startswith("sys.version_info"):
            return True
        if isinstance(operand, tree.CallRef) and comparison.equality:
            return file.facts.calls[operand.index].last == "len"
    return False


@check("prefer-comprehensions")
def prefer_comprehensions(file: File) -> Answer:
    """A list, set or dict that is made from another one is a comprehension.

    Instead: write a list, set or dict comprehension.

    Known problems: a loop is left out when its list is filled elsewhere too, and when it waits.
    """
    loops = [loop for loop in file.loops if loop.block.kind == "for"]

    def line(each: Diagnostic) -> int:
        if not each.code.startswith("PERF"):
            return each.line
        around = (loop for loop in loops if loop.line <= each.line <= loop.end_line)
        return max((loop.line for loop in around), default=each.line)

    return answer(
        sum(_only_builds(loop) for loop in loops) + sum(map(_converts, file.calls)),
        file.lint(*COMPREHENSIONS),
        lambda each: (
            "The loop only builds a collection"
            if each.code.startswith("PERF")
            else "The call only builds a collection that a comprehension makes"
        ),
        excused=lambda each: "extend" in each.message or "async" in each.message,
        line=line,
    )


def _only_builds(loop: Loop) -> bool:
    """Whether the only statement of a loop appends to a list."""
    own = loop.statements
    return len(own) == 1 and any(call.last == "append" for call in loop.calls)


def _converts(call: Call) -> bool:
    """Whether a call makes a collection from a generator, a comprehension or a lambda."""
    if call.fact.last not in {"list", "dict", "set", "map", "filter"} or not call.fact.args:
        return False
    first = call.fact.args[0]
    kinds = {"GeneratorExp", "ListComp", "SetComp", "DictComp", "Lambda"}
    return isinstance(first, tree.Op) and first.kind in kinds


@check("pep8-conformance", scope="production+test")
def pep8_conformance(file: File) -> Answer:
    """Code is laid out and compared as PEP 8 says.

    Length of lines and names have checks of their own.

    Instead: run ``ruff check --fix`` and format the file.

    Known problems: a comparison with True or None counts as query syntax when its other side is
    an attribute of an ORM model, or a dotted name inside a call that builds a query.
    """
    if not file.linted:
        return Skip("ruff could not read the file")
    found: dict[int, At] = {}
    for each in file.lint(*PEP8):
        if each.code == "E402" and _after_setup(file, each.line):
            continue
        if each.code in {"E711", "E712"} and _is_query(file, each):
            continue
        found.setdefault(each.line, reported(each, f"{each.message} ({each.code})"))
    return list(found.values())


def _after_setup(file: File, line: int) -> bool:
    """Whether the module changed its path or loaded its environment before an import."""
    return any(
        call.line < line and call.fact.function < 0 and _is_setup(call)
        for call in file.calls_named("load_dotenv", "append", "insert", "extend", "addsitedir")
    ) or any(
        assign.line < line and any(tree.dotted(each) == "sys.path" for each in assign.targets)
        for assign in file.facts.assigns
    )


def _is_setup(call: Call) -> bool:
    if call.last in {"load_dotenv", "addsitedir"}:
        return True
    return call.receiver is not None and call.file.resolve(call.receiver) == "sys.path"


def _is_query(file: File, each: Diagnostic) -> bool:
    """Whether a comparison with None or a truth value is part of a database query."""
    values = (None,) if each.code == "E711" else (True, False)
    return any(
        _names_column(file, comparison, operand)
        for value in values
        for comparison in compared_at(file, each.line, value)
        for operand in comparison.operands
    )


def _names_column(file: File, comparison: Comparison, operand: tree.Expr) -> bool:
    name = tree.dotted(operand)
    owner, dot, _ = name.rpartition(".")
    if isinstance(operand, tree.Attr) or dot:
        inside = (
            call.line <= comparison.line <= call.fact.end_line for call in file.calls_named(*_QUERY)
        )
        if any(inside):
            return True
    cls = file.project.names.class_named(file.resolve(owner, comparison.function)) if dot else None
    return cls is not None and file.project.classes.role(cls) in {"orm", "orm-base", "document"}
