"""Signatures and annotations: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines


def unannotated(code: str, **params: object) -> list[int]:
    """Lines of ``function-signatures-annotated`` in one module."""
    return lines(ask_read("function-signatures-annotated", {"app/a.py": code}, **params))


@pytest.mark.parametrize("name", ["_", "__", "_request", "*_args", "**_options"])
def test_a_parameter_named_as_unused_needs_no_annotation(name: str) -> None:
    assert unannotated(f"def f({name}) -> int:\n    return 1\n") == []


def test_a_setter_needs_its_parameter_annotated_and_not_its_return() -> None:
    code = """class A:
    @property
    def name(self) -> str:
        return ""

    @name.setter
    def name(self, value: str):
        self.kept = value

    @property
    def other(self) -> str:
        return ""

    @other.setter
    def other(self, value) -> None:
        self.kept = value
"""
    assert unannotated(code) == [15]


def test_functions_that_return_nothing_are_spared_on_demand() -> None:
    code = """def nothing(a: int):
    if a:
        return None
    print(a)


def something(a: int):
    return a
"""
    assert unannotated(code) == [1, 7]
    assert unannotated(code, suppress_none_returning=True) == [7]


def test_an_init_with_annotated_parameters_needs_a_return_only_on_demand() -> None:
    code = """class A:
    def __init__(self, a: int):
        self.a = a
"""
    assert unannotated(code) == []
    assert unannotated(code, mypy_init_return=False) == [2]


def test_several_missing_annotations_of_one_function_are_one_finding() -> None:
    code = """def f(
    a,
    b,
    *args,
):
    return a
"""
    assert unannotated(code) == [1]


def test_a_nested_function_is_judged_by_itself() -> None:
    code = """def outer(a: int) -> int:
    def inner(b): return b
    return inner(a)
"""
    assert unannotated(code) == [2]
