"""Every page of the site map asks the database as often for much as for little."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.models import Membership, Role
from tests.browser.addresses import addresses, fill
from tests.dashboard import rows

if TYPE_CHECKING:
    from tests.dashboard.views.conftest import House

FEW = 3
MANY = 40


def _grow(house: House, name: str, number: int) -> None:
    """Give the house repositories with results, findings in many folders, scans and people."""
    for index in range(number):
        another = replace(house, repository=rows.repository(house.team, house.standard))
        another.scan(rows.finding("one"), rows.finding("two", line=9), score=50.0 + index)
        Membership.objects.create(team=house.team, user=rows.user(), role=Role.VIEWER)
        found = (
            rows.finding(f"{name}{each}", path=f"app/part{each}/deep{index}/file.py")
            for each in range(number)
        )
        house.scan(*found, score=60.0 + index)


def _queries(house: House) -> dict[str, int]:
    client = house.client(house.owner)
    counts = {}
    for address in addresses(house):
        with CaptureQueriesContext(connection) as seen:
            client.get(address)
        # Of the findings the newest is looked at, which is another one each time.
        counts[re.sub(r"^/f/\d+/", "/f/", address)] = len(seen)
    return counts


def test_no_page_asks_more_of_a_larger_house(house: House) -> None:
    fill(house)
    _grow(house, "few", FEW)
    few = _queries(house)

    _grow(house, "many", MANY)
    many = _queries(house)

    assert len(few) > 30
    assert {
        address: (count, many.get(address))
        for address, count in few.items()
        if many.get(address) != count
    } == {}
