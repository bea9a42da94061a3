"""Schemas that repeat each other's fields, and those that only look so."""

from __future__ import annotations

from tests.checks.projects import ask, lines

FIELDS = "    name: str\n    email: str\n    phone: str\n"
HEAD = "from pydantic import BaseModel\n\n\n"


def repeated(*classes: str, **params: object) -> list[int]:
    """Lines of ``schema-inheritance`` in one module of these classes."""
    code = HEAD + "\n\n".join(
        f"class {head}:\n{body}" for head, body in zip(classes[::2], classes[1::2], strict=True)
    )
    return lines(ask("schema-inheritance", {"app/schemas.py": code}, **params))


def test_two_schemas_of_one_resource_repeat_fields() -> None:
    found = repeated("UserCreate(BaseModel)", FIELDS, "UserOut(BaseModel)", FIELDS)
    assert found == [10]
    two = ("UserCreate(BaseModel)", FIELDS, "UserOut(BaseModel)", FIELDS)
    assert repeated(*two, min_shared=4) == []


def test_optional_fields_heirs_and_other_resources_are_no_repetition() -> None:
    optional = FIELDS.replace("str", "str | None = None")
    assert repeated("UserCreate(BaseModel)", FIELDS, "UserUpdate(BaseModel)", optional) == []
    assert repeated("UserBase(BaseModel)", FIELDS, "UserOut(UserBase)", FIELDS) == []
    assert repeated("UserCreate(BaseModel)", FIELDS, "OrderCreate(BaseModel)", FIELDS) == []


def test_versions_of_an_api_stay_separate() -> None:
    code = f"{HEAD}class UserRead(BaseModel):\n{FIELDS}"
    files = {"app/v1/schemas.py": code, "app/v2/schemas.py": code}
    assert lines(ask("schema-inheritance", files)) == []
