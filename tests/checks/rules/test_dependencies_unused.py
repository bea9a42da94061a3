"""Traps of the check on what is declared and what is used."""

from __future__ import annotations

import pytest

from checks.model import Outcome
from tests.checks.projects import ask_read


def ask(dependencies: str, code: str, **files: str) -> Outcome:
    """The answer about one manifest and one module; further files by name with ``__`` as slash."""
    text = f'[project]\nname = "orders"\nversion = "0.1.0"\ndependencies = [{dependencies}]\n'
    more = {name.replace("__", "/").replace("_dot_", "."): body for name, body in files.items()}
    return ask_read(
        "unused-dependencies", {"pyproject.toml": text, "app/x.py": f"{code}\nX = 1\n", **more}
    )


def anchors(outcome: Outcome) -> list[str]:
    """Packages of the findings."""
    return sorted(each.anchor for each in outcome.observations)


@pytest.mark.parametrize(
    ("dependencies", "code", "expected"),
    [
        ('"python-jose"', "from jose import jwt", []),
        ('"beautifulsoup4"', "import bs4", []),
        ('"Pillow"', "from PIL import Image", []),
        ('"google-cloud-storage"', "from google.cloud import storage", []),
        ('"python-slugify"', "import slugify", []),
        ('"uvicorn"', "", []),
        ('"types-redis"', "", []),
        ('"leftpad"', "import json", ["leftpad"]),
        ('"fastapi"', "import fastapi\nimport starlette", ["starlette"]),
        ('"celery[redis]"', "import celery\nimport redis", []),
        ('"fastapi[standard]"', "import fastapi\nimport uvicorn", []),
        ('"httpx"', "import httpx\ntry:\n    import redis\nexcept ImportError:\n    redis = 0", []),
        ('"httpx"', "import httpx, typing\nif typing.TYPE_CHECKING:\n    import redis", []),
        ('"acme-client"', "import acme", []),
        ('"httpx"', "import httpx\nimport app.y", []),
    ],
)  # fmt: skip
def test_distributions_are_matched_with_modules(
    dependencies: str, code: str, expected: list[str]
) -> None:
    assert anchors(ask(dependencies, code, app__y_dot_py="Y = 1\n")) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", 'CMD ["hypercorn", "app:app"]\n'),
        ("Makefile", "run:\n\thypercorn app:app\n"),
        ("app__settings_dot_py", 'SERVER = "hypercorn"\n'),
        ("tests__test_x_dot_py", "import hypercorn\n"),
        ("README_dot_md", "```\nhypercorn app:app\n```\n"),
    ],
)
def test_a_command_a_setting_and_a_test_are_uses(path: str, text: str) -> None:
    assert anchors(ask('"hypercorn"', "", **{path: text})) == []


def test_an_import_counts_for_the_manifest_above_it() -> None:
    head = '[project]\nname = "{}"\nversion = "1.0.0"\ndependencies = ["{}"]\n'
    files = {
        "a/pyproject.toml": head.format("a", "httpx"), "a/one.py": "import redis\n\nX = redis\n",
        "b/pyproject.toml": head.format("b", "redis"), "b/two.py": "import httpx\n\nX = httpx\n",
    }  # fmt: skip
    outcome = ask_read("unused-dependencies", files)
    assert sorted((each.path, each.anchor) for each in outcome.observations) == [
        ("a/one.py", "redis"), ("a/pyproject.toml", "httpx"),
        ("b/pyproject.toml", "redis"), ("b/two.py", "httpx"),
    ]  # fmt: skip


def test_a_module_that_the_lock_does_not_know_is_left_to_doubt() -> None:
    lock = '[[package]]\nname = "httpx"\nversion = "1"\n'
    assert anchors(ask('"httpx"', "import httpx\nimport oddity", uv_dot_lock=lock)) == []
    lock += '[[package]]\nname = "oddity"\nversion = "1"\n'
    assert anchors(ask('"httpx"', "import httpx\nimport oddity", uv_dot_lock=lock)) == ["oddity"]


def test_a_library_named_like_a_plugin_is_used_by_its_import_alone() -> None:
    plugins = '"sqlalchemy", "sqlalchemy-utils", "sqlalchemy-bigquery"'
    assert anchors(ask(plugins, "import sqlalchemy")) == ["sqlalchemy-utils"]
    assert anchors(ask(plugins, "import sqlalchemy\nimport sqlalchemy_utils")) == []
