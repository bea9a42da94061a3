"""Environments apart: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read


def found(files: dict[str, str], rule: str) -> list[str]:
    outcome = ask_read("environments-isolated", files, rules=[rule])
    return [f"{each.path}:{each.line}" for each in outcome.observations]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (".env.example", "A=1\nAPI_URL=https://api.prod.acme.io/v1\n", 2),
        (".env.test", "DB_HOST=live-db\n", 1),
        ("docker-compose.yml", "services:\n  a:\n    environment:\n      DB_NAME: app_prod\n", 4),
        ("chart/values-dev.yaml", "db:\n  host: db.production.svc\n", 2),
        (".env.dev", "SECRET_NAME=prod/database\n", 1),
    ],
)
def test_development_names_no_place_of_production(path: str, text: str, line: int) -> None:
    assert found({path: text}, "no-production-hosts") == [f"{path}:{line}"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("chart/values-prod.yaml", "db:\n  host: db.production.svc\n"),
        ("compose.prod.yml", "services:\n  a:\n    environment:\n      DB_HOST: db.prod\n"),
        (".env.example", "API_URL=https://product.acme.io\nB_URL=wss://livekit.acme.io\n"),
        (".env.example", "A_HOST=x\n# never use db.prod.acme.io here\nKEY=change-in-production\n"),
        (".env.example", "DATABASE_URL=${PROD_URL}\nA_HOST=x\n"),
        (".env.production", "API_URL=https://api.prod.acme.io\n"),
    ],
)
def test_words_that_contain_it_and_files_of_production_pass(path: str, text: str) -> None:
    assert found({path: text}, "no-production-hosts") == []


def test_settings_classes_are_configurations_too() -> None:
    code = (
        "from pydantic_settings import BaseSettings\n"
        "class DevSettings(BaseSettings):\n    api_url: str = 'https://api.prod.acme.io'\n"
    )
    assert found({"app/config.py": code}, "no-production-hosts") == ["app/config.py:3"]


def test_two_environments_with_the_same_host_and_database_share_it() -> None:
    one = {".env.dev": "DATABASE_URL=postgresql://a@db.acme.io:5432/app\n"}
    same = {".env.staging": "DB_HOST=db.acme.io\nDB_NAME=app\n"}
    other = {".env.staging": "DB_HOST=db.acme.io\nDB_NAME=app_staging\n"}
    assert found({**one, **same}, "distinct-databases") == [".env.staging:2"]
    assert found({**one, **other}, "distinct-databases") == []
