"""Odd commits are read like others: nothing in them stops the history."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import githistory
from checks.errors import DamagedRepository, ReadLimit
from checks.githistory import LATEST, clamp, first_parents, read_changes, read_commits, read_tags
from checks.gitsource import GitSource
from checks.source import Commit, LineChange
from tests.materialise import materialise
from tests.rawgit import RawRepository


@pytest.fixture
def raw(tmp_path: Path) -> RawRepository:
    return RawRepository(tmp_path / "raw.git")


def only(raw: RawRepository, oid: str) -> Commit:
    [commit] = read_commits(raw.git_dir, oid, limit=10)
    return commit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"0", 0),
        (b"1700000000", 1700000000),
        (b"-1", 0),
        (b"", 0),
        (b"tomorrow", 0),
        (b"7258118401", LATEST),
        (b"9223372036854775807", LATEST),
        (b"9" * 5000, LATEST),
    ],
)
def test_dates_are_moved_into_what_calendars_hold(text: bytes, seconds: int) -> None:
    assert clamp(text) == seconds


@pytest.mark.parametrize(
    "when",
    [
        *(b"-5000000000 +0000", b"4611686018427387904 +0000", b"18446744073709551616 +0000"),
        *(b"1700000000 +9900", b"1700000000", b"", b"yesterday +0000", b"253402300800 +0000"),
    ],
)
def test_a_commit_with_an_odd_date_is_read(raw: RawRepository, when: bytes) -> None:
    person = b"Dev <dev@example.com> " + when
    first = raw.commit(raw.tree([]), author=person, committer=person)
    second = raw.commit(raw.tree([]), [first])
    found = list(read_commits(raw.git_dir, second, limit=10))
    assert [commit.oid for commit in found] == [second, first]
    assert 0 <= found[1].time <= LATEST
    assert 0 <= found[1].author_time <= LATEST


def test_names_and_messages_in_any_encoding_are_text(raw: RawRepository) -> None:
    person = b"Jos\xe9 <j\xff@example.com> 1700000000 +0000"
    told = only(
        raw,
        raw.commit(
            raw.tree([]),
            author=person,
            message=b"gr\xfc\xdfe\n\ntext \xe9\n",
            headers=b"encoding ISO-8859-1\n",
        ),
    )
    assert (told.author, told.subject, told.body) == ("José", "grüße", "text é")
    untold = only(raw, raw.commit(raw.tree([]), author=person, message=b"gr\xfc\xdfe\n"))
    assert "\ufffd" in untold.subject
    assert untold.author.startswith("Jos")
    unknown = raw.commit(raw.tree([]), message=b"hi\n", headers=b"encoding no-such-thing\n")
    assert only(raw, unknown).subject == "hi"


def test_a_message_is_split_into_subject_and_body(raw: RawRepository) -> None:
    message = b"fix: one\ntwo\n\nfirst\n\nBREAKING CHANGE: second\n\n\n"
    commit = only(raw, raw.commit(raw.tree([]), message=message))
    assert commit.subject == "fix: one two"
    assert commit.body == "first\n\nBREAKING CHANGE: second"


@pytest.mark.parametrize(
    "message", [b"", b"\n\n", b"a\0b\n\nc\0d", b"%x00%H", b"x" * 300_000, b":000 111 a b M"]
)
def test_no_message_moves_the_fields_of_the_next_commit(raw: RawRepository, message: bytes) -> None:
    first = raw.commit(raw.tree([]), message=b"first\n")
    second = raw.commit(raw.tree([]), [first], message=message)
    third = raw.commit(raw.tree([]), [second], message=b"third\n")
    found = list(read_commits(raw.git_dir, third, limit=10))
    assert [commit.oid for commit in found] == [third, second, first]
    assert [found[0].subject, found[2].subject] == ["third", "first"]
    assert len(found[1].subject) <= githistory.MAX_BODY_BYTES
    assert [oid for oid, _ in read_changes(raw.git_dir, found)] == [third, second, first]


def test_a_history_of_endless_messages_ends_at_its_limit(
    raw: RawRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(githistory, "MAX_HISTORY_BYTES", 100_000)
    commit = raw.commit(raw.tree([]), message=b"x" * 200_000)
    with pytest.raises(ReadLimit, match="The history of raw"):
        list(read_commits(raw.git_dir, commit, limit=10))


def test_a_missing_commit_is_damage_in_history_and_in_changes(raw: RawRepository) -> None:
    first = raw.commit(raw.tree([]))
    second = raw.commit(raw.tree([]), [first])
    commits = list(read_commits(raw.git_dir, second, limit=10))
    raw.place(first).unlink()
    with pytest.raises(DamagedRepository):
        list(read_commits(raw.git_dir, second, limit=10))
    with pytest.raises(DamagedRepository):
        list(read_changes(raw.git_dir, commits))


def test_all_kinds_of_changes_are_told(raw: RawRepository) -> None:
    one, two = raw.blob(b"1"), raw.blob(b"2")
    sub = raw.tree([("100644", b"\xff", one), ("100644", b"with space", one)])
    names = (b":odd", b"ad\nd", b"gone", b"mode", b"same", b"text", b"type")
    before = dict.fromkeys(names, ("100644", one))
    after = before | {
        b"text": ("100644", two),
        b"mode": ("100755", one),
        b"type": ("120000", one),
        b"new": ("100644", two),
    }
    del before[b":odd"], before[b"ad\nd"], after[b"gone"]

    def tree_of(files: dict[bytes, tuple[str, str]]) -> str:
        return raw.tree(
            (mode, name, files[name][1]) for name in sorted(files) for mode in [files[name][0]]
        )

    first = raw.commit(tree_of(before))
    with_folder = {**after, b"zsub": ("40000", sub)}
    second = raw.commit(tree_of(with_folder), [first])
    commits = list(read_commits(raw.git_dir, second, limit=10))
    (_, changed), (_, begun) = read_changes(raw.git_dir, commits)
    assert [(each.status, each.path) for each in changed] == [
        ("A", ":odd"),
        ("A", "ad\nd"),
        ("D", "gone"),
        ("M", "mode"),
        ("A", "new"),
        ("M", "text"),
        ("T", "type"),
        ("A", "zsub/\\xff"),
        ("A", "zsub/with space"),
    ]
    assert {each.status for each in begun} == {"A"}
    assert (changed[5].old_oid, changed[5].new_oid) == (one, two)


def test_a_tag_of_a_tag_is_followed_and_a_circle_is_not_possible(raw: RawRepository) -> None:
    commit = raw.commit(raw.tree([]))
    oid, kind = commit, "commit"
    for number in range(8):
        text = f"object {oid}\ntype {kind}\ntag t{number}\n\nnotes\n"
        oid, kind = raw.write("tag", text.encode()), "tag"
        raw.ref(f"refs/tags/t{number}", oid)
    raw.ref("refs/tags/broken", raw.write("tag", b"nonsense"))
    assert read_tags(raw.git_dir) == {commit: ("t0", "t1", "t2", "t3")}


def test_first_parents_come_nearest_first(raw: RawRepository) -> None:
    chain: list[str] = []
    for number in range(5):
        side = raw.commit(raw.tree([]), message=b"side %d" % number, branch="")
        message = b"main %d" % number
        chain.append(raw.commit(raw.tree([]), [*chain[-1:], side], message=message))
    assert first_parents(raw.git_dir, chain[-1], limit=3) == chain[:1:-1]


def test_changed_lines_are_counted_and_a_moved_file_counts_what_changed_in_it(
    tmp_path: Path,
) -> None:
    text = (
        "#-- a.py\n" + "".join(f"x{n} = {n}\n" for n in range(20))
        + "#-- commit 2024-05-01 | a\n#-- delete a.py\n#-- app/a.py\n"
        + "".join(f"x{n} = {n}\n" for n in range(21)) + "#-- commit 2024-05-02 | b\n"
    )  # fmt: skip
    made = materialise(text, tmp_path / "r")
    source = GitSource(made.git_dir, made.commit)
    found = source.line_changes(source.history())
    assert [list(found[commit.oid]) for commit in source.history()] == [
        [LineChange("app/a.py", 1, 0, "a.py")],
        [LineChange("a.py", 20, 0)],
    ]


def test_a_file_of_which_a_version_is_lost_is_left_out_of_the_counts(raw: RawRepository) -> None:
    lost, kept = raw.blob(b"1\n2\n"), raw.blob(b"x\n")
    first = raw.commit(raw.tree([("100644", b"a.py", kept)]))
    both = raw.tree([("100644", b"a.py", raw.blob(b"x\ny\n")), ("100644", b"data [1].bin", lost)])
    second = raw.commit(both, [first])
    raw.place(lost).unlink()
    source = GitSource(raw.git_dir, second)

    found = source.line_changes(source.history())

    assert [list(found[oid]) for oid in (second, first)] == [
        [LineChange("a.py", 1, 0)],
        [LineChange("a.py", 1, 0)],
    ]


def test_commits_of_unmerged_branches_lie_beside(tmp_path: Path) -> None:
    text = (
        "#-- a\nx\n#-- commit 2024-05-01 | a\n#-- branch topic\n#-- b\nx\n"
        "#-- commit 2024-05-02 | b\n#-- c\nx\n#-- commit 2024-05-03 | c\n#-- checkout main\n"
    )
    made = materialise(text, tmp_path / "r")
    source = GitSource(made.git_dir, made.commit)
    assert [commit.subject for commit in source.beside(10)] == ["c", "b"]
    assert [commit.subject for commit in source.beside(1)] == ["c"]
