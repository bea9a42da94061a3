"""Standards, clauses and checks: every clause and every check has its page."""

from __future__ import annotations

import pytest

from checks.rules.specs import specs
from dashboard.services import standards
from tests.dashboard.views.conftest import HTMX, House


def _get(house: House, address: str) -> str:
    answer = house.client(house.viewer).get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_a_standard_lists_its_clauses_and_how_each_is_decided(house: House) -> None:
    page = _get(house, "/standards/house-rules/")

    assert "Nothing is printed." in page
    assert "HR-2" in page
    assert house.repository.name in page


def test_a_clause_names_its_checks_and_its_neighbours(house: House) -> None:
    page = _get(house, "/standards/house-rules/HR-1/")

    assert 'href="/checks/no-print/"' in page
    assert 'href="/standards/house-rules/HR-2/"' in page


@pytest.mark.parametrize(
    "address",
    ["/standards/nothing/", "/standards/house-rules/HR-9/", "/checks/no-such-check/"],
)
def test_what_does_not_exist_is_not_found(house: House, address: str) -> None:
    assert house.client(house.viewer).get(address).status_code == 404


def test_a_check_shows_why_fix_limits_examples_and_clauses(house: House) -> None:
    page = _get(house, "/checks/no-print/")

    assert "Do this instead" in page
    assert "Violates" in page
    assert 'href="/standards/house-rules/HR-1/"' in page


def test_every_check_has_a_page(house: House) -> None:
    for identifier in specs():
        _get(house, f"/checks/{identifier}/")


def test_every_shipped_standard_opens_with_all_its_clauses(house: House) -> None:
    for row in standards.load_shipped():
        page = _get(house, f"/standards/{row.slug}/")
        for number in row.clauses.values_list("number", flat=True):
            assert f"/standards/{row.slug}/{number}/" in page


def test_checks_are_found_by_name_and_by_whether_they_are_built(house: House) -> None:
    client = house.client(house.viewer)

    found = client.get("/checks/?q=no-print", headers=HTMX).content.decode()
    nothing = client.get("/checks/?q=zzz&only=built", headers=HTMX).content.decode()

    assert "no-print" in found
    assert "no-broad-except" not in found
    assert "Nothing matches" in nothing
