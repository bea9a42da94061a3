"""Traps of the checks of constraints and of the shape of tables."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import enum\nfrom sqlalchemy import JSON, CheckConstraint, Column, Enum, ForeignKey, Index\n"
    "from sqlalchemy import Integer, String, UniqueConstraint, func\n"
    "from sqlalchemy.dialects.postgresql import JSONB\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\nimport asyncpg\n"
    "class Status(enum.Enum): ...\nclass Base(DeclarativeBase): ...\n"
    "class User(Base):\n    __tablename__ = 'users'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    "    name: Mapped[str] = mapped_column(nullable=False)\n"
)
FIRST = HEAD.count("\n") + 3


def model(*body: str, name: str = "Order") -> dict[str, str]:
    """A module with users and a second model of this body, which begins at ``FIRST``."""
    text = "".join(f"    {line}\n" for line in body)
    return {"app/models.py": f"{HEAD}class {name}(Base):\n    __tablename__ = 'orders'\n{text}"}


@pytest.mark.parametrize(
    ("kind", "body", "fails"),
    [
        ("foreign-key", ["user_id = Column(Integer)"], True),
        ("foreign-key", ["user_id = Column(ForeignKey('users.id'))"], False),
        ("foreign-key", ["user_id = Column(Integer)", "user_type = Column(String)"], None),
        ("foreign-key", ["order_id = Column(String)", "stripe_customer_id = Column(String)"], None),
        ("unique", ["email: Mapped[str]"], True),
        ("unique", ["order_code: Mapped[str]"], True),
        ("unique", ["country_code: Mapped[str]", "postal_code: Mapped[str]"], None),
        ("unique", ["email: Mapped[str]", "__table_args__ = (UniqueConstraint('a', 'email'),)"],
         False),
        ("unique", ["slug: Mapped[str]", "__table_args__ = (Index('i', 'slug'),)"], True),
        ("unique", ["slug: Mapped[str]",
                    "__table_args__ = (Index('i', func.lower('slug'), unique=True),)"], False),
        ("nullability", ["a = Column(Integer)"], True),
        ("nullability", ["a = Column(Integer, primary_key=True)"], False),
        ("nullability", ["a: Mapped[str | None]", "b: Mapped[str]"], False),
        ("nullability", ["a: Mapped[str | None] = mapped_column(nullable=False)"], True),
        ("nullability", ["a: Mapped[str] = mapped_column(nullable=True)"], True),
        ("nullability", ["a: Mapped[dict[str, int | None]] = mapped_column(JSON, nullable=False)"],
         False),
        ("foreign-key", ["user_id = Column(String)"], None),
        ("check", ["unit_price: Mapped[int]"], True),
        ("check", ["price: Mapped[int] = mapped_column(CheckConstraint('price > 0'))"], False),
        ("check", ["status: Mapped[Status]"], False),
        ("check", ["status = Column(Enum('a', 'b'))"], False),
        ("check", ["status = Column(String)"], True),
        ("check", ["message: Mapped[int]", "price: Mapped[str]"], None),
        ("check", ["score: Mapped[int]",
                   "__table_args__ = (CheckConstraint('score between 0 and 9'),)"], False),
    ],
)  # fmt: skip
def test_the_database_enforces_what_names_promise(
    kind: str, body: list[str], fails: bool | None
) -> None:
    outcome = ask("db-constraints", model(*body), kinds=[kind])

    assert lines(outcome) == ([FIRST] if fails else [])
    if fails is None:
        assert not outcome.sites


def test_a_migration_makes_a_column_unique_too() -> None:
    files = model("email: Mapped[str]")
    files["alembic/versions/1.py"] = (
        "from alembic import op\nrevision = '1'\ndown_revision = None\n"
        "def upgrade():\n    op.create_index('ix', 'orders', ['email'], unique=True)\n"
    )

    assert not ask("db-constraints", files, kinds=["unique"]).observations


def test_fields_of_a_base_of_sqlmodel_are_columns_of_its_tables() -> None:
    text = (
        "from sqlmodel import Field, SQLModel\nclass UserBase(SQLModel):\n    email: str\n"
        "class User(UserBase, table=True):\n    id: int = Field(primary_key=True)\n"
        "class UserCreate(SQLModel):\n    email: str\n"
    )

    assert lines(ask("db-constraints", {"app/models.py": text}, kinds=["unique"])) == [3]

    again = text.replace(
        "primary_key=True)\n", "primary_key=True)\n    email: str = Field(unique=True)\n"
    )
    assert lines(ask("db-constraints", {"app/models.py": again}, kinds=["unique"])) == []


@pytest.mark.parametrize(
    ("body", "fails"),
    [
        (["phone1: Mapped[str]", "phone2: Mapped[str]"], True),
        (["# on purpose: two numbers are printed", "phone1: Mapped[str]",
          "phone2: Mapped[str]"], False),
        (["sha1: Mapped[str]", "sha256: Mapped[str]", "x1: Mapped[int]", "x2: Mapped[int]"], False),
        (["user_id = Column(ForeignKey('users.id'))", "user_name: Mapped[str]"], True),
        (["user_id = Column(ForeignKey('users.id'))", "user_mood: Mapped[str]"], False),
        (["tags: Mapped[str]"], True),
        (["notes: Mapped[str]"], False),
    ],
)  # fmt: skip
def test_repeated_data_has_a_table_of_its_own(body: list[str], fails: bool) -> None:
    files = model(*body)
    files["app/use.py"] = "def read(order):\n    return order.tags.split(',')\n"

    assert len(ask("denormalized-columns", files).observations) == fails


def test_tables_made_to_be_read_may_repeat() -> None:
    body = ["phone1: Mapped[str]", "phone2: Mapped[str]"]

    assert not ask("denormalized-columns", model(*body, name="OrderReport")).observations


def test_a_record_of_what_was_repeats_on_purpose() -> None:
    body = ["user_id = Column(ForeignKey('users.id'))", "user_name: Mapped[str]"]

    assert not ask("denormalized-columns", model(*body, name="OrderHistory")).observations


def test_a_table_with_many_columns_is_found() -> None:
    outcome = ask("denormalized-columns", model("a: Mapped[int]", "b: Mapped[int]"), max_columns=1)

    assert [each.measured for each in outcome.observations if each.line > FIRST] == ["2"]


@pytest.mark.parametrize(
    ("column", "fails"),
    [
        ("data: Mapped[dict] = mapped_column(JSON)", True),
        ("data = Column(JSON().with_variant(JSONB(), 'postgresql'))", False),
        ("data: Mapped[dict] = mapped_column(JSON)  # JSON keeps the order of keys", False),
        ("data: Mapped[dict] = mapped_column(JSONB)", False),
    ],
)
def test_json_is_stored_as_jsonb(column: str, fails: bool) -> None:
    assert lines(ask("postgres-features", model(column))) == ([FIRST] if fails else [])


SEARCH = (
    "from app.models import User\ndef find(q):\n    pattern = f'%{q}%'\n"
    "    a = User.name.ilike(pattern)\n    b = User.name.like(q + '%')\n"
    "    c = User.name.contains(q)\n    return a, b, c\n"
)


def test_a_search_with_a_wildcard_in_front_needs_an_index_of_trigrams() -> None:
    files = {**model("a: Mapped[int]"), "app/find.py": SEARCH}
    assert lines(ask("postgres-features", files)) == [4, 6]

    files["alembic/versions/1.py"] = (
        "from alembic import op\nrevision = '1'\ndown_revision = None\n"
        "op.create_index('ix', 'users', ['name'], postgresql_ops={'name': 'gin_trgm_ops'})\n"
    )
    assert not ask("postgres-features", files).observations


def test_projects_for_several_databases_use_what_all_have() -> None:
    files = model("data: Mapped[dict] = mapped_column(JSON)")
    files["app/db.py"] = "URL = 'sqlite:///local.db'\n"

    assert ask("postgres-features", files).state == "not-applicable"
