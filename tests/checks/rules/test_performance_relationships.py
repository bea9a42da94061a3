"""Traps of the check that asks relationships to be loaded with their rows."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

MODELS = (
    "from sqlalchemy.orm import DeclarativeBase, DynamicMapped, Mapped, Session\n"
    "from sqlalchemy.orm import relationship, selectinload\n"
    "class Base(DeclarativeBase): ...\n"
    "class Post(Base):\n    __tablename__ = 'posts'\n    id: Mapped[int]\n"
    "class User(Base):\n    __tablename__ = 'users'\n    id: Mapped[int]\n"
    "    posts: Mapped[list[Post]] = relationship()\n"
    "    eager: Mapped[list[Post]] = relationship(lazy='selectin')\n"
    "    strict: Mapped[list[Post]] = relationship(lazy='raise')\n"
    "    many: DynamicMapped[Post] = relationship()\n"
)
HEAD = (
    "from fastapi import APIRouter\nfrom pydantic import BaseModel\nfrom sqlalchemy import select\n"
    "from sqlalchemy.orm import Session, selectinload\n"
    "from app.models import User\nrouter = APIRouter()\n"
    "class Plain(BaseModel):\n    id: int\nclass Full(BaseModel):\n    id: int\n    posts: list\n"
    "class Page(BaseModel):\n    items: list[Full]\n"
)


def code(*body: str) -> dict[str, str]:
    """Models, and a module whose text begins in line 14."""
    return {"app/models.py": MODELS, "app/store.py": HEAD + "\n".join(body) + "\n"}


@pytest.mark.parametrize(
    "body",
    [
        ["def f(db: Session):", "    return [u.id for u in db.scalars(select(User))]"],
        ["def f(db: Session):", "    return [u.eager for u in db.scalars(select(User))]"],
        ["def f(db: Session):", "    return [u.many for u in db.scalars(select(User))]"],
        ["def f(db: Session):", "    return db.scalar(select(User)).posts"],
        ["def f(db: Session):", "    q = select(User).where(User.id > 1)",
         "    q = q.options(selectinload(User.posts).load_only(User.id))",
         "    for u in db.execute(q).scalars():", "        print(u.posts)"],
        ["def f(db: Session, o):", "    for u in db.scalars(select(User).options(*o)):",
         "        print(u.posts)"],
        ["@router.get('/')", "def f(db: Session) -> list[Plain]:",
         "    return db.query(User).all()"],
    ],
)  # fmt: skip
def test_relationships_that_are_loaded_or_not_touched_hold(body: list[str]) -> None:
    assert lines(ask("relationship-eager-loading", code(*body))) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (["def f(db: Session):", "    for u in db.query(User):", "        u.posts.sort()"], 15),
        (["async def f(db: Session):",
          "    rows = (await db.execute(select(User))).scalars().all()",
          "    return [await u.awaitable_attrs.posts for u in rows]"], 15),
        (["def find(db: Session):", "    return db.scalars(select(User)).all()", "def f(db):",
          "    return [u.posts for u in find(db)]"], 15),
        (["@router.get('/')", "def f(db: Session) -> list[Full]:",
          "    return db.query(User).all()"], 16),
        (["@router.get('/')", "def f(db: Session) -> Page:", "    rows = db.query(User).all()",
          "    return Page(items=rows)"], 16),
    ],
)  # fmt: skip
def test_a_query_whose_rows_load_more_one_by_one_is_found(body: list[str], line: int) -> None:
    assert lines(ask("relationship-eager-loading", code(*body))) == [line]


def test_a_relationship_that_refuses_weighs_half() -> None:
    body = ["def f(db: Session):", "    return [u.strict for u in db.scalars(select(User))]"]
    outcome = ask("relationship-eager-loading", code(*body))
    assert [each.weight for each in outcome.observations] == [0.5]
