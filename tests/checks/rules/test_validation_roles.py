"""Traps of the checks of what a schema is used for."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from fastapi import APIRouter\n"
    "from pydantic import BaseModel\n"
    "from sqlmodel import SQLModel, Field\n"
    "class Item(BaseModel):\n    name: str\n"
    "class Read(BaseModel):\n    name: str\n"
    "class Settings(BaseModel):\n    name: str\n"
    "class Row(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n"
    "router = APIRouter(prefix='/items')\n"
)
FIRST = HEAD.count("\n") + 2


def handlers(*parts: tuple[str, str]) -> dict[str, str]:
    """A module with handlers of two lines each: decorator, and the def with its body."""
    text = "".join(
        f"@router.{decorator}\nasync def {signature}: ...\n" for decorator, signature in parts
    )
    return {"items.py": HEAD + text}


@pytest.mark.parametrize(
    "parts",
    [
        [("post('')", "create(item: Item) -> Read"), ("put('/{id}')", "put(id: int, item: Item)")],
        [("post('/echo')", "echo(item: Item) -> Item")],
        [("get('/config')", "read() -> Settings"), ("put('/config')", "put(data: Settings)")],
        [("post('')", "create(item: Item) -> list[Read]"), ("patch('/{id}')", "p(item: Read2)")],
        [("post('')", "create(item: Item) -> Read"), ("post('/other')", "other(item: Item)")],
    ],
)
def test_schemas_that_may_be_shared_hold(parts: list[tuple[str, str]]) -> None:
    assert lines(ask("separate-io-schemas", handlers(*parts))) == []


def test_a_schema_inside_a_container_is_used_too_and_the_second_handler_is_named() -> None:
    files = handlers(
        ("get('')", "read() -> list[Item]"), ("post('')", "create(items: list[Item]) -> Read")
    )
    assert lines(ask("separate-io-schemas", files)) == [FIRST + 2]


def test_one_body_for_creation_and_partial_update_is_found_once() -> None:
    files = handlers(
        ("post('')", "create(item: Item) -> Read"),
        ("patch('/{id}')", "update(id: int, item: Item) -> Read"),
        ("patch('/{id}/name')", "rename(id: int, item: Item) -> Read"),
    )
    assert lines(ask("separate-io-schemas", files)) == [FIRST + 2]
    only = ask("separate-io-schemas", files, roles=["create", "response"])
    assert (only.sites, lines(only)) == (1, [])


def test_a_model_of_the_database_is_no_schema() -> None:
    files = handlers(("post('')", "create(item: Item) -> Row"))
    outcome = ask("separate-io-schemas", files)
    assert (outcome.sites, lines(outcome)) == (2, [FIRST])


def test_without_a_body_there_is_nothing_to_separate() -> None:
    outcome = ask("separate-io-schemas", handlers(("get('')", "read() -> Item")))
    assert outcome.state == "not-applicable"
