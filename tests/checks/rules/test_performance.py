"""Traps of the check that asks for queries in loops."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from contextlib import contextmanager\nfrom itertools import count\n"
    "from sqlalchemy.orm import Session, sessionmaker\n"
    "factory = sessionmaker()\n\n"
    "@contextmanager\ndef opened():\n    with factory() as session:\n"
    "        yield session\n        session.commit()\n\n"
    "def save(db: Session, row):\n    db.add(row)\n    db.commit()\n\n"
    "def note(db: Session, row):\n    db.add(row)\n\n"
)


def function(*body: str) -> dict[str, str]:
    """A module with one function of this body."""
    text = "".join(f"    {line}\n" for line in body)
    return {"store.py": f"{HEAD}def run(db: Session, rows, cursor, pages, batches):\n{text}"}


@pytest.mark.parametrize(
    "body",
    [
        ["for batch in batches:", "    db.execute(batch)"],
        ["for page in range(9):", "    db.execute(page)"],
        ["while not stop_event.is_set():", "    db.execute('x')"],
        ["while cursor:", "    cursor = db.execute('x').cursor"],
        ["for _ in range(3):", "    try:", "        return db.get(int, 1)",
         "    except OSError:", "        continue"],
        ["for attempt in count():", "    db.get(int, 1)"],
        ["for row in rows:", "    with opened() as session:", "        print(session)"],
        ["for row in rows:", "    note(db, row)"],
        ["for row in db.scalars('x'):", "    print(row)"],
        ["print([row.id for row in db.scalars('x')])"],
        ["for kind in ('a', 'b'):", "    db.get(int, kind)"],
    ],
)  # fmt: skip
def test_loops_that_do_not_query_per_element_hold(body: list[str]) -> None:
    assert lines(ask("no-query-in-loop", function(*body, "db.get(int, 1)"))) == []


def test_a_loop_that_only_the_start_of_the_application_runs_is_left_alone() -> None:
    files = function("for row in rows:", "    db.get(int, row)")
    assert lines(ask("no-query-in-loop", files)) != []
    start = "from fastapi import FastAPI\nfrom store import run\nasync def life(app: FastAPI):\n"
    files["main.py"] = f"{start}    run(1, 2, 3, 4, 5)\n    yield\napp = FastAPI(lifespan=life)\n"
    assert lines(ask("no-query-in-loop", files)) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (["for entry in entries:", "    db.get(int, entry)"], 2),
        (["for row in cursor:", "    db.get(int, row)"], 2),
        (["for page in pages:", "    db.get(int, page)"], 2),
        (["for number in range(9):", "    try:", "        db.get(int, number)",
          "    except OSError:", "        pass"], 3),
        (["for row in rows:", "    save(db, row)"], 2),
        (["print([db.get(int, row) for row in rows])"], 1),
    ],
)  # fmt: skip
def test_a_query_per_element_is_found_at_its_line(body: list[str], line: int) -> None:
    outcome = ask("no-query-in-loop", function(*body))

    assert lines(outcome) == [HEAD.count("\n") + 1 + line]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (["for row in rows:", "    db.add(row)"], [2]),
        (["for row in rows:", "    db.execute(update(row).values(a=1))"], [2]),
        (["for row in rows:", "    q = delete(row)", "    db.execute(q.where(1))"], [3]),
        (["for row in rows:", "    db.execute(select(row))"], []),
        (["for chunk in chunks:", "    db.commit()"], []),
        (["for row in rows:", "    db.add(row)", "    db.flush()", "    print(row.id)"], []),
        (["for row in rows:", "    seen.add(row)"], []),
    ],
)
def test_a_write_per_row_is_found(body: list[str], found: list[int]) -> None:
    (path, text), *_ = function(*body).items()
    head = "from sqlalchemy import delete, select, update\n"

    outcome = ask("bulk-operations", {path: head + text})

    assert lines(outcome) == [HEAD.count("\n") + 2 + line for line in found]
