"""Earlier states of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.gitsource import GitSource
from checks.project.project import Project
from checks.project.snapshots import MOST, is_release
from checks.reading import read_project
from tests.checks.projects import STORE
from tests.materialise import materialise

ROUTER = "from fastapi import APIRouter\nrouter = APIRouter()\n"


def history(text: str, folder: Path) -> Project:
    """The project at the end of a history."""
    made = materialise(text, folder)
    return read_project(GitSource(made.git_dir, made.commit), STORE).project


@pytest.mark.parametrize("tag", ["v1.0.0", "2.3", "20241220", "api-v1.2", "release/3.0"])
def test_versions_and_dates_are_releases(tag: str) -> None:
    assert is_release(tag)


@pytest.mark.parametrize("tag", ["0.9.1", "v0.1", "latest", "v2.0.0-rc1", "nightly"])
def test_early_and_unfinished_versions_are_none(tag: str) -> None:
    assert not is_release(tag)


def test_files_are_as_they_were_and_others_have_no_content(tmp_path: Path) -> None:
    text = (
        f"#-- a.py\n{ROUTER}@router.get('/one')\ndef one(): ...\n#-- b.py\nx = 1\n"
        "#-- commit 2024-01-10 | feat: one\n#-- tag v1.0\n"
        f"#-- a.py\n{ROUTER}@router.get('/two')\ndef two(): ...\n#-- delete b.py\n"
        "#-- c.py\ny = 1\n#-- commit 2024-02-10 | feat: two\n#-- tag v1.1\n"
        "#-- d.py\nz = 1\n#-- commit 2024-03-10 | feat: three\n"
    )
    project = history(text, tmp_path)
    first, second = project.snapshots.taken("tags")
    assert (first.name, sorted(first.project.by_path)) == ("v1.0", ["a.py", "b.py"])
    assert (second.name, sorted(second.project.by_path)) == ("v1.1", ["a.py", "c.py"])
    assert [route.name for route in first.project.routes.handlers] == ["one"]
    assert [route.name for route in second.project.routes.handlers] == ["two"]
    assert not first.project.by_path["b.py"].parsed
    assert [bool(each.text) for each in project.snapshots.versions("b.py")] == [True, False]


def test_of_many_releases_the_newest_and_the_oldest_are_read(tmp_path: Path) -> None:
    commits = "".join(
        f"#-- a.py\n{ROUTER}x = {n}\n#-- commit 2024-01-{n + 1:02d} | feat: x\n#-- tag v1.{n}\n"
        for n in range(12)
    )
    project = history(f"{commits}#-- b.py\nx = 1\n#-- commit 2024-03-10 | feat: y\n", tmp_path)
    names = [each.name for each in project.snapshots.taken("tags")]
    assert len(names) == MOST
    assert (names[0], names[-1]) == ("v1.0", "v1.11")
    assert [name for _, name in project.snapshots.moments("months")] == ["2024-01", "2024-03"]
