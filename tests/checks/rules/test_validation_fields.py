"""Traps of the check of the bounds of request fields."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from decimal import Decimal\n"
    "from typing import Annotated, Literal\n"
    "from annotated_types import Len\n"
    "from fastapi import APIRouter, Depends, Form, Header, Query\n"
    "from pydantic import (BaseModel, ConfigDict, EmailStr, Field, StringConstraints,\n"
    "    computed_field, field_validator, validator)\n"
    "router = APIRouter()\n"
    "Short = Annotated[str, StringConstraints(max_length=3)]\n"
)


def schema(*body: str, base: str = "BaseModel", more: str = "") -> dict[str, str]:
    """A module whose only handler takes a schema with this body."""
    text = "".join(f"    {line}\n" for line in body)
    end = f"@router.post('/x')\ndef create(item: Item) -> bool: ...\n{more}"
    return {"x.py": f"{HEAD}class Item({base}):\n{text}{end}"}


@pytest.mark.parametrize(
    "field",
    [
        "name: Short",
        "name: Short | None = None",
        "name: str = Field(min_length=1)",
        "name: Annotated[str, Field(pattern='a')]",
        "names: Annotated[list[str], Len(0, 3)]",
        "name: EmailStr",
        "name: Literal['a', 'b']",
        "owner_id: int",
        "price: Decimal = Field(max_digits=4)",
        "flag: bool",
        "name: str = Field(**limits)",
    ],
)
def test_a_bound_in_any_form_holds(field: str) -> None:
    assert lines(ask("request-field-constraints", schema(field))) == []


@pytest.mark.parametrize(
    "field",
    [
        "name: str",
        "name: str | None = None",
        "name: str = Field(description='free')",
        "name: Annotated[str, Field(title='free')]",
        "names: list[EmailStr] = []",
        "price: Decimal",
        "ratio: float = 0.5",
    ],
)
def test_a_field_without_a_bound_is_found_once(field: str) -> None:
    assert len(lines(ask("request-field-constraints", schema(field)))) == 1


def test_validators_and_the_configuration_of_the_model_are_bounds() -> None:
    validated = schema("name: str", "@field_validator('name')", "def _n(cls, v): return v")
    assert lines(ask("request-field-constraints", validated)) == []
    reused = schema("name: str", "_n = validator('name', allow_reuse=True)(check)")
    assert lines(ask("request-field-constraints", reused)) == []
    wide = schema("model_config = ConfigDict(str_max_length=9)", "name: str", "count: int")
    assert len(lines(ask("request-field-constraints", wide))) == 1


def test_a_field_of_a_shared_base_is_judged_once_and_where_it_stands() -> None:
    files = schema("size: int = Field(gt=0)", base="Base")
    files["x.py"] = files["x.py"].replace(
        "class Item", "class Base(BaseModel):\n    name: str\nclass Item"
    )
    files["x.py"] += "class Other(Base): ...\n@router.put('/x')\ndef put(item: Other): ...\n"
    outcome = ask("request-field-constraints", files)
    assert (outcome.sites, lines(outcome)) == (2, [HEAD.count("\n") + 2])


def test_responses_and_computed_fields_are_no_sites() -> None:
    files = schema("size: int = Field(gt=0)", "@computed_field", "def name(self) -> str: ...")
    files["x.py"] += (
        "class Read(BaseModel):\n    name: str\n@router.get('/x')\ndef read() -> Read: ...\n"
    )
    assert ask("request-field-constraints", files).sites == 1


def test_text_in_the_query_needs_a_bound_also_in_providers_and_nothing_else_there() -> None:
    more = (
        "def search(q: str | None = None): ...\n"
        "@router.get('/{name}')\n"
        "def read(name: str, page: int, user_id: str, agent: str = Header(), text: str = Form(),\n"
        "         kind: str = Query(max_length=3), found=Depends(search)): ...\n"
    )
    outcome = ask("request-field-constraints", schema("flag: bool", more=more))
    assert (outcome.sites, len(lines(outcome))) == (2, 1)
    assert "`q`" in outcome.observations[0].message


def test_a_class_that_a_metaclass_makes_takes_nothing_from_the_query() -> None:
    more = (
        "class Single(type):\n    def __call__(cls): ...\n"
        "class Mailer(metaclass=Single):\n    host: str = 'x'\n"
        "@router.get('/')\ndef read(mailer: Mailer = Depends()): ...\n"
    )
    files = schema("flag: bool", more=more)
    assert ask("request-field-constraints", files).sites == 0
    files["x.py"] = files["x.py"].replace("(metaclass=Single)", "")
    assert ask("request-field-constraints", files).sites == 1


def test_only_the_types_asked_for_are_judged() -> None:
    files = schema("name: str", "count: int")
    assert ask("request-field-constraints", files, types=["int"]).sites == 1
