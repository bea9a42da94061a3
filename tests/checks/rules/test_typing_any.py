"""Any in annotations: where it gives up, and where it may stand."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = """from collections.abc import Mapping
from threading import Thread
from typing import Annotated, Any, Literal

import pydantic
import structlog
"""


def loose(code: str, **params: object) -> list[int]:
    """Lines of ``no-any`` below the imports, counted from the first of ``code``."""
    found = lines(ask("no-any", {"app/a.py": HEAD + code}, **params))
    return [line - HEAD.count("\n") for line in found]


@pytest.mark.parametrize("kind", ["Any", "list[Any]", "Any | None", "dict[Any, str]"])
def test_any_is_found_inside_of_types(kind: str) -> None:
    assert loose(f"def f(a: int,\n      b: {kind}) -> None: ...\n") == [2]
    assert loose(f"value: {kind} = load()\n") == [1]
    assert loose(f"def f() -> {kind}: ...\n") == [1]


@pytest.mark.parametrize(
    "kind",
    ["dict[str, Any]", "list[Mapping[str, Any]]", "Annotated[str, Any]", "Literal['Any']"],
)
def test_values_of_mappings_may_be_anything(kind: str) -> None:
    assert loose(f"def f(a: {kind}) -> None: ...\n") == []


def test_values_of_mappings_and_keywords_are_judged_on_demand() -> None:
    assert loose("a: dict[str, Any]\n", allow_json_values=False) == [1]
    code = "def f(*args: Any, **kwargs: Any) -> None: ...\n"
    assert loose(code) == []
    assert loose(code, allow_kwargs=False) == [1]


def test_signatures_that_somebody_else_fixed_are_left_out() -> None:
    code = """class A(pydantic.BaseModel):
    @pydantic.field_validator("b", mode="before")
    @classmethod
    def check(cls, value: Any) -> int: ...

    def __exit__(self, *error: Any) -> Any: ...


class Worker(Thread):
    def run(self, item: Any) -> None: ...


class Base:
    def send(self, item: Any) -> None: ...


class Child(Base):
    def send(self, item: Any) -> None: ...

    def other(self, item: Any) -> None: ...


def add_host(logger: Any, method: str, event_dict: dict[str, Any]) -> dict[str, Any]: ...
"""
    assert loose(code) == [14, 20]


def test_a_first_party_class_called_any_is_another_one() -> None:
    assert lines(ask("no-any", {"app/a.py": "class Any: ...\n\n\nvalue: Any = Any()\n"})) == []


def test_a_base_of_a_library_does_not_fix_what_a_class_keeps_to_itself() -> None:
    code = "class Mine(Thread):\n    def {}(self, data: Any) -> None: ...\n"

    assert loose(code.format("run")) == []
    assert loose(code.format("_clean")) == [2]


def test_functions_given_to_pydantic_have_its_signature() -> None:
    code = (
        "def keep(value: Any) -> Any: ...\n"
        "def drop(value: Any) -> Any: ...\n"
        "Kept = Annotated[str, pydantic.BeforeValidator(keep)]\n"
    )

    assert loose(code) == [2]
