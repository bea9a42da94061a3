"""Every example of every built check: the bad one gives exactly one finding, the good one none."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.check import CATALOGUE
from checks.facts.store import FactStore, MemoryFactStore
from checks.rules.flagged import Flagged, flagged
from checks.rules.specs import specs
from tests.checks.examples import Case, build, cases, judged, warm
from tests.materialise import Materialised

CASES = list(cases())


@pytest.fixture(scope="module")
def repositories(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[dict[str, Materialised], FactStore]:
    """All repositories of the chosen cases, and a store that knows their blobs."""
    folder = tmp_path_factory.mktemp("examples")
    asked = [item.callspec.params["case"] for item in _items(request)]
    chosen = {case.name for case in asked if isinstance(case, Case)}
    made = {case.name: build(case, folder) for case in CASES if case.name in chosen}
    store = MemoryFactStore()
    warm(list(made.values()), store)
    return made, store


def _items(request: pytest.FixtureRequest) -> list[pytest.Function]:
    return [
        item
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == Path(__file__)
        and "case" in getattr(getattr(item, "callspec", None), "params", {})
    ]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_example(case: Case, repositories: tuple[dict[str, Materialised], FactStore]) -> None:
    made, store = repositories
    outcome = judged(case, made[case.name], store)
    assert outcome.state == "measured" or outcome.reason == "no site", outcome.reason
    found = [f"{each.path}:{each.line} {each.message}" for each in outcome.observations]
    assert len(found) == case.findings, found
    assert outcome.sites >= len(found)
    if case.side == "bad":
        seen = outcome.observations[0]
        place = flagged()[case.check][case.number]
        assert place == Flagged(seen.path, seen.line, seen.message), "run `make flagged`"


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_limits_of_a_check_are_those_of_its_definition(name: str) -> None:
    check, spec = CATALOGUE[name], specs()[name]
    defaults = {key: list(v) if isinstance(v, tuple) else v for key, v in check.defaults.items()}
    assert defaults == {
        key: value for key, value in spec.params.items() if key != "exempt" or key in defaults
    }


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_page_of_a_check_has_its_headings(name: str) -> None:
    page = CATALOGUE[name].ask.__doc__ or ""
    title = page.partition("\n")[0]
    assert title.endswith("."), title
    assert "Instead:" in page
    assert "Known problems:" in page
