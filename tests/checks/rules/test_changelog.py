"""Traps of the check on change logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.rules.histories import ask_history

START = "#-- app/x.py\nX = 1\n"
LOG = "#-- CHANGELOG.md\n# Changes\n\n## 1.0.0\n\nFirst.\n"


def sites(text: str, folder: Path) -> tuple[int, int]:
    """Sites and findings."""
    outcome = ask_history("changelog-maintained", text, folder)
    return outcome.sites, len(outcome.observations)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ("#-- NEWS.rst\nNews\n====\n\n1.2\n---\n\nFirst.\n", 0),
        ("#-- docs/changelog.md\n# X\n\n## Unreleased\n", 0),
        ("#-- CHANGELOG.md\n# Change log\n", 1),
        ("#-- .github/release-drafter.yml\ntemplate: x\n", 0),
        ("#-- changes/12.feature.md\nNew.\n", 0),
        ("#-- README.md\n## 1.0\n", 1),
    ],
)
def test_a_change_log_has_a_section_or_is_put_together(
    files: str, found: int, tmp_path: Path
) -> None:
    assert sites(START + files, tmp_path / "r") == (1, found)


BROKEN = "#-- app/x.py\nX = 2\n"
TOLD = "#-- CHANGELOG.md\n# Changes\n\n## 2.0.0\n\nNo y.\n"
COMMIT = "#-- commit 2024-05-02 | feat!: drop y\n"
LATER = "#-- commit 2024-05-04 | docs: tell\n"
RELEASE = "#-- app/x.py\nX = 3\n#-- commit 2024-05-03 | chore: release\n#-- tag v1.1.0\n"
TAGGED = "#-- commit 2024-05-02 | chore: release\n#-- tag "


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (BROKEN + COMMIT, (2, 1)),
        (BROKEN + TOLD + COMMIT, (2, 0)),
        (BROKEN + COMMIT + TOLD + LATER, (2, 0)),
        (BROKEN + COMMIT + RELEASE + TOLD + LATER, (2, 1)),
        (f"{BROKEN}{TAGGED}v2.0.0\n", (2, 1)),
        (f"{BROKEN}{TAGGED}1.0.0\n", (1, 0)),
        (f"{BROKEN}#-- commit 2024-05-02 | feat: add y\n", (1, 0)),
        (f"{BROKEN}#-- commit 2024-05-02 | feat(api)!: drop y\n", (2, 1)),
    ],
)
def test_a_breaking_change_is_told_before_the_next_release(
    after: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    text = f"{START}{LOG}#-- commit 2024-05-01 | feat: start\n{after}"
    assert sites(text, tmp_path / "r") == expected


def test_what_broke_before_there_was_a_change_log_is_no_site(tmp_path: Path) -> None:
    text = f"{START}#-- commit 2024-05-01 | feat!: drop y\n{LOG}"
    assert sites(text, tmp_path / "r") == (1, 0)
