"""Where facts are kept: by blob, kind of fact and extractor version. They belong to no repository.

A store is a convenience. One that is locked, full or broken answers as an empty one, so that a
review never fails for it and never reads a wrong fact.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from checks.facts.limits import BATCH_FILES, MIB


class Key(NamedTuple):
    """What a fact is of: blob id, kind (``py``, ``doc:yaml``, ``lint:<digest>``), version."""

    oid: str
    kind: str
    version: str


class FactStore(Protocol):
    """Facts as bytes, by key. Neither method raises for a store that cannot answer."""

    def get_many(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        """The facts that are there; keys without one are left out."""
        ...

    def put_many(self, facts: Mapping[Key, bytes]) -> None:
        """Keep facts; one that is there already is replaced."""
        ...


class MemoryFactStore:
    """Facts of one process, for a review without a cache and for tests."""

    def __init__(self) -> None:
        self._facts: dict[Key, bytes] = {}

    def get_many(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        """The facts that are there."""
        return {key: self._facts[key] for key in keys if key in self._facts}

    def put_many(self, facts: Mapping[Key, bytes]) -> None:
        """Keep facts for the life of this object."""
        self._facts.update(facts)


_SCHEMA_VERSION = 1
_SCHEMA = f"""
PRAGMA user_version = {_SCHEMA_VERSION};
CREATE TABLE IF NOT EXISTS fact (
    space TEXT NOT NULL, oid TEXT NOT NULL, crc INTEGER NOT NULL, used INTEGER NOT NULL,
    data BLOB NOT NULL, UNIQUE (space, oid)
);
CREATE INDEX IF NOT EXISTS fact_used ON fact (used);
"""
_HOUR = 3600
_TOUCH_AFTER = 24  # hours: a used fact is marked at most once a day, reading stays reading
_EVICT_TO = 0.8


class SqliteFactStore:
    """Facts in one SQLite file that many processes may share.

    Args:
        path: The file; its folder is created.
        max_bytes: Size at which the facts that were unused for longest are dropped.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        max_bytes: int = 2048 * MIB,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = Path(path)
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        self._inherited: list[sqlite3.Connection] = []

    def get_many(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        """The facts that are there and whole; marks them as used."""
        found: dict[Key, bytes] = {}
        with self._lock, self._forgiving():
            for space, chunk in _chunks(keys):
                found.update(self._read(space, chunk))
        return found

    def put_many(self, facts: Mapping[Key, bytes]) -> None:
        """Keep facts, in transactions of at most 500 rows; then keep the file below its size."""
        with self._lock, self._forgiving():
            hour = self._hour()
            for space, chunk in _chunks(list(facts)):
                rows = [(space, key.oid, zlib.crc32(facts[key]), hour, facts[key]) for key in chunk]
                with self._transaction() as connection:
                    connection.executemany("REPLACE INTO fact VALUES (?, ?, ?, ?, ?)", rows)
            self._evict()

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None and self._owner == os.getpid():
                self._connection.close()
            self._connection = None

    def _read(self, space: str, keys: Sequence[Key]) -> Iterator[tuple[Key, bytes]]:
        by_oid = {key.oid: key for key in keys}
        marks = ",".join("?" * len(by_oid))
        rows = self._open().execute(
            f"SELECT rowid, oid, crc, used, data FROM fact WHERE space = ? AND oid IN ({marks})",  # noqa: S608 - only question marks
            (space, *by_oid),
        )
        hour = self._hour()
        stale: list[tuple[int, int]] = []
        for row, oid, crc, used, data in rows.fetchall():
            # A flipped byte on the disk is a missing fact, not another fact.
            if zlib.crc32(data) != crc:
                continue
            if hour - used >= _TOUCH_AFTER:
                stale.append((hour, row))
            yield by_oid[oid], data
        if stale:
            with self._transaction() as connection:
                connection.executemany("UPDATE fact SET used = ? WHERE rowid = ?", stale)

    def _evict(self) -> None:
        connection = self._open()
        if self._size(connection) <= self._max_bytes:
            return
        while self._size(connection) > self._max_bytes * _EVICT_TO:
            with self._transaction():
                gone = connection.execute(
                    "DELETE FROM fact WHERE rowid IN"
                    " (SELECT rowid FROM fact ORDER BY used, rowid LIMIT ?)",
                    (BATCH_FILES,),
                ).rowcount
            if gone <= 0:
                return

    @staticmethod
    def _size(connection: sqlite3.Connection) -> int:
        """Bytes in use; pages freed by eviction are used again before the file grows."""
        pragmas = ("page_count", "freelist_count", "page_size")
        pages, free, size = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in pragmas
        )
        return (pages - free) * size

    def _hour(self) -> int:
        return int(self._clock() // _HOUR)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Turn each failure of the store into missing facts; drop a file that is no database."""
        try:
            yield
        except (sqlite3.OperationalError, OSError):
            # Locked for too long, disk full, read-only: the facts are made again next time.
            self._forget()
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise  # a subclass tells of a mistake in our own statement, not of the file
            self._forget()
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    Path(f"{self._path}{suffix}").unlink()

    def _forget(self) -> None:
        if self._connection is not None and self._owner == os.getpid():
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._owner == os.getpid():
            return self._connection
        if self._connection is not None:
            # Closing a connection inherited by fork would take the parent's write-ahead log away.
            self._inherited.append(self._connection)
            self._connection = None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=20, isolation_level=None, check_same_thread=False
        )
        self._connection, self._owner = connection, os.getpid()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA journal_size_limit={64 * MIB}")
        if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, _SCHEMA_VERSION):
            raise sqlite3.DatabaseError
        connection.executescript(_SCHEMA)
        return connection


def _chunks(keys: Iterable[Key]) -> Iterator[tuple[str, list[Key]]]:
    """Keys of one kind and version at a time, at most 500."""
    spaces: dict[str, list[Key]] = {}
    for key in keys:
        spaces.setdefault(f"{key.kind}@{key.version}", []).append(key)
    for space, members in spaces.items():
        for start in range(0, len(members), BATCH_FILES):
            yield space, members[start : start + BATCH_FILES]
