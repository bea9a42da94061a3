"""Recognised findings are looked up, not searched for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from checks.matching import Site
from dashboard.models import Component, Finding, FindingState
from dashboard.services.transitions import Recognised

MANY = 300


class Counted(Sequence[Mapping[str, Any]]):
    """Standing rows that count how often one is read."""

    def __init__(self) -> None:
        self.reads = 0

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(MANY))]
        if not 0 <= index < MANY:
            raise IndexError
        self.reads += 1
        return {"check_id": "no-print", "fingerprint": f"old{index}"}

    def __len__(self) -> int:
        return MANY


class Partners(dict[int, int]):
    """Partners that count how often one is passed by."""

    walked = 0

    def items(self) -> Any:
        return self._walk()

    def _walk(self) -> Iterator[tuple[int, int]]:
        for each in super().items():
            self.walked += 1
            yield each


def finding(name: str, state: FindingState = FindingState.OPEN, **more: int) -> Finding:
    return Finding(check_id="no-print", fingerprint=name, state=state, component_id=1, **more)


def test_names_of_all_findings_cost_one_look_at_each_row() -> None:
    standing = Counted()
    # The last row is not there any more; row n is finding MANY - n of the report.
    partner = Partners({MANY - n: n for n in range(MANY - 1)})
    returned = Partners({0: 77})
    places = [Site(check="no-print", fingerprint=f"new{n}") for n in range(MANY + 1)]
    known = Recognised(Component(pk=1), standing, places, partner, returned)

    names = [known.name_of(finding(f"old{n}")) for n in range(MANY)]
    back = [known.name_of(finding("x", FindingState.FIXED, pk=pk)) for pk in (76, 77)]

    assert names == [*(f"new{MANY - n}" for n in range(MANY - 1)), ""]
    assert back == ["", "new0"]
    assert (standing.reads, partner.walked, returned.walked) == (MANY, MANY - 1, 1)


def test_a_finding_of_another_folder_keeps_the_name_that_nobody_has_here() -> None:
    known = Recognised(Component(pk=2), [], [], {}, {})

    assert known.name_of(finding("there")) == "there"
