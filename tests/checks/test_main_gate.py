"""A gate on the command line: its file, its base, its exit code, and its place in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checks.test_main import (
    CLEAN,
    PRINTS,
    STANDARD,
    _commit,
    _git,
    _in,
    checkout,
    complaint,
    judged,
    run,
    team,
)

__all__ = ["checkout", "team"]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    file = tmp_path / "gate.toml"
    file.write_text("[gate]\nminimum = 10\n")
    return file


def asked(checkout: Path, team: Path, gate: Path, *more: str) -> list[str | Path]:
    """The words of a review by a gate."""
    return ["review", checkout, "--standard", team, "--no-cache", "--gate", gate, *more]


def test_a_gate_that_fails_is_exit_one_with_a_sentence_for_each_condition(
    checkout: Path, team: Path, gate: Path
) -> None:
    arguments = asked(checkout, team, gate)
    done = run(*arguments, "--fail-under", "99")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "straightedge: team reaches 23.4, not 99.",
        "straightedge: 1 must clause is open: T-1; the gate allows none.",
    ]
    assert done.stdout.splitlines()[-4:] == [
        "Gate failed",
        "  met      2 Python files were analysed.",
        "  met      team reaches 23.4 of the 10 asked.",
        "  not met  1 must clause is open: T-1; the gate allows none.",
    ]


def test_the_report_has_a_gate_only_when_one_was_asked(
    checkout: Path, team: Path, gate: Path
) -> None:
    plain = judged(checkout, "--standard", team)
    assert "gate" not in plain
    gate.write_text('[gate]\nopen_musts = "any"\n')
    asked = judged(checkout, "--standard", team, "--gate", gate)
    assert asked.pop("gate") == {
        "passed": True,
        "conditions": [
            {
                "name": "analysed",
                "standard": "",
                "passed": True,
                "sentence": "2 Python files were analysed.",
            }
        ],
    }
    assert asked == plain


def test_new_findings_are_told_from_the_commit_where_a_branch_has_parted(
    checkout: Path, team: Path, gate: Path
) -> None:
    gate.write_text('[gate]\nopen_musts = "any"\nno_new_findings = true\nnot_worse = true\n')
    _git(checkout, "checkout", "-q", "-b", "work")
    _commit(checkout, "app/more.py", CLEAN)
    _git(checkout, "checkout", "-q", "main")
    _commit(checkout, "app/main.py", PRINTS + PRINTS)
    base = _git(checkout, "rev-parse", "main~1")
    arguments: list[str | Path] = [
        *("review", checkout, "--standard", team, "--no-cache", "--rev", "work"),
        *("--gate", gate, "--base", "main"),
    ]
    passed = run(*arguments)
    assert passed.returncode == 0, passed.stderr
    assert f"No finding is new against {base[:10]}." in passed.stdout
    _git(checkout, "checkout", "-q", "work")
    _commit(checkout, "app/more.py", PRINTS)
    failed = run(*arguments, "--format", "json")
    assert failed.returncode == 1
    assert f"new against {base[:10]}: no-print at app/more.py:2;" in failed.stderr
    assert f"since {base[:10]}." in failed.stderr
    conditions = json.loads(failed.stdout)["gate"]["conditions"]
    assert [each["name"] for each in conditions if not each["passed"]] == [
        "no_new_findings",
        "not_worse",
    ]
    (checkout / "app/more.py").write_text(CLEAN)
    on_disk = run(*arguments[:5], "--worktree", "--gate", gate, "--base", "main")
    assert on_disk.returncode == 0, on_disk.stderr


def test_what_is_compared_with_itself_is_neither_met_nor_missed(
    checkout: Path, team: Path, gate: Path
) -> None:
    gate.write_text('[gate]\nopen_musts = "any"\nno_new_findings = true\nnot_worse = true\n')
    arguments = asked(checkout, team, gate, "--base", "main")
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-4:] == [
        "Gate passed, as far as it can be told",
        "  met      2 Python files were analysed.",
        "  no base  There is nothing to compare with yet, so no finding can be called new.",
        "  no base  There is nothing to compare with yet, so no score can be called worse.",
    ]


def test_a_folder_that_the_base_has_not_is_compared_with_the_whole_base(
    checkout: Path, team: Path, gate: Path
) -> None:
    gate.write_text('[gate]\nopen_musts = "any"\nno_new_findings = true\n')
    _git(checkout, "checkout", "-q", "-b", "work")
    _git(checkout, "mv", "app", "service")
    _git(checkout, "commit", "-q", "-m", "feat: move the service")
    arguments = asked(checkout, team, gate, "--base", "main", "--component", "service")
    moved = run(*arguments)
    assert moved.returncode == 0, moved.stderr
    _commit(checkout, "service/more.py", PRINTS.replace("run", "go"))
    assert "1 finding is new" in run(*arguments).stderr


def test_what_moved_with_its_file_is_not_new(checkout: Path, team: Path, gate: Path) -> None:
    gate.write_text('[gate]\nopen_musts = "any"\nno_new_findings = true\n')
    _git(checkout, "checkout", "-q", "-b", "work")
    _git(checkout, "mv", "app/main.py", "app/start.py")
    _git(checkout, "commit", "-q", "-m", "feat: move the start")
    moved = asked(checkout, team, gate, "--base", "main")
    assert run(*moved).returncode == 0
    _commit(checkout, "app/more.py", PRINTS.replace("run", "go"))
    assert "1 finding is new" in run(*moved).stderr


def test_the_gates_of_the_standards_are_asked_by_name(checkout: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(STANDARD + "[gate]\nminimum = 90\n")
    done = run("review", checkout, "--standard", own, "--no-cache", "--gate", "standards")
    assert done.returncode == 1
    assert "team reaches 23.4, not 90." in done.stderr
    assert run("review", checkout, "--standard", own, "--no-cache").returncode == 0


def test_what_is_wrong_with_a_gate_is_said_in_one_line(
    checkout: Path, team: Path, gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start: list[str | Path] = ["review", checkout, "--standard", team, "--no-cache"]
    assert "--base says what a gate compares with" in complaint(capsys, *start, "--base", "main")
    assert "none of the standards sets a gate" in complaint(capsys, *start, "--gate", "standards")
    gate.write_text("[gate]\nnot_worse = true\n")
    assert "name it by --base REV" in complaint(capsys, *start, "--gate", gate)
    with_gate: list[str | Path] = [*start, "--gate", gate, "--base"]
    assert "nowhere" in complaint(capsys, *with_gate, "nowhere")
    gate.write_text("[gate]\nx = 1\n")
    assert "unknown condition 'x' (line 2)" in complaint(capsys, *with_gate, "main")
    _git(checkout, "checkout", "-q", "--orphan", "apart")
    _git(checkout, "commit", "-q", "-m", "feat: begin anew")
    gate.write_text("[gate]\nnot_worse = true\n")
    assert "no commit in common" in complaint(capsys, *with_gate, "main")


@pytest.mark.parametrize("written", ["in the repository", "in a file"])
def test_a_waiver_of_one_finding_covers_it_where_its_code_has_gone_since_the_base(
    checkout: Path, team: Path, gate: Path, tmp_path: Path, written: str
) -> None:
    gate.write_text("[gate]\nopen_musts = 0\nno_new_findings = true\nnot_worse = true\n")
    found = judged(checkout, "--standard", team)["findings"]
    name = next(each["fingerprint"] for each in found if each["check"] == "no-print")
    waiver = (
        f'[[waiver]]\nfingerprint = "{name}"\nreason = "For now."\nexpires = {_in(9)}\ncount = 1\n'
    )
    file = tmp_path / "ours.toml"
    file.write_text(waiver)
    more: list[str | Path] = [] if written == "in the repository" else ["--waivers", file]
    if not more:
        _commit(checkout, ".straightedge/waivers.toml", waiver)
    _git(checkout, "switch", "-qc", "work")
    _git(checkout, "rm", "-q", "app/main.py")
    _commit(checkout, "lib/moved.py", f"import os\n\n{PRINTS}")
    arguments: list[str | Path] = ["review", checkout, "--standard", team, "--no-cache", *more]
    arguments += ["--gate", gate]

    passed = run(*arguments, "--base", "main")
    assert passed.returncode == 0, passed.stderr
    assert passed.stderr == ""
    assert "(1 more waived)" in passed.stdout

    gate.write_text("[gate]\nopen_musts = 0\n")
    alone = run(*arguments)
    assert alone.returncode == 1
    assert "waives nothing: It matches no finding." in alone.stderr
