"""Traps of the check that asks whether SQL text is built from values."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import enum\nfrom typing import ClassVar\n"
    "from sqlalchemy import select, text\nfrom sqlalchemy import text as sql_text\n"
    "from sqlalchemy.orm import Session\n"
    "TABLES = (('users', 'seen'), ('orders', 'paid'))\n"
    "CHECKS = {'users': ('ck_a', 'ck_b'), 'orders': ('ck_c',)}\n"
    "ORDERS = {'name': 'users.name', 'age': 'users.age'}\n"
    "INDEXES = {'users': {'table': 'users', 'key': 'id'}}\n"
    "TEMPLATE = 'DELETE FROM {table}'\n"
    "class Way(str, enum.Enum):\n    UP = 'asc'\n\n"
    "class Store:\n    LIMIT: ClassVar = 'LIMIT 5'\n\n"
)


def function(*body: str, signature: str = "db: Session, given: str, way: Way") -> dict[str, str]:
    """A module with one function of this body."""
    text = "".join(f"    {line}\n" for line in body)
    return {"store.py": f"{HEAD}def run({signature}):\n{text}"}


@pytest.mark.parametrize(
    "body",
    [
        ["for table, column in TABLES:", "    db.execute(f'UPDATE {table} SET {column} = 1')"],
        [
            "for table, names in CHECKS.items():",
            "    for name in names:",
            "        db.execute(f'ALTER TABLE {table} VALIDATE CONSTRAINT {name}')",
        ],
        ["clauses = []", "clauses.append('name = :name')",
         "db.execute(text(f\"SELECT 1 FROM users WHERE {' AND '.join(clauses)}\"))"],
        ["db.execute(text(f'SELECT 1 FROM users ORDER BY {ORDERS[given]}'))"],
        ["order = ORDERS.get(given, 'id')",
         "db.execute(text(f'SELECT 1 FROM users ORDER BY {order}'))"],
        ["db.execute(text(f'SELECT 1 FROM users ORDER BY name {way.value}'))"],
        ["db.execute(text(f'SELECT 1 FROM users {Store.LIMIT}'))"],
        ["query = 'SELECT 1 FROM users'", "query = query + ' LIMIT 1'", "db.execute(query)"],
        ["query = f'DROP TABLE {given}'", "print(query)", "query = 'SELECT 1 FROM users'",
         "db.execute(query)"],
        ["db.execute(TEMPLATE.format(table='users'))"],
        ["index = INDEXES.get(given)", "table = index['table']",
         "db.execute(f'SELECT 1 FROM {table}')"],
    ],
)  # fmt: skip
def test_parts_that_nobody_outside_can_choose_are_constants(body: list[str]) -> None:
    outcome = ask("parameterized-queries", function(*body))

    assert (outcome.sites, lines(outcome)) == (1, [])


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (["db.execute(sql_text(f'SELECT 1 FROM {given}'))"], 1),
        (["db.execute(TEMPLATE.format(table=given))"], 1),
        (["query = TEMPLATE", "query += f' WHERE x = {given}'", "db.execute(query)"], 2),
        (["name = 'a'", "if given:", "    name = given", "db.execute(f'SET x = {name}')"], 4),
        (["names = ['id']", "names.append(given)",
          "db.execute(f\"SELECT {', '.join(names)} FROM users\")"], 3),
        (["parts = [f'UPDATE {given} SET x = 1']", "parts.append(' WHERE y = 2')",
          "db.execute(''.join(parts))"], 3),
    ],
)  # fmt: skip
def test_a_value_is_found_on_its_way_into_the_text(body: list[str], line: int) -> None:
    outcome = ask("parameterized-queries", function(*body))

    assert lines(outcome) == [HEAD.count("\n") + 1 + line]


def test_a_statement_object_is_no_sql_text() -> None:
    body = ["statement = select(given)", "db.execute(statement)", "db.execute(given)"]

    assert ask("parameterized-queries", function(*body)).sites == 0


def test_migrations_execute_sql_whatever_it_looks_like() -> None:
    text = (
        "from alembic import op\nrevision = '1'\ndown_revision = None\n\n"
        "def upgrade(table):\n    op.execute(f'DROP TRIGGER x ON {table}')\n"
    )

    assert lines(ask("parameterized-queries", {"migrations/versions/one.py": text})) == [6]
