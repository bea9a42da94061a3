"""Patches that git applies, for one line alone, whatever the file ends in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks.facts.fixes import patch_for

TWO = "import os\nimport sys\n\n\ndef run(value: object) -> bool:\n    return value == None\n"


def _applied(folder: Path, path: str, before: str, patch: str) -> str:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(before.encode())
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    subprocess.run(
        ["git", "apply", "--unidiff-zero", "-"], cwd=folder, input=patch.encode(), check=True
    )
    return file.read_bytes().decode()


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        (TWO, 1, TWO.replace("import os\n", "")),
        (TWO, 2, TWO.replace("import sys\n", "")),
        ("import os\nx = 1", 1, "x = 1"),
        ("x = 1\nimport os", 2, "x = 1"),
        ('"""Ünïcode 🙂."""; import os\nx = 1\n', 1, '"""Ünïcode 🙂."""; \nx = 1\n'),
        ("x = 1\r\nimport os\r\ny = 2\r\n", 2, "x = 1\r\ny = 2\r\n"),
    ],
)
def test_a_patch_mends_its_line_alone(tmp_path: Path, before: str, line: int, after: str) -> None:
    patch = patch_for("app/main.py", before, ["F401"], line)

    assert patch
    assert _applied(tmp_path, "app/main.py", before, patch.text).rstrip() == after.rstrip()


def test_a_fix_that_may_change_the_meaning_is_called_unsafe() -> None:
    unsafe = patch_for("a.py", TWO, ["E711"], 6)
    safe = patch_for("a.py", TWO, ["F401"], 1)

    assert unsafe
    assert unsafe.unsafe
    assert "+    return value is None" in unsafe.text
    assert safe
    assert not safe.unsafe


@pytest.mark.parametrize(
    ("path", "text", "codes", "line"),
    [
        ("a.py", TWO, ["F401"], 6),
        ("a.py", TWO, ["T201"], 1),
        ("a.py", "print(1)\n", ["T203"], 1),
        ("a.py", TWO, [], 1),
        ("a.py", TWO, ["--help", "N999"], 1),
        ("a.py", "def broken(:\n", ["F401"], 1),
        ("a\n+++ b/evil.py", TWO, ["F401"], 1),
    ],
)
def test_where_nothing_is_known_there_is_no_patch(
    path: str, text: str, codes: list[str], line: int
) -> None:
    assert patch_for(path, text, codes, line) is None


def test_a_suppression_in_the_code_is_no_obstacle() -> None:
    assert patch_for("a.py", "import os  # noqa: F401\n", ["F401"], 1)


def test_a_line_that_git_does_not_see_gets_no_patch() -> None:
    assert patch_for("app.py", "x = 1\rimport os\rprint(x)\r", ["F401"], 2) is None
