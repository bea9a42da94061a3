"""Traps of the check of how sessions end."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

HEAD = "from sqlalchemy.orm import Session, sessionmaker\nfactory = sessionmaker()\n\n"
CAUGHT = "s = Session()\n    try:\n        s.get(int, 1)\n    except OSError:\n        s.rollback()"


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("with factory() as s:\n        s.get(int, 1)", []),
        ("s = factory()\n    with s:\n        s.get(int, 1)", []),
        ("s = factory()\n    try:\n        yield s\n    finally:\n        s.close()", []),
        ("with factory.begin() as s:\n        s.add(1)", []),
        ("return factory()", []),
        ("s = factory()\n    s.get(int, 1)\n    s.close()", ["close", "rollback"]),
        (CAUGHT, ["close"]),
        ("with factory() as s:\n        s.add(1)", ["commit"]),
        ("with factory() as s:\n        s.add(1)\n        s.commit()", []),
    ],
)
def test_a_session_ends_whatever_happens(body: str, faults: list[str]) -> None:
    files = {"app/x.py": f"{HEAD}def run():\n    {body}\n"}

    aspects = ("close", "rollback", "commit")
    found = [a for a in aspects if ask("session-lifecycle", files, aspects=[a]).observations]

    assert found == faults
