"""Which commit changed a file last, in histories with merges, renames and cut ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.authorship import Origin, commits_named, last_changes, only_commit
from checks.gitsource import GitSource
from tests.histories import History


@pytest.fixture
def past(tmp_path: Path) -> History:
    return History(tmp_path / "past.git")


def authors(found: dict[str, Origin]) -> dict[str, str]:
    return {path: origin.author for path, origin in found.items()}


def test_a_first_search_goes_back_until_the_content_came(past: History) -> None:
    one = past.commit("ada", a="1", b="1")
    two = past.commit("ben", one, a="1", b="2")
    found = last_changes(past.at(two), ["a.py", "b.py", "none.py"])

    assert authors(found) == {"a.py": "ada", "b.py": "ben"}
    assert (found["a.py"].commit, found["a.py"].at_least) == (one, False)
    assert found["a.py"].time == 1_700_000_000


def test_a_rename_that_changes_nothing_is_not_where_the_code_came_from(past: History) -> None:
    one = past.commit("ada", a="same")
    two = past.commit("ben", one, b="same")
    three = past.commit("cyd", two, a="same")

    assert authors(last_changes(past.at(two), ["b.py"])) == {"b.py": "ada"}
    assert authors(last_changes(past.at(three), ["a.py"])) == {"a.py": "ada"}


def test_between_two_scans_only_the_new_commits_count(past: History) -> None:
    one = past.commit("ada", a="1", b="1", c="1")
    two = past.commit("ben", one, a="2", b="1", c="1")
    three = past.commit("cyd", two, a="2", b="1")

    assert authors(last_changes(past.at(three), ["a.py", "b.py", "c.py"], one)) == {
        "a.py": "ben",
        "c.py": "cyd",
    }
    assert last_changes(past.at(three), ["a.py"], "0" * 40) == {}


def test_a_merge_counts_only_for_what_none_of_its_commits_did(past: History) -> None:
    one = past.commit("ada", a="1", b="1")
    side = past.commit("ben", one, a="2", b="1")
    main = past.commit("cyd", one, a="1", b="1", c="1")
    merge = past.commit("dee", main, side, a="2", b="by hand", c="1")

    found = last_changes(past.at(merge), ["a.py", "b.py", "c.py"], one)
    assert authors(found) == {"a.py": "ben", "b.py": "dee", "c.py": "cyd"}


def test_of_several_changes_since_any_may_have_brought_it(past: History) -> None:
    one = past.commit("ada", a="1", b="1", c="1", d="1")
    two = past.commit("ben", one, a="2", b="1", c="1", d="1", e="1")
    three = past.commit("cyd", two, a="3", b="2", c="1", d="1", e="2")
    four = past.commit("dee", three, a="3", b="2", d="1", e="2", f="new")

    found = last_changes(past.at(four), ["a.py", "b.py", "c.py", "d.py", "e.py", "f.py"], one)
    assert {path: (each.author, each.at_least) for path, each in found.items()} == {
        "a.py": ("cyd", True),
        "b.py": ("cyd", False),
        "c.py": ("dee", False),
        "e.py": ("cyd", True),
        "f.py": ("dee", False),
    }


def test_what_a_merge_repeats_is_no_second_change(past: History) -> None:
    one = past.commit("ada", a="1", z="same")
    side = past.commit("ben", one, a="2", b="same")
    main = past.commit("cyd", one, a="1", c="1", z="same")
    merge = past.commit("dee", main, side, a="2", b="same", c="1")

    found = last_changes(past.at(merge), ["a.py"], one)
    assert (found["a.py"].author, found["a.py"].at_least) == ("ben", False)
    assert authors(last_changes(past.at(merge), ["b.py"])) == {"b.py": "ada"}


def test_a_file_that_was_there_before_its_last_change_may_have_had_it(past: History) -> None:
    one = past.commit("ada", a="1", b="1")
    two = past.commit("ben", one, a="1", b="2", c="1")

    found = last_changes(past.at(two), ["a.py", "b.py", "c.py"])
    assert {path for path, each in found.items() if each.at_least} == {"b.py"}


def test_the_one_commit_of_a_range(past: History) -> None:
    one = past.commit("ada", a="1")
    two = past.commit("ben", one, a="2")
    three = past.commit("cyd", two, a="3")

    only = only_commit(past.at(two), one)
    assert only is not None
    assert only.author == "ben"
    assert only_commit(past.at(three), one) is None
    assert only_commit(past.at(three), three) is None


def test_a_cut_history_says_since_at_least(past: History) -> None:
    one = past.commit("ada", a="1", b="1")
    two = past.commit("ben", one, a="2", b="1")
    (past.raw.git_dir / "shallow").write_text(f"{two}\n")

    found = last_changes(past.at(two), ["a.py", "b.py"])
    assert {path: (each.author, each.at_least) for path, each in found.items()} == {
        "a.py": ("ben", True),
        "b.py": ("ben", True),
    }


def test_a_long_history_is_read_to_its_bound(past: History) -> None:
    one = past.commit("ada", a="1", b="1")
    two = past.commit("ben", one, a="2", b="1")
    three = past.commit("cyd", two, a="3", b="1")
    source = GitSource(past.raw.git_dir, three, max_commits=2)

    found = last_changes(source, ["b.py"])
    assert (found["b.py"].author, found["b.py"].at_least) == ("ben", True)


def test_what_is_about_a_commit_was_brought_by_it(past: History) -> None:
    one = past.commit("ada", a="1")
    two = past.commit("ben", one, a="2")

    found = commits_named(past.at(two), [f"commit:{one}", "commit:unknown", "app.main:f"])
    assert authors(found) == {f"commit:{one}": "ada"}
