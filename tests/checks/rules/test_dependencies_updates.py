"""Traps of the check on how often dependencies are renewed."""

from __future__ import annotations

from pathlib import Path

from checks.model import Outcome
from tests.checks.rules.histories import ask_history


def lock(**versions: str) -> str:
    """A uv.lock with these packages."""
    return "#-- uv.lock\nversion = 1\n" + "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n'
        for name, version in versions.items()
    )


def commit(date: str, subject: str = "chore: x") -> str:
    """Commit all that was written so far."""
    return f"#-- commit {date} | {subject}\n"


def note(date: str) -> str:
    """A commit that touches no lock file."""
    return f"#-- NOTES.md\n{date}\n{commit(date)}"


def ask(text: str, folder: Path) -> Outcome:
    """What the check answers about this history."""
    return ask_history("dependency-update-cadence", text, folder)


def anchors(outcome: Outcome) -> list[str]:
    """Months of the findings."""
    return sorted(each.anchor for each in outcome.observations)


START = lock(a="1", b="1") + commit("2024-05-15")


def test_adding_or_removing_a_package_renews_nothing(tmp_path: Path) -> None:
    text = START + lock(a="1") + commit("2024-07-05") + lock(a="1", c="1") + commit("2024-08-05")
    outcome = ask(text, tmp_path / "r")
    assert outcome.sites == 2
    assert anchors(outcome) == ["2024-07", "2024-08"]


def test_months_without_any_commit_are_no_sites_but_the_last(tmp_path: Path) -> None:
    text = (
        START + note("2024-07-05") + lock(a="2", b="1") + commit("2024-10-05") + note("2024-10-20")
    )
    outcome = ask(text, tmp_path / "r")
    assert outcome.sites == 2
    assert anchors(outcome) == ["2024-07"]


def test_bots_and_merged_branches_count(tmp_path: Path) -> None:
    text = (
        START
        + "#-- branch bump\n" + lock(a="2", b="1")
        + "#-- commit 2024-07-05 | build: bump | dependabot[bot] <b@x>\n"
        + "#-- checkout main\n" + note("2024-07-06") + "#-- merge bump | Merge bump\n"
        + note("2024-08-01")
    )  # fmt: skip
    assert anchors(ask(text, tmp_path / "r")) == []


def test_pins_of_requirements_files_are_versions(tmp_path: Path) -> None:
    text = (
        "#-- requirements.txt\na==1\n" + commit("2024-05-15")
        + "#-- requirements.txt\na==2\n" + commit("2024-07-15") + note("2024-08-10")
    )  # fmt: skip
    outcome = ask(text, tmp_path / "r")
    assert (outcome.state, anchors(outcome)) == ("measured", [])


def test_a_short_history_and_a_project_without_lock_are_not_judged(tmp_path: Path) -> None:
    short = lock(a="1") + commit("2024-06-15") + note("2024-07-01")
    assert ask(short, tmp_path / "a").state == "not-applicable"
    free = "#-- requirements.txt\na\n" + commit("2024-01-15") + note("2024-07-01")
    assert ask(free, tmp_path / "b").state == "not-applicable"
