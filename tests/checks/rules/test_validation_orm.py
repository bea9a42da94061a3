"""Traps of the check of schemas that are filled from rows."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

MODELS = (
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
    "class Base(DeclarativeBase): ...\n"
    "class User(Base):\n    __tablename__ = 'users'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
)
HEAD = (
    "from typing import Generic, TypeVar\n"
    "from fastapi import APIRouter, Depends\n"
    "from pydantic import BaseModel, ConfigDict\n"
    "from sqlalchemy import select\n"
    "from sqlalchemy.orm import Session\n"
    "from sqlmodel import SQLModel\n"
    "from models import User\n"
    "router = APIRouter()\n"
    "T = TypeVar('T')\n"
    "class Repo(Generic[T]):\n"
    "    def first(self) -> T | None: ...\n"
    "class Users(Repo[User]): ...\n"
)
LINE = HEAD.count("\n") + 1


def files(schema: str, code: str) -> dict[str, str]:
    """The models, and a module with a schema and what fills it."""
    return {"models.py": MODELS, "users.py": f"{HEAD}{schema}\n{code}\n"}


PLAIN = "class Read(BaseModel):\n    id: int"
GET = "@router.get('/', response_model=list[Read])\n"


@pytest.mark.parametrize(
    "code",
    [
        GET + "def read(db: Session = Depends()):\n    return db.query(User).limit(3).all()",
        GET + "async def read(db: Session):\n    rows = await db.execute(select(User))\n"
        "    return rows.scalars().all()",
        GET + "def read(db: Session):\n    return found(db)\n"
        "def found(db: Session) -> list[User]: ...",
        GET + "def read(db: Session):\n    return found(db)\n"
        "def found(db: Session):\n    return db.get(User, 1)",
        GET + "def read(users: Users):\n    return users.first()",
        "def read(rows: list[User]):\n    return [Read.model_validate(row) for row in rows]",
        "def read(row: User):\n    return Read.from_orm(row)",
    ],
)
def test_a_schema_that_is_passed_a_row_has_to_be_configured(code: str) -> None:
    assert lines(ask("orm-mode-config", files(PLAIN, code))) == [LINE]


@pytest.mark.parametrize(
    "schema",
    [
        "class Read(BaseModel):\n    model_config = ConfigDict(from_attributes=True)",
        "class Read(BaseModel, from_attributes=True): ...",
        "class Read(BaseModel):\n    model_config = {'from_attributes': True}",
        (
            "class Parent(BaseModel):\n    model_config = ConfigDict(from_attributes=True)\n"
            "class Read(Parent):\n    model_config = ConfigDict(title='x')"
        ),
        (
            "COMMON = ConfigDict(from_attributes=True)\n"
            "class Read(BaseModel):\n    model_config = {**COMMON, 'title': 'x'}"
        ),
        "class Read(SQLModel):\n    id: int",
    ],
)
def test_a_configuration_of_the_schema_or_its_base_counts(schema: str) -> None:
    code = "def read(row: User):\n    return Read.model_validate(row)"
    assert lines(ask("orm-mode-config", files(schema, code))) == []


@pytest.mark.parametrize(
    "code",
    [
        "def read(row: User):\n    return Read.model_validate(row, from_attributes=True)",
        "def read(row: User):\n    return Read(id=row.id)",
        "def read(row: dict):\n    return Read.model_validate(row)",
        GET
        + "def read(db: Session):\n    return [Read(id=i) for i in db.scalars(select(User.id))]",
    ],
)
def test_a_schema_that_is_passed_no_row_is_no_site(code: str) -> None:
    assert ask("orm-mode-config", files(PLAIN, code)).state == "not-applicable"


def test_the_nearest_configuration_decides_and_the_other_style_does_not_count() -> None:
    code = "def read(row: User):\n    return Read.model_validate(row)"
    off = (
        "class Parent(BaseModel):\n    model_config = ConfigDict(from_attributes=True)\n"
        "class Read(Parent):\n    model_config = ConfigDict(from_attributes=False)"
    )
    assert lines(ask("orm-mode-config", files(off, code))) == [LINE + 2]
    nested = "class Read(BaseModel):\n    class Config:\n        from_attributes = True"
    assert lines(ask("orm-mode-config", files(nested, code))) == [LINE]
    assert lines(ask("orm-mode-config", files(nested, code), style="class-config")) == []
