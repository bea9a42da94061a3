"""Traps of the check on Alembic."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

MODELS = (
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n\n"
    "class Base(DeclarativeBase):\n    pass\n\n\nclass User(Base):\n"
    "    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
)
ENV = "from alembic import context\nfrom app.models import Base\ntarget_metadata = Base.metadata\n"
GOOD = {
    "app/models.py": MODELS,
    "requirements.txt": "alembic==1\n",
    "app/db/alembic.ini": "[alembic]\nscript_location = %(here)s/revisions\n",
    "app/db/revisions/env.py": ENV,
    "app/db/revisions/versions/1.py": "revision = '1'\ndown_revision = None\n",
}


def found(files: dict[str, str]) -> list[str]:
    """Path of every finding."""
    outcome = ask_read("alembic-configured", {**GOOD, **files})
    assert outcome.state == "measured", outcome.reason
    return [each.path for each in outcome.observations]


def test_the_scripts_may_lie_anywhere() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    "name", ["requirements.txt", "app/db/alembic.ini", "app/db/revisions/versions/1.py"]
)
def test_every_part_has_to_be_there(name: str) -> None:
    outcome = ask_read("alembic-configured", {k: v for k, v in GOOD.items() if k != name})
    assert len(outcome.observations) == 1


def test_pyproject_may_configure_alembic() -> None:
    files = {k: v for k, v in GOOD.items() if not k.endswith(".ini")}
    files["pyproject.toml"] = "[tool.alembic]\nscript_location = 'app/db/revisions'\n"
    assert not ask_read("alembic-configured", files).observations


def test_alembic_has_to_know_the_models() -> None:
    env = "from alembic import context\ntarget_metadata = None\n"
    assert found({"app/db/revisions/env.py": env}) == ["app/db/revisions/env.py"]


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        ("app/main.py", "Base.metadata.create_all(bind=engine)\n", ["app/main.py"]),
        ("app/main.py", "async def start():\n    await c.run_sync(Base.metadata.create_all)\n",
         ["app/main.py"]),
        ("tests/conftest.py", "Base.metadata.create_all(engine)\n", []),
        ("scripts/reset.py", "Base.metadata.create_all(engine)\n", []),
        ("app/other.py", "factory.create_all(users)\n", []),
    ],
)  # fmt: skip
def test_tables_are_not_created_beside_the_migrations(
    path: str, code: str, expected: list[str]
) -> None:
    assert found({path: f"from app.models import Base\n{code}"}) == expected


def test_other_mappers_have_their_own_migrations() -> None:
    models = "from tortoise.models import Model\n\n\nclass User(Model):\n    pass\n"
    outcome = ask_read("alembic-configured", {"app/models.py": models})
    assert outcome.state == "not-applicable"
