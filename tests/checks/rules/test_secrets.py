"""Secret settings: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = """import secrets
from os import getenv
from pydantic import BaseModel, Field, PostgresDsn, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings
DEV = "dev-secret"
class Settings(BaseSettings):
"""


def flagged(body: str, **params: object) -> list[int]:
    """Lines of the class body, counted from 1, that are findings."""
    text = HEAD + "".join(f"    {line}\n" for line in body.splitlines())
    outcome = ask("secret-setting-without-default", {"app/config.py": text}, **params)
    return [line - HEAD.count("\n") for line in lines(outcome)]


@pytest.mark.parametrize(
    "field",
    [
        'jwt_secret: SecretStr = SecretStr("x1")',
        'SMTP_PASSWORD: str = Field(default="postgres", min_length=3)',
        'auth_token: str = Field("abc")',
        'api_key: str = ""',
        'secret_key: str = getenv("SECRET_KEY", "abc")',
        "session_secret: str = DEV",
        'database_url: str = "postgresql://app:hunter2@db/app"',
        'db_dsn: PostgresDsn = PostgresDsn("postgresql://app:hunter2@db/app")',
    ],
)
def test_a_literal_default_is_found_however_it_is_written(field: str) -> None:
    assert flagged(field) == [1]


@pytest.mark.parametrize(
    "field",
    [
        "jwt_secret: SecretStr",
        "jwt_secret: str | None = None",
        "jwt_secret: str = Field(...)",
        "jwt_secret: str = Field(default_factory=secrets.token_urlsafe)",
        "jwt_secret: str = secrets.token_urlsafe(32)",
        "token_expire_minutes: int = 30",
        'token_url: str = "/token"',
        'secret_name: str = "app/db"',
        'api_key_header: str = "X-API-Key"',
        'aws_access_key_id: str = "x"',
        'sentry_dsn: str = "https://key@sentry.io/1"',
        'database_url: str = "sqlite:///app.db"',
        'database_url: str = "postgresql://localhost/app"',
        "require_password: bool = True",
        "max_tokens: int = 100",
    ],
)
def test_what_is_no_secret_or_has_no_literal_is_spared(field: str) -> None:
    assert flagged(field) == []


def test_the_limits_say_whether_none_and_the_empty_text_pass() -> None:
    body = "token: str | None = None\nsecret: str = ''"
    assert flagged(body, allow_none=False, allow_empty=True) == [1]


def test_a_nested_group_is_part_of_the_settings_and_other_models_are_not() -> None:
    code = (
        "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\n"
        "class Mail(BaseModel):\n    password: str = 'x'\n"
        "class Login(BaseModel):\n    password: str = 'x'\n"
        "class Settings(BaseSettings):\n    mail: Mail\n"
    )
    assert lines(ask("secret-setting-without-default", {"app/config.py": code})) == [4]


CHECKED = """secret: str = "changethis"
@model_validator(mode="after")
def check(self):
    if self.env == "production" and {condition}:
        raise ValueError("no")
    return self"""


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('self.secret == "changethis"', []),
        ('self.secret in {"changethis", "x"}', []),
        ("len(self.secret) < 32", []),
        ('self.secret == "other"', [1]),
        ("not self.secret", [1]),
        ('self.other == "changethis"', [1]),
    ],
)
def test_a_validator_that_refuses_the_default_excuses_it(condition: str, found: list[int]) -> None:
    assert flagged(CHECKED.format(condition=condition)) == found


def test_a_validator_may_hand_the_field_to_a_method_that_refuses() -> None:
    body = """secret: str = "changethis"
token: str = "abc"
def _refuse(self, name, value):
    if value == "changethis":
        raise ValueError(name)
@model_validator(mode="after")
def check(self):
    self._refuse("secret", self.secret)
    self._refuse("token", self.token)
    return self"""
    assert flagged(body) == [2]
