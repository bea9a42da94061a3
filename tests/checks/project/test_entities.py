"""Which model the rows are that code hands on."""

from __future__ import annotations

import pytest

from checks.project.given import Given
from tests.checks.projects import parsed

HEAD = (
    "from sqlalchemy import select\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column\n"
    "class Base(DeclarativeBase): ...\n"
    "class User(Base):\n    __tablename__ = 'users'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    "def found(db: Session):\n    rows = db.scalars(select(User)).all()\n    return rows\n"
    "def loop(a):\n    return loop(a)\n"
)


def model(*body: str) -> str:
    """Name of the model behind the value that a function returns, "" for none."""
    text = "".join(f"    {line}\n" for line in body)
    project = parsed(
        {"app.py": f"{HEAD}def last(db: Session, user: User | None, ids: list):\n{text}"}
    )
    function = project.by_path["app.py"].functions[-1]
    cls = project.entities.of(Given(function.file, function.returned[-1], function))
    return "" if cls is None else cls.name


@pytest.mark.parametrize(
    "body",
    [
        ("return user",),
        ("return db.get(User, 1)",),
        ("return db.query(User).filter(User.id == 1).first()",),
        ("statement = select(User).where(User.id == 1)", "return db.execute(statement).scalar()"),
        ("return found(db)[0]",),
        ("return [row for row in found(db)]",),
        ("return list(found(db))",),
        ("return User(id=1)",),
        ("return user or db.get(User, 1)",),
    ],
)
def test_rows_are_followed_to_their_model(body: tuple[str, ...]) -> None:
    assert model(*body) == "User"


@pytest.mark.parametrize(
    "body",
    [
        ("return user.id",),
        ("return db.scalars(select(User.id)).all()",),
        ("return ids",),
        ("return loop(1)",),
        ("return {'user': user}",),
    ],
)
def test_columns_and_what_is_not_known_are_no_rows(body: tuple[str, ...]) -> None:
    assert model(*body) == ""
