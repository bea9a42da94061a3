"""What is remembered of a history equals what is read anew, in order and in content."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from checks import gitremembered
from checks.facts.leaks import Leak
from checks.facts.store import Key, MemoryFactStore
from checks.gitremembered import RememberedLog
from checks.gitsource import GitSource
from checks.project.leaking import in_tree
from checks.reading import read_project
from tests.rawgit import RawRepository


class CountingStore(MemoryFactStore):
    """Counts the facts that were asked for."""

    asked = 0

    def get_many(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        self.asked += len(keys)
        return super().get_many(keys)


class CountingLog:
    """A log of numbers over heads "1", "2", ...: head n has the records n, n-1, ..., 1."""

    def __init__(self, store: MemoryFactStore, *, limit: int = 10_000) -> None:
        self.log = RememberedLog(store, "numbers", int, limit=limit)
        self.was_read: list[int] = []

    def records(self, head: int) -> list[int]:
        def read(base: str) -> Iterator[int]:
            for number in range(head, int(base or 0), -1):
                self.was_read.append(number)
                yield number

        older = (str(number) for number in range(head - 1, 0, -1))
        return list(self.log.records(str(head), lambda: older, read))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitremembered, "PIECE", 8)


def test_a_head_that_was_read_is_not_read_again() -> None:
    log = CountingLog(MemoryFactStore())
    assert log.records(30) == log.records(30) == list(range(30, 0, -1))
    assert log.was_read == list(range(30, 0, -1))


def test_after_a_push_only_what_is_on_top_is_read() -> None:
    log = CountingLog(MemoryFactStore())
    log.records(30)
    log.was_read.clear()
    assert log.records(33) == list(range(33, 0, -1))
    assert log.was_read == [33, 32, 31]


def test_what_is_on_top_is_read_from_the_nearest_head() -> None:
    log = CountingLog(MemoryFactStore())
    for head in (10, 20, 15):
        log.records(head)
    log.was_read.clear()
    assert log.records(19) == list(range(19, 0, -1))
    assert log.was_read == [19, 18, 17, 16]


def test_a_head_too_far_from_all_others_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitremembered, "REACH", 5)
    log = CountingLog(MemoryFactStore())
    log.records(10)
    log.was_read.clear()
    assert log.records(20) == list(range(20, 0, -1))
    assert log.was_read == list(range(20, 0, -1))


def test_many_small_pushes_stay_few_pieces() -> None:
    store = CountingStore()
    log = CountingLog(store)
    for head in range(1, 60):
        assert log.records(head) == list(range(head, 0, -1))
    assert log.was_read == list(range(1, 60))
    store.asked = 0
    assert log.records(59) == list(range(59, 0, -1))
    assert store.asked < 15


def test_a_piece_that_was_dropped_is_read_again() -> None:
    for victim in range(3):
        store = MemoryFactStore()
        log = CountingLog(store)
        log.records(20)
        pieces = [key for key in store._facts if key.kind == "numbers"]
        assert len(pieces) == 3
        del store._facts[pieces[victim]]
        assert log.records(20) == list(range(20, 0, -1))
        assert log.records(24) == list(range(24, 0, -1))
        log.was_read.clear()
        assert log.records(24) == list(range(24, 0, -1))
        assert log.was_read == []


@pytest.mark.parametrize("rubbish", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81\x01\x02"])
def test_rubbish_in_the_store_is_read_again(rubbish: bytes) -> None:
    store = MemoryFactStore()
    CountingLog(store).records(20)
    for key in store._facts:
        damaged = MemoryFactStore()
        damaged.put_many(store._facts | {key: rubbish})
        assert CountingLog(damaged).records(20) == list(range(20, 0, -1))


def test_who_stops_early_leaves_nothing_half_remembered() -> None:
    store = MemoryFactStore()
    log = CountingLog(store)
    first = log.log.records("30", list, lambda _: iter(range(30, 0, -1)))
    assert [next(first) for _ in range(9)] == list(range(30, 21, -1))
    del first
    assert log.records(30) == list(range(30, 0, -1))


def test_a_limit_cuts_what_is_read_and_what_is_remembered() -> None:
    log = CountingLog(MemoryFactStore(), limit=10)
    for head in (8, 10, 12, 12):
        assert log.records(head) == list(range(head, max(0, head - 10), -1))
    # A history that is cut is cut anew for each head, and remembered for it.
    assert log.was_read == [*range(8, 0, -1), 10, 9, *range(12, 2, -1)]


def test_another_limit_is_another_memory() -> None:
    store = MemoryFactStore()
    CountingLog(store, limit=5).records(30)
    assert CountingLog(store, limit=20).records(30) == list(range(30, 10, -1))


def test_an_empty_log_is_remembered() -> None:
    log = CountingLog(MemoryFactStore())
    assert log.records(0) == log.records(0) == []


def random_history(
    raw: RawRepository, seed: int, texts: Sequence[bytes] = (b"0", b"1", b"2", b"3", b"4")
) -> list[str]:
    """Commits with merges of several lines in any direction; later ones come later."""
    dice = random.Random(seed)
    blobs = [raw.blob(text) for text in texts]
    commits: list[str] = []
    for number in range(60):
        young = commits[-6:]
        parents = dice.sample(young, min(len(young), dice.choice([1, 1, 1, 2, 2, 3])))
        names = sorted(dice.sample([b"a", b"b", b"c", b"d", b"e"], 3))
        tree = raw.tree([("100644", name, dice.choice(blobs)) for name in names])
        person = b"Dev <dev@example.com> %d +0000" % dice.randrange(1_700_000_000, 1_700_000_500)
        message = b"number %d" % number
        commits.append(
            raw.commit(tree, parents, committer=person, message=message, branch=f"b{number}")
        )
    return commits


@pytest.mark.parametrize("seed", range(6))
def test_incremental_equals_full_over_any_history(tmp_path: Path, seed: int) -> None:
    raw = RawRepository(tmp_path / "raw.git")
    commits = random_history(raw, seed)
    store = MemoryFactStore()
    dice = random.Random(seed)
    for head in sorted(dice.sample(range(60), 12)):
        fresh = GitSource(raw.git_dir, commits[head])
        grown = GitSource(raw.git_dir, commits[head], remember=store)
        assert grown.history() == fresh.history()
        assert list(grown.changes()) == list(fresh.changes())
        assert grown.mainline() == fresh.mainline()
        seen = {commit.oid: place for place, commit in enumerate(fresh.history())}
        for commit in fresh.history():
            assert all(seen[parent] > seen[commit.oid] for parent in commit.parents)


SECRETS = [b'API_KEY = "q8Zr71LmX0vT%d"\n' % number for number in range(4)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("warm", [False, True])
def test_an_earlier_commit_of_any_history_is_what_it_is_by_itself(
    tmp_path: Path, seed: int, warm: bool
) -> None:
    raw = RawRepository(tmp_path / "raw.git")
    commits = random_history(raw, seed, SECRETS)
    store = MemoryFactStore()
    if warm:
        # Read in three pieces, as pushes would have it.
        for number in (20, 40):
            list(GitSource(raw.git_dir, commits[number], remember=store).leaks())
    head = GitSource(raw.git_dir, commits[-1], remember=store)
    for oid in head.mainline():
        fresh, earlier = GitSource(raw.git_dir, oid), head.earlier(oid)
        assert earlier.history() == fresh.history()
        assert earlier.mainline() == fresh.mainline()
        assert list(earlier.changes()) == list(fresh.changes())
        assert secrets_in(earlier) == secrets_in(fresh) != []
        if not warm:
            assert list(earlier.leaks()) == list(fresh.leaks())


def secrets_in(source: GitSource) -> list[tuple[str, Leak]]:
    return sorted(in_tree(read_project(source, MemoryFactStore()).project))


def test_an_earlier_commit_of_a_history_that_is_cut_goes_further_back(tmp_path: Path) -> None:
    raw = RawRepository(tmp_path / "raw.git")
    tree = raw.tree([("100644", b"a", raw.blob(b"1"))])
    commits = [raw.commit(tree, ())]
    for _ in range(9):
        commits.append(raw.commit(tree, commits[-1:]))
    head = GitSource(raw.git_dir, commits[-1], max_commits=5)

    assert [each.oid for each in head.earlier(commits[6]).history()] == commits[6:1:-1]


def test_a_secret_is_found_where_its_file_was_renamed_to(tmp_path: Path) -> None:
    raw = RawRepository(tmp_path / "raw.git")
    blob = raw.blob(SECRETS[0])
    first = raw.commit(raw.tree([("100644", b"old.py", blob)]), ())
    renamed = raw.commit(raw.tree([("100644", b"new.py", blob)]), (first,))
    store = MemoryFactStore()
    list(GitSource(raw.git_dir, first, remember=store).leaks())

    by_itself = secrets_in(GitSource(raw.git_dir, renamed))

    assert [path for path, _ in by_itself] == ["new.py"]
    assert secrets_in(GitSource(raw.git_dir, renamed, remember=store)) == by_itself
