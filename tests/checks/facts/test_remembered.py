"""What is remembered of single objects is read once."""

from __future__ import annotations

from collections.abc import Iterator

from checks.facts.remembered import RememberedEach
from checks.facts.store import MemoryFactStore


def test_single_commits_are_read_once_and_only_those_not_known() -> None:
    store, asked = MemoryFactStore(), list[list[str]]()

    def read(oids: list[str]) -> Iterator[tuple[str, int]]:
        asked.append(oids)
        yield from ((oid, len(oid)) for oid in oids)

    assert RememberedEach(store, "sizes", int).records(["a", "bb"], read) == {"a": 1, "bb": 2}
    assert RememberedEach(store, "sizes", int).records(["bb", "ccc"], read) == {"bb": 2, "ccc": 3}
    assert asked == [["a", "bb"], ["ccc"]]
