"""Checks of sensitive columns and of secrets in responses: the traps."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines

MODEL = (
    "from sqlalchemy import Boolean, ForeignKey, Numeric, String, Text, TypeDecorator\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
    "class Base(DeclarativeBase):\n    pass\n"
    "class Sealed(TypeDecorator):\n    impl = Text\n"
    "    def process_bind_param(self, value, dialect):\n        return box.encrypt(value)\n"
    "class Person(Base):\n    __tablename__ = 'people'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    "    {}\n"
)


def column(text: str, **files: str) -> list[int]:
    given = {"app/models.py": MODEL.format(text)}
    given |= {f"app/{name}.py": content for name, content in files.items()}
    return lines(ask("sensitive-data-encrypted", given))


@pytest.mark.parametrize(
    "text",
    [
        "ssn: Mapped[str]",
        "google_refresh_token: Mapped[str | None] = mapped_column(String(200))",
        "tax_id = mapped_column(Text, nullable=True)",
        "client_secret: Mapped[bytes]",
    ],
)
def test_a_sensitive_column_of_a_plain_type_fails(text: str) -> None:
    assert column(text) == [12]


@pytest.mark.parametrize(
    "text",
    [
        "ssn: Mapped[str] = mapped_column(Sealed)",
        "card_number_last4: Mapped[str]",
        "api_key_hash: Mapped[str]",
        "hashed_secret: Mapped[str]",
        "has_passport: Mapped[bool]",
        "passport: Mapped[bool] = mapped_column(Boolean)",
        "api_key: Mapped[str] = mapped_column(ForeignKey('keys.id'))",
        "api_key_id: Mapped[str]",
        "salary: Mapped[int] = mapped_column(Numeric)",
    ],
)
def test_a_column_that_is_encrypted_or_only_sounds_sensitive_passes(text: str) -> None:
    assert column(text) == []


def test_a_value_that_is_encrypted_when_it_is_written_counts_for_its_own_model() -> None:
    write = "from app.models import {0}\ndef f(v, cipher):\n    return {0}(ssn=cipher.encrypt(v))\n"
    assert column("ssn: Mapped[str]", service=write.format("Person")) == []
    assert column("ssn: Mapped[str]", service=write.format("Other")) == [12]


def test_encrypted_storage_in_terraform_satisfies_the_repository() -> None:
    files = {"app/models.py": MODEL.format("ssn: Mapped[str]")}
    storage = {"infra/db.tf": 'resource "aws_db_instance" "d" {\n  storage_encrypted = true\n}\n'}
    assert lines(ask_read("sensitive-data-encrypted", files)) == [12]
    assert lines(ask_read("sensitive-data-encrypted", files | storage)) == []


RESPONSE = (
    "from fastapi import APIRouter\n"
    "from pydantic import BaseModel, Field, SecretStr, field_serializer\n"
    "from sqlmodel import Relationship\n"
    "router = APIRouter()\n"
    "class Inner(BaseModel):\n    name: str\n    {}\n"
    "class Out(BaseModel):\n    items: list[Inner]\n"
    "class In(BaseModel):\n    password: str\n"
    "@router.{}\n"
    "def {}(body: In) -> Out:\n    return body\n"
)


def sent(field: str, route: str = "get('/x')", handler: str = "read") -> list[int]:
    text = RESPONSE.format(field, route, handler)
    return lines(ask("no-secret-fields-in-responses", {"app/a.py": text}))


def test_a_secret_in_a_nested_schema_is_found_at_its_field() -> None:
    assert sent("password: str") == [7]


@pytest.mark.parametrize(
    "field",
    [
        "password: str = Field(exclude=True)",
        "password: SecretStr",
        "has_password: bool",
        "password_changed_at: str",
        "api_key_id: int",
        "password: list['In'] = Relationship()",
        "password: str\n    @field_serializer('password')\n    def f(self, v):\n        return '*'",
    ],
)
def test_a_hidden_or_masked_field_is_none(field: str) -> None:
    assert sent(field) == []


def test_a_key_is_shown_once_by_the_handler_that_makes_it() -> None:
    assert sent("api_key: str", "post('/keys')", "create_key") == []
    assert sent("api_key: str", "get('/keys')", "create_key") == [7]
    assert sent("password: str", "post('/keys')", "create_key") == [7]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("", [5]),
        (", response_model_exclude={'password'}", []),
        (", response_model_include={'name'}", []),
        (", response_model_include={'password'}", [5]),
    ],
)
def test_a_request_schema_that_is_sent_back_is_judged_by_what_is_left_out(
    option: str, expected: list[int]
) -> None:
    text = (
        "from fastapi import APIRouter\nfrom pydantic import BaseModel\nrouter = APIRouter()\n"
        "class In(BaseModel):\n    password: str\n    name: str\n"
        f"@router.post('/x', response_model=In{option})\ndef f(body: In):\n    return body\n"
    )
    assert lines(ask("no-secret-fields-in-responses", {"app/a.py": text})) == expected
