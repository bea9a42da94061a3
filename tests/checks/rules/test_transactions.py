"""Traps of the checks of transactions and pools."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from contextlib import asynccontextmanager\n"
    "from sqlalchemy import create_engine\nfrom sqlalchemy import create_engine as engine_for\n"
    "from sqlalchemy.exc import IntegrityError\n"
    "from sqlalchemy.orm import Session, sessionmaker\nfactory = sessionmaker()\n"
    "OPTIONS = {'pool_size': 5}\nADDRESS = 'sqlite:///x.db'\n\n"
)
FIRST = HEAD.count("\n") + 1


METHOD = "class UserService:\n    def run(self, db: Session):\n        db.commit()\n"
UNIT = "class Unit:\n    def __exit__(self, *error):\n        self.session.commit()\n"
PROVIDER = (
    "def get_db():\n    with factory() as s:\n        yield s\n        end(s)\n"
    "def end(s: Session):\n    s.commit()\n"
)


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("app/x.py", "def run(db: Session):\n    db.commit()\n", [2]),
        ("app/x.py", "def run():\n    with factory.begin() as s:\n        s.get(int, 1)\n", [2]),
        ("app/services/x.py", "def run(db: Session):\n    db.commit()\n", []),
        ("app/x.py", METHOD, []),
        ("app/x.py", "def run(repo):\n    repo.commit()\n", []),
        ("app/x.py", PROVIDER, []),
        ("app/x.py", UNIT, []),
        ("app/x.py", "def run(db: Session):\n    with db.begin_nested():\n        pass\n", []),
    ],
)
def test_a_transaction_ends_where_it_is_allowed_to(path: str, text: str, found: list[int]) -> None:
    expected = [FIRST - 1 + line for line in found]

    assert lines(ask("commit-location", {path: HEAD + text})) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/tasks/x.py", "def run(db: Session):\n    db.commit()\n"),
        ("app/x.py", "@app.task\ndef run(db: Session):\n    db.commit()\n"),
        ("app/x.py", "def main(db: Session):\n    db.commit()\n"),
    ],
)
def test_tasks_and_main_are_entry_points(path: str, text: str) -> None:
    outcome = ask("commit-location", {path: HEAD + text}, allowed=["entry-points"])

    assert (outcome.sites, lines(outcome)) == (1, [])


@pytest.mark.parametrize(
    ("text", "sites", "found"),
    [
        ("e = engine_for('postgresql://x')\n", 1, [FIRST]),
        ("e = create_engine('postgresql://x', **OPTIONS)\n", 1, []),
        ("e = create_engine(url(), **options())\n", 1, []),
        ("e = create_engine(ADDRESS)\n", 0, []),
        ("e = create_engine(u, connect_args={'check_same_thread': False})\n", 0, []),
    ],
)
def test_a_pool_of_a_server_database_is_configured(text: str, sites: int, found: list[int]) -> None:
    outcome = ask("connection-pool-configured", {"app/db.py": HEAD + text})

    assert (outcome.sites, lines(outcome)) == (sites, found)


@pytest.mark.parametrize(
    ("body", "handler", "found"),
    [
        ("save(db)", "pass", [2]),
        ("nested(db)", "pass", []),
        ("save(db)", "db.rollback()\n        raise", []),
        ("save(db)", "raise KeyError", [2]),
    ],
)
def test_what_may_violate_a_constraint_needs_a_savepoint(
    body: str, handler: str, found: list[int]
) -> None:
    text = (
        f"def run(db: Session):\n    try:\n        {body}\n    except IntegrityError:\n"
        f"        {handler}\n\ndef save(db): ...\n\n"
        "def nested(db):\n    with db.begin_nested():\n        pass\n"
    )
    expected = [FIRST - 1 + line for line in found]

    assert lines(ask("savepoint-for-integrity-error", {"app/x.py": HEAD + text})) == expected
