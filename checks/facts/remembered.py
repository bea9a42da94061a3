"""What was found out about single objects of a repository, kept in the store of facts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from checks.facts.store import FactStore, Key

_VERSION = "2"


class RememberedEach[Record]:
    """What belongs to single commits or blobs, for questions about a few of them.

    Args:
        store: Where it is kept; None remembers nothing.
        kind: Name of the kind of record.
        record: Type of a record, for decoding.
    """

    def __init__(self, store: FactStore | None, kind: str, record: type[Record]) -> None:
        self._store = store
        self._kind = kind
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(record).decode
        self._known: dict[str, Record] = {}

    def records(
        self, oids: Sequence[str], read: Callable[[list[str]], Iterator[tuple[str, Record]]]
    ) -> Mapping[str, Record]:
        """The records of some objects, by id; those that are not known yet are read together."""
        self._recall([oid for oid in oids if oid not in self._known])
        missing = [oid for oid in dict.fromkeys(oids) if oid not in self._known]
        if missing:
            found = dict(read(missing))
            self._known |= found
            if self._store is not None:
                self._store.put_many(
                    {self._key(oid): self._encode(record) for oid, record in found.items()}
                )
        return {oid: self._known[oid] for oid in oids if oid in self._known}

    def _recall(self, oids: list[str]) -> None:
        if self._store is None or not oids:
            return
        for key, content in self._store.get_many([self._key(oid) for oid in oids]).items():
            with contextlib.suppress(msgspec.DecodeError):
                self._known[key.oid] = self._decode(content)

    def _key(self, oid: str) -> Key:
        return Key(oid, self._kind, _VERSION)
