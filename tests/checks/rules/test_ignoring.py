"""Traps of the check on ignore rules."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read


def ignored(pattern: str, files: dict[str, str]) -> bool:
    """Whether a pattern is covered."""
    outcome = ask_read("gitignore-covers", {"app/x.py": "X = 1\n", **files}, patterns=[pattern])
    assert outcome.sites == 1
    return not outcome.observations


@pytest.mark.parametrize(
    ("pattern", "rules", "covered"),
    [
        ("*.pyc", "*.py[cod]\n", True),
        (".env", ".env*\n!.env.example\n", True),
        (".env", ".env\n!.env\n", False),
        (".env", ".env/\n", False),
        (".mypy_cache/", ".*_cache/\n", True),
        ("logs/", "*.log\n", False),
        ("logs/", "logs/*\n!logs/.gitkeep\n", True),
        ("logs/", "/logs\n", True),
        (".venv", ".venv/\n", True),
        (".venv", "venv\n", False),
        ("dist/", "frontend/dist/\n", False),
        ("__pycache__/", "**/__pycache__\n", True),
        (".coverage", ".coverage.*\n", False),
        ("logs/", "# logs/\n", False),
    ],
)
def test_rules_are_read_as_git_reads_them(pattern: str, rules: str, covered: bool) -> None:
    assert ignored(pattern, {".gitignore": rules}) is covered


def test_a_nested_file_speaks_for_its_own_folder_only() -> None:
    manifest = {"api/requirements.txt": "fastapi\n"}
    assert ignored(".env", {**manifest, "api/.gitignore": ".env\n"})
    assert not ignored(".env", {**manifest, "web/.gitignore": ".env\n"})
    assert not ignored(".env", {"api/.gitignore": "!.env\n"})
