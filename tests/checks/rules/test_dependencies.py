"""Traps of the checks on dependencies."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

CODE = {"app/main.py": "import fastapi\n\napp = fastapi.FastAPI()\n"}


def pyproject(*dependencies: str, dev: str = "", more: str = "") -> dict[str, str]:
    """A project with these runtime dependencies and one development dependency."""
    group = f"[dependency-groups]\ndev = ['{dev}']\n" if dev else ""
    text = f"[project]\nname = 'x'\ndependencies = {list(dependencies)!r}\n{group}{more}"
    return {**CODE, "pyproject.toml": text}


def violates(check: str, files: dict[str, str], **params: object) -> bool:
    """Whether the check finds anything."""
    outcome = ask_read(check, files, **params)
    assert outcome.state == "measured", outcome.reason
    return bool(outcome.observations)


# required-dependency ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "dependency", "found"),
    [
        ("pyjwt", "PyJWT[crypto]>=2", False),
        ("fastapi[standard]", "fastapi>=0.115", True),
        ("fastapi[standard]", "fastapi[Standard]>=0.115", False),
        ("psycopg2-binary", "psycopg2_binary", False),
        ("pydantic", "fastapi", False),
        ("uvicorn", "fastapi", True),
    ],
)
def test_names_are_normalised_and_extras_asked_for(
    entry: str, dependency: str, found: bool
) -> None:
    assert violates("required-dependency", pyproject(dependency), any_of=[entry]) is found


def test_pydantic_has_to_be_declared_once_it_is_imported() -> None:
    files = pyproject("fastapi") | {"app/schemas.py": "import pydantic\n"}
    assert violates("required-dependency", files)


def test_a_locked_package_is_not_a_declared_one() -> None:
    lock = "[[package]]\nname = 'pydantic'\nversion = '2.0'\n".replace("'", '"')
    assert violates("required-dependency", pyproject("attrs") | {"uv.lock": lock})


@pytest.mark.parametrize(("scope", "found"), [("runtime", True), ("dev", False), ("any", False)])
def test_a_scope_is_where_the_package_has_to_be_declared(scope: str, found: bool) -> None:
    files = pyproject("attrs", dev="pytest")
    assert violates("required-dependency", files, any_of=["pytest"], scope=scope) is found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("[tool.isort]\nprofile = 'black'\n", False),
        ("[tool.ruff.lint]\nselect = ['I']\n[tool.ruff.lint.isort]\nx = 1\n", True),
    ],
)  # fmt: skip
def test_a_tool_is_proved_by_its_own_configuration(more: str, found: bool) -> None:
    files = pyproject("attrs", more=more)
    assert violates("required-dependency", files, any_of=["isort"], scope="tooling") is found


@pytest.mark.parametrize(
    ("when", "code", "applies"),
    [
        ("issues or verifies JWTs", "import jwt\n", True),
        ("issues or verifies JWTs", "import json\n", False),
        ("makes outbound HTTP calls", "import httpx\n", True),
        ("uses a task queue", "from celery import Celery\n", True),
        ("runs background work", "from fastapi import BackgroundTasks\n", True),
        ("stores passwords", "from passlib.context import CryptContext\n", True),
        ("uses a relational database", "from sqlalchemy import select\n", True),
        ("uses a relational database", "from beanie import Document\n", False),
        ("uses a cache", "from cachetools import TTLCache\n", True),
        ("uses a cache", "import functools\n@functools.lru_cache\ndef settings(): ...\n", False),
        ("uses a cache", "import redis\nredis.Redis().set('lock', 1, nx=True, ex=3)\n", False),
        ("uses a cache", "import redis\nredis.Redis().set('user', 1, ex=3)\n", True),
    ],
)  # fmt: skip
def test_a_clause_about_an_occasion_asks_only_where_it_is_given(
    when: str, code: str, applies: bool
) -> None:
    files = pyproject("attrs") | {"app/x.py": code}
    outcome = ask_read("required-dependency", files, any_of=["absent"], when=when)
    assert (outcome.state == "measured") is applies


def test_a_library_beside_a_module_of_its_name_is_the_library() -> None:
    files = pyproject("pyjwt") | {
        "app/__init__.py": "",
        "app/services/__init__.py": "",
        "app/services/jwt.py": "import jwt\n\nread = jwt.decode\n",
    }
    when = "issues or verifies JWTs"
    assert not violates("required-dependency", files, any_of=["pyjwt"], when=when)


# forbidden-dependency -----------------------------------------------------------------------------


def test_development_groups_tests_and_scripts_are_not_runtime() -> None:
    files = pyproject("httpx", dev="requests") | {
        "tests/test_x.py": "import requests\n",
        "scripts/x.py": "import requests\n",
    }
    assert not violates("forbidden-dependency", files)


@pytest.mark.parametrize(
    ("code", "weight"),
    [
        ("import requests\n", 1.0),
        ("from requests.adapters import X\n", 1.0),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import requests\n", 0.5),
        ("try:\n    import requests\nexcept ImportError:\n    requests = None\n", 0.5),
        ("try:\n    import requests\nexcept ValueError:\n    pass\n", 1.0),
    ],
)
def test_an_optional_import_weighs_less(code: str, weight: float) -> None:
    outcome = ask_read("forbidden-dependency", pyproject("httpx") | {"app/x.py": code})
    assert [each.weight for each in outcome.observations] == [weight]


def test_a_package_of_the_project_is_no_library_of_that_name() -> None:
    files = pyproject("httpx") | {
        "requests/__init__.py": "X = 1\n",
        "app/x.py": "from requests import X\n",
    }
    assert not violates("forbidden-dependency", files)


def test_a_left_over_configuration_is_a_use_of_the_tool_and_a_noqa_is_none() -> None:
    scope = {"packages": ["isort", "flake8"], "scope": "tooling"}
    files = pyproject("httpx", more="[tool.isort]\nx = 1\n") | {"app/x.py": "X = 1  # noqa: F401\n"}
    outcome = ask_read("forbidden-dependency", files, **scope)
    assert outcome.sites == 2
    assert lines(outcome) == [4]
