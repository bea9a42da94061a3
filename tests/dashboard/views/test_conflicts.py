"""The page on which a lead decides which of two clauses gives way."""

from __future__ import annotations

import pytest

from dashboard.models import Concession
from dashboard.services import standards
from tests.dashboard import rows
from tests.dashboard.test_conflicts import LOUD, PAIR, QUIET
from tests.dashboard.views.conftest import House


@pytest.fixture
def torn(house: House) -> House:
    """The house, whose standards contradict each other."""
    standards.adopt(house.repository, [rows.standard(LOUD), rows.standard(QUIET)], house.owner)
    return house


def test_a_pair_is_shown_and_decided(torn: House) -> None:
    address = torn.page("conflicts/")
    page = torn.client(torn.viewer).get(address).content.decode()
    assert "1 of 1 pairs are undecided" in page
    assert "<select" not in page

    answer = torn.client(torn.owner).post(address, {f"pair:{PAIR}": "quiet/QT-1"})

    assert answer.status_code == 302
    assert Concession.objects.get().clause_number == "QT-1"
    assert "undecided</p>" not in torn.client(torn.viewer).get(address).content.decode()


def test_a_standard_can_give_way_everywhere(torn: House) -> None:
    torn.client(torn.owner).post(
        torn.page("conflicts/"), {"everywhere": "loud", f"pair:{PAIR}": ""}
    )

    assert Concession.objects.get().standard_slug == "loud"


def test_only_leads_decide(torn: House) -> None:
    answer = torn.client(torn.mate).post(torn.page("conflicts/"), {"everywhere": "loud"})

    assert answer.status_code == 403
    assert not Concession.objects.exists()


def test_adopting_what_contradicts_says_so(house: House) -> None:
    loud, quiet = rows.standard(LOUD), rows.standard(QUIET)
    client = house.client(house.owner)
    form = {"name": "Shop", "branch": "", "standards": [loud.pk, quiet.pk]}

    page = client.post(house.page("settings/"), form, follow=True).content.decode()

    assert "contradict each other: 1 pair." in page
    assert house.page("conflicts/") in page
    assert "contradict each other" in client.get(house.page()).content.decode()
