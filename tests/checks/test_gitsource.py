"""One commit of a repository is read whole, whatever lies beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from checks import gitsource
from checks.errors import (
    DamagedRepository,
    EmptyRepository,
    UnknownRevision,
    UnsupportedRepository,
)
from checks.facts.store import MemoryFactStore
from checks.gitread import git_program
from checks.gitsource import GitSource, resolve
from checks.source import Source
from tests.materialise import Materialised, materialise
from tests.rawgit import RawRepository

HISTORY = """\
#-- a.py
A = 1
#-- commit 2024-05-01 | feat: start | Ann <ann@example.com>
#-- tag v1.0.0
#-- branch feature/x
#-- b.py
B = 1
#-- commit 2024-05-03 | feat: part one
#-- checkout main
#-- a.py
A = 2
#-- commit 2024-05-02 | feat: meanwhile
#-- merge feature/x | Merge feature/x
#-- delete a.py
#-- commit 2024-05-04 | refactor: drop a
"""


@pytest.fixture
def example(tmp_path: Path) -> Materialised:
    return materialise(HISTORY, tmp_path / "orders.git")


@pytest.fixture
def raw(tmp_path: Path) -> RawRepository:
    return RawRepository(tmp_path / "raw.git")


def source_of(example: Materialised) -> GitSource:
    return GitSource(example.git_dir, example.commit)


def test_the_port_is_kept(example: Materialised) -> None:
    source: Source = source_of(example)
    assert source.commit == example.commit
    assert source.time == 1714824000  # noon of 2024-05-04
    assert not source.shallow
    assert [entry.path for entry in source.tree()] == ["b.py"]
    assert source.notes() == ()


def test_blobs_come_in_the_order_asked_for(raw: RawRepository) -> None:
    contents = [b"", b"\n", b"\0binary\n\0", b"x" * 70_000, "\u00e9".encode(), b"no newline"]
    oids = [raw.blob(content) for content in contents]
    commit = raw.commit(raw.tree([("100644", b"%d" % n, oid) for n, oid in enumerate(oids)]))
    source = GitSource(raw.git_dir, commit)
    asked = [*reversed(oids), oids[0], *oids]
    expected = dict(zip(oids, contents, strict=True))
    assert list(source.blobs(asked)) == [(oid, expected[oid]) for oid in asked]
    source.tree()
    assert list(source.blobs(asked)) == [(oid, expected[oid]) for oid in asked]
    assert list(source.blobs([])) == []


def test_more_blobs_than_fit_into_a_pipe_are_read(raw: RawRepository) -> None:
    oids = [raw.blob(b"%d" % n * 50) for n in range(1_203)]
    source = GitSource(raw.git_dir, raw.commit(raw.tree([])))
    assert [content for _, content in source.blobs(oids)] == [b"%d" % n * 50 for n in range(1_203)]


def test_an_answer_left_in_the_pipe_is_not_read_as_the_next(raw: RawRepository) -> None:
    first, second = raw.blob(b"first"), raw.blob(b"second")
    source = GitSource(raw.git_dir, raw.commit(raw.tree([])))
    interrupted = source.blobs([first, second])
    assert next(interrupted) == (first, b"first")
    del interrupted
    assert list(source.blobs([first])) == [(first, b"first")]


def test_a_blob_over_the_limit_is_left_out(
    raw: RawRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitsource, "MAX_ONE_BLOB", 100)
    small, large = raw.blob(b"x" * 100), raw.blob(b"x" * 101)
    source = GitSource(raw.git_dir, raw.commit(raw.tree([("100644", b"large", large)])))
    assert [oid for oid, _ in source.blobs([large, small])] == [small]


def test_blobs_beyond_the_limit_on_bytes_are_left_out(raw: RawRepository) -> None:
    small, large = raw.blob(b"x" * 10), raw.blob(b"x" * 1_000)
    commit = raw.commit(raw.tree([("100644", b"l", large), ("100644", b"s", small)]))
    source = GitSource(raw.git_dir, commit, max_bytes=500)
    assert [entry.path for entry in source.tree()] == ["l", "s"]
    assert [oid for oid, _ in source.blobs([large, small])] == [small]
    assert ("l", "not read: the repository is over the limit on bytes") in source.notes()


def test_a_missing_blob_is_damage_and_no_silence(raw: RawRepository) -> None:
    source = GitSource(raw.git_dir, raw.commit(raw.tree([])))
    with pytest.raises(DamagedRepository, match="make a new, full clone"):
        list(source.blobs(["56" * 20]))


def test_a_folder_is_not_given_as_a_blob(raw: RawRepository) -> None:
    tree = raw.tree([])
    with pytest.raises(DamagedRepository):
        list(GitSource(raw.git_dir, raw.commit(tree)).blobs([tree]))


@pytest.mark.parametrize("oid", ["--all", "HEAD", "12" * 20 + "\n" + "34" * 20, "A" * 40])
def test_only_full_ids_are_asked_for(raw: RawRepository, oid: str) -> None:
    source = GitSource(raw.git_dir, raw.commit(raw.tree([])))
    with pytest.raises(DamagedRepository):
        list(source.blobs([oid]))


def test_a_damaged_blob_is_named_as_damage(raw: RawRepository) -> None:
    blob = raw.blob(b"content")
    source = GitSource(raw.git_dir, raw.commit(raw.tree([("100644", b"a", blob)])))
    raw.place(blob).write_bytes(b"no zlib")
    with pytest.raises(DamagedRepository):
        list(source.blobs([blob]))
    source.tree()
    assert source.notes() == (("a", "not read: its content is missing from this clone"),)
    assert list(source.blobs([blob])) == []


def test_a_commit_that_is_not_there_is_unknown(raw: RawRepository) -> None:
    raw.commit(raw.tree([]))
    for oid in ("78" * 20, raw.tree([])):
        with pytest.raises(UnknownRevision, match="is no commit of raw"):
            GitSource(raw.git_dir, oid).tree()
    with pytest.raises(UnknownRevision):
        GitSource(raw.git_dir, "main")


def test_history_is_newest_first_and_knows_authors_and_tags(example: Materialised) -> None:
    history = source_of(example).history()
    assert [commit.subject for commit in history] == [
        "refactor: drop a",
        "Merge feature/x",
        "feat: part one",
        "feat: meanwhile",
        "feat: start",
    ]
    first = history[-1]
    assert (first.author, first.email, first.parents) == ("Ann", "ann@example.com", ())
    assert first.tags == ("v1.0.0",)
    assert all(commit.tags == () for commit in history[:-1])
    assert history[1].parents == (history[3].oid, history[2].oid)
    assert history[0].time == history[0].author_time == 1714824000


def test_the_mainline_is_the_chain_of_first_parents(example: Materialised) -> None:
    source = source_of(example)
    subjects = {commit.oid: commit.subject for commit in source.history()}
    assert [subjects[oid] for oid in source.mainline()] == [
        "refactor: drop a",
        "Merge feature/x",
        "feat: meanwhile",
        "feat: start",
    ]


def test_changes_are_against_the_first_parent(example: Materialised) -> None:
    source = source_of(example)
    changes = dict(source.changes())
    assert list(changes) == [commit.oid for commit in source.history()]
    told = [[(each.status, each.path) for each in changed] for changed in changes.values()]
    assert told == [
        [("D", "a.py")],
        [("A", "b.py")],
        [("A", "b.py")],
        [("M", "a.py")],
        [("A", "a.py")],
    ]
    dropped, added = next(iter(changes.values()))[0], list(changes.values())[-1][0]
    assert (dropped.new_oid, added.old_oid) == ("", "")
    assert [content for _, content in source.blobs([added.new_oid])] == [b"A = 1\n"]
    assert [content for _, content in source.blobs([dropped.old_oid])] == [b"A = 2\n"]


def test_a_long_history_is_cut_and_says_so(example: Materialised) -> None:
    whole = source_of(example)
    assert not whole.truncated
    assert not GitSource(example.git_dir, example.commit, max_commits=5).truncated
    cut = GitSource(example.git_dir, example.commit, max_commits=2)
    assert cut.truncated
    assert cut.history() == whole.history()[:2]
    assert list(cut.changes()) == list(whole.changes())[:2]
    assert cut.mainline() == whole.mainline()[:2]


def test_annotated_and_broken_tags_do_no_harm(raw: RawRepository) -> None:
    commit = raw.commit(raw.tree([]))
    tag = raw.write("tag", f"object {commit}\ntype commit\ntag v2\n".encode() + b"\nnotes\n")
    raw.ref("refs/tags/v2", tag)
    raw.ref("refs/tags/on-a-file", raw.blob())
    raw.ref("refs/tags/gone", "9a" * 20)
    raw.ref("refs/tags/empty", "")
    raw.ref("refs/tags/main", raw.commit(raw.tree([]), message=b"other", branch=""))
    [only] = GitSource(raw.git_dir, commit).history()
    assert only.tags == ("v2",)


def test_branches_are_those_of_the_mirror(example: Materialised) -> None:
    assert list(source_of(example).branches()) == ["feature/x", "main"]


def test_branches_of_a_checkout_are_those_of_its_origin(example: Materialised) -> None:
    (example.git_dir / "refs/remotes/origin").mkdir(parents=True)
    (example.git_dir / "refs/remotes/origin/HEAD").write_text("ref: refs/remotes/origin/dev\n")
    (example.git_dir / "refs/remotes/origin/dev").write_text(example.commit + "\n")
    assert list(source_of(example).branches()) == ["dev"]


def test_a_branch_whose_name_is_no_text_harms_nothing(raw: RawRepository) -> None:
    commit = raw.commit(raw.tree([]))
    packed = b"# pack-refs with: peeled fully-peeled sorted\n%s refs/heads/\xff\n"
    (raw.git_dir / "packed-refs").write_bytes(packed % commit.encode())
    source = GitSource(raw.git_dir, commit)
    assert sorted(source.branches()) == ["\\xff", "main"]
    assert resolve(raw.git_dir, "main") == resolve(raw.git_dir) == commit
    assert len(source.history()) == 1


def test_history_is_remembered(example: Materialised) -> None:
    store = MemoryFactStore()
    fresh = source_of(example)
    first = GitSource(example.git_dir, example.commit, remember=store)
    changes = list(fresh.changes())
    assert first.history() == fresh.history()
    assert list(first.changes()) == changes
    # Without its objects a repository has only what is remembered of it.
    (example.git_dir / "objects").rename(example.git_dir / "taken")
    (example.git_dir / "objects").mkdir()
    (example.git_dir / "refs/tags/v1.0.0").unlink()
    again = GitSource(example.git_dir, example.commit, remember=store)
    assert [commit.oid for commit in again.history()] == [c.oid for c in fresh.history()]
    assert list(again.changes()) == changes


def test_tags_are_never_remembered(example: Materialised) -> None:
    store = MemoryFactStore()
    GitSource(example.git_dir, example.commit, remember=store).history()
    (example.git_dir / "refs/tags/v9").write_text(example.commit + "\n")
    again = GitSource(example.git_dir, example.commit, remember=store)
    assert again.history()[0].tags == ("v9",)


def test_a_shallow_clone_says_so_and_is_not_remembered(
    example: Materialised, tmp_path: Path
) -> None:
    clone = tmp_path / "shallow.git"
    url = f"file://{example.git_dir}"
    arguments = [git_program(), "clone", "--quiet", "--bare", "--depth=2", url, str(clone)]
    subprocess.run(arguments, check=True)
    store = MemoryFactStore()
    source = GitSource(clone, example.commit, remember=store)
    assert source.shallow
    assert len(source.history()) < 5
    assert list(source.changes())
    whole = GitSource(example.git_dir, example.commit, remember=store)
    assert len(whole.history()) == 5
    assert len(list(whole.changes())) == 5


def test_a_repository_with_ids_of_64_digits_is_read(tmp_path: Path) -> None:
    raw = RawRepository(tmp_path / "raw.git", digits=64)
    first = raw.commit(raw.tree([]))
    blob = raw.blob(b"X = 1\n")
    commit = raw.commit(raw.tree([("100644", b"a.py", blob)]), [first])
    source = GitSource(raw.git_dir, resolve(raw.git_dir, "main"))
    assert source.commit == commit
    assert list(source.blobs(entry.oid for entry in source.tree())) == [(blob, b"X = 1\n")]
    assert [each.oid for each in source.history()] == [commit, first]
    assert [changed[0].path for _, changed in source.changes() if changed] == ["a.py"]


class TestResolve:
    """Turning what a person named into a commit."""

    def test_the_head_is_read_without_the_cost_of_gitpython(self, example: Materialised) -> None:
        text = (
            "import pathlib, sys; from checks.gitsource import GitSource, resolve;"
            "git_dir = pathlib.Path(sys.argv[1]); source = GitSource(git_dir, resolve(git_dir));"
            "print(len(source.tree()), len(source.history()), 'git' in sys.modules)"
        )
        told = subprocess.run(
            [sys.executable, "-c", text, str(example.git_dir)],
            cwd=Path(gitsource.__file__).parents[1],
            capture_output=True,
            check=True,
        )
        assert told.stdout.split() == [b"1", b"5", b"False"]

    @pytest.mark.parametrize(
        "config",
        [
            b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n[user]\n\tname = Jos\xe9\n",
            b'[core]\n\tbare = true\n[a]\n\tx = %(y)s\n\tx = 2\n[a]\n\tz\n[b "c.d"]\n',
            b"\xef\xbb\xbf[core]\n\tbare = true\n\tworktree = ../../etc\n",
            b"[core]\n\tbare = true\n[include]\n\tpath = /etc/passwd\n\tpath = config\n",
            b"",
        ],
    )
    def test_what_stands_in_the_configuration_does_not_matter(
        self, example: Materialised, config: bytes
    ) -> None:
        (example.git_dir / "config").write_bytes(config)
        try:
            assert resolve(example.git_dir) == example.commit
        except UnsupportedRepository:
            # What git itself refuses is refused for a named revision as well.
            with pytest.raises(UnsupportedRepository):
                resolve(example.git_dir, "main")
            return
        assert resolve(example.git_dir, "main") == example.commit

    def test_without_a_name_it_is_the_head(self, example: Materialised) -> None:
        assert resolve(example.git_dir) == resolve(example.git_dir, "HEAD") == example.commit

    def test_branches_tags_ids_and_steps_are_found(self, example: Materialised) -> None:
        history = GitSource(example.git_dir, example.commit).history()
        named = {
            "main": 0,
            "refs/heads/main": 0,
            "v1.0.0": 4,
            "feature/x": 2,
            "HEAD~1": 1,
            "main~1^2": 2,
            "main~1^1": 3,
            history[3].oid: 3,
            history[3].oid[:10]: 3,
            history[3].oid[:10] + "~1": 4,
        }
        found = {name: resolve(example.git_dir, name) for name in named}
        assert found == {name: history[place].oid for name, place in named.items()}

    def test_a_branch_goes_before_a_tag_of_the_same_name(self, example: Materialised) -> None:
        other = GitSource(example.git_dir, example.commit).history()[-1].oid
        (example.git_dir / "refs/tags/main").write_text(other + "\n")
        assert resolve(example.git_dir, "main") == example.commit
        assert resolve(example.git_dir, "refs/tags/main") == other

    def test_a_branch_called_like_an_id_or_head_hides_nothing(self, example: Materialised) -> None:
        other = GitSource(example.git_dir, example.commit).history()[-1].oid
        for name in (example.commit, "HEAD"):
            (example.git_dir / "refs/heads" / name).write_text(other + "\n")
        assert resolve(example.git_dir, example.commit) == example.commit
        assert resolve(example.git_dir) == resolve(example.git_dir, "HEAD") == example.commit

    def test_a_short_id_is_not_taken_for_a_reference(self, example: Materialised) -> None:
        other = GitSource(example.git_dir, example.commit).history()[-1].oid
        (example.git_dir / "abcdef0").write_text(other + "\n")
        with pytest.raises(UnknownRevision):
            resolve(example.git_dir, "abcdef0")

    @pytest.mark.parametrize(
        "rev",
        [
            *(
                "--all",
                "-1",
                "main..feature/x",
                "^main",
                "main:a.py",
                ":/feat",
                "@{-1}",
                "main@{1}",
            ),
            *("refs/heads/*", "a b", "main\n", "main~x", "main~99999999", "~1", "main^{tree}"),
        ],
    )
    def test_what_is_no_name_is_refused(self, example: Materialised, rev: str) -> None:
        with pytest.raises(UnknownRevision, match="is no name of a revision"):
            resolve(example.git_dir, rev)

    @pytest.mark.parametrize("rev", ["nope", "12" * 20, "1234567", "refs/heads/x", "main~50"])
    def test_a_name_of_nothing_is_answered_with_what_there_is(
        self, example: Materialised, rev: str
    ) -> None:
        with pytest.raises(UnknownRevision, match="its branches are feature/x, main"):
            resolve(example.git_dir, rev)

    def test_a_file_or_a_tag_of_one_is_no_commit(self, raw: RawRepository) -> None:
        raw.commit(raw.tree([]))
        blob = raw.blob()
        raw.ref("refs/tags/file", blob)
        for name in ("file", blob):
            with pytest.raises(UnknownRevision):
                resolve(raw.git_dir, name)

    def test_an_empty_repository_says_that_it_is_empty(self, raw: RawRepository) -> None:
        with pytest.raises(EmptyRepository, match=r"raw\.git has no commit yet"):
            resolve(raw.git_dir)

    def test_a_head_that_points_nowhere_names_the_branches(self, raw: RawRepository) -> None:
        raw.commit(raw.tree([]), branch="dev")
        with pytest.raises(UnknownRevision, match="its branches are dev"):
            resolve(raw.git_dir)
        assert resolve(raw.git_dir, "dev")

    def test_a_format_of_the_future_is_named(self, raw: RawRepository) -> None:
        raw.commit(raw.tree([]))
        (raw.git_dir / "config").write_text("[core]\n\trepositoryformatversion = 99\n")
        for rev in ("", "main"):
            with pytest.raises(UnsupportedRepository, match="cannot read the format of raw"):
                resolve(raw.git_dir, rev)
