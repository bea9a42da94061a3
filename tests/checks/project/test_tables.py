"""Rows by what they stand in: the same answers as a look at every row of the file."""

from __future__ import annotations

from checks.facts.tree import PyFacts
from checks.project.subjects import File
from tests.checks.projects import project

SOURCE = """
import logging

class Outer:
    limit = 1

    class Inner:
        def method(self):
            def nested():
                return 1
            try:
                with open("a") as a:
                    a.read()
                    raise ValueError
            except OSError:
                if limit:
                    for each in a:
                        log(each)
                        def late():
                            return log(2)
                raise
            except (KeyError, ValueError):
                log(3)
            return nested

        flat = 2

def method():
    return Outer

x = [log(y) for y in method() if log(y)]

def method():
    raise TypeError
"""


def file() -> File:
    return project({"app/main.py": SOURCE}).by_path["app/main.py"]


def innermost(facts: PyFacts, line: int) -> str:
    rows = [(row.line, row.end_line, row.qualname) for row in facts.classes]
    rows += [(row.line, row.end_line, row.qualname) for row in facts.functions]
    return max(
        ((first, name) for first, last, name in rows if first <= line <= last), default=(0, "")
    )[1]


def test_each_line_belongs_to_the_innermost_definition_around_it() -> None:
    shown = file()
    lines = range(SOURCE.count("\n") + 3)
    expected = [innermost(shown.facts, line) for line in lines]
    assert [shown.tables.symbol_at(line) for line in lines] == expected
    assert len(set(expected)) == 7


def test_a_clause_holds_the_rows_of_its_blocks_and_not_those_of_nested_functions() -> None:
    for each in file().excepts:
        inside = each.file.inside
        facts = each.file.facts
        assert [row.index for row in each.calls] == [
            index for index, row in enumerate(facts.calls) if inside(row.block, each.index)
        ]
        assert [row.index for row in each.raises] == [
            index for index, row in enumerate(facts.raises) if inside(row.block, each.index)
        ]
        assert each.statements == [row for row in facts.statements if inside(row.block, each.index)]


def test_a_function_holds_the_rows_of_its_own_body() -> None:
    for each in file().functions:
        facts = each.file.facts
        assert [row.line for row in each.raises] == [
            row.line for row in facts.raises if row.function == each.index
        ]
        assert [row.line for row in each.excepts] == [
            row.line for row in facts.blocks if row.kind == "except" and row.function == each.index
        ]
        assert each.statements == [row for row in facts.statements if row.function == each.index]


def test_the_first_of_several_definitions_is_the_one_that_a_name_means() -> None:
    names = file().project.names
    first = names.function_named("app.main.method")
    inner = names.class_named("app.main.Outer.Inner")
    assert first is not None
    assert inner is not None
    assert (first.line, list(inner.methods), list(inner.attributes)) == (28, ["method"], ["flat"])


def test_a_noqa_covers_its_line_and_a_disabled_stretch_all_of_its_lines() -> None:
    source = (
        "x = 1  # noqa: T201\n"
        "# ruff: disable[T201]\n"
        "y = 2\n"
        "z = 3  # noqa: T201, F401\n"
        "# ruff: enable[T201]\n"
        "w = 4\n"
    )
    shown = project({"app/main.py": source}).by_path["app/main.py"]
    assert [line for line in range(1, 8) if shown.suppressed(line, "T201")] == [1, 2, 3, 4, 5]
    assert [line for line in range(1, 8) if shown.suppressed(line, "F401")] == [4]
    assert not shown.suppressed(1, "E501")


def test_every_expression_of_a_function_is_told_once() -> None:
    text = """
def run(a):
    while waiting:
        b = fetch(a)
        if b:
            raise Wrong(b) from a
        else:
            yield b
    match b:
        case 1 if guard:
            return [each for each in b]
"""
    file = project({"app/a.py": text}).by_path["app/a.py"]
    run = file.tables.expressions[0]

    assert [place.line for place in run] == [3, 4, 5, 6, 6, 8, 9, 10, 11]
    assert file.facts.blocks[run[1].block].kind == "while"
    assert run[0].block == -1
