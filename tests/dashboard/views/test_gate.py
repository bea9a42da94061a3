"""The gate in the settings of a repository, and how it is shown where it was judged."""

from __future__ import annotations

import pytest

from checks.gate import Gate
from dashboard.models import Repository, Scan
from dashboard.services import gates
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

pytestmark = pytest.mark.django_db

SENT = {
    "asked": "on",
    "minimum": "80.5",
    "open_musts": "2",
    "coverage": "90",
    "no_new_findings": "on",
    "no_unknown": "on",
}
ASKED = Gate(minimum=80.5, open_musts=2, coverage=0.9, no_new_findings=True, no_unknown=True)


def fresh(house: House) -> Repository:
    return Repository.objects.get(pk=house.repository.pk)


def test_a_gate_is_set_shown_again_and_taken_away(house: House) -> None:
    client, where = house.client(house.owner), house.page("settings/gate/")

    said = client.post(where, SENT, follow=True).content.decode()

    assert "A scan that is judged by this gate is on its way." in said
    assert 'value="80.5"' in said
    assert 'value="90.0"' in said
    assert gates.of_repository(fresh(house)) == ASKED
    assert Scan.objects.count() == 1
    assert "Nothing has changed." in client.post(where, SENT, follow=True).content.decode()
    client.post(where, {**SENT, "asked": ""})
    assert gates.of_repository(fresh(house)) is None


def test_an_empty_number_of_musts_allows_any(house: House) -> None:
    client = house.client(house.owner)

    client.post(house.page("settings/gate/"), {"asked": "on", "open_musts": ""})

    assert gates.of_repository(fresh(house)) == Gate(open_musts=None)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"minimum": "101"}, "less than or equal to 100"),
        ({"coverage": "-1"}, "greater than or equal to 0"),
        ({"open_musts": "some"}, "Enter a whole number"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_field(
    sent: dict[str, str], says: str, house: House
) -> None:
    response = house.client(house.owner).post(house.page("settings/gate/"), {**SENT, **sent})

    assert response.status_code == 422
    assert says in response.content.decode()
    assert gates.of_repository(fresh(house)) is None


def test_minimums_of_single_standards_outlive_the_form(house: House) -> None:
    gates.choose(house.repository, Gate(minimum_of={"house-rules": 70}), None)

    house.client(house.owner).post(house.page("settings/gate/"), SENT)

    asked = gates.of_repository(fresh(house))
    assert asked is not None
    assert asked.minimum_of == {"house-rules": 70}


@pytest.mark.parametrize(
    ("passed", "word"),
    [(True, "passes"), (False, "fails"), (None, "nothing to compare with yet")],
)
def test_the_page_says_how_each_condition_stands(
    passed: bool | None, word: str, house: House
) -> None:
    condition = {"name": "not_worse", "standard": "", "passed": passed, "sentence": "So it is."}
    scan = house.scan(rows.finding("f1"))
    Scan.objects.filter(pk=scan.pk).update(
        gate={"passed": passed is not False, "conditions": [condition]}
    )
    client = house.client(house.viewer)

    for page in (house.page(), house.page(f"scans/{scan.number}/")):
        shown = client.get(page).content.decode()
        assert "So it is." in shown
        assert word in shown
        assert (">nothing yet<" in shown) == (passed is None)
