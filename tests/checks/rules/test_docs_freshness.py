"""Traps of the check on documents that fall behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.rules.histories import ask_history

START = "#-- README.md\n# Orders\n#-- Dockerfile\nFROM a:1\n#-- commit 2024-01-01 | feat: start\n"
MONTHS = ("2024-06-01", "2024-07-01", "2024-08-01")


def changed(path: str = "Dockerfile", subject: str = "build: image", author: str = "") -> str:
    """Three commits that change a file."""
    by = f" | {author}" if author else ""
    return "".join(
        f"#-- {path}\nFROM a:{n}\n#-- commit {date} | {subject}{by}\n"
        for n, date in enumerate(MONTHS, 2)
    )


def behind(text: str, folder: Path) -> bool:
    """Whether the README of a history has fallen behind."""
    return bool(ask_history("docs-freshness", text, folder).observations)


def test_three_changes_after_the_last_one_of_the_document_are_too_many(tmp_path: Path) -> None:
    assert behind(START + changed(), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        changed(author="dependabot[bot] <bot@example.com>"),
        changed(subject="chore(release): 1.2.0"),
        changed("uv.lock"),
        changed("app/x.py"),
        changed().partition("#-- Dockerfile\nFROM a:4")[0],
    ],
)
def test_bots_releases_and_other_files_are_no_changes(text: str, tmp_path: Path) -> None:
    assert not behind(START + text, tmp_path)


def test_a_new_version_alone_is_no_change(tmp_path: Path) -> None:
    rows = "".join(
        f'#-- pyproject.toml\n[project]\nname = "a"\nversion = "1.{n}"\n'
        f"#-- commit {date} | chore: next\n"
        for n, date in enumerate(("2024-05-01", *MONTHS))
    )
    assert not behind(START + rows, tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#   Orders\n", True),
        ("# Orders\n\n[![CI](https://img.shields.io/a.svg)](https://example.com)\n", True),
        ("# Orders\n\nRun it.\n", False),
    ],
)
def test_blanks_and_badges_do_not_refresh_a_document(
    text: str, found: bool, tmp_path: Path
) -> None:
    edited = f"#-- README.md\n{text}#-- commit 2024-08-02 | docs: readme\n"
    assert behind(START + changed() + edited, tmp_path) == found


def test_a_document_that_links_to_the_file_may_stay(tmp_path: Path) -> None:
    linked = START.replace("# Orders", "# Orders\n\nSee the [image](./Dockerfile).")
    assert not behind(linked + changed(), tmp_path)


def test_a_document_is_followed_through_its_renames(tmp_path: Path) -> None:
    renamed = (
        "#-- delete README.md\n#-- README.markdown\n# Orders\n#-- commit 2024-08-02 | docs: r\n"
    )
    assert behind(START + changed() + renamed, tmp_path)


def test_a_moved_file_is_no_change(tmp_path: Path) -> None:
    moves = (
        "#-- deploy/a\n1\n#-- commit 2024-01-02 | feat: a\n#-- README.md\n# Orders\n\nNew.\n"
        "#-- commit 2024-01-03 | docs: new\n"
        "#-- delete deploy/a\n#-- deploy/b\n1\n#-- commit 2024-06-01 | chore: move\n"
        "#-- delete deploy/b\n#-- deploy/c\n1\n#-- commit 2024-07-01 | chore: move\n"
        "#-- delete deploy/c\n#-- deploy/d\n1\n#-- commit 2024-08-01 | chore: move\n"
    )
    assert not behind(START + moves, tmp_path)


def test_a_repository_without_such_a_document_has_no_site(tmp_path: Path) -> None:
    outcome = ask_history("docs-freshness", START.replace("README.md", "INFO.md"), tmp_path)
    assert outcome.sites == 0
