"""Traps of the check on tags and versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.model import Outcome
from tests.checks.projects import ask_read
from tests.checks.rules.histories import ask_history


def tags(*names: str, subject: str = "feat: x") -> str:
    """A mainline with these tags, each on a commit of its own, oldest first."""
    return "".join(
        f"#-- f{number}.txt\nx\n#-- commit 2024-05-01 | {subject}\n#-- tag {name}\n"
        for number, name in enumerate(names)
    )


def anchors(outcome: Outcome) -> list[str]:
    """Tags of the findings."""
    return sorted(each.anchor for each in outcome.observations)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v1.2.3", (1, 0)),
        ("1.2.3", (1, 0)),
        ("v1.2.3-rc.1+build.5", (1, 0)),
        ("1.2.0rc1", (1, 0)),
        ("api-v1.2.3", (1, 0)),
        ("api/v1.2.3", (1, 0)),
        ("v1.2", (1, 1)),
        ("release-5", (1, 1)),
        ("v01.2.3", (1, 1)),
        ("v1", (0, 0)),
        ("latest", (0, 0)),
        ("prod-2024-05-01", (0, 0)),
        ("deploy/2024.05.01", (0, 0)),
        ("staging-12", (0, 0)),
    ],
)
def test_a_release_is_told_from_a_deployment(
    name: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    outcome = ask_history("semver-tags", tags(name), tmp_path / "r")
    assert (outcome.sites, len(outcome.observations)) == expected


def test_a_later_tag_of_the_same_component_is_not_lower(tmp_path: Path) -> None:
    text = tags("v1.0.0-rc.1", "v1.0.0", "api-v0.1.0", "v1.10.0", "v1.9.0")
    assert anchors(ask_history("semver-tags", text, tmp_path / "r")) == ["v1.9.0"]


def test_a_maintenance_branch_may_tag_lower_versions_later(tmp_path: Path) -> None:
    text = (
        tags("v1.0.0") + "#-- branch 1.x\n#-- m.txt\nx\n#-- commit 2024-05-04 | fix: x\n"
        "#-- tag v1.0.1\n#-- checkout main\n#-- z.txt\nx\n#-- commit 2024-05-02 | feat: y\n"
        "#-- tag v2.0.0\n#-- merge 1.x | Merge branch '1.x'\n"
    )
    assert anchors(ask_history("semver-tags", text, tmp_path / "r")) == []


def test_a_breaking_change_raises_the_major_version_where_that_is_asked(tmp_path: Path) -> None:
    text = tags("v1.0.0") + tags("v1.1.0", subject="feat!: x").replace("f0", "g0")
    assert anchors(ask_history("semver-tags", text, tmp_path / "a")) == []
    outcome = ask_history("semver-tags", text, tmp_path / "b", check_bumps=True)
    assert anchors(outcome) == ["v1.1.0"]


@pytest.mark.parametrize(
    ("version", "lines"),
    [('version = "1.2"', [3]), ('version = "1.2.3"', []), ('dynamic = ["version"]', None)],
)
def test_the_version_of_the_manifest_is_one_site(
    version: str, lines: list[int] | None, tmp_path: Path
) -> None:
    text = f'#-- pyproject.toml\n[project]\nname = "x"\n{version}\n'
    outcome = ask_history("semver-tags", text, tmp_path / "r")
    if lines is None:
        assert outcome.state == "not-applicable"
    else:
        assert [each.line for each in outcome.observations] == lines


def test_a_new_project_without_tags_is_not_judged() -> None:
    files = {"pyproject.toml": '[project]\nname = "x"\nversion = "0.1.0"\n'}
    assert ask_read("semver-tags", files).state == "not-applicable"
