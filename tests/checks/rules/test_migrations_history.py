"""Traps of the checks of the history of migrations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.rules.histories import ask_history

FIRST = '''#-- alembic/versions/1_users.py
"""Users."""
import sqlalchemy as sa
from alembic import op
revision = "1"
down_revision = None
def upgrade():
    op.create_table("users")
#-- commit 2024-01-10 | feat: users
'''


def found(text: str, folder: Path, **params: object) -> list[str]:
    """The anchors of the findings."""
    outcome = ask_history("migrations-immutable", FIRST + text, folder, **params)
    assert outcome.state == "measured", outcome.reason
    return [each.anchor for each in outcome.observations]


ANNOTATED = '''"""All users."""
from alembic import op
import sqlalchemy as sa


revision: str = '1'
down_revision: str | None = None
branch_labels = None


def upgrade() -> None:
    """Go."""
    # the table
    op.create_table(
        'users',
    )
#-- commit 2024-02-10 | style: types
'''


@pytest.mark.parametrize(
    "text",
    [
        f"#-- alembic/versions/1_users.py\n{ANNOTATED}",
        f"#-- delete alembic/versions/1_users.py\n#-- alembic/versions/1_all_users.py\n{ANNOTATED}",
        f"#-- delete alembic/versions/1_users.py\n#-- db/versions/1_users.py\n{ANNOTATED}",
    ],
    ids=["style", "slug", "folder"],
)
def test_style_names_and_places_may_change(text: str, tmp_path: Path) -> None:
    assert found(text, tmp_path) == []


CHANGED = FIRST.replace('"users"', '"people"').partition("#-- commit")[0]


def test_a_change_is_found_also_where_the_file_moves(tmp_path: Path) -> None:
    moved = CHANGED.replace("alembic/", "db/")
    text = f"#-- delete alembic/versions/1_users.py\n{moved}#-- commit 2024-01-11 | fix: people\n"

    assert found(text, tmp_path / "a") == ["modify db/versions/1_users.py"]
    assert found(text, tmp_path / "b", grace_hours=24) == []


def test_changes_inside_a_branch_are_free(tmp_path: Path) -> None:
    new = CHANGED.replace("1_users", "2_people").replace('"1"', '"2"')
    again = new.replace('"people"', '"persons"')
    text = (
        f"#-- branch people\n{new}#-- commit 2024-01-11 | feat: a\n"
        f"{again}#-- commit 2024-01-12 | feat: b\n#-- checkout main\n"
        "#-- merge people | Merge people\n"
    )

    assert found(text, tmp_path) == []


SECOND = CHANGED.replace("1_users", "2_people").replace('"1"', '"2"').replace("None", '"1"')


def test_a_deleted_migration_is_found_unless_it_was_squashed(tmp_path: Path) -> None:
    grown = f"{SECOND}#-- commit 2024-01-11 | feat: people\n"
    gone = "#-- delete alembic/versions/1_users.py\n#-- delete alembic/versions/2_people.py\n"
    squashed = CHANGED.replace("1_users", "3_all").replace('"1"', '"3"')
    end = "#-- commit 2024-01-12 | chore: squash\n"

    assert found(grown + gone + squashed + end, tmp_path / "a") == []
    same_id = squashed.replace('"3"', '"2"')
    assert found(grown + gone + same_id + end, tmp_path / "c") == []
    assert found(grown + gone + end, tmp_path / "b") == [
        "delete alembic/versions/1_users.py", "delete alembic/versions/2_people.py",
    ]  # fmt: skip


def test_a_squashed_migration_of_django_names_what_it_replaces(tmp_path: Path) -> None:
    text = (
        "#-- app/migrations/0001_users.py\nfrom django.db import migrations\n"
        "class Migration(migrations.Migration):\n    pass\n#-- commit 2024-01-11 | feat: a\n"
        "#-- delete app/migrations/0001_users.py\n#-- app/migrations/0001_squashed.py\n"
        "from django.db import migrations\nclass Migration(migrations.Migration):\n"
        "    replaces = [('app', '0001_users')]\n#-- commit 2024-01-12 | feat: b\n"
    )

    assert found(text, tmp_path) == []


def test_a_migration_that_comes_back_is_not_gone(tmp_path: Path) -> None:
    text = (
        "#-- delete alembic/versions/1_users.py\n#-- commit 2024-01-11 | revert: a\n"
        + FIRST.replace("01-10", "01-12")
    )

    assert found(text, tmp_path) == []


MODEL = """#-- app/models.py
from sqlalchemy import Column, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
class Base(DeclarativeBase):
    pass
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name = Column(String(20), nullable=False)
"""
COLUMN = "    name = Column(String(20), nullable=False)\n"


def changed(tmp_path: Path, *states: str, **params: object) -> list[str]:
    """What is found when the models change to each of these states."""
    text = "".join(
        f"{state}#-- commit 2024-02-{day:02} | feat: {day}\n" for day, state in enumerate(states, 1)
    )
    outcome = ask_history("model-change-has-migration", FIRST + MODEL
                          + "#-- alembic/versions/2_more.py\nrevision = '2'\n"
                          "down_revision = '1'\n#-- commit 2024-01-11 | feat: models\n" + text,
                          tmp_path, **params)  # fmt: skip
    assert outcome.state == "measured", outcome.reason
    return [each.message.partition(" ")[2].partition(" ")[2] for each in outcome.observations]


@pytest.mark.parametrize(
    "now",
    [
        "    name: Mapped[str] = mapped_column(String(20))\n",
        "    title: Mapped[str] = mapped_column('name', String(20))\n",
        COLUMN
        + "    items = relationship('Item')\n    def full(self) -> str:\n        return ''\n",
        "    # the name\n    name = Column(String(20), nullable=False, default='a', doc='b')\n",
    ],
    ids=["style", "attribute", "relationship", "default"],
)
def test_what_the_database_does_not_know_needs_no_migration(now: str, tmp_path: Path) -> None:
    assert changed(tmp_path, MODEL.replace(COLUMN, now)) == []


@pytest.mark.parametrize(
    ("now", "what"),
    [
        ("    name = Column(String(30), nullable=False)\n", "alters the column `name`"),
        ("    name = Column(String(20))\n", "alters the column `name`"),
        (COLUMN + "    __table_args__ = (UniqueConstraint('name'),)\n", "alters the constraints"),
        ("", "removes the column `name`"),
    ],
)
def test_what_the_database_knows_needs_a_migration(now: str, what: str, tmp_path: Path) -> None:
    found = changed(tmp_path, MODEL.replace(COLUMN, now))

    assert found == [f"{what} of `User` without a migration"]


def test_a_model_may_move_to_another_file(tmp_path: Path) -> None:
    moved = "#-- delete app/models.py\n" + MODEL.replace("app/models", "app/user/models")

    assert changed(tmp_path, moved) == []


def test_the_migration_may_follow_within_the_window(tmp_path: Path) -> None:
    new = MODEL.replace(COLUMN, "")
    late = "#-- alembic/versions/3_x.py\nrevision = '3'\ndown_revision = '2'\n"
    notes = "#-- app/other.py\nX = 1\n"

    assert changed(tmp_path / "a", new, notes, late) == []
    assert len(changed(tmp_path / "b", new, notes, late, window=1)) == 1
