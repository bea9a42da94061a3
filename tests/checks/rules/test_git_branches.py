"""Traps of the checks on branches and merges."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.rules.git_branches import merged_names
from tests.checks.rules.histories import ask_history

START = "#-- a.txt\nx\n#-- commit 2024-05-01 | feat: start\n"


def branch(name: str, *subjects: str) -> str:
    """A branch off main with these commits; ends on main."""
    files = "".join(
        f"#-- {name.replace('/', '-')}{number}.txt\nx\n#-- commit 2024-05-02 | {subject}\n"
        for number, subject in enumerate(subjects)
    )
    return f"#-- branch {name}\n{files}#-- checkout main\n"


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ("Merge pull request #1 from owner/feature/x", ["feature/x"]),
        ("Merge pull request 'Add x' (#12) from ann:fix-x into main", ["fix-x"]),
        ("Merge branch 'topic' into 'main'", ["topic"]),
        ("Merge branch 'main' into feature/x", []),
        ("Merge branch 'main' of https://example.com/x", []),
        ("Merge remote-tracking branch 'origin/topic'", ["topic"]),
        ("Merge branches 'a', 'b' and 'c'", ["a", "b", "c"]),
        ("Merged in topic (pull request #3)", ["topic"]),
        ("Merge the two readers", []),
    ],
)
def test_a_merge_names_the_branch_that_it_brings(subject: str, names: list[str]) -> None:
    assert merged_names(subject) == names


def test_release_branches_and_those_of_bots_need_no_prefix(tmp_path: Path) -> None:
    text = START + "".join(
        branch(name, "feat: x") for name in ("release-1.2", "1.x", "dependabot/pip/x", "feature/y")
    )
    text += branch("update-deps", "Bump x | dependabot[bot] <b@x>")
    merged = text + "#-- merge update-deps | Merge pull request #4 from team/other-name\n"
    outcome = ask_history("branch-naming", merged, tmp_path / "r")
    assert [each.anchor for each in outcome.observations] == ["update-deps"]


def test_a_clone_with_its_default_branch_only_has_nothing_to_judge(tmp_path: Path) -> None:
    assert ask_history("branch-naming", START, tmp_path / "r").state == "not-applicable"


@pytest.mark.parametrize(
    ("subjects", "merge", "found"),
    [
        (("feat: x",), "Merge pull request #1 from team/x", 0),
        (("feat: x", "feat: y"), "Merge pull request #1 from team/x", 1),
        (("feat: x", "feat: y"), "Merge branch 'release/1.2' into main", 0),
        (("feat: x", "feat: y"), "Merge branch 'hotfix/login'", 0),
        (("feat: x", "feat: y"), "Merge pull request #9 from o/gh-readonly-queue/main/pr-8", 0),
    ],
)
def test_a_branch_of_several_commits_is_squashed(
    subjects: tuple[str, ...], merge: str, found: int, tmp_path: Path
) -> None:
    text = START + branch("topic", *subjects) + f"#-- merge topic | {merge}\n"
    outcome = ask_history("linear-history", text, tmp_path / "r", forbid=["merge-commit-on-main"])
    assert (outcome.sites, len(outcome.observations)) == (2, found)


@pytest.mark.parametrize(
    ("merge", "found"),
    [
        ("Merge branch 'main' into topic", 1),
        ("Take over what main has", 1),
        ("Merge branch 'main' into release/1.2", 0),
    ],
)
def test_an_open_branch_does_not_take_main_in(merge: str, found: int, tmp_path: Path) -> None:
    text = (
        START + branch("topic", "feat: x") + "#-- b.txt\nx\n#-- commit 2024-05-03 | feat: b (#3)\n"
        f"#-- checkout topic\n#-- merge main | {merge}\n#-- checkout main\n"
    )
    outcome = ask_history("linear-history", text, tmp_path / "r")
    assert len(outcome.observations) == found


def test_a_history_that_never_merged_is_not_judged(tmp_path: Path) -> None:
    assert ask_history("linear-history", START, tmp_path / "r").state == "not-applicable"
