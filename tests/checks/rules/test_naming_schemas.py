"""Names of schema fields: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = """from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel, to_snake
router = APIRouter()
"""


def flagged(schema: str, options: str = "", **params: object) -> list[int]:
    """Lines of a schema ``Out``, counted from 1, that a handler answers with."""
    code = f'{HEAD}{schema}\n@router.get("/"{options})\nasync def read() -> Out: ...\n'
    found = lines(ask("schema-field-case", {"app/a.py": code}, **params))
    return [line - HEAD.count("\n") for line in found]


def on_the_wire(schema: str, options: str = "") -> list[int]:
    return flagged(schema, options, attribute="any", wire="snake")


def test_attributes_are_judged_whether_a_route_uses_them_or_not() -> None:
    code = "class Out(BaseModel):\n    firstName: str\n    last_name: str\n"
    code += "class In(BaseModel):\n    N: int"
    assert flagged(code) == [2, 5]
    assert on_the_wire(code) == [2]


@pytest.mark.parametrize(
    "schema",
    [
        'class Out(BaseModel):\n    n: int = Field(alias="_links")\n    t: int = Field(alias="@t")',
        'class Out(BaseModel):\n    name: str = Field(validation_alias="firstName")',
        "class Out(BaseModel):\n    model_config = {'alias_generator': to_snake}\n    a_b: str",
        "class Out(BaseModel):\n    _firstName: str = ''",
    ],
)
def test_keys_that_stay_in_snake_case_pass(schema: str) -> None:
    assert on_the_wire(schema) == []


def test_an_inherited_generator_makes_the_keys_of_all_heirs() -> None:
    base = "class Base(BaseModel):\n    model_config = ConfigDict(alias_generator=to_camel)\n"
    base += "    a_b: int\n"
    assert on_the_wire(f"{base}class Out(Base):\n    name: str\n    first_name: str") == [3, 6]


def test_a_response_without_aliases_shows_the_attributes() -> None:
    schema = (
        'class Out(BaseModel):\n    first_name: str = Field(alias="firstName")\n    lastName: str'
    )
    assert on_the_wire(schema, ", response_model_by_alias=False") == [3]
    assert on_the_wire(schema) == [2, 3]
