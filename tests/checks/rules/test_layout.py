"""Traps of the check on the layout."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

FILES = {
    "readme.RST": "x\n",
    "api/pyproject.toml": "[project]\nname = 'api'\ndependencies = ['fastapi']\n",
    "api/app/__init__.py": "",
    "api/app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
    "api/logs/.gitkeep": "",
    "docs/adr/0001.md": "x\n",
}


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("README*", False),
        ("README.md", True),
        ("pyproject.toml", False),
        ("app/main.py", False),
        ("app/__init__.py", False),
        ("logs", False),
        ("src|app", False),
        ("src", True),
        ("docs/adr/*.md|docs/adrs/*.md", False),
        ("**/app", False),
        ("adr", True),
        ("main.py", True),
    ],
)
def test_places_are_seen_from_the_root_and_from_the_service(entry: str, found: bool) -> None:
    outcome = ask_read("project-layout", FILES, expected=[entry])
    assert (outcome.sites, bool(outcome.observations)) == (1, found)
