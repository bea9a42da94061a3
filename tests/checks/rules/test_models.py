"""Traps of the checks of ORM models."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from datetime import datetime\nfrom typing import Annotated\n"
    "from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, TypeDecorator\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column\n"
    "from sqlalchemy.orm import relationship\nfrom sqlmodel import Field, SQLModel\n"
    "key = Annotated[int, mapped_column(primary_key=True)]\n"
    "stamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]\n"
    "class Zoned(TypeDecorator): ...\n"
    "class Base(DeclarativeBase): ...\n"
    "class User(Base):\n    __tablename__ = 'users'\n    id: Mapped[key] = mapped_column()\n"
    "    kind: Mapped[str]\n    email: Mapped[str]\n    name: Mapped[str]\n"
)
FIRST = HEAD.count("\n") + 1


def model(*body: str) -> dict[str, str]:
    """A module with a table for users and another model of this body."""
    text = "".join(f"    {line}\n" for line in body)
    return {"app/models.py": f"{HEAD}class Order(Base):\n    __tablename__ = 'orders'\n{text}"}


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        ("at: Mapped[datetime]", "time zone"),
        ("at: Mapped[datetime | None] = mapped_column(DateTime)", "time zone"),
        ("at = Column(DateTime(timezone=True), default=datetime.utcnow)", "naive default"),
        ("at: Mapped[datetime] = mapped_column(DateTime(timezone=True))", ""),
        ("at: Mapped[stamp]", ""),
        ("at: Mapped[datetime] = mapped_column(Zoned)", ""),
    ],
)
def test_a_datetime_column_keeps_its_zone(column: str, fault: str) -> None:
    outcome = ask("datetime-column-timezone", model(column))

    assert outcome.sites == 1
    assert [fault in each.message for each in outcome.observations] == ([True] if fault else [])


def test_a_dataclass_writes_its_repr_and_a_base_serves_all() -> None:
    text = (
        f"{HEAD}class Data(MappedAsDataclass, DeclarativeBase): ...\n"
        "class A(Data):\n    __tablename__ = 'a'\n"
        "class B(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n"
    )

    outcome = ask("model-repr", {"app/models.py": text})

    assert [each.message for each in outcome.observations] == ["`User` has no __repr__"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (["user_id = Column(ForeignKey('users.id'))"], [FIRST + 2]),
        (["user_id = Column(ForeignKey('users.id'))", "user = relationship('User')"], []),
        (["user_id: Mapped[int] = mapped_column(ForeignKey(User.id))",
          "user: Mapped['User'] = relationship()"], []),
        (["created_by_id = Column(ForeignKey('users.id'))"], []),
        (["shop_id = Column(ForeignKey('shops.id'))"], []),
    ],
)  # fmt: skip
def test_a_foreign_key_needs_a_relationship_on_one_side(body: list[str], found: list[int]) -> None:
    assert lines(ask("relationship-declared", model(*body))) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("select(User).where(User.email == x)", [15]),
        ("session.query(User).filter_by(name=x).filter_by(id=1)", [16]),
        ("select(User).where(User.kind == x, User.id == 1)", []),
        ("filter(None, [User.email])", []),
        ("select(User).order_by(User.name.desc())", [16]),
        ("select(User).where(and_(User.id > 1, User.email.isnot(None)))", [15]),
        ("select(User).where(User.id.in_(select(User.email).limit(5)))", []),
        ("select(User).order_by(func.max(User.email))", []),
        ("select(User.id).group_by(User.id).having(User.name == x)", []),
    ],
)
def test_a_column_that_queries_look_for_needs_an_index(query: str, found: list[int]) -> None:
    head = "from sqlalchemy import select\nfrom app.models import User\n"
    files = {"app/models.py": HEAD, "app/users.py": f"{head}q = {query}\n"}

    assert lines(ask("columns-indexed", files)) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (["wanted = [User.email == x]", "return select(User).where(*wanted)"], [15]),
        (["w = []", "w.append(User.name == x)", "return select(User).where(and_(*w))"], [16]),
        (["by = User.email", "if x:", "    by = by.desc()", "return select(User).order_by(by)"],
         [15]),
        (["ids = select(User.email)", "return select(User).where(User.id.in_(ids))"], []),
    ],
)  # fmt: skip
def test_conditions_may_be_collected_first(body: list[str], found: list[int]) -> None:
    text = "".join(f"    {line}\n" for line in body)
    head = "from sqlalchemy import and_, select\nfrom app.models import User\ndef find(x):\n"

    outcome = ask("columns-indexed", {"app/models.py": HEAD, "app/users.py": head + text})

    assert lines(outcome) == found


def test_a_method_of_the_model_searches_by_its_own_columns() -> None:
    text = (
        f"{HEAD}    @classmethod\n    def by(cls, db, x):\n"
        "        return db.scalar(select(cls).where(cls.email == x))\n"
    )

    assert lines(ask("columns-indexed", {"app/models.py": text})) == [15]


def test_constraints_of_the_table_make_foreign_keys_too() -> None:
    files = model(
        "user_id: Mapped[int]",
        "shop_id: Mapped[int]",
        "item_id: Mapped[int]",
        "__table_args__ = (",
        "    ForeignKeyConstraint(['user_id'], ['users.id']),",
        "    ForeignKeyConstraint(['shop_id', 'item_id'], ['a.shop_id', 'a.id']),",
        "    Index('ix', 'user_id'),",
        ")",
    )

    assert lines(ask("columns-indexed", files)) == [FIRST + 3]


def test_the_second_key_of_an_association_table_needs_an_index() -> None:
    files = model("user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), index=True)")
    files["app/joins.py"] = (
        "from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, Table\n"
        "from app.models import Base\nfrom rich.table import Table as Grid\n"
        "one = Table('one', Base.metadata,\n"
        "    Column('user_id', ForeignKey('users.id'), primary_key=True),\n"
        "    Column('tag_id', ForeignKey('tags.id'), primary_key=True),\n"
        "    Column('by_id', ForeignKey('users.id'), index=True))\n"
        "two = Table('two', Base.metadata,\n"
        "    Column('a_id', ForeignKey('a.id')),\n"
        "    Column('b_id', ForeignKey('b.id')),\n"
        "    PrimaryKeyConstraint('b_id', 'a_id'))\n"
        "grid = Grid(Column('c_id', ForeignKey('c.id')))\n"
    )

    assert lines(ask("columns-indexed", files)) == [6, 9]


def test_an_index_may_lead_with_the_column_or_be_made_by_a_migration() -> None:
    files = model(
        "user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))",
        "shop_id: Mapped[int] = mapped_column(ForeignKey('shops.id'))",
        "item_id: Mapped[int] = mapped_column(ForeignKey('items.id'))",
        "__table_args__ = (Index('ix', 'user_id', 'item_id'),)",
    )
    files["migrations/versions/one.py"] = (
        "from alembic import op\nrevision = '1'\ndown_revision = None\n"
        "def upgrade():\n    with op.batch_alter_table('orders') as batch:\n"
        "        batch.create_index('ix_shop', ['shop_id'])\n"
    )

    assert lines(ask("columns-indexed", files)) == [FIRST + 4]
