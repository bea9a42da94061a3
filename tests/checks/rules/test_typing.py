"""Signatures and annotations: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines


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


def written(syntax: str, code: str, **others: str) -> tuple[int, list[int]]:
    """Sites and lines of ``annotation-syntax`` in ``app/a.py``."""
    files = {"app/a.py": code, **{f"app/{name}.py": text for name, text in others.items()}}
    outcome = ask("annotation-syntax", files, syntax=syntax)
    mine = [each.line for each in outcome.observations if each.path == "app/a.py"]
    return outcome.sites, mine


def test_optional_is_found_under_every_name() -> None:
    code = """import typing as t
from typing import Optional as Opt, Union, cast

from typing_extensions import Optional


def f(a: Opt[int], b: "Optional[int]", c: t.Union[int, None], d: int | None) -> Union[int, str]:
    return cast(Opt[int], a)


x: list[Opt[int]] = []
"""
    assert written("pep604-optional", code) == (6, [7, 7, 7, 8, 11])
    assert written("typing-optional", code) == (6, [7])


def test_only_annotations_are_judged() -> None:
    code = """from typing import Dict, Sequence


def f(a: Sequence[int], b: Dict[str, int]) -> bool:
    return isinstance(a, int | None) and bool(list[int]())
"""
    assert written("pep604-optional", code) == (0, [])
    assert written("pep585-collections", code) == (1, [4])


def test_a_project_for_older_pythons_cannot_use_newer_syntax() -> None:
    files = {
        "pyproject.toml": "[project]\nname = 'x'\nrequires-python = '>=3.9'\n",
        "app/a.py": "from typing import Optional\n\nx: Optional[int] = None\n",
    }
    assert ask_read("annotation-syntax", files).sites == 0
    files["pyproject.toml"] = files["pyproject.toml"].replace("3.9", "3.10")
    assert ask_read("annotation-syntax", files).sites == 1


def test_generic_definitions_by_type_variables_are_found_across_files() -> None:
    code = """from typing import Generic, Protocol, TypeAlias

from app.types import T

Pairs: TypeAlias = list[tuple[T, T]]


class Box(Generic[T]):
    def get(self, key: T) -> T: ...


class Shape(Protocol[T]): ...


class Repository(Base[T]): ...


def first(items: list[T]) -> T: ...


def plain(items: list[int]) -> int: ...
"""
    types = "from typing import TypeVar\n\nT = TypeVar('T')\n"
    assert written("pep695-generics", code, types=types) == (5, [5, 8, 12, 15, 18])


def test_generic_definitions_by_brackets_are_found() -> None:
    code = """class Box[T]:
    def get(self, key: T) -> T: ...


def first[T](items: list[T]) -> T: ...


type Pairs[T] = list[tuple[T, T]]
"""
    assert written("typevar-generics", code) == (3, [1, 5, 8])
    assert written("pep695-generics", code) == (3, [])
