"""Traps of the checks of where things are defined."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

BASE = (
    "from sqlalchemy import ForeignKey\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
    "class Base(DeclarativeBase): ...\n"
)
ROUTER = "from fastapi import APIRouter\nfrom enum import Enum\nrouter = APIRouter()\n\n"
HANDLER = "@router.get('/x')\ndef read(): ...\n\n"


EXCEPTIONS = "class _Own(Exception): ...\nclass Missing(Exception): ...\n"
SETTINGS = "from pydantic_settings import BaseSettings\nclass S(BaseSettings): ...\n"
SCHEMAS = (
    "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\n"
    "class Part(BaseModel): ...\nclass S(BaseSettings):\n    part: Part\n"
    "class User(BaseModel): ...\n"
)
REPOSITORIES = (
    "from typing import Protocol\nclass AnyRepository(Protocol): ...\n"
    "class UserRepository:\n    def find(self):\n        return 1\n"
)


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("exception", EXCEPTIONS, [2]),
        ("settings", SETTINGS, [2]),
        ("schema", SCHEMAS, [6]),
        ("repository", REPOSITORIES, [3]),
        ("service", "class UserService:\n    def find(self):\n        return 1\n", [1]),
        ("route", ROUTER + HANDLER + HANDLER, [5]),
        ("fastapi-app", "from fastapi import FastAPI\napp = FastAPI()\n", [2]),
    ],
)
def test_each_kind_of_definition_is_found_outside_its_place(
    kind: str, text: str, found: list[int]
) -> None:
    asked = {"kind": kind, "paths": ["src/place/**"]}

    assert lines(ask("definitions-in-expected-module", {"src/x.py": text}, **asked)) == found
    assert lines(ask("definitions-in-expected-module", {"api/src/place/x.py": text}, **asked)) == []


def test_a_stored_schema_and_those_of_sqlmodel_belong_beside_their_model() -> None:
    files = {
        "app/models.py": (
            f"{BASE}from pydantic import BaseModel\nfrom sqlmodel import SQLModel\n"
            "class Address(BaseModel): ...\nclass UserBase(SQLModel): ...\n"
            "class User(Base):\n    __tablename__ = 'users'\n    address: Mapped[Address]\n"
        ),
    }

    assert lines(ask("models-separate-from-schemas", files)) == []


def test_a_model_that_a_handler_returns_is_found_at_the_handler() -> None:
    files = {
        "app/models.py": f"{BASE}class User(Base):\n    __tablename__ = 'users'\n",
        "app/schemas.py": "from pydantic import BaseModel\nclass Out(BaseModel): ...\n",
        "app/routes.py": (
            f"{ROUTER}from app.models import User\n@router.get('/users')\n"
            "def read() -> list[User]: ...\n"
        ),
    }

    (found,) = ask("models-separate-from-schemas", files).observations

    assert (found.path, found.line) == ("app/routes.py", 7)


def test_a_join_model_may_stand_beside_its_owner() -> None:
    columns = "".join(f"    c{number}: Mapped[int]\n" for number in range(6))
    keys = "".join(
        f"    {name}: Mapped[int] = mapped_column(ForeignKey('x.id'))\n"
        for name in ("a_id", "b_id")
    )
    owner = f"{BASE}class Order(Base):\n    __tablename__ = 'orders'\n{columns}"
    join = f"class Link(Base):\n    __tablename__ = 'links'\n{keys}"
    other = "class Item(Base):\n    __tablename__ = 'items'\n    id: Mapped[int]\n"

    assert lines(ask("single-aggregate-modules", {"app/m.py": owner + join})) == []
    assert lines(ask("single-aggregate-modules", {"app/m.py": owner + join + other})) == [16]


@pytest.mark.parametrize(
    ("text", "params", "found"),
    [
        ("class Kind(Enum): ...\n", {}, [8]),
        ("def _help(): ...\ndef _more(): ...\n", {"max_helpers": 1}, [9]),
        ("@router.on_event('startup')\ndef start(): ...\n", {}, []),
        ("@router.websocket('/x')\ndef live(socket): ...\n", {}, []),
        ("limit = 3\n", {}, []),
    ],
)
def test_a_routes_module_holds_endpoints_only(
    text: str, params: dict[str, object], found: list[int]
) -> None:
    files = {"app/routes.py": ROUTER + HANDLER + text}

    assert lines(ask("routes-only-endpoints", files, **params)) == found
