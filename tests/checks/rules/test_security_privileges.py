"""Check of rights: what of databases, containers and pipelines it judges."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read


def places(scope: str, files: dict[str, str]) -> list[tuple[str, int, float]]:
    outcome = ask_read("least-privilege", files, scopes=[scope])
    return [(each.path, each.line, each.weight) for each in outcome.observations]


COMPOSE = (
    "services:\n"
    "  db:\n    image: postgres:17\n    environment:\n      POSTGRES_USER: postgres\n"
    "  api:\n    build: .\n    environment:\n"
    "      - DATABASE_URL=postgresql://{}:${{PW:?not set}}@db/app\n"
)


def test_the_application_is_judged_and_not_the_server_it_connects_to() -> None:
    assert places("database", {"compose.yml": COMPOSE.format("postgres")}) == [
        ("compose.yml", 9, 1.0)
    ]
    assert places("database", {"compose.yml": COMPOSE.format("orders")}) == []


def test_a_compose_file_of_development_has_low_weight() -> None:
    files = {"docker-compose.dev.yml": COMPOSE.format("postgres")}
    assert places("database", files) == [("docker-compose.dev.yml", 9, 0.5)]


def test_a_user_that_is_a_reference_is_looked_up() -> None:
    text = "POSTGRES_USER=root\nDATABASE_URL=postgresql://${POSTGRES_USER}:x@db/app\n"
    assert places("database", {".env.example": text}) == [(".env.example", 2, 1.0)]


def test_the_users_account_counts_where_settings_read_it() -> None:
    settings = (
        "from pydantic_settings import BaseSettings\n"
        "class Settings(BaseSettings):\n    postgres_user: str\n    db_user: str = 'sa'\n"
    )
    files = {".env.example": "POSTGRES_USER=postgres\n"}
    assert places("database", files) == []
    assert places("database", files | {"app/config.py": settings}) == [
        (".env.example", 1, 1.0),
        ("app/config.py", 4, 1.0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.13 AS base\nUSER 1000\nFROM base AS final\nCMD x\n",
        "FROM gcr.io/distroless/python3:nonroot\n",
        "ARG UID=1000\nFROM python:3.13\nUSER ${UID}:${UID}\n",
        "FROM python:3.13\nUSER root\nRUN x\nUSER app\n",
    ],
)
def test_a_container_with_a_user_of_its_own_passes(text: str) -> None:
    assert places("container", {"Dockerfile": text}) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM python:3.13 AS base\nUSER 1000\nFROM python:3.13\nCMD x\n", 3),
        ("FROM python:3.13\nUSER app\nUSER root\n", 3),
        ("FROM python:3.13\nUSER 0:0\n", 2),
        ("ARG KIND=web\nFROM python:3.13 AS web\nFROM ${KIND}\n", 3),
    ],
)
def test_a_container_that_runs_as_root_fails(text: str, line: int) -> None:
    assert places("container", {"Dockerfile": text}) == [("Dockerfile", line, 1.0)]


def test_containers_of_development_and_tests_are_no_sites() -> None:
    text = "FROM python:3.13\n"
    files = {".devcontainer/Dockerfile": text, "tests/Dockerfile": text, "Dockerfile.test": text}
    assert ask_read("least-privilege", files, scopes=["container"]).sites == 0


JOBS = "jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: make\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"on: push\n{JOBS}", 1),
        (f"on: push\npermissions: write-all\n{JOBS}", 2),
        (f"on: push\n{JOBS}    permissions: write-all\n", 7),
        (f"on: push\n{JOBS}    permissions:\n      contents: read\n", 0),
        (f"on: workflow_call\n{JOBS}", 0),
        (f"on: push\npermissions: {{}}\n{JOBS}", 0),
    ],
)
def test_a_workflow_restricts_its_token(text: str, line: int) -> None:
    path = ".github/workflows/ci.yml"
    assert places("ci", {path: text}) == ([(path, line, 1.0)] if line else [])
