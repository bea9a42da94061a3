"""Traps of the check that asks for dependencies to be injected."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import httpx\nfrom functools import lru_cache\nfrom fastapi import APIRouter, Depends\n"
    "from sqlalchemy.orm import Session, sessionmaker\nfrom pydantic_settings import BaseSettings\n"
    "SessionLocal = sessionmaker()\nrouter = APIRouter()\n"
    "class Settings(BaseSettings):\n    size: int = 1\nsettings = Settings()\n"
    "class MailService:\n    def send(self): ...\nmails = MailService()\n"
    "class Pool:\n    def client(self) -> httpx.Client: ...\npool = Pool()\n"
)


def found(*text: str, **params: object) -> list[int]:
    """Lines that the check finds; the text begins in line 17."""
    code = HEAD + "".join(f"{line}\n" for line in text)
    return lines(ask("dependencies-injected", {"app/services/web.py": code}, **params))


@pytest.mark.parametrize(
    "text",
    [
        ["def get_mails() -> MailService:", "    return MailService()"],
        ["def session():", "    with SessionLocal() as s:", "        yield s",
         "@router.get('/')", "def f(s: Session = Depends(session)):", "    s.commit()"],
        ["@router.get('/')", "def f(m: MailService = Depends()):", "    m.send()"],
        ["@router.get('/')", "def f(factory: sessionmaker):", "    factory().commit()"],
        ["class A:", "    def __init__(self, client: httpx.Client | None = None):",
         "        self.client = client or httpx.Client()"],
        ["@router.get('/')", "def f():", "    return ValueError()"],
    ],
)  # fmt: skip
def test_what_is_given_or_provided_holds(text: list[str]) -> None:
    assert found(*text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (["def f():", "    with SessionLocal() as s:", "        s.commit()"], 18),
        (["def f():", "    return httpx.Client().get('x')"], 18),
        (["def f():", "    mails.send()"], 18),
        (["class A:", "    def __init__(self):", "        self.mails = MailService()"], 19),
        (["def f():", "    mails.box.read()"], 18),
        (["def f():", "    return pool.client().get('x')"], 18),
        (["def f(p: Pool):", "    p.client()", "    pool.client()"], 19),
        (
            [
                "from arq import ArqRedis",
                "queue: ArqRedis | None = None",
                "def f():",
                "    queue.enqueue_job('x')",
            ],
            20,
        ),
    ],
)
def test_what_is_made_or_taken_from_a_global_is_found(text: list[str], line: int) -> None:
    assert found(*text) == [line]


def test_a_handler_is_given_its_session_where_a_worker_opens_one() -> None:
    provider = ["def get_db():", "    with SessionLocal() as s:", "        yield s"]
    body = ["    for db in get_db():", "        db.commit()"]
    assert found(*provider, "@router.get('/')", "def f():", *body) == [22]
    assert found(*provider, "def f():", *body) == []


def test_settings_count_where_a_standard_asks_for_them() -> None:
    text = ["def f():", "    return settings.size"]
    assert found(*text) == []
    assert found(*text, kinds=["settings"]) == [18]
