"""Traps of the checks of single rows: lookups and upserts."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import asyncpg\nfrom sqlalchemy import func, select, update\n"
    "from sqlalchemy.dialects import postgresql, sqlite\n"
    "from sqlalchemy.exc import NoResultFound\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column\n"
    "class Base(DeclarativeBase): ...\nclass User(Base):\n    __tablename__ = 'users'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n    name: Mapped[str]\n"
    "    updated_at: Mapped[str]\n"
    "query = select(User).where(User.id == 1)\n"
)
FIRST = HEAD.count("\n") + 2


def function(*body: str, returns: str = "str") -> dict[str, str]:
    """A module with a model and a function of this body, which begins at ``FIRST``."""
    text = "".join(f"    {line}\n" for line in body)
    return {"app/users.py": f"{HEAD}def find(session: Session, name: str) -> {returns}:\n{text}"}


@pytest.mark.parametrize(
    ("body", "fails"),
    [
        (["return session.scalars(query).first().name"], True),
        (["a = session.scalars(query).first()", "return a.name"], True),
        (["a, b = session.execute(query).first()", "return a"], True),
        (["a = session.scalars(query).first()", "assert a is not None", "return a.name"], False),
        (["a = session.scalars(query).first()", "if not a:", "    raise KeyError",
          "return a.name"], False),
        (["if (a := session.scalars(query).first()) is None:", "    raise KeyError",
          "return a.name"], False),
        (["a = session.scalars(query).first()", "ensure_found(a)", "return a.name"], False),
        (["a = session.scalars(query).first()", "return a.name if a else ''"], False),
        (["a = session.scalars(query).first()", "send(a)", "return ''"], False),
        (["return session.execute(select(func.count())).first()[0]"], False),
        (["return [1].first().name"], False),
        (["return session.execute(query).scalar_one_or_none()"], True),
        (["a = session.execute(query).scalar_one()", "if a is None:", "    raise KeyError",
          "return a.name"], True),
        (["a = session.execute(select(User.name)).scalar_one()", "return a or ''"], False),
        (["a = session.execute(select(func.max(User.id))).scalar_one()",
          "return '' if a is None else a"], False),
    ],
)  # fmt: skip
def test_a_row_is_asked_for_as_it_is_expected(body: list[str], fails: bool) -> None:
    assert lines(ask("scalar-one-usage", function(*body))) == ([FIRST] if fails else [])


@pytest.mark.parametrize("returns", ["User | None", "'User | None'", "object"])
def test_a_function_may_hand_on_that_there_is_no_row(returns: str) -> None:
    body = "return session.scalars(query).first()"

    assert not ask("scalar-one-usage", function(body, returns=returns)).observations


@pytest.mark.parametrize(
    ("handler", "fails"), [("return None", True), ("raise KeyError(name)", False)]
)
def test_a_missing_row_is_no_fallback(handler: str, fails: bool) -> None:
    body = ["try:", "    return session.scalars(query).one()", "except NoResultFound:",
            f"    {handler}"]  # fmt: skip

    assert lines(ask("scalar-one-usage", function(*body))) == ([FIRST + 1] if fails else [])


READ = "user = session.scalar(select(User).where(User.name == name))"
ADD = "session.add(User(name=name))"


@pytest.mark.parametrize(
    ("body", "fails"),
    [
        ([READ, "if user:", "    user.name = name", "    return ''", ADD], True),
        ([READ, "if user is None:", "    user = User()", "    session.add(user)",
          "user.name = name"], True),
        ([READ, "if not user:", f"    {ADD}", "else:",
          "    session.execute(update(User).values(name=name))"], True),
        ([READ, "if user is None:", f"    {ADD}"], False),
        ([READ, "if user is None:", "    raise KeyError", "user.name = name", ADD], False),
        ([READ, "if user is None:", f"    {ADD}", "    return ''", "return user.name"], False),
        (["user = session.get(User, 1)", "if user is None:", f"    {ADD}", "else:",
          "    setattr(user, 'name', name)"], True),
    ],
)  # fmt: skip
def test_read_then_write_is_no_upsert(body: list[str], fails: bool) -> None:
    assert lines(ask("upsert-on-conflict", function(*body))) == ([FIRST] if fails else [])


@pytest.mark.parametrize(
    ("dialect", "given", "fails"),
    [
        ("postgresql", "set_={'name': name}", True),
        ("postgresql", "set_={'name': name, User.updated_at: func.now()}", False),
        ("postgresql", "set_=dict(name=name)", True),
        ("postgresql", "set_={c.name: c for c in columns}", True),
        ("postgresql", "set_=values_of(name)", False),
        ("postgresql", "**options", False),
        ("sqlite", "set_={'name': name}", False),
    ],
)
def test_an_upsert_sets_the_time_of_the_change(dialect: str, given: str, fails: bool) -> None:
    body = f"return {dialect}.insert(User).on_conflict_do_update(index_elements=['id'], {given})"
    outcome = ask("upsert-on-conflict", function(body), require=["updated-at"])

    assert lines(outcome) == ([FIRST] if fails else [])


def test_what_is_excluded_counts_where_it_was_assigned() -> None:
    body = (
        "insert = postgresql.insert(User).values(name=name, updated_at=func.now())",
        "return insert.on_conflict_do_update(set_={c.name: c for c in insert.excluded})",
    )

    assert not ask("upsert-on-conflict", function(*body), require=["updated-at"]).observations


def test_an_upsert_without_values_changes_nothing() -> None:
    body = "return postgresql.insert(User).on_conflict_do_update(index_elements=['id'])"

    assert lines(ask("upsert-on-conflict", function(body))) == [FIRST]
