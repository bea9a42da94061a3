"""The page on which a lead decides which of two clauses gives way."""

from __future__ import annotations

import pytest

from dashboard.models import Clause, ClauseResult, Concession, ScanStandard
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


def test_verdict_and_cost_of_both_stand_beside_a_pair(torn: House) -> None:
    scan = torn.scan()
    number = PAIR.partition("|")[0].partition("/")[2]
    loud = Clause.objects.get(standard__slug="loud", number=number)
    head = ScanStandard.objects.create(
        scan=scan,
        component=torn.repository.components.get(),
        standard=loud.standard,
        version=loud.standard.version,
        coverage=1.0,
        open_must=1,
    )
    numbers = {"weight": 4, "loss": 12.5, "sites": 8, "violations": 3, "suppressed": 0}
    ClauseResult.objects.create(scan_standard=head, clause=loud, verdict="fails", **numbers)

    page = torn.client(torn.viewer).get(torn.page("conflicts/")).content.decode()

    assert "costs 12.5" in page
    assert "3 of 8 sites" in page
    assert f'?clause={loud.number}"' in page


def test_a_clause_that_gives_way_says_to_which(torn: House) -> None:
    torn.client(torn.owner).post(torn.page("conflicts/"), {f"pair:{PAIR}": "quiet/QT-1"})
    scan = torn.scan()
    quiet = Clause.objects.get(standard__slug="quiet")
    head = ScanStandard.objects.create(
        scan=scan,
        component=torn.repository.components.get(),
        standard=quiet.standard,
        version=quiet.standard.version,
        coverage=1.0,
        open_must=0,
    )
    numbers = {"weight": 4, "loss": 0, "sites": 0, "violations": 0, "suppressed": 0}
    ClauseResult.objects.create(
        scan_standard=head, clause=quiet, verdict="not-applicable", **numbers
    )

    page = torn.client(torn.viewer).get("/standards/quiet/QT-1/").content.decode()

    assert f"gives way to {Concession.objects.get().yields_to}" in page
    assert torn.page("conflicts/") in page
