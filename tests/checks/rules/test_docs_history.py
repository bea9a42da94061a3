"""Traps of the check on notes that docstrings lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.rules.histories import ask_history

WARNED = '"""Purge rows.\n\n    Warning:\n        Runs without a transaction.\n    """'
TOLD = (
    '"""Purge rows.\n\n    Args:\n        days: Age, counted from midnight in UTC.\n'
    '        rows: The rows.\n    """'
)
BODY = "total = days + 1\n    return total"


def module(docstring: str, body: str = BODY, head: str = "days: int, rows: list") -> str:
    """A module with one function."""
    return f"def purge({head}) -> int:\n    {docstring}\n    {body}\n"


def lost(before: str, after: str, folder: Path, part: str = "warning") -> list[str]:
    """What the findings say when a module changes from one text to another."""
    text = (
        f"#-- app/purge.py\n{before}#-- commit 2024-01-10 | feat: purge\n"
        f"#-- app/purge.py\n{after}#-- commit 2024-02-10 | docs: shorten\n"
    )
    outcome = ask_history("docstring-semantics-kept", text, folder, sections=[part])
    assert outcome.sites
    return [f"{each.line} {each.message.rpartition(' in ')[0]}" for each in outcome.observations]


SHORT = '"""Purge rows."""'


def test_a_warning_and_an_informative_entry_that_are_gone_are_found(tmp_path: Path) -> None:
    gone = "1 The docstring of `purge` lost "
    assert lost(module(WARNED), module(SHORT), tmp_path / "a") == [f"{gone}the warning"]
    found = lost(module(TOLD), module(SHORT), tmp_path / "b", "args")
    assert found == [f"{gone}what it said of `days`"]


@pytest.mark.parametrize(
    "after",
    [
        module(SHORT, "return days"),
        module(WARNED.replace("Runs without", "Never\n        in")),
        module(SHORT, "# runs without a transaction\n    total = days + 1\n    return total"),
        module(WARNED.replace("Warning", "Caution")),
        module(WARNED.replace("Warning", "Note")),
    ],
)
def test_a_note_that_is_void_reworded_or_moved_is_not_lost(after: str, tmp_path: Path) -> None:
    assert lost(module(WARNED), f"X = 1\n\n\n{after}", tmp_path) == []


def test_a_function_that_is_gone_is_no_site(tmp_path: Path) -> None:
    text = (
        f"#-- app/purge.py\n{module(WARNED)}#-- commit 2024-01-10 | feat: purge\n"
        "#-- app/purge.py\ndef other() -> int:\n    return 1\n"
        "#-- commit 2024-02-10 | refactor: other\n"
    )
    outcome = ask_history("docstring-semantics-kept", text, tmp_path, sections=["warning"])
    assert (outcome.sites, outcome.observations) == (0, ())


def test_a_renamed_variable_is_no_change_of_the_body(tmp_path: Path) -> None:
    body = BODY.replace("total", "result")
    assert len(lost(module(WARNED), module(SHORT, body), tmp_path / "a")) == 1
    other = BODY.replace("+ 1", "+ 2")
    assert lost(module(WARNED), module(SHORT, other), tmp_path / "b") == []


def test_the_entry_of_an_argument_that_is_gone_is_not_lost(tmp_path: Path) -> None:
    after = module(SHORT, "return rows", "rows: list")
    assert lost(module(TOLD, "return rows"), after, tmp_path, "args") == []


def test_a_moved_file_keeps_its_past(tmp_path: Path) -> None:
    text = (
        f"#-- app/purge.py\n{module(WARNED)}#-- commit 2024-01-10 | feat: purge\n"
        f"#-- delete app/purge.py\n#-- app/core/purge.py\n{module(SHORT)}"
        "#-- commit 2024-02-10 | refactor: move\n"
    )
    outcome = ask_history("docstring-semantics-kept", text, tmp_path, sections=["warning"])
    assert [(each.path, each.line) for each in outcome.observations] == [("app/core/purge.py", 1)]
