"""Reads of the environment: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines


def reads(code: str, path: str = "app/a.py", **params: object) -> tuple[int, list[int]]:
    """Sites and lines of ``no-direct-environ-access`` in one module."""
    outcome = ask("no-direct-environ-access", {path: code}, **params)
    return outcome.sites, lines(outcome)


@pytest.mark.parametrize(
    "code",
    [
        "import os\nx = os.environ['KEY']\n",
        "import os\nx = os.environ.get('KEY')\n",
        "import os as o\nx = o.getenv('KEY')\n",
        "from os import environ as env\nx = env['KEY']\n",
        "from os import environ\nx = 'KEY' in environ\n",
        "from os import getenv\nx = getenv('KEY')\n",
        "from decouple import config\nx = config('KEY')\n",
    ],
)
def test_every_way_to_read_is_found(code: str) -> None:
    assert reads(code) == (1, [2])


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['KEY'] = '1'",
        "os.environ.setdefault('KEY', '1')",
        "os.environ.update(KEY='1')",
        "del os.environ['KEY']",
        "run(env=os.environ | {'KEY': '1'})",
        "run(env={**os.environ, 'KEY': '1'})",
        "run(env=os.environ.copy())",
        "run(env=dict(os.environ))",
        "x = os.environ['PATH']",
        "x = os.getenv('KUBERNETES_SERVICE_HOST')",
        "load_dotenv()",
    ],
)
def test_writes_copies_and_what_the_platform_sets_are_no_reads(line: str) -> None:
    head = "import os\nfrom dotenv import load_dotenv\n"
    assert reads(f"{head}{line}\n") == (0, [])


def test_the_environ_of_wsgi_is_another() -> None:
    assert reads("import os\n\n\ndef app(environ, start):\n    return environ['KEY']\n") == (0, [])


def test_a_read_is_found_on_its_own_line() -> None:
    code = """import os

settings = dict(
    a=1,
    b={
        "c": os.environ["KEY"],
        "d": os.getenv(
            "OTHER"
        ),
    },
)
"""
    assert reads(code) == (2, [6, 7])


def test_a_wrapper_of_any_name_is_followed_and_other_functions_are_not() -> None:
    code = """import os


def needed(kind, name):
    return kind(os.environ[name])


def token():
    return os.getenv("TOKEN")


x = needed(int, "PORT")
y = needed(str, name="HOME")
z = token()
"""
    assert reads(code) == (3, [5, 9, 12])


def test_the_module_of_the_settings_class_may_read_unless_strict() -> None:
    code = """import os

from pydantic import BaseModel
from pydantic_settings import BaseSettings

DEBUG = os.getenv("DEBUG")


class Database(BaseModel):
    url: str = os.getenv("DATABASE_URL")


class Settings(BaseSettings):
    database: Database
    name: str = os.getenv("NAME")
"""
    assert reads(code, "app/core/options.py") == (3, [])
    assert reads(code, "app/core/options.py", strict=True) == (3, [6])


def test_the_settings_module_is_known_by_its_path() -> None:
    code = "import os\n\nDEBUG = os.getenv('DEBUG')\n"
    assert reads(code, "app/config/base.py") == (1, [])
    assert reads(code, "app/config/base.py", strict=True) == (1, [3])
    assert reads(code, "app/other.py", allowed_paths=["app/*.py"]) == (1, [])
