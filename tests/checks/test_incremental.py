"""What is remembered of a history never shows: checks answer as if everything was read anew."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from checks import rules
from checks.check import CATALOGUE
from checks.facts.store import FactStore, MemoryFactStore
from checks.facts.team import Team
from checks.gitsource import GitSource
from checks.judge import answer
from checks.model import Outcome
from checks.reading import read_project
from checks.rules.specs import specs
from tests.gitservers import Origin

COMMITS = 16
DAY = 86_400
START = 1_700_000_000
HISTORIC = (
    "change-includes-tests",
    "docs-freshness",
    "docstring-semantics-kept",
    "migrations-immutable",
    "model-change-has-migration",
    "no-hardcoded-secrets",
    "no-secrets-in-history",
)
MODEL = (
    "from sqlalchemy import Column, Integer, String\n"
    "from sqlalchemy.orm import DeclarativeBase\n\n\n"
    "class Base(DeclarativeBase):\n    pass\n\n\n"
    "class User(Base):\n    __tablename__ = 'users'\n"
    "    id = Column(Integer, primary_key=True)\n    name = Column(String({size}))\n{more}"
)
PURGE = 'def purge(days: int) -> int:\n    """Purge rows.{note}\n    """\n    {body}\n'
NOTE = "\n\n    Warning:\n        Runs without a transaction, so rows may be lost.\n"
ENTRY = "\n\n    Args:\n        days: Age, counted from midnight in UTC.\n"
REVISION = (
    "from alembic import op\n\nrevision = '{name}'\ndown_revision = {down}\n\n\n"
    "def upgrade() -> None:\n    op.execute('{sql}')\n\n\ndef downgrade() -> None:\n    pass\n"
)
# What may stand in each file at a time; None where it is not there. A commit chooses anew for
# some of them, so that states come back and the same change is made twice.
STATES: dict[str, tuple[str | None, ...]] = {
    "app/models.py": (
        MODEL.format(size=20, more=""),
        MODEL.format(size=30, more=""),
        MODEL.format(size=20, more="    age = Column(Integer)\n"),
        "class Base(:\n",
    ),
    "app/purge.py": (
        PURGE.format(note=NOTE, body="return days + 1"),
        PURGE.format(note=ENTRY, body="return days + 1"),
        PURGE.format(note="", body="return days + 1"),
        PURGE.format(note="", body="days += 2\n    days *= 3\n    return days"),
        None,
    ),
    "app/moved/purge.py": (None, PURGE.format(note="", body="return days + 1")),
    "alembic/versions/0001_users.py": tuple(
        REVISION.format(name="a1", down="None", sql=sql) for sql in ("one", "two")
    ),
    "alembic/versions/0002_more.py": (
        None,
        *(REVISION.format(name="b2", down="'a1'", sql=sql) for sql in ("one", "two")),
    ),
    "app/config.py": (
        "TOKEN = None\n",
        "TOKEN = 'q8Zk2vLw9sXh4TnB7rYc3mPd6fGj1aEu'\n",
        "API_KEY = 'zX9vQ2wL7kRt4YbN8mHc3sPf6dGj1aEu'\n",
    ),
    "README.md": ("# Shop\n", "# Shop\n\nRun it.\n", "# Shop \n"),
    "Dockerfile": ("FROM python:3.13\n", "FROM python:3.12\n", "FROM python:3.11\nRUN true\n"),
    "tests/test_purge.py": ("def test_a(): pass\n", "def test_b(): pass\n"),
}


def random_history(folder: Path, seed: int) -> list[GitSource]:
    """A repository that goes back and forth between states of its files; its commits."""
    choose = random.Random(seed)
    origin = Origin.create(folder / "origin.git")
    state = {path: states[0] for path, states in STATES.items()}
    found = []
    for number in range(COMMITS):
        for path in choose.sample(sorted(STATES), choose.choice([1, 1, 2, 3])):
            state[path] = choose.choice(STATES[path])
        files = {path: text for path, text in state.items() if text is not None}
        files["app/number.py"] = f"NUMBER = {number}\n"
        when = START + number * 30 * DAY
        kind = choose.choice(["feat: ", "", "docs: "])
        commit = origin.commit(files, message=f"{kind}step {number}", when=when)
        found.append(GitSource(origin.git_dir, commit))
    return found


def answers(source: GitSource, store: FactStore, team: Team) -> dict[str, Outcome]:
    """What the checks of history say, without the time that it took."""
    read = read_project(source, store, team=team)
    found = {name: answer(CATALOGUE[name], read.project, specs()[name].params) for name in HISTORIC}
    return {name: msgspec.structs.replace(each, seconds=0.0) for name, each in found.items()}


@pytest.mark.parametrize("seed", range(3))
def test_what_is_remembered_of_a_history_never_shows(tmp_path: Path, seed: int) -> None:
    rules.load()
    commits = random_history(tmp_path, seed)
    store = MemoryFactStore()
    measured: set[str] = set()
    with Team() as team:
        for known in commits:
            remembering = GitSource(known._git_dir, known.commit, remember=store)
            grown = answers(remembering, store, team)
            assert grown == answers(known, MemoryFactStore(), team)
            assert not [each for each in grown.values() if each.state == "unknown"]
            measured |= {name for name, each in grown.items() if each.state == "measured"}
    assert measured == set(HISTORIC)
