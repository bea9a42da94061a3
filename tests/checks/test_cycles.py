"""The search for cycles is left out, and taken up again only where it was on."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from checks.cycles import unsearched


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize("before", [True, False])
def test_the_search_is_afterwards_as_it_was_before(before: bool) -> None:
    (gc.enable if before else gc.disable)()

    with unsearched() as lasting:
        assert not gc.isenabled()
        with unsearched() as inner:
            assert inner is False
        assert not gc.isenabled()

    assert lasting is before
    assert gc.isenabled() is before


def test_a_failure_does_not_end_the_search_for_good() -> None:
    gc.enable()
    with pytest.raises(ValueError, match="^no$"), unsearched():
        raise ValueError("no")

    assert gc.isenabled()
