"""Traps of the checks on what is tracked and how history is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.projects import ask_read
from tests.checks.rules.histories import ask_history


@pytest.mark.parametrize(
    ("subject", "author", "expected"),
    [
        ("feat(api): list orders (#12)", "", (1, 0)),
        ("feat(api)!: list orders", "", (1, 0)),
        ("build: bump", "", (1, 0)),
        ("Feat: list orders", "", (1, 1)),
        ("feat:list orders", "", (1, 1)),
        ("feat(api): ", "", (1, 1)),
        ("wip: x", "", (1, 1)),
        ("feat: " + "x" * 100, "", (1, 1)),
        ('Revert "feat: x"', "", (0, 0)),
        ("fixup! feat: x", "", (0, 0)),
        ("Bump x", "dependabot[bot] <b@x>", (0, 0)),
        ("Bump x", "renovate <bot@renovateapp.com>", (0, 0)),
        ("Initial commit", "", (0, 0)),
    ],
)
def test_a_subject_says_what_kind_of_change_it_is(
    subject: str, author: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    tail = f" | {author}" if author else ""
    text = f"#-- a.txt\nx\n#-- commit 2024-05-01 | {subject}{tail}\n"
    outcome = ask_history("conventional-commits", text, tmp_path / "r")
    assert (outcome.sites, len(outcome.observations)) == expected


def test_a_merge_is_no_site(tmp_path: Path) -> None:
    text = (
        "#-- a.txt\nx\n#-- commit 2024-05-01 | feat: a\n"
        "#-- branch b\n#-- b.txt\nx\n#-- commit 2024-05-02 | feat: b\n"
        "#-- checkout main\n#-- c.txt\nx\n#-- commit 2024-05-03 | feat: c\n"
        "#-- merge b | Merge branch 'b'\n"
    )
    outcome = ask_history("conventional-commits", text, tmp_path / "r")
    assert (outcome.sites, len(outcome.observations)) == (3, 0)


@pytest.mark.parametrize(
    ("files", "weights"),
    [
        ({".env": "A=1\n"}, [1.0]),
        ({"deploy/prod.env": "A=1\n"}, [1.0]),
        ({".env": "# nothing yet\n"}, [0.5]),
        ({".env.example": "A=\n", ".env.local.example": "A=\n", "template.env": "A=\n"}, []),
        ({".env.test": "A=1\n", ".env.ci": "A=1\n", ".env.vault": "x\n"}, []),
        ({".envrc": "layout python\n"}, []),
        ({".envrc": "export API_TOKEN=abc\n"}, [1.0]),
        ({"node_modules/x/.env": "A=1\n"}, []),
        ({"app/environment.py": "X = 1\n"}, []),
    ],
)
def test_a_file_of_values_is_told_from_a_template(
    files: dict[str, str], weights: list[float]
) -> None:
    outcome = ask_read("env-file-not-committed", files)
    assert [each.weight for each in outcome.observations] == weights


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("logs/app.txt", True),
        ("logs/.gitkeep", False),
        ("logs/README.md", False),
        ("app/debug.log", True),
        ("tests/data/sample.log", False),
        ("app/__pycache__/x.cpython-313.pyc", True),
    ],
)
def test_what_running_leaves_behind_is_not_tracked(path: str, found: bool) -> None:
    outcome = ask_read("forbidden-tracked-files", {"app/x.py": "X = 1\n", path: "x\n"})
    assert bool(outcome.observations) is found


def test_a_package_called_logs_is_no_folder_of_logs() -> None:
    files = {"logs/__init__.py": "X = 1\n", "logs/handlers.py": "Y = 2\n"}
    assert not ask_read("forbidden-tracked-files", files).observations


def test_a_deleted_file_is_found_in_the_history_where_that_is_asked(tmp_path: Path) -> None:
    text = (
        "#-- app.log\nx\n#-- commit 2024-05-01 | feat: a\n"
        "#-- delete app.log\n#-- b.txt\nx\n#-- commit 2024-05-02 | fix: b\n"
    )
    without = ask_history("forbidden-tracked-files", text, tmp_path / "a")
    outcome = ask_history("forbidden-tracked-files", text, tmp_path / "b", history=True)
    assert (len(without.observations), len(outcome.observations)) == (0, 1)
