"""Traps of the check on templates of the environment."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

CLASS = "class Settings(BaseSettings):\n    a: int\n"
SETTINGS = {"app/config.py": f"from pydantic_settings import BaseSettings\n\n\n{CLASS}"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".env.sample", False),
        (".ENV.example", False),
        ("api/.env.example", False),
        (".env.test", True),
        ("docs/.env.example", True),
    ],
)
def test_a_template_stands_at_the_root_or_beside_a_manifest(path: str, found: bool) -> None:
    manifest = {"api/pyproject.toml": "[project]\nname = 'x'\n"}
    outcome = ask_read("env-example-present", {**SETTINGS, **manifest, path: "A=1\n"})
    assert bool(outcome.observations) is found


@pytest.mark.parametrize(
    ("files", "sites"),
    [
        ({"lib/x.py": "import os\nX = os.environ.get('NO_COLOR')\n"}, 0),
        ({"lib/x.py": "import os\nX = os.environ['TOKEN']\n"}, 1),
        ({"lib/x.py": "from environs import Env\nX = Env()\n"}, 1),
        ({"compose.yml": "services:\n  a:\n    env_file: .env\n"}, 1),
        ({"compose.yml": "services:\n  a:\n    image: x\n"}, 0),
    ],
)
def test_a_project_without_configuration_needs_no_template(
    files: dict[str, str], sites: int
) -> None:
    assert ask_read("env-example-present", files).sites == sites
