"""Facts are kept by blob, kind and version, and a broken store is an empty one."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

from checks.facts.store import FactStore, Key, MemoryFactStore, SqliteFactStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FactStore:
    if request.param == "memory":
        return MemoryFactStore()
    return SqliteFactStore(tmp_path / "deep" / "facts.sqlite3")


def test_a_fact_comes_back_for_its_key_and_for_no_other(store: FactStore) -> None:
    key = Key("a" * 40, "py", "1")
    store.put_many({key: b"\0fact"})
    others = [key._replace(oid="b" * 40), key._replace(kind="doc"), key._replace(version="2")]
    assert store.get_many([key, *others]) == {key: b"\0fact"}


def test_a_fact_put_twice_is_replaced(store: FactStore) -> None:
    key = Key("a", "py", "1")
    store.put_many({key: b"old"})
    store.put_many({key: b"new"})
    assert store.get_many([key]) == {key: b"new"}


def test_more_keys_than_one_batch_holds_come_back_complete(store: FactStore) -> None:
    facts = {Key(f"{n:040x}", "py" if n % 3 else "doc", "1"): b"%d" % n for n in range(1_701)}
    store.put_many(facts)
    assert store.get_many(list(facts)) == facts


def test_facts_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    path = tmp_path / "facts.sqlite3"
    key = Key("a", "py", "1")
    first = SqliteFactStore(path)
    first.put_many({key: b"fact"})
    first.close()
    assert SqliteFactStore(path).get_many([key]) == {key: b"fact"}


@pytest.mark.parametrize(
    "damage", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\7" * 9000]
)
def test_a_corrupt_file_is_dropped_and_built_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "facts.sqlite3"
    path.write_bytes(damage)
    store = SqliteFactStore(path)
    key = Key("a", "py", "1")
    assert store.get_many([key]) == {}
    store.put_many({key: b"fact"})
    assert store.get_many([key]) == {key: b"fact"}


def test_a_file_of_another_schema_is_built_anew(tmp_path: Path) -> None:
    path = tmp_path / "facts.sqlite3"
    with sqlite3.connect(path) as other:
        other.executescript("CREATE TABLE fact (x); PRAGMA user_version = 99;")
    other.close()
    store = SqliteFactStore(path)
    key = Key("a", "py", "1")
    store.get_many([key])
    store.put_many({key: b"fact"})
    assert store.get_many([key]) == {key: b"fact"}


def test_a_fact_whose_bytes_were_flipped_is_missing_not_wrong(tmp_path: Path) -> None:
    path = tmp_path / "facts.sqlite3"
    store = SqliteFactStore(path)
    good, bad = Key("a", "py", "1"), Key("b", "py", "1")
    store.put_many({good: b"fact one", bad: b"fact two"})
    with sqlite3.connect(path) as other:
        other.execute("UPDATE fact SET data = ? WHERE oid = 'b'", (b"fact six",))
    other.close()
    assert store.get_many([good, bad]) == {good: b"fact one"}


def test_a_path_that_cannot_hold_a_file_makes_an_empty_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = SqliteFactStore(tmp_path / "file" / "facts.sqlite3")
    store.put_many({Key("a", "py", "1"): b"fact"})
    assert store.get_many([Key("a", "py", "1")]) == {}


def test_what_was_unused_for_longest_is_dropped_when_the_store_is_full(tmp_path: Path) -> None:
    now = 1_000_000_000.0
    store = SqliteFactStore(tmp_path / "facts.sqlite3", max_bytes=5_500_000, clock=lambda: now)
    keys = [Key(f"{n:040x}", "py", "1") for n in range(3_000)]
    store.put_many(dict.fromkeys(keys[:1_500], b"x" * 1_500))
    now += 48 * 3600
    store.get_many(keys[:100])
    now += 48 * 3600
    store.put_many(dict.fromkeys(keys[1_500:], b"y" * 1_500))
    kept = store.get_many(keys)
    assert set(keys[:100]) <= set(kept), "used two days ago"
    assert set(keys[1_500:]) <= set(kept), "just written"
    assert len(kept) < 3_000
    assert (tmp_path / "facts.sqlite3").stat().st_size < 8_000_000


def _write(path: Path, worker: int) -> None:
    store = SqliteFactStore(path)
    for round_ in range(10):
        facts = {Key(f"{worker}-{round_}-{n}", "py", "1"): b"%d" % n for n in range(50)}
        store.put_many(facts)
        if store.get_many(list(facts)) != facts:
            os._exit(1)


def test_many_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "facts.sqlite3"
    inherited = SqliteFactStore(path)
    inherited.put_many({Key("parent", "py", "1"): b"fact"})
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write, args=(path, n)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    keys = [Key(f"{w}-{r}-{n}", "py", "1") for w in range(4) for r in range(10) for n in range(50)]
    assert len(inherited.get_many(keys)) == 2_000
    assert inherited.get_many([Key("parent", "py", "1")])
