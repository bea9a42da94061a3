"""Traps of the check of asynchronous database access."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CHECK = "async-database-access"
HEAD = """import fastapi
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, scoped_session, sessionmaker
"""


def found(code: str, path: str = "app/db.py", **files: str) -> list[tuple[str, int]]:
    """Path and line of each finding; lines of the first file without its imports."""
    others = {f"app/{name}.py": text for name, text in files.items()}
    outcome = ask(CHECK, {path: HEAD + code, **others})
    head = HEAD.count("\n")
    return [(e.path, e.line - head * (e.path == path)) for e in outcome.observations]


@pytest.mark.parametrize(
    "code",
    [
        "engine = create_engine('a')\n",
        "Local = sessionmaker(bind=e)\n",
        "Local = scoped_session(factory)\n",
        "def run():\n    with Session(e) as s: ...\n",
        "def both():\n    s = sessionmaker(e)\n    return s, e\nsessions, e = both()\nsessions()\n",
    ],
)
def test_what_is_made_synchronously_is_found(code: str) -> None:
    expected = {"engine": [1], "Local ": [1], "def ru": [2], "def bo": [2, 5]}
    assert [line for _, line in found(code)] == expected[code[:6]]


def test_the_session_of_a_factory_is_found_in_another_module() -> None:
    use = "from app.db import Local\ndef run():\n    with Local() as s: ...\n"
    places = found("Local = sessionmaker(bind=e)\n", use=use)
    assert places == [("app/db.py", 1), ("app/use.py", 3)]


@pytest.mark.parametrize(
    "code",
    [
        "engine = AsyncEngine(create_engine('a'))\n",
        "Local = sessionmaker(e, class_=AsyncSession)\nasync def f(): Local()\n",
        "class Own(AsyncSession): ...\nLocal = sessionmaker(e, class_=Own)\n",
        "def f():\n    Local = sessionmaker(e, class_=AsyncSession)\n    return Local()\n",
    ],
)
def test_what_makes_async_sessions_holds(code: str) -> None:
    assert found(code) == []


def test_workers_and_those_who_serve_them_alone_may_be_synchronous() -> None:
    made = "engine = create_engine('a')\nLocal = sessionmaker(engine)\n"
    task = (
        "from celery import shared_task\nfrom app.db import Local\n"
        "@shared_task\ndef run():\n    with Local() as s: ...\n"
    )
    other = "from app.db import Local\ndef run():\n    return Local()\n"

    assert found(made, task=task) == []
    assert found(made, task=task, other=other) == [
        ("app/db.py", 1), ("app/db.py", 2), ("app/other.py", 3)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "holds"),
    [
        ("def read(self): return self.session.execute(select(1))", False),
        ("async def read(self): return await self.session.execute(select(1))", True),
        ("def add(self, row): self.session.add(row)", True),
        ("def query(self): return select(1)", True),
    ],
)
def test_a_repository_method_that_executes_is_async(method: str, holds: bool) -> None:
    code = f"class UserRepository:\n    session: AsyncSession\n\n    {method}\n"
    assert found(code) == ([] if holds else [("app/db.py", 4)])


def test_a_plain_method_that_adds_to_a_plain_session_is_found() -> None:
    code = "class UserRepo:\n    def add(self, session: Session, row): session.add(row)\n"
    assert found(code) == [("app/db.py", 2)]


@pytest.mark.parametrize("framework", ["flask", "django", "typer"])
def test_other_frameworks_are_not_judged(framework: str) -> None:
    code = HEAD.replace("fastapi", framework) + "engine = create_engine('a')\n"
    assert ask(CHECK, {"app/db.py": code}).state == "not-applicable"
