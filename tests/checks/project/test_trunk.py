"""The mainline, and blobs of its changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from checks.facts.limits import SYNTAX_BYTES
from checks.memorysource import MemorySource
from checks.project.project import Project

NAMES = "abcdef"
BLOBS = {name: name.encode() for name in NAMES} | {"large": b"x" * (SYNTAX_BYTES + 1)}


class _Source(MemorySource):
    """Knows some blobs; one called "lost" is larger than any that is read."""

    asked = 0

    def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        self.asked += 1
        for oid in oids:
            if oid != "lost":
                yield oid, BLOBS[oid]


def project(source: _Source) -> Project:
    return Project(source, entries=[], python={}, documents={}, lint={})


sides = st.sampled_from([*NAMES, "", "lost", "large"])


@given(st.lists(st.tuples(sides, sides)))
def test_every_pair_has_its_texts_in_one_pass(pairs: list[tuple[str, str]]) -> None:
    source = _Source([], {}, time=0)
    found = list(project(source).trunk.compared(pairs))
    expected = [tuple(BLOBS[each] if each in NAMES and each else b"" for each in pair)
                for pair in pairs]  # fmt: skip
    assert found == expected
    assert source.asked <= 1


def test_a_long_history_of_one_file_is_not_held() -> None:
    held = 0

    class Counting(_Source):
        def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
            nonlocal held
            for number, oid in enumerate(oids):
                held = number + 1
                yield oid, b"x"

    names = [f"{number:040}" for number in range(100)]
    pairs = list(itertools.pairwise(names))
    reading = project(Counting([], {}, time=0)).trunk.compared(pairs)
    for number, _ in enumerate(reading):
        assert held <= number + 2
