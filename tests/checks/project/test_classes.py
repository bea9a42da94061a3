"""Hierarchy and roles of classes."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed

HEAD = """from enum import Enum
from typing import Protocol

from fastapi import HTTPException
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from sqlalchemy import Column, Integer
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, mapped_column
from sqlmodel import SQLModel
from tortoise.models import Model


class Base(DeclarativeBase): ...


Old = declarative_base()


"""


@pytest.mark.parametrize(
    ("code", "role"),
    [
        ("class A(BaseModel): ...", "schema"),
        ("class A(SQLModel): ...", "schema"),
        ("class A(SQLModel, table=True): ...", "orm"),
        ("class A(Base):\n    __tablename__ = 'a'", "orm"),
        ("class A(Base):\n    id: Mapped[int] = mapped_column()", "orm"),
        ("class A(Old):\n    __tablename__ = 'a'\n    id = Column(Integer)", "orm"),
        ("class A(Base):\n    __abstract__ = True\n    __tablename__ = 'a'", "orm-base"),
        ("class A(DeclarativeBase): ...", "orm-base"),
        ("class A(Model): ...", "document"),
        ("class A(BaseSettings): ...", "settings"),
        ("class A(Exception): ...", "exception"),
        ("class A(KeyError): ...", "exception"),
        ("class A(HTTPException): ...", "http-exception"),
        ("class A(Enum): ...", "enum"),
        ("class A(Protocol): ...", "protocol"),
        ("class A: ...", ""),
        ("class A(Unknown): ...", ""),
    ],
)
def test_a_role_comes_from_the_bases(code: str, role: str) -> None:
    project = parsed({"app/a.py": f"{HEAD}{code}\n"})
    assert project.classes.role(project.classes.by_key["app.a.A"]) == role


def test_bases_are_followed_through_files_aliases_and_generics() -> None:
    files = {
        "app/base.py": "from pydantic import BaseModel as B\n\n\nclass Schema(B): ...\n",
        "app/middle.py": "from app.base import Schema\n\nAlias = Schema\n"
        "\n\nclass Page[T](Alias): ...\n",
        "app/a.py": "from app.middle import Page\n\n\nclass A(Page[int]): ...\n",
    }
    project = parsed(files)
    cls = project.classes.by_key["app.a.A"]
    assert cls.ancestors == ["app.middle.Page", "app.base.Schema", "pydantic.BaseModel"]
    assert project.classes.role(cls) == "schema"


def test_classes_that_inherit_from_each_other_come_to_an_end() -> None:
    project = parsed({"app/a.py": "class A(B): ...\n\n\nclass B(A): ...\n\n\nclass C(C): ...\n"})
    for cls in project.classes.by_key.values():
        assert cls.key not in cls.ancestors
        assert project.classes.role(cls) == ""


def test_a_thousand_generations_are_cut_off() -> None:
    code = "class A0: ...\n" + "".join(f"class A{n}(A{n - 1}): ...\n" for n in range(1, 1_000))
    project = parsed({"app/a.py": code})
    assert len(project.classes.by_key["app.a.A999"].ancestors) <= 201


def test_methods_are_inherited_from_the_nearest_base() -> None:
    code = """class A:
    def one(self): ...
    def two(self): ...


class B(A):
    def two(self): ...


class C(B): ...
"""
    classes = parsed({"app/a.py": code}).classes
    cls = classes.by_key["app.a.C"]
    found = [classes.method(cls, name) for name in ("one", "two", "three")]
    assert [each.key if each else "" for each in found] == ["app.a.A.one", "app.a.B.two", ""]


def test_classes_of_fields_of_settings_are_parts_of_the_settings() -> None:
    code = (
        HEAD
        + """class Pool(BaseModel): ...


class Database(BaseModel):
    pool: Pool | None = None


class Settings(BaseSettings):
    database: Database = Database()


class Other(BaseModel): ...
"""
    )
    parts = parsed({"app/a.py": code}).classes.settings_parts
    assert parts == {"app.a.Database", "app.a.Pool"}
