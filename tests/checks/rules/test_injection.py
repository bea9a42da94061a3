"""Traps of the checks of injected parameters and of what repositories return."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

ROUTES = (
    "from typing import Annotated\nfrom fastapi import APIRouter, Depends, Query as Q\n"
    "router = APIRouter()\ndef get_db(): ...\nDb = Annotated[int, Depends(get_db)]\n\n"
    "@router.get('/x')\ndef read(db: Db, other: Annotated[int, Q()] = 5): ...\n\n"
)
MODELS = (
    "from abc import ABC, abstractmethod\nfrom sqlalchemy import select\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, Session\n"
    "class Base(DeclarativeBase): ...\n"
    "class Row(Base):\n    __tablename__ = 'rows'\n    id: Mapped[int]\n"
    "class Repo[T]:\n    def __init__(self, s: Session):\n        self.s = s\n"
    "class RowRepository(Repo[Row]):\n"
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def provide(x=Q(1)): ...\n", [10]),
        ("class User:\n    def __init__(self, a: int = Depends(get_db)): ...\n", [11]),
        ("def plain(x=1): ...\n", []),
    ],
)
def test_a_marker_as_default_is_found_in_every_dependency(text: str, found: list[int]) -> None:
    outcome = ask("depends-annotated", {"app/routes.py": ROUTES + text})

    assert (outcome.sites - len(found), lines(outcome)) == (2, found)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("def all(self) -> list[Row]:\n        return []", True),
        ("def one(self):\n        row = self.s.get(Row, 1)\n        return row", True),
        ("def all(self):\n        q = select(Row)\n        return self.s.scalars(q).all()", True),
        ("def count(self) -> int:\n        return self.s.execute('x')", False),
        ("def _one(self) -> Row:\n        return self.s.get(Row, 1)", False),
        ("@abstractmethod\n    def one(self) -> Row: ...", False),
        ("@property\n    def more(self) -> Repo[Row]:\n        return Repo(self.s)", False),
        ("def more(self) -> Repo[Row]:\n        return Repo(self.s)", False),
    ],
)
def test_a_repository_hands_out_no_orm_object(body: str, found: bool) -> None:
    outcome = ask("repositories-return-domain-models", {"app/x.py": f"{MODELS}    {body}\n"})

    assert bool(outcome.observations) == found
