"""Traps of the checks on what single commits say and hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.rules.histories import ask_edited, ask_history

BIG = "".join(f"x{number} = {number}\n" for number in range(300))
FOUR = "".join(
    f"#-- {name}.py\nX = 1\n#-- commit 2024-05-01 | feat: add {name}\n" for name in "abcd"
)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("fix: wip", (1, 1)),
        ("Update.", (1, 1)),
        ("Minor changes (#12)", (1, 1)),
        ("fix: login", (1, 1)),
        ("fix: handle login", (1, 0)),
        ("修复登录问题", (1, 0)),
        ("v1.2.3", (0, 0)),
        ("chore(release): 1.2.3", (0, 0)),
        ("Bump version to 1.2.3", (0, 0)),
        ('Revert "feat: x"', (0, 0)),
        ("wip | renovate[bot] <r@x>", (0, 0)),
    ],
)
def test_a_subject_says_what_changed(
    subject: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    text = f"#-- a.txt\nx\n#-- commit 2024-05-01 | {subject}\n"
    outcome = ask_history("commit-message-quality", text, tmp_path / "r")
    assert (outcome.sites, len(outcome.observations)) == expected


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("app/x.py", "", 1),
        ("app/x.py", "It reads what the writer wrote.", 0),
        ("app/x.py", "---------\n\nSigned-off-by: Ann <ann@example.com>", 1),
        ("app/x.py", "* add it\n* mend it", 0),
        ("uv.lock", "", 0),
        ("third_party/x.py", "", 0),
        ("app/x_pb2.py", "", 0),
    ],
)
def test_a_large_change_says_why(path: str, body: str, found: int, tmp_path: Path) -> None:
    text = f"#-- {path}\n{BIG}#-- commit 2024-05-01 | feat: add the reader\n"
    outcome = ask_edited("commit-message-quality", text, tmp_path / "r", body=body)
    assert len(outcome.observations) == found


def test_a_moved_file_is_no_large_change(tmp_path: Path) -> None:
    text = (
        f"#-- a/x.py\n{BIG}#-- commit 2024-05-01 | feat: add the reader (#1)\n"
        f"#-- delete a/x.py\n#-- b/x.py\n{BIG}Y = 1\n#-- commit 2024-05-02 | feat: use folder b\n"
    )
    outcome = ask_history("commit-message-quality", text, tmp_path / "r")
    [found] = outcome.observations
    assert "add the reader" in found.message


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("feat: add search and replace", 0),
        ("feat: add drag and drop for cards", 0),
        ("Fixed login and updated the invoice totals", 1),
        ("feat: add export; remove the old writer", 1),
        ("add export + fix login page", 1),
        ("feat: x, fix: y", 1),
        ("feat/fix: x", 1),
        ("feat: add export and update docs", 0),
        ("fix: correct rounding and add tests for it", 0),
        ("refactor: extract a helper and use it", 0),
        ("docs: describe install and use", 0),
        ("feat: add `a and remove b` button", 0),
        ("chore: bump version and release 1.2", 0),
    ],
)
def test_a_subject_names_one_change(subject: str, found: int, tmp_path: Path) -> None:
    text = f"{FOUR}#-- e.py\nX = 1\n#-- commit 2024-05-05 | {subject}\n"
    outcome = ask_history("atomic-commits", text, tmp_path / "r")
    assert len(outcome.observations) == found


@pytest.mark.parametrize(
    ("subject", "folders", "found"),
    [
        ("feat: add everything", 6, 1),
        ("feat: add everything", 5, 0),
        ("style: format with ruff", 6, 0),
        ("feat: add everything (#12)", 6, 0),
        ("Add licence headers", 6, 0),
    ],
)
def test_a_commit_is_no_larger_than_one_change(
    subject: str, folders: int, found: int, tmp_path: Path
) -> None:
    files = "".join(f"#-- part{n}/x.py\n{BIG}" for n in range(folders))
    files += "".join(f"#-- part0/y{n}.py\nX = 1\n" for n in range(25))
    files += f"#-- tests/x.py\n{BIG}#-- docs/x.md\n{BIG}"
    text = f"{FOUR}{files}#-- commit 2024-05-05 | {subject}\n"
    outcome = ask_history("atomic-commits", text, tmp_path / "r")
    assert len(outcome.observations) == found
