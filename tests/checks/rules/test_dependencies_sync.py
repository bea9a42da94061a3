"""Traps of the check on locks that move with the manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.model import Outcome
from tests.checks.rules.histories import ask_history


def manifest(body: str, path: str = "pyproject.toml", version: str = "1") -> str:
    """A manifest with something behind its [project]."""
    return f'#-- {path}\n[project]\nname = "x"\nversion = "{version}"\n{body}\n'


def commit(day: int, subject: str = "feat: x") -> str:
    """Commit all that was written so far."""
    return f"#-- commit 2024-05-{day:02} | {subject}\n"


def lock(text: str, path: str = "uv.lock") -> str:
    """A lock with this text."""
    return f"#-- {path}\nversion = 1\n# {text}\n"


def ask(text: str, folder: Path) -> Outcome:
    """The answer about this history."""
    return ask_history("lock-updated-with-manifest", text, folder)


START = manifest('dependencies = [\n  "a",\n  "b",\n]') + lock("1") + commit(1)


@pytest.mark.parametrize(
    ("body", "version", "lines"),
    [
        ('dependencies = [\n  "a",\n  "b",\n]', "2", None),
        ('dependencies = [\n  "b",\n  "a",\n]', "1", None),
        ('# why\ndependencies = [\n  "a",\n  "b",\n]\n[tool.ruff]\nx = 1', "1", None),
        ('dependencies = [\n  "a",\n  "b>=2",\n]', "1", [6]),
        ('dependencies = [\n  "a",\n]', "1", [4]),
        ('dependencies = [\n  "a",\n  "b",\n]\n[dependency-groups]\ndev = ["c"]', "1", [9]),
        ('dependencies = [\n  "a",\n  "b",\n]\n[tool.uv.sources]\na = {path = "a"}', "1", [9]),
    ],
)
def test_only_changes_of_dependencies_move_the_lock(
    body: str, version: str, lines: list[int] | None, tmp_path: Path
) -> None:
    outcome = ask(START + manifest(body, version=version) + commit(2), tmp_path / "r")
    if lines is None:
        assert outcome.state == "not-applicable"
    else:
        assert [each.line for each in outcome.observations] == lines


def test_what_changed_before_there_was_a_lock_is_not_judged(tmp_path: Path) -> None:
    text = (
        manifest('dependencies = ["a"]') + commit(1) + manifest('dependencies = ["a", "b"]')
        + commit(2) + manifest('dependencies = ["a", "c"]') + lock("1") + commit(3)
    )  # fmt: skip
    assert ask(text, tmp_path / "r").state == "not-applicable"


def test_a_merge_is_judged_as_a_whole(tmp_path: Path) -> None:
    text = (
        START + "#-- branch topic\n" + manifest('dependencies = ["c"]') + commit(2) + lock("2")
        + commit(3) + "#-- checkout main\n#-- merge topic | Merge topic\n"
    )  # fmt: skip
    outcome = ask(text, tmp_path / "r")
    assert (outcome.sites, len(outcome.observations)) == (1, 0)


@pytest.mark.parametrize(("moved", "found"), [("uv.lock", 0), ("", 1)])
def test_members_of_a_workspace_share_its_lock(moved: str, found: int, tmp_path: Path) -> None:
    root = manifest('[tool.uv.workspace]\nmembers = ["packages/*"]')
    member = "packages/a/pyproject.toml"
    text = root + manifest("dependencies = []", member) + lock("1") + commit(1)
    text += manifest('dependencies = ["c"]', member) + (lock("2") if moved else "") + commit(2)
    assert len(ask(text, tmp_path / "r").observations) == found
