"""Traps of the check of what handlers that write take and answer."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from typing import Annotated\n"
    "from fastapi import APIRouter, Response\n"
    "from fastapi.responses import JSONResponse\n"
    "from pydantic import BaseModel, Field\n"
    "from helpers import partial_model\n"
    "class User(BaseModel):\n    id: int\n    name: str\n"
    "class Message(BaseModel):\n    message: str\n"
    "class Patch(BaseModel):\n    name: str | None = None\n    age: int = Field(default=0)\n"
    "class Strict(BaseModel):\n    name: str | None\n"
    "@partial_model\nclass Helped(BaseModel):\n    name: str\n"
    "def apply(row, data: Patch):\n    row.name = data.name\n"
    "def apply_sent(row, data: Patch):\n    row.update(data.model_dump(exclude_unset=True))\n"
    "router = APIRouter()\n"
)
LINE = HEAD.count("\n") + 2


def handler(decorator: str, signature: str, *body: str) -> dict[str, str]:
    """A module with one handler, whose def is at ``LINE``."""
    text = "".join(f"    {line}\n" for line in body or ("...",))
    return {"users.py": f"{HEAD}@router.{decorator}\ndef {signature}:\n{text}"}


POST = "post('/users', status_code=201)"
PATCH = "patch('/users/{id}')"


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("create_user(user: User) -> None", "return None"),
        ("create_user(user: User) -> int", "return 1"),
        ("create_user(user: User) -> Message", "return Message(message='a')"),
        ("create_user(user: User)", "return {'message': 'a', 'id': 1}"),
        ("create_user(user: User)", "return JSONResponse({'message': 'a'}, status_code=201)"),
        ("create_user(user: User)", "store(user)"),
    ],
)
def test_a_creation_that_does_not_answer_with_what_it_made_is_found(
    signature: str, body: str
) -> None:
    assert lines(ask("write-endpoint-body", handler(POST, signature, body))) == [LINE]


@pytest.mark.parametrize(
    ("decorator", "signature", "body"),
    [
        (POST, "create_user(user: User) -> User", "return user"),
        (POST, "create_user(user: User) -> list[User]", "return [user]"),
        (POST, "create_user(user: User)", "return make(user)"),
        (POST, "create_user(user: User)", "return {'id': 1, 'name': 'a'}"),
        (POST, "create_user(r: Response) -> None", "r.headers['Location'] = '/users/1'"),
        (POST, "create_user()", "return Response(status_code=201, headers={'Location': '/1'})"),
    ],
)
def test_a_creation_that_answers_with_the_resource_or_leads_to_it_holds(
    decorator: str, signature: str, body: str
) -> None:
    outcome = ask("write-endpoint-body", handler(decorator, signature, body))
    assert (outcome.sites, lines(outcome)) == (1, [])


def test_actions_and_other_statuses_are_no_sites() -> None:
    for decorator in ("post('/users', status_code=202)", "post('/users/verify', status_code=201)"):
        files = handler(decorator, "verify() -> str", "return 'a'")
        assert ask("write-endpoint-body", files).state == "not-applicable"


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("patch(id: int, data: Strict)", "return 1"),
        ("patch(id: int, data: User)", "return 1"),
        ("patch(id: int, data: Patch)", "return store(**data.model_dump())"),
        ("patch(id: int, data: Patch)", "return apply(row(id), data)"),
    ],
)
def test_a_patch_that_asks_for_or_applies_everything_is_found(signature: str, body: str) -> None:
    assert lines(ask("write-endpoint-body", handler(PATCH, signature, body))) == [LINE]


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("patch(id: int, data: Patch)", "return apply_sent(row(id), data)"),
        ("patch(id: int, data: Helped)", "return data.model_dump(exclude_unset=True)"),
        ("patch(id: int, data: Patch)", "return unknown(id, data)"),
        ("patch(id: int, data: Patch)", "return {f: 1 for f in data.model_fields_set}"),
    ],
)
def test_a_patch_that_applies_what_was_sent_holds(signature: str, body: str) -> None:
    outcome = ask("write-endpoint-body", handler(PATCH, signature, body))
    assert (outcome.sites, lines(outcome)) == (1, [])


def test_tests_for_none_field_by_field_are_partial_too() -> None:
    body = ("user = row(id)", "if data.name is not None:", "    user.name = data.name", "return 1")
    files = handler(PATCH, "patch(id: int, data: Patch)", *body)
    assert lines(ask("write-endpoint-body", files)) == []


def test_a_list_of_operations_and_no_body_are_no_sites() -> None:
    for signature in ("patch(id: int, data: list[User])", "patch(id: int)"):
        assert ask("write-endpoint-body", handler(PATCH, signature)).state == "not-applicable"
