"""Who handles what the database refuses: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

MODELS = """from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): pass
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
HEAD = """from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from app.models import User
factory = sessionmaker()
"""


def unguarded(code: str, **others: str) -> list[int]:
    """Lines, counted from the first one of the code, of writes whose errors nobody handles."""
    files = {"app/models.py": MODELS, "app/a.py": HEAD + code}
    files |= {f"app/{name}.py": text for name, text in others.items()}
    return [n - HEAD.count("\n") for n in lines(ask("database-errors-handled", files))]


def saving(*clauses: str) -> str:
    """A function that commits in a try with these clauses."""
    tried = "".join(f"    {line}\n" for line in ("try: db.commit()", *clauses))
    return f"def save(db: Session, user):\n    db.add(user)\n{tried}"


@pytest.mark.parametrize(
    "clause",
    [
        "except IntegrityError as exc: raise KeyError from exc",
        "except (KeyError, SQLAlchemyError): return None",
        "except Exception: raise KeyError",
    ],
)
def test_a_clause_that_does_something_about_it_handles_the_error(clause: str) -> None:
    assert unguarded(saving(clause)) == []


@pytest.mark.parametrize(
    "clause",
    [
        "except SQLAlchemyError: db.rollback(); raise",
        "except Exception as exc: print(exc); raise exc",
        "except KeyError: return None",
    ],
)
def test_rolling_back_or_logging_and_raising_again_does_not(clause: str) -> None:
    assert unguarded(saving(clause)) == [3]


@pytest.mark.parametrize(
    "body",
    [
        "db.execute(update(User)); db.commit()",
        "user.name = 'x'; db.flush()",
        "db.query(User).filter(User.id == 1).delete(); db.commit()",
    ],
)
def test_every_kind_of_write_counts(body: str) -> None:
    assert unguarded(f"def f(db: Session, user):\n    {body}\n") == [2]


def test_what_only_reads_or_only_hands_out_sessions_is_no_site() -> None:
    code = "def f(db: Session):\n    db.execute(select(User))\n    db.commit()\n"
    code += "def get_db(db: Session):\n    try:\n        yield db\n        db.commit()\n"
    code += "    except SQLAlchemyError:\n        db.rollback()\n        raise\n"
    assert unguarded(code) == []


def test_a_block_that_begins_a_transaction_commits_when_it_ends() -> None:
    code = "def f(user):\n    with factory.begin() as db:\n        db.add(user)\n"
    assert unguarded(code) == [2]


def test_all_callers_have_to_handle_it_and_one_level_up_is_enough() -> None:
    good = "def g(db, user):\n    try: save(db, user)\n    except IntegrityError: return 1\n"
    plain = "def save(db: Session, user):\n    db.add(user)\n    db.commit()\n"
    assert unguarded(plain + good) == []
    assert unguarded(f"{plain}{good}def h(db, user):\n    save(db, user)\n") == [3]


def test_a_registered_handler_handles_all_of_them() -> None:
    main = (
        "from fastapi import FastAPI\nfrom sqlalchemy.exc import {0}\napp = FastAPI()\n"
        "@app.exception_handler({0})\ndef on_error(request, exc): ...\n"
    )
    code = saving("finally: pass")
    assert unguarded(code, main=main.format("SQLAlchemyError")) == []
    assert unguarded(code, main=main.format("NoResultFound")) == [3]


def test_a_unit_of_work_ends_the_transaction_of_its_session() -> None:
    code = (
        "class Unit:\n    def __init__(self, session: Session):\n        self.session = session\n"
        "    def commit(self):\n        self.session.commit()\n"
        "def f(unit: Unit, user):\n    unit.session.add(user)\n    unit.commit()\n"
    )
    assert unguarded(code) == [8]


def test_a_project_without_models_is_not_asked() -> None:
    outcome = ask("database-errors-handled", {"app/a.py": HEAD + saving("finally: pass")})
    assert outcome.state == "not-applicable"


def test_rows_that_are_refreshed_after_a_commit_were_written() -> None:
    assert unguarded("def keep(db: Session, user):\n    db.commit()\n    db.refresh(user)\n") == [2]
    assert unguarded("def persist(db: Session):\n    db.commit()\n") == [2]
    assert unguarded("def finish(db: Session):\n    db.commit()\n") == []
