"""What tests leave behind."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

DB = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\n"
    "from app.config import settings\n\nengine = create_engine(settings.URL)\n\n\n"
    "def rows():\n    with Session(engine) as session:\n        return session.execute('x')\n"
)
FIXTURE = (
    "import pytest\nfrom sqlalchemy.orm import Session\nfrom app.db import engine\n\n\n"
    "@pytest.fixture\ndef db():\n    with Session(engine) as session:\n        yield session\n"
)
CONFIG = "class Settings:\n    URL = 'postgresql://localhost/app'\n\n\nsettings = Settings()\n"


def left(conftest: str, aspect: str = "separate-db", **others: str) -> list[int]:
    """Findings for one conftest.py."""
    files: dict[str, str | bytes] = {"app/db.py": DB, "app/config.py": CONFIG,
             "tests/conftest.py": conftest}  # fmt: skip
    files |= {path.replace("__", "/"): text for path, text in others.items()}
    outcome = ask_read("test-data-isolation", files, aspects=[aspect])
    return [each.line for each in outcome.observations]


def test_the_engine_of_the_application_is_found_at_its_fixture() -> None:
    assert left(FIXTURE) == [7]


def test_an_engine_at_the_application_s_address_is_found() -> None:
    own = "from sqlalchemy import create_engine\nfrom app.config import settings\n\n"
    assert left(f"{own}engine = create_engine(settings.URL)\n") == [4]


@pytest.mark.parametrize(
    "line",
    [
        "import os\n\nos.environ['DATABASE_URL'] = 'x'",
        "def pytest_configure(monkeypatch):\n    monkeypatch.setenv('DB_URL', 'x')",
        "from app.main import app\n\napp.dependency_overrides[1] = 2",
        "from testcontainers.postgres import PostgresContainer",
        "from sqlalchemy import create_engine\n\nown = create_engine('sqlite:///:memory:')",
    ],
)
def test_another_database_may_be_set_in_many_ways(line: str) -> None:
    assert left(f"{FIXTURE}\n\n{line}\n") == []


def test_a_session_fixture_rolls_back() -> None:
    assert left(FIXTURE, "rollback") == [7]
    assert left(f"{FIXTURE}        session.rollback()\n", "rollback") == []


def test_what_is_written_is_removed() -> None:
    head = "import pytest\nfrom pathlib import Path\n\n\n@pytest.fixture\ndef file(tmp_path):\n"
    write = "    Path('x').write_text('y')\n    yield 1\n"
    assert left(head + write, "cleanup") == [7]
    assert left(f"{head}{write}    Path('x').unlink()\n", "cleanup") == []
    assert left(f"{head}    (tmp_path / 'x').write_text('y')\n", "cleanup") == []
