"""Traps of the check of writes that belong together."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from sqlalchemy import update\nfrom sqlalchemy.orm import Session\n"
    "from app.users_repository import UserRepository\nfrom app.models import User\n"
)
FIRST = HEAD.count("\n") + 2


def service(*body: str, repository: str = "", **more: str) -> dict[str, str]:
    """A service whose function has this body, which begins at ``FIRST``."""
    text = "".join(f"    {line}\n" for line in body)
    return {
        "app/services/users.py": f"{HEAD}def save(session: Session, repo: UserRepository, rows):\n"
        f"{text}",
        "app/users_repository.py": "from sqlalchemy.orm import Session\nclass UserRepository:\n"
        "    def __init__(self, session: Session):\n        self.session = session\n"
        f"    def create(self, user):\n        self.session.add(user)\n{repository}",
        **more,
    }


COMMITS = "        self.session.commit()\n"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (["session.add(1)", "session.commit()", "session.add(2)", "session.commit()"], 2),
        (["session.add(1)", "session.flush()", "session.add(2)", "session.commit()"], None),
        (["session.add(1)", "session.commit()",
          "session.execute(update(User).values(name='a'))"], 2),
        (["session.execute('DELETE FROM a')", "session.commit()",
          "session.query(User).delete()"], 2),
        (["if rows:", "    session.add(1)", "    session.commit()", "    return",
          "session.add(2)", "session.commit()"], None),
        (["if rows:", "    session.add(1)", "    session.commit()", "else:",
          "    session.add(2)"], None),
        (["try:", "    session.add(1)", "    session.commit()", "except ValueError:",
          "    session.add(2)", "    session.commit()"], None),
        (["with session.begin_nested():", "    session.add(1)", "session.add(2)",
          "session.commit()"], None),
        (["with session.begin():", "    session.add(1)", "    session.add(2)"], None),
        (["with session.begin():", "    session.add(1)", "with session.begin():",
          "    session.add(2)"], 3),
        (["for n, row in rows:", "    session.add(row)", "    if n % 100 == 0:",
          "        session.commit()", "session.add(2)", "session.commit()"], None),
        (["session.add(1)", "session.commit()", "cache.set(2)"], None),
    ],
)  # fmt: skip
def test_no_commit_stands_between_two_writes(body: list[str], found: int | None) -> None:
    outcome = ask("multi-write-transaction", service(*body))

    assert lines(outcome) == ([] if found is None else [FIRST + found])


def test_repositories_that_commit_by_themselves_share_no_transaction() -> None:
    body = ("repo.create(1)", "repo.create(2)")

    found = ask("multi-write-transaction", service(*body, repository=COMMITS))
    assert lines(found) == [FIRST + 1]
    assert not ask("multi-write-transaction", service(*body)).observations


ROUTES = (
    "from fastapi import APIRouter, Depends\nfrom sqlalchemy.orm import Session\n"
    "from app.db import get_session\nrouter = APIRouter()\n"
    "@router.post('/users')\ndef create(session: Session = Depends(get_session)):\n"
    "    session.add(1)\n    session.add(2)\n"
)
DEPENDENCY = (
    "from sqlalchemy.orm import Session\nfrom app.engine import SessionLocal\n"
    "def get_session():\n    with Session() as session:\n        yield session\n"
)


def test_a_dependency_that_commits_is_the_boundary() -> None:
    files = {"app/services/other.py": "def nothing(): ...\n", "app/routes.py": ROUTES}

    assert lines(ask("multi-write-transaction", {**files, "app/db.py": DEPENDENCY})) == [8]
    commits = {**files, "app/db.py": DEPENDENCY + "        session.commit()\n"}
    assert not ask("multi-write-transaction", commits).observations


def test_who_calls_a_service_may_commit() -> None:
    routes = (
        "from fastapi import APIRouter\nfrom app.services.users import save\n"
        "router = APIRouter()\n@router.post('/users')\ndef create(session, repo):\n"
        "    save(session, repo, [])\n"
    )
    body = ("session.add(1)", "session.add(2)")

    quiet = service(*body, **{"app/routes.py": routes})
    assert lines(ask("multi-write-transaction", quiet)) == [FIRST + 1]
    committing = service(*body, **{"app/routes.py": f"{routes}    session.commit()\n"})
    assert not ask("multi-write-transaction", committing).observations
    assert not ask("multi-write-transaction", service(*body)).observations


def test_without_services_nothing_is_asked() -> None:
    assert ask("multi-write-transaction", {"app/routes.py": ROUTES}).state == "not-applicable"
