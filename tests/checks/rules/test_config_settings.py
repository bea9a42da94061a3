"""Settings classes: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

HEAD = """import os
from typing import Any
import fastapi
from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict
app = fastapi.FastAPI()
"""


def fails(aspect: str, code: str, files: dict[str, str] | None = None) -> bool:
    outcome = ask_read(
        "settings-aspects", {"app/config.py": HEAD + code, **(files or {})}, aspects=[aspect]
    )
    return bool(outcome.observations)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("class A(BaseSettings):\n    a: int\nclass B(BaseSettings):\n    b: int\n", True),
        ("class A(BaseSettings):\n    a: int\nclass B(A):\n    b: int\n", False),
        (
            (
                "class A(BaseSettings):\n    a: int\nclass B(BaseSettings):\n    b: int\n"
                "class All(A, B):\n    c: int\n"
            ),
            False,
        ),
        (
            (
                "class Base(BaseSettings):\n    model_config = {}\nclass A(Base):\n    a: int\n"
                "class B(Base):\n    b: int\n"
            ),
            True,
        ),
        (
            "class A(BaseSettings):\n    a: int\nclass B(BaseSettings):\n    a: A | None = None\n",
            False,
        ),
    ],
)
def test_settings_classes_are_one_when_one_holds_or_inherits_the_other(
    code: str, found: bool
) -> None:
    assert fails("single", code) is found


@pytest.mark.parametrize(
    "config",
    [
        "model_config = SettingsConfigDict(env_file=('.env', '.env.local'))",
        "model_config = {'env_file': os.getenv('FILE')}",
        "class Config:\n        env_file = '.env'",
    ],
)
def test_an_env_file_is_seen_in_every_form(config: str) -> None:
    assert not fails("env-file", f"class S(BaseSettings):\n    a: int = 1\n    {config}\n")
    assert fails("env-file", "class S(BaseSettings):\n    a: int = 1\n")


@pytest.mark.parametrize(
    ("annotation", "found"),
    [("Any", True), ("object", True), ("dict", True), ("list | None", True),
     ("list[str]", False), ("dict[str, Any]", False), ("str", False)],
)  # fmt: skip
def test_a_setting_of_a_vague_type_is_untyped(annotation: str, found: bool) -> None:
    assert fails("typed", f"class S(BaseSettings):\n    a: {annotation} = None\n") is found


def test_only_what_is_no_secret_needs_a_default() -> None:
    assert fails("defaults", "class S(BaseSettings):\n    a: int\n    token: str = 'x'\n")
    assert not fails("defaults", "class S(BaseSettings):\n    a: int = 1\n    token: str\n")


def test_words_like_max_group_no_settings() -> None:
    fields = "".join(f"    max_{name}: int\n" for name in "abcd")
    assert not fails("nested", f"class S(BaseSettings):\n{fields}")


@pytest.mark.parametrize(
    ("code", "files", "found"),
    [
        ("class S(BaseSettings):\n    APP_ENV: str\n", {}, False),
        ("class Dev(BaseSettings):\n    a: int\nclass Production(Dev):\n    b: int\n", {}, False),
        ("class S(BaseSettings):\n    a: int\n", {".env.production.example": "A=1\n"}, False),
        ("class S(BaseSettings):\n    a: int\n", {".env.example": "A=1\n"}, True),
    ],
)
def test_environments_are_told_apart_by_field_class_or_file(
    code: str, files: dict[str, str], found: bool
) -> None:
    assert fails("environments", code, files) is found


@pytest.mark.parametrize(
    ("code", "files", "found"),
    [
        ("    model_config = {'env_file': f'.env.{os.getenv(\"ENV\")}'}\n", {}, False),
        ("", {"README.md": "# App\n\nCopy `.env.prod` to the server.\n"}, False),
        ("", {"compose.yaml": "services:\n  a:\n    env_file: .env.dev\n"}, False),
        ("", {"README.md": "# App\n\nCopy .env.example.\n"}, True),
    ],
)
def test_a_file_per_environment_is_chosen_tracked_or_mentioned(
    code: str, files: dict[str, str], found: bool
) -> None:
    settings = f"class S(BaseSettings):\n    a: int\n{code}"
    assert fails("env-file-per-environment", settings, files) is found


def test_django_projects_and_libraries_are_not_asked() -> None:
    django = {"manage.py": "", "requirements.txt": "django\n", "app/a.py": "import django\n"}
    library = {"lib/a.py": "import os\nA = os.getenv('A_B')\n"}
    for files in (django, library):
        assert ask_read("settings-aspects", files).state == "not-applicable"
