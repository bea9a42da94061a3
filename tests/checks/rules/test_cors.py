"""Traps of the check on origins that CORS allows."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import os\nfrom fastapi import FastAPI\n"
    "from fastapi.middleware.cors import CORSMiddleware\n"
    "from starlette.middleware import Middleware\n"
    "from config import settings\n"
)
CONFIG = (
    "from pydantic import Field\nfrom pydantic_settings import BaseSettings\n"
    "class Settings(BaseSettings):\n    debug: bool = False\n    env: str = 'local'\n"
    "    none: list[str]\n    wild: list[str] = Field(default=['*'])\n    text: str = '*'\n"
    "    listed: list[str] = ['https://a.example']\n"
    "    @property\n    def parts(self):\n        return self.text.split(',')\n"
    "class LocalSettings(Settings):\n    wild: list[str] = ['*']\n"
    "settings = Settings()\n"
)


def app(origins: str, before: str = "", indent: str = "") -> dict[str, str]:
    """An application with one registration."""
    return {
        "config.py": CONFIG,
        "main.py": f"{HEAD}app = FastAPI()\n{before}"
        f"{indent}app.add_middleware(CORSMiddleware, allow_origins={origins}, "
        "allow_methods=['*'])\n",
    }


@pytest.mark.parametrize(
    "origins",
    [
        "['https://a.example', '*']",
        "settings.wild",
        "settings.parts",
        "[str(each).strip('/') for each in settings.wild]",
        "os.getenv('ORIGINS', '*').split(',')",
        "settings.listed if settings.debug else ['*']",
        "settings.none or ['*']",
    ],
)
def test_a_wildcard_is_found_behind_settings_and_defaults(origins: str) -> None:
    assert lines(ask("cors-wildcard-origin", app(origins))) == [HEAD.count("\n") + 2]


@pytest.mark.parametrize(
    "origins",
    [
        "['https://*.a.example']",
        "settings.none",
        "settings.listed",
        "os.environ['ORIGINS'].split(',')",
        "['*'] if settings.debug else settings.listed",
        "['*'] if settings.env == 'local' else []",
    ],
)
def test_lists_and_what_only_development_uses_hold(origins: str) -> None:
    outcome = ask("cors-wildcard-origin", app(origins))
    assert (outcome.sites, lines(outcome)) == (1, [])


def test_a_registration_only_in_development_holds() -> None:
    files = app("['*']", before="if settings.env == 'local':\n", indent="    ")
    assert lines(ask("cors-wildcard-origin", files)) == []
    files = app("['*']", before="if settings.env != 'local':\n", indent="    ")
    assert len(lines(ask("cors-wildcard-origin", files))) == 1


def test_a_middleware_in_a_list_and_a_regular_expression_are_seen() -> None:
    files = {
        "config.py": CONFIG,
        "main.py": f"{HEAD}stack = [\n"
        "    Middleware(CORSMiddleware, allow_origin_regex='.*'),\n]\n",
    }
    assert lines(ask("cors-wildcard-origin", files)) == [HEAD.count("\n") + 2]


def test_flask_allows_everything_unless_told_otherwise() -> None:
    text = "from flask import Flask\nfrom flask_cors import CORS\napp = Flask('x')\n"
    assert lines(ask("cors-wildcard-origin", {"app.py": f"{text}CORS(app)\n"})) == [4]
    listed = f"{text}CORS(app, origins=['https://a.example'])\n"
    assert lines(ask("cors-wildcard-origin", {"app.py": listed})) == []
