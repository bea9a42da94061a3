"""Traps of the checks of tokens: payloads that are made elsewhere, lifetimes of other tokens."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

CLAIMS = "from pydantic import BaseModel\nclass Claims(BaseModel):\n    sub: str\n    exp: int\n"
HEAD = "from datetime import datetime, timedelta\nimport jwt\n"


def lifetime(text: str, **params: object) -> list[int]:
    return lines(ask("token-lifetime", {"app/tokens.py": HEAD + text}, **params))


@pytest.mark.parametrize(
    "text",
    [
        "def sign(data):\n    c = data.copy()\n    c['exp'] = 1\n    return jwt.encode(c, 'k')\n",
        "def sign(data: dict):\n    data = {**data, 'exp': 1}\n    return jwt.encode(data, 'k')\n",
        "def sign(data: dict):\n    return jwt.encode({**data}, 'k')\n",
        "def claims():\n    return {'exp': 1}\n\njwt.encode(claims(), 'k')\n",
        "def sign(data: dict):\n    return jwt.encode(data, 'k')\n\nsign({'exp': 1})\n",
        f"{CLAIMS}jwt.encode(Claims(sub='a', exp=1).model_dump(), 'k')\n",
        "jwt.encode(dict(sub='a', exp=1), 'k')\n",
        "jwt.decode('t', 'k')\n",
    ],
)
def test_a_token_whose_payload_may_hold_an_end_is_not_found(text: str) -> None:
    assert lifetime(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def sign(data: dict):\n    return jwt.encode(data, 'k')\n\nsign({'sub': 'a'})\n", 4),
        ("claims = {'sub': 'a'}\nclaims['iat'] = 1\njwt.encode(claims, 'k')\n", 5),
        ("from authlib.jose import jwt as j\nj.encode({'alg': 'x'}, {'sub': 'a'}, 'k')\n", 4),
    ],
)
def test_a_token_whose_payload_is_known_and_has_no_end_is_found(text: str, line: int) -> None:
    assert lifetime(text) == [line]


def test_a_lifetime_is_found_where_its_number_is_defined() -> None:
    text = (
        "REFRESH_DAYS = 30\n"
        "def create(kind, lifetime):\n"
        "    return jwt.encode({'exp': datetime.now() + lifetime}, 'k')\n"
        "def login():\n"
        "    access = create('a', timedelta(minutes=30))\n"
        "    refresh = create('r', timedelta(days=REFRESH_DAYS))\n"
    )
    assert lifetime(text, access_minutes=30, refresh_days=7) == [3]
    assert lifetime(text, access_minutes=30, refresh_days=30) == []


def test_minutes_that_make_days_are_the_same_lifetime() -> None:
    text = (
        "def create_refresh_token():\n"
        "    end = datetime.now() + timedelta(minutes=60 * 24 * 7)\n"
        "    return jwt.encode({'exp': end}, 'k')\n"
    )
    assert lifetime(text, refresh_days=7) == []


def test_a_token_for_one_use_has_a_lifetime_of_its_own() -> None:
    text = (
        "def create_reset_token():\n"
        "    return jwt.encode({'exp': datetime.now() + timedelta(hours=48)}, 'k')\n"
    )
    assert lifetime(text, access_minutes=30) == []


ROUTES = (
    "import jwt\nfrom fastapi import APIRouter\nrouter = APIRouter()\n"
    "def create_refresh_token(user):\n    return jwt.encode({'sub': user, 'exp': 1}, 'k')\n"
    "@router.post('/login')\ndef login(name: str):\n    return create_refresh_token(name)\n"
)
MODEL = (
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
    "class Base(DeclarativeBase): ...\n"
    "class RefreshToken(Base):\n    __tablename__ = 't'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
)


def refresh(files: dict[str, str], **params: object) -> list[int]:
    return lines(ask("refresh-token", files, **params))


def test_a_refresh_token_that_a_table_keeps_is_stored() -> None:
    assert refresh({"app/a.py": ROUTES}, aspects=["stored"]) == [5]
    assert refresh({"app/a.py": ROUTES, "app/m.py": MODEL}, aspects=["stored"]) == []


def test_a_service_that_signs_no_refresh_token_has_none_to_store() -> None:
    text = ROUTES.replace("create_refresh_token", "create_token")
    assert refresh({"app/a.py": text}, aspects=["stored"]) == []
    assert refresh({"app/a.py": text}) == [7]


def test_a_login_at_an_identity_provider_issues_no_token_of_its_own() -> None:
    text = ROUTES.replace("return create_refresh_token(name)", "return oauth.redirect(name)")
    assert ask("refresh-token", {"app/a.py": text}).state == "not-applicable"


def test_a_property_that_signs_is_read_by_the_login() -> None:
    text = (
        "import jwt\nfrom fastapi import APIRouter\nrouter = APIRouter()\n"
        "class User:\n    @property\n    def token(self):\n        return jwt.encode({}, 'k')\n"
        "@router.post('/login')\ndef login(user: User):\n    return {'token': user.token}\n"
    )
    assert refresh({"app/a.py": text}) == [9]
