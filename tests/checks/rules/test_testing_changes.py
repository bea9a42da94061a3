"""Changes of behaviour and the tests that come with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.rules.histories import ask_history

START = (
    "#-- app/a.py\ndef f(n):\n    a = n\n    b = a + 1\n    c = b * 2\n    return c\n"
    "#-- tests/test_a.py\ndef test_f():\n    assert True\n"
    "#-- repeat-commits 10 | 2024-01-{n:02d} | docs: note {n}\n"
)
CHANGED = "#-- app/a.py\ndef f(n):\n    a = n + 7\n    b = a - 1\n    c = b * 3\n    return c - 1\n"
RENAMED = "#-- app/a.py\ndef g(m):\n    d = m\n    e = d + 1\n    h = e * 2\n    return h\n"


@pytest.mark.parametrize(
    ("change", "subject", "expected"),
    [
        (CHANGED, "feat: change f", (1, 1)),
        (CHANGED, "Change f", (1, 1)),
        (CHANGED, "refactor: change f", (0, 0)),
        (CHANGED, 'Revert "feat: f"', (0, 0)),
        (CHANGED, "feat: f | renovate[bot] <r@x>", (0, 0)),
        (RENAMED, "Rename f", (0, 0)),
        ("#-- app/a.py\ndef f(n):\n    return 1\n", "Cut f", (1, 1)),
        (f"{CHANGED}#-- tests/test_a.py\ndef test_f():\n    assert 1\n", "Change f", (1, 0)),
        ("#-- scripts/a.py\n" + CHANGED.partition("\n")[2], "Add a script", (0, 0)),
    ],
)
def test_a_change_of_behaviour_is_a_site(
    change: str, subject: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    text = f"{START}{change}#-- commit 2024-02-01 | {subject}\n"
    outcome = ask_history("change-includes-tests", text, tmp_path / "r")
    assert (outcome.sites, len(outcome.observations)) == expected


def test_a_merge_is_judged_as_a_whole(tmp_path: Path) -> None:
    branch = f"#-- branch work\n{CHANGED}#-- commit 2024-02-01 | feat: change f\n"
    branch += "#-- tests/test_a.py\ndef test_f():\n    assert 1\n"
    branch += "#-- commit 2024-02-02 | test: f\n#-- checkout main\n"
    text = f"{START}{branch}#-- merge work | Merge branch 'work'\n"
    outcome = ask_history("change-includes-tests", text, tmp_path / "r")
    assert (outcome.sites, len(outcome.observations)) == (1, 0)
