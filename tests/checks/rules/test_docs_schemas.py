"""Traps of the check on what schemas say of their fields."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from typing import Annotated\nfrom typing_extensions import Doc\n"
    "from fastapi import APIRouter, Body\n"
    "from pydantic import BaseModel, ConfigDict, Field, computed_field\n"
    "router = APIRouter()\nName = Annotated[str, Field(description='Full', examples=['A'])]\n"
)
ROUTE = "\n\n@router.post('/a')\ndef a(it: A) -> None: ...\n"


def findings(text: str, part: str = "description", route: str = ROUTE) -> list[int]:
    """Lines of the findings in schemas from line 7 on, which is counted as line 1."""
    outcome = ask("schema-field-documentation", {"app/x.py": HEAD + text + route}, require=[part])
    return [line - 6 for line in lines(outcome)]


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("x: int", [2]),
        ("x: int = 1", [2]),
        ("x: int = Field(1, title='X')", [2]),
        ("x: int = Field(1, description='')", [2]),
        ("x: int = Field(1, description='X')", []),
        ("x: Annotated[int, Field(description='X')]", []),
        ("x: Annotated[int, Field(ge=1)] = 2", [2]),
        ("x: Annotated[int, Doc('X')]", []),
        ("x: Name", []),
        ("x: Name | None = None", []),
        ("id: int", [2]),
        ("x: int\n    'Number.'", [2]),
        ("model_config = {'use_attribute_docstrings': True}\n    x: int\n    'It.'\n    y: int",
         [5]),
        ("@computed_field\n    def x(self) -> int:\n        'It.'\n        return 1", []),
        ("@computed_field\n    def x(self) -> int:\n        return 1", [3]),
    ],
)  # fmt: skip
def test_a_description_is_known_in_all_its_forms(field: str, found: list[int]) -> None:
    assert findings(f"class A(BaseModel):\n    {field}\n") == found


def test_a_base_describes_what_is_not_declared_again() -> None:
    base = "class B(BaseModel):\n    x: int = Field(description='X')\n\n\n"
    assert findings(f"{base}class A(B):\n    pass\n") == []
    assert findings(f"{base}class A(B):\n    x: int\n") == [6]


def test_a_field_that_two_schemas_inherit_is_found_once_and_nested_schemas_count() -> None:
    text = (
        "class B(BaseModel):\n    x: int\n\n\nclass C(B):\n    pass\n\n\n"
        "class A(B):\n    c: list[C] = Field(description='C')\n"
    )
    assert findings(text) == [2]


def test_a_schema_that_no_route_reaches_is_no_site() -> None:
    text = "class B(BaseModel):\n    x: int\n\n\nclass A(BaseModel):\n    x: Name\n"
    assert findings(text) == []


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("x: int\n    y: int", [1, 1]),
        ("x: int = Field(examples=[1])\n    y: int", [3]),
        ("x: Name", []),
        ("x: int = Field(json_schema_extra={'example': 1})", []),
        ("model_config = {'json_schema_extra': {'examples': [{'x': 1}]}}\n    x: int", []),
        ("model_config = ConfigDict(json_schema_extra={'deprecated': True})\n    x: int", [1]),
        ("x: int\n\n    class Config:\n        schema_extra = {'example': {'x': 1}}", []),
    ],
)
def test_examples_stand_at_the_field_or_at_the_schema(fields: str, found: list[int]) -> None:
    assert findings(f"class A(BaseModel):\n    {fields}\n", "examples") == found


def test_examples_of_a_base_and_of_a_handler_count() -> None:
    base = "class B(BaseModel):\n    model_config = ConfigDict(json_schema_extra={'example': 1})\n"
    assert findings(f"{base}\n\nclass A(B):\n    x: int\n", "examples") == []
    route = (
        "\n\n@router.post('/a')\n"
        "def a(it: Annotated[A, Body(openapi_examples={'x': {}})]) -> None: ...\n"
    )
    assert findings("class A(BaseModel):\n    x: int\n", "examples", route) == []
