"""Traps of the check that asks for a security class."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = "from fastapi import Depends, FastAPI, Header, Request\napp = FastAPI()\n"
SESSION = (
    "def session(request):\n    return request.session['id']\n"
    "def get_current_user(request: Request):\n    return session(request)\n"
    "@app.get('/')\ndef me(user=Depends(get_current_user)): ...\n"
)
CHECK = "auth-scheme-declared"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def user(request: Request):\n    return request.headers.get('authorization')\n", 4),
        ("def user(request: Request):\n    key = request.headers['X-API-Key']\n", 4),
        ("def user(x_token: str = Header()): ...\n", 3),
        ("def user(key: str = Header(alias='x-api-key')): ...\n", 3),
        ("import jwt\ndef user(text):\n    return jwt.decode(text, 'k')\n", 5),
        (SESSION, 4),
    ],
)
def test_a_credential_that_is_read_by_hand_is_found_where_it_is_read(text: str, line: int) -> None:
    assert lines(ask(CHECK, {"app.py": HEAD + text})) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "@app.get('/')\ndef health(): ...\n",
        "import httpx\ndef call(t):\n    httpx.get('x', headers={'Authorization': t})\n",
        "def call(response):\n    return response.headers.get('authorization')\n",
        "def call(request: Request):\n    return request.headers.get('user-agent')\n",
    ],
)
def test_an_application_that_reads_no_credential_is_no_site(text: str) -> None:
    assert ask(CHECK, {"app.py": HEAD + text}).state == "not-applicable"


def test_a_subclass_of_a_security_class_is_one() -> None:
    text = (
        "from fastapi.security import HTTPBearer\nclass Token(HTTPBearer):\n    pass\n"
        "def user(request: Request, token=Depends(Token())):\n"
        "    return request.headers['Authorization']\n"
    )
    assert lines(ask(CHECK, {"app.py": HEAD + text})) == []
    assert lines(ask(CHECK, {"app.py": HEAD + text}, schemes=["HTTPBearer"])) == []
    assert lines(ask(CHECK, {"app.py": HEAD + text}, schemes=["OpenIdConnect"])) == [7]


def test_a_library_that_brings_its_scheme_satisfies_the_check() -> None:
    text = "from fastapi_users import FastAPIUsers\nimport jwt\njwt.decode('t', 'k')\n"
    assert lines(ask(CHECK, {"app.py": HEAD + text})) == []


def test_another_framework_is_no_site() -> None:
    text = "from flask import request\nuser = request.headers['Authorization']\n"
    assert ask(CHECK, {"app.py": text}).state == "not-applicable"
