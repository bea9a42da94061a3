"""What counts as a database session, and as an operation on one."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed

HEAD = (
    "from typing import Annotated\nfrom fastapi import Depends\n"
    "from sqlalchemy import create_engine\n"
    "from sqlalchemy.orm import Session, object_session, sessionmaker\n"
    "engine = create_engine('sqlite://')\nSessionLocal = sessionmaker(engine)\n"
    "def get_db():\n    with SessionLocal() as session:\n        yield session\n\n"
    "DbSession = Annotated[Session, Depends(get_db)]\n\n"
)


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("db: DbSession", "db.get(int, 1)"),
        ("db: SessionLocal", "db.get(int, 1)"),
        ("s=Depends(get_db)", "s.get(int, 1)"),
        ("uow", "uow.get(int, 1)"),
        ("", "db = next(get_db())\n    db.get(int, 1)"),
        ("target", "s = object_session(target)\n    s.get(int, 1)"),
        ("", "with engine.connect() as c:\n        c.execute('x')"),
    ],
)
def test_sessions_are_known_by_their_type(signature: str, body: str) -> None:
    project = parsed({"app.py": f"{HEAD}def run({signature}):\n    {body}\n"})

    assert len(project.database.operations(project.by_path["app.py"])) == 1


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("", "session = {}\n    session.get('a')"),
        ("rows: list[int]", "row = next(iter(rows))\n    row.get(1)"),
        ("session: dict", "session.get('a')"),
        ("", "db = connect()\n    db.get('a')"),
    ],
)
def test_a_name_alone_makes_no_session(signature: str, body: str) -> None:
    project = parsed({"app.py": f"{HEAD}def run({signature}):\n    {body}\n"})

    assert not project.database.operations(project.by_path["app.py"])
