"""Traps of the check that asks queries to name their columns."""

from __future__ import annotations

import pytest

from checks.rules.performance_columns import selects_star
from tests.checks.projects import ask, lines


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) FROM users",
        "SELECT id FROM a WHERE EXISTS (SELECT * FROM b)",
        "WITH x AS (SELECT id FROM a) SELECT * FROM x",
        "SELECT * FROM (SELECT id FROM a) s",
        "SELECT price * qty FROM x",
        "SELECT a.price * b.qty FROM a JOIN b ON a.id = b.id",
        "WITH r AS (SELECT id FROM t) SELECT r.* FROM r JOIN t ON 1 = 1",
        "SELECT id /* * */ FROM t -- *",
    ],
)
def test_stars_that_are_no_columns_of_a_table_hold(text: str) -> None:
    assert not selects_star(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT t.* FROM users t",
        "SELECT a.id, b.* FROM a JOIN b ON a.id = b.id",
        "WITH x AS (SELECT * FROM a) SELECT id FROM x",
        "INSERT INTO t SELECT * FROM s",
        "SELECT DISTINCT * FROM ?",
    ],
)
def test_all_columns_of_a_table_are_found(text: str) -> None:
    assert selects_star(text)


def test_docstrings_and_log_messages_hold_no_sql() -> None:
    code = (
        "import logging\nlogger = logging.getLogger(__name__)\n"
        "def f(db):\n    '''SELECT * FROM users'''\n    logger.info('SELECT * FROM users')\n"
        "    return db.execute('SELECT * FROM users')\n"
    )
    assert lines(ask("select-needed-columns", {"app.py": code})) == [6]


WIDE = (
    "from sqlalchemy import select\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, Session, load_only\n"
    "from pydantic import BaseModel\nfrom fastapi import APIRouter\n"
    "class Base(DeclarativeBase): ...\nclass User(Base):\n    __tablename__ = 'users'\n"
    + "".join(f"    c{number}: Mapped[int]\n" for number in range(9))
    + "class Out(BaseModel):\n    c1: int\n"
    "router = APIRouter()\n@router.get('/users')\ndef users(db: Session) -> list[Out]:\n"
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("db.scalars(select(User)).all()", [22]),
        ("db.scalars(select(User).options(load_only(User.c1))).all()", []),
        ("db.scalars(select(User.c1)).all()", []),
    ],
)
def test_wide_entities_of_which_the_answer_uses_little_are_found(
    query: str, found: list[int]
) -> None:
    files = {"app.py": f"{WIDE}    return {query}\n"}
    assert lines(ask("select-needed-columns", files, rules=["orm-entity"])) == found
