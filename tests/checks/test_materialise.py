"""Examples become the repositories that they describe."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from checks.gitread import environment, git_program
from tests.materialise import ExampleError, Materialised, materialise


def git(example: Materialised, *arguments: str) -> str:
    return subprocess.run(
        [git_program(), *arguments],
        env=environment(example.git_dir),
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def files(example: Materialised, rev: str = "main") -> dict[str, str]:
    names = git(example, "ls-tree", "-r", "--name-only", rev).splitlines()
    return {name: git(example, "show", f"{rev}:{name}") for name in names}


def subjects(example: Materialised, rev: str = "main") -> list[str]:
    return git(example, "log", "--topo-order", "--format=%as %s", rev).splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "example.git"


def test_files_that_remain_are_committed_on_the_last_day(folder: Path) -> None:
    example = materialise("#-- app/a.py\nX = 1\n\n#-- README.md\n# Orders\n", folder)
    assert files(example) == {"README.md": "# Orders\n", "app/a.py": "X = 1\n\n"}
    assert subjects(example) == ["2025-01-31 chore: import"]
    assert git(example, "rev-parse", "HEAD", "main").split() == [example.commit] * 2


def test_a_later_file_of_the_same_path_replaces_the_earlier(folder: Path) -> None:
    example = materialise("#-- a.py\nX = 1\n#-- commit 2024-05-01 | feat: one\n#-- a.py\n", folder)
    assert files(example) == {"a.py": ""}
    assert subjects(example) == ["2025-01-31 chore: import", "2024-05-01 feat: one"]


def test_nothing_is_added_when_all_is_committed(folder: Path) -> None:
    example = materialise("#-- a.py\nX = 1\n#-- commit 2024-05-01 | feat: one\n", folder)
    assert subjects(example) == ["2024-05-01 feat: one"]


def test_lines_are_repeated_with_their_number_and_their_indent(folder: Path) -> None:
    text = "#-- a.py\nif X:\n#-- repeat 2 |     Y = {n}, {n:02d}, {'m': {}}\nZ = 3\n"
    example = materialise(text, folder)
    expected = "if X:\n    Y = 1, 01, {'m': {}}\n    Y = 2, 02, {'m': {}}\nZ = 3\n"
    assert files(example) == {"a.py": expected}


def test_only_a_line_feed_ends_a_line(folder: Path) -> None:
    example = materialise("#-- a.txt\none\x0c#-- two\u2028three\r\n", folder)
    assert files(example)["a.txt"].startswith("one\x0c#-- two\u2028three")


def test_an_author_may_be_named(folder: Path) -> None:
    text = "#-- a\n#-- commit 2024-05-01 | fix: a | renovate[bot] <bot@example.com>\n"
    example = materialise(text, folder)
    assert git(example, "log", "--format=%an %ae").strip() == "renovate[bot] bot@example.com"
    assert git(example, "log", "--format=%ct").strip() == "1714564800"


def test_commits_are_repeated_and_each_adds_a_note(folder: Path) -> None:
    text = "#-- a\nX\n#-- repeat-commits 3 | 2024-01-{n:02d} | docs: note {n}\n"
    example = materialise(text, folder)
    assert subjects(example) == [f"2024-01-0{n} docs: note {n}" for n in (3, 2, 1)]
    assert files(example, "main~2") == {"a": "X\n", "NOTES.md": "note 1\n"}
    assert files(example)["NOTES.md"] == "note 1\nnote 2\nnote 3\n"


def test_branches_merges_and_deletions_act_where_they_stand(folder: Path) -> None:
    text = """\
#-- a
1
#-- lib/b
1
#-- commit 2024-05-01 | feat: start
#-- branch feature/x
#-- c
1
#-- delete lib
#-- commit 2024-05-03 | feat: part one
#-- checkout main
#-- a
2
#-- commit 2024-05-02 | feat: meanwhile
#-- merge feature/x | Merge feature/x
"""
    example = materialise(text, folder)
    assert files(example) == {"a": "2\n", "c": "1\n"}
    assert files(example, "feature/x") == {"a": "1\n", "c": "1\n"}
    assert git(example, "log", "-1", "--format=%as %s %p").split()[:3] == [
        "2024-05-03",
        "Merge",
        "feature/x",
    ]
    parents = git(example, "log", "-1", "--format=%P").split()
    assert [git(example, "log", "-1", "--format=%s", each).strip() for each in parents] == [
        "feat: meanwhile",
        "feat: part one",
    ]


def test_a_branch_that_is_not_merged_stays_beside_main(folder: Path) -> None:
    text = (
        "#-- a\n#-- commit 2024-05-01 | feat: a\n#-- branch x\n#-- b\n#-- commit 2024-05-02 | b\n"
    )
    example = materialise(text + "#-- checkout main\n", folder)
    refs = git(example, "for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/heads/main", "refs/heads/x"]
    assert files(example) == {"a": ""}


def test_a_tag_marks_the_commit_before_it(folder: Path) -> None:
    text = "#-- a\n#-- commit 2024-05-01 | feat: a\n#-- tag v1.0.0\n#-- b\n"
    example = materialise(text, folder)
    assert git(example, "rev-parse", "v1.0.0") == git(example, "rev-parse", "main~1")


def test_tables_and_attestations_stand_beside_the_repository(folder: Path) -> None:
    text = """\
#-- a
#-- release-table.json
{"fastapi": []}
#-- advisory-table.json
[{"id": "GHSA-0000"}]
#-- attestations.toml
[[attestation]]
topic = "reviews"
on = 2025-01-10
"""
    example = materialise(text, folder)
    assert files(example) == {"a": ""}
    assert example.tables == {
        "release-table.json": {"fastapi": []},
        "advisory-table.json": [{"id": "GHSA-0000"}],
    }
    assert example.attestations == ({"topic": "reviews", "on": dt.date(2025, 1, 10)},)


def test_an_example_of_attestations_alone_is_an_empty_commit(folder: Path) -> None:
    example = materialise("#-- attestations.toml\n", folder)
    assert files(example) == {}
    assert subjects(example) == ["2025-01-31 chore: import"]
    assert example.attestations == ()


def test_the_same_text_gives_the_same_commit(tmp_path: Path) -> None:
    text = "#-- a\n#-- repeat-commits 3 | 2024-01-{n:02d} | docs: note {n}\n#-- delete a\n"
    first, second = (materialise(text, tmp_path / name) for name in ("one", "two"))
    assert first.commit == second.commit


@pytest.mark.parametrize(
    "text",
    [
        "X = 1\n",
        "#-- repeat 3 | x\n",
        "#-- a\n#-- repeat 3\n",
        "#-- checkout nowhere\n",
        "#-- a\n#-- tag v1\n",
        "#-- a\n#-- commit 2024-01-01 | a\n#-- branch x\n#-- b\n#-- checkout main\n",
    ],
)
def test_a_text_that_does_not_follow_the_format_is_refused(text: str, folder: Path) -> None:
    with pytest.raises(ExampleError):
        materialise(text, folder)
