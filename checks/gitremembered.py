"""What was read from a history, kept in the store of facts by head commit.

A list of records (commits, or what they changed) is kept in pieces, newest first, with an index
for each head that was read. A head that was never seen takes the pieces of the nearest mainline
commit that was, and reads only what lies on top. Small pieces are merged as they grow equal, so
that a history of many small pushes stays a handful of pieces.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator

import msgspec

from checks.facts.store import FactStore, Key

VERSION = "2"
PIECE = 1_000
# How far back a remembered ancestor is looked for before everything is read again.
REACH = 200


# The pieces of one head, newest first, each with its number of records.
type _Pieces = tuple[tuple[str, int], ...]


class _PieceLost(Exception):
    """The store dropped a piece that an index names."""


class RememberedLog[Record]:
    """One kind of record of one repository's history.

    Args:
        store: Where pieces are kept; None remembers nothing.
        kind: Name of the kind of record.
        record: Type of a record, for decoding.
        limit: Records that are given at most; part of the keys.
    """

    def __init__(
        self, store: FactStore | None, kind: str, record: type[Record], *, limit: int
    ) -> None:
        self._store = store
        self._kind = kind
        self._limit = limit
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[record]).decode  # type: ignore[valid-type]

    def records(
        self,
        head: str,
        ancestors: Callable[[], Iterable[str]],
        read: Callable[[str], Iterator[Record]],
    ) -> Iterator[Record]:
        """All records of ``head``, newest first, read or remembered, at most ``limit``.

        Args:
            head: Hex id of the commit.
            ancestors: Gives the first-parent chain below ``head``, nearest first.
            read: Reads the records of ``head`` that are not those of a given ancestor ("" for
                none), in the order that makes them the front of the whole list.
        """
        if self._store is None:
            yield from itertools.islice(read(""), self._limit)
            return
        pieces = self._indexes(self._store, [head]).get(head)
        given = 0
        if pieces is None:
            source = self._extend(self._store, head, ancestors, read)
        else:
            source = self._kept(self._store, pieces)
        try:
            for record in itertools.islice(source, self._limit):
                given += 1
                yield record
        except _PieceLost:
            again = self._give(self._store, head, read(""), ())
            yield from itertools.islice(again, given, self._limit)

    def _extend(
        self,
        store: FactStore,
        head: str,
        ancestors: Callable[[], Iterable[str]],
        read: Callable[[str], Iterator[Record]],
    ) -> Iterator[Record]:
        """Read what lies on top of the nearest remembered ancestor, then give its records."""
        chain = list(itertools.islice(ancestors(), REACH))
        found = self._indexes(store, chain)
        base = next((oid for oid in chain if oid in found), "")
        below = found.get(base, ())
        room = self._limit - sum(count for _, count in below)
        if base and room > 0:
            top = list(itertools.islice(read(base), room + 1))
            if len(top) <= room:
                yield from self._give(store, head, top, below)
                return
        # Where a whole history is cut depends on the head: a longer one is not a shorter one
        # with more on top.
        yield from self._give(store, head, read(""), ())

    def _give(
        self, store: FactStore, head: str, top: Iterable[Record], below: _Pieces
    ) -> Iterator[Record]:
        """Give the records on top, keep them and the index, then give those below."""
        pieces: list[tuple[str, int]] = []
        held: list[Record] = []
        start = 0
        whole = itertools.islice(top, self._limit)
        for piece in itertools.batched(whole, PIECE, strict=False):
            if held:
                pieces.append(self._keep(store, head, start, held))
                start += len(held)
                yield from held
            held = list(piece)
        # The index is kept before the last records are given: who has enough asks no further.
        rest = below
        while held and rest and rest[0][1] <= len(held) and len(held) + rest[0][1] <= PIECE:
            held += self._piece(store, rest[0])
            rest = rest[1:]
        if held:
            pieces.append(self._keep(store, head, start, held))
        index = (*pieces, *rest)
        store.put_many({self._index_key(head): msgspec.msgpack.encode(index)})
        yield from held
        yield from self._kept(store, rest)

    def _kept(self, store: FactStore, pieces: _Pieces) -> Iterator[Record]:
        for piece in pieces:
            yield from self._piece(store, piece)

    def _keep(
        self, store: FactStore, head: str, start: int, records: list[Record]
    ) -> tuple[str, int]:
        name = f"{head}:{start}:{len(records)}"
        store.put_many({Key(name, self._kind, VERSION): self._encode(records)})
        return name, len(records)

    def _piece(self, store: FactStore, piece: tuple[str, int]) -> list[Record]:
        name, count = piece
        key = Key(name, self._kind, VERSION)
        try:
            records = self._decode(store.get_many([key])[key])
        except (KeyError, msgspec.DecodeError) as error:
            raise _PieceLost from error
        if len(records) != count:
            raise _PieceLost
        return records

    def _indexes(self, store: FactStore, heads: list[str]) -> dict[str, _Pieces]:
        """The pieces of those heads that were read before."""
        found: dict[str, _Pieces] = {}
        for key, content in store.get_many([self._index_key(head) for head in heads]).items():
            with contextlib.suppress(msgspec.DecodeError):
                found[key.oid] = msgspec.msgpack.decode(content, type=tuple[tuple[str, int], ...])
        return found

    def _index_key(self, head: str) -> Key:
        return Key(head, f"{self._kind}-index:{self._limit}", VERSION)
