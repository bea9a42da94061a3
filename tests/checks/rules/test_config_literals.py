"""Addresses in code: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

HEAD = """import httpx, redis, uvicorn
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import create_engine
from enum import Enum
"""


def flagged(code: str, path: str = "app/a.py") -> list[int]:
    outcome = ask("no-hardcoded-config", {path: HEAD + code})
    return [each.line - HEAD.count("\n") for each in outcome.observations]


@pytest.mark.parametrize(
    "code",
    [
        "httpx.get('http://billing:9000/x')",
        "BILLING_URL = 'billing.internal:9000'",
        "engine = create_engine('sqlite:///app.db')",
        "cache = redis.Redis(host='redis', port=6379)",
        "app = Celery('app', broker='amqp://rabbit')",
        "db_port = 5432",
        "UPLOAD_DIR = 'uploads'",
        "def f(smtp_host='mail'): ...",
        "path = f'http://users.prod/{1}'",
        "HOSTS = ['10.1.2.3']",
    ],
)
def test_places_of_other_systems_are_found(code: str) -> None:
    assert set(flagged(code)) == {1}
    assert flagged(code, "app/core/config.py") == []


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    '''See http://docs.internal/x.'''",
        "class A(BaseModel):\n    url: str = Field(examples=['http://shop.internal'])",
        "class A(BaseModel):\n    model_config = {'json_schema_extra': {'example': {'u': 'http://a.b'}}}",
        "app = FastAPI(contact={'url': 'https://acme.org'})",
        "NAMESPACE = 'http://acme.org/2005/ns'",
        "BLOCKED_HOSTS = {'10.1.2.3'}",
        "TYPE = 'http://www.w3.org/2001/XMLSchema'",
        "A = 'https://example.com/x'",
        "uvicorn.run(app, host='0.0.0.0')",
        "def f(u):\n    return u.startswith('http://a.b') or u == 'http://a.b/c'",
        "def f(u):\n    if u == 'http://a.b/c':\n        pass",
        "raise ValueError('http://a.b')",
        "token_url = '/token'",
        "SCHEME = 'http://'",
        "class Kind(Enum):\n    BY_URL = 'http://a.b'",
        "max_queue = 3\nis_port = True\nmin_url = ''",
        "text = 'see http://a.b for more'",
    ],
)
def test_what_is_shown_compared_or_relative_is_spared(code: str) -> None:
    assert flagged(code) == []


def test_the_line_is_that_of_the_literal() -> None:
    assert flagged("ROUTES = {\n    'a': 1,\n    'b': 'http://users.internal',\n}") == [3]


def test_public_services_count_half() -> None:
    outcome = ask("no-hardcoded-config", {"app/a.py": "A = 'https://api.stripe.com/v1'\n"})
    assert [each.weight for each in outcome.observations] == [0.5]


def test_a_password_in_an_address_is_not_repeated_in_the_message() -> None:
    outcome = ask("no-hardcoded-config", {"app/a.py": "A = 'redis://u:hunter2@cache/0'\n"})
    assert "hunter2" not in outcome.observations[0].message + outcome.observations[0].anchor
