"""Traps of the checks on methods, bodies, Pydantic and the bridge between sync and async."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import hmac\nfrom fastapi import APIRouter, Body, Depends, Request, UploadFile\n"
    "from pydantic import BaseModel\nfrom sqlalchemy.orm import Session\n"
    "class Item(BaseModel):\n    id: int\nrouter = APIRouter()\n\n"
)
DECORATOR = HEAD.count("\n") + 1


def handler(decorator: str, signature: str, *body: str) -> dict[str, str]:
    """A module with one handler."""
    text = "".join(f"    {line}\n" for line in body or ("...",))
    return {"api.py": f"{HEAD}@router.{decorator}\nasync def {signature}:\n{text}"}


@pytest.mark.parametrize(
    ("decorator", "signature", "body"),
    [
        ("get('/items')", "read(db: Session)", "db.commit()"),
        ("get('/delete')", "delete_item()", "..."),
        ("put('/items')", "replace(item: Item)", "..."),
        ("api_route('/items', methods=['GET', 'POST'])", "both()", "..."),
        ("delete('/items/{id}')", "create_item()", "..."),
    ],
)
def test_methods_that_do_something_else_are_found_at_their_decorator(
    decorator: str, signature: str, body: str
) -> None:
    assert lines(ask("rest-method-semantics", handler(decorator, signature, body))) == [DECORATOR]


@pytest.mark.parametrize(
    ("decorator", "signature", "body"),
    [
        ("get('/items')", "read()", "{}.update(a=1)"),
        ("get('/items')", "read(seen: set)", "seen.add(1)"),
        ("get('/items')", "set_cookie_and_read()", "..."),
        ("put('/settings')", "replace(item: Item)", "..."),
        ("patch('/items/{id}')", "change(item: Item)", "..."),
        ("post('/items/search')", "list_items()", "..."),
    ],
)
def test_harmless_calls_and_singletons_hold(decorator: str, signature: str, body: str) -> None:
    assert lines(ask("rest-method-semantics", handler(decorator, signature, body))) == []


def test_a_collection_is_no_singleton() -> None:
    files = handler("put('/banners')", "replace(item: Item)", "...")
    files["api.py"] += "@router.get('/banners')\ndef read(): ...\n"
    assert lines(ask("rest-method-semantics", files)) == [DECORATOR]


def test_what_is_read_at_the_same_path_and_has_no_items_is_a_singleton() -> None:
    files = handler("put('/banner')", "replace(item: Item)", "...")
    files["api.py"] += "@router.get('/banner')\ndef read(): ...\n"
    assert lines(ask("rest-method-semantics", files)) == []
    files["api.py"] += "@router.get('/banner/{id}')\ndef one(): ...\n"
    assert lines(ask("rest-method-semantics", files)) == [DECORATOR]


@pytest.mark.parametrize(
    ("parameter", "wrong"),
    [
        ("data: dict", True),
        ("data: dict[str, str] = Body(...)", True),
        ("data: list", True),
        ("data: bytes = Body()", True),
        ("item: Item", False),
        ("items: list[Item]", False),
        ("item: Item | None = None", False),
        ("name: str = Body(max_length=10)", False),
        ("file: UploadFile", False),
    ],
)
def test_bodies_are_schemas(parameter: str, wrong: bool) -> None:
    outcome = ask("request-body-pydantic", handler("post('/items')", f"create({parameter})"))
    assert bool(lines(outcome)) is wrong


def test_a_body_read_by_hand_is_found_unless_its_signature_is_verified() -> None:
    body = ("data = await request.body()", "return data")
    files = handler("post('/hook')", "hook(request: Request)", *body)
    assert lines(ask("request-body-pydantic", files)) == [DECORATOR + 2]
    verified = (body[0], "hmac.compare_digest(sign(data), request.headers['x'])", body[1])
    files = handler("post('/hook')", "hook(request: Request)", *verified)
    assert lines(ask("request-body-pydantic", files)) == []


def test_methods_of_version_1_are_found_on_schemas_alone() -> None:
    files = {
        "a.py": "import httpx\nfrom pydantic import BaseModel\n"
        "class Item(BaseModel):\n    id: int\n"
        "def use(item: Item, answer: httpx.Response):\n    answer.json()\n    item.model_dump()\n"
        "    item.copy()\n    item.copy(update={})\n    Item.parse_obj({})\n"
    }
    assert lines(ask("pydantic-v2-api", files)) == [9, 10]


def test_a_config_class_outside_of_schemas_is_fine() -> None:
    files = {
        "a.py": "from pydantic import BaseModel\nclass Task:\n    class Config:\n        x = 1\n"
        "class Item(BaseModel):\n    id: int\n    class Config:\n        orm_mode = True\n"
    }
    assert lines(ask("pydantic-v2-api", files)) == [7]


def test_bridges_are_right_where_a_process_starts_and_wrong_below_a_handler() -> None:
    files = {
        "app/__init__.py": "",
        "app/jobs.py": "import asyncio\nasync def work(): ...\n"
        "def helper():\n    asyncio.run(work())\ndef start():\n    asyncio.run(work())\n",
        "app/api.py": "from fastapi import FastAPI\nfrom app.jobs import helper\n"
        "app = FastAPI()\n\n"
        "@app.get('/')\nasync def read():\n    helper()\n",
    }
    assert lines(ask("sync-async-bridge", files)) == [4]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("created_at: str", True),
        ("due_date: str | None = None", True),
        ("created_at: datetime", False),
        ("expires_in: int", False),
        ("response_time: float", False),
        ("depends_on: str", False),
    ],
)
def test_dates_have_a_date_type(field: str, wrong: bool) -> None:
    text = (
        "from datetime import datetime\nfrom pydantic import BaseModel\nclass Order(BaseModel):\n"
    )
    assert bool(lines(ask("typed-datetime-fields", {"a.py": f"{text}    {field}\n"}))) is wrong
