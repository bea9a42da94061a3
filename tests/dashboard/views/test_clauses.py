"""Changing a standard clause by clause on pages: what is entered reaches the text that is shown."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from checks.gate import Gate
from checks.standard import parse
from dashboard.clause_forms import ClausesForm
from dashboard.gate_form import StandardGateForm
from dashboard.models import Standard
from dashboard.services import editing, standards
from dashboard.services.editing import KEPT
from tests.dashboard import rows
from tests.dashboard.views.conftest import House
from tests.dashboard.views.test_own_standard import TEXT

ADDRESS = "/standards/new/clauses/"


def _fields(page: object) -> dict[str, object]:
    """What a browser would send of a page, as it was shown."""
    context = page.context  # type: ignore[attr-defined]
    form = context["form"]
    data = {field.html_name: field.value() for field in form if field.value() is not False}
    data = {name: value for name, value in data.items() if value is not None}
    return data | {"source": context["source"], "page": form.number}


def _open(client: Client, slug: str) -> dict[str, object]:
    page = client.get(f"{ADDRESS}?from={slug}")
    assert page.status_code == 200
    return _fields(page)


@pytest.fixture
def own(house: House) -> Standard:
    """A standard of the team."""
    text = TEXT.encode()
    return standards.store(parse(text, "test"), text, team=house.team)


def test_a_change_is_shown_before_it_is_stored_and_then_can_be_adopted(
    house: House, own: Standard
) -> None:
    client = house.client(house.owner)
    data = _open(client, own.slug)
    data |= {"0-strength": "may", "1-0-max_lines": "33", "see": "1"}

    answer = client.post(ADDRESS, data)

    page = html.unescape(answer.content.decode())
    assert "must becomes may" in page
    assert "becomes 33" in page
    assert Standard.objects.newest().get(slug=own.slug) == own

    text = answer.context["form"].cleaned_data["source"]
    (action,) = re.findall(r'<form[^>]* action="([^"]*)"[^>]*><input[^>]*>\s*<textarea', page)
    stored = client.post(action, {"source": text, "store": "1"}, follow=True)
    newest = Standard.objects.newest().get(slug=own.slug)
    assert newest != own
    assert newest.clauses.get(number="TR-1").strength == "may"
    assert f"/standards/{own.slug}/versions/adopt/" in stored.content.decode()


def test_a_clause_that_is_off_asks_for_nothing_and_can_be_switched_on_again(
    house: House, own: Standard
) -> None:
    client = house.client(house.owner)
    data = _open(client, own.slug) | {"1-off": "on"}

    page = client.post(ADDRESS, data | {"go": "1"})
    assert page.context["form"].off == 1
    kept = _fields(page)
    seen = client.post(ADDRESS, kept | {"see": "1"}).content.decode()
    assert "TR-2" in seen
    assert "switched off" in seen

    kept.pop("1-off")
    assert "Exactly this text" in client.post(ADDRESS, kept | {"see": "1"}).content.decode()


def test_what_was_changed_on_one_page_is_kept_on_the_next(house: House) -> None:
    shipped = next(row for row in standards.load_shipped() if row.clauses.count() > 60)
    client = house.client(house.owner)
    data = _open(client, shipped.slug)
    first, last = (row.number for row in (shipped.clauses.all()[0], shipped.clauses.all()[55]))

    page = client.post(ADDRESS, data | {"0-strength": "may", "1-off": "on", "go": "3"})
    data = _fields(page)
    assert "55-strength" in data
    page = client.post(ADDRESS, data | {"55-strength": "may", "see": "1"})

    text = page.context["form"].cleaned_data["source"]
    clauses = {clause.id: clause for clause in editing.read(text).clauses}
    assert len(clauses) == shipped.clauses.count() - 1
    assert clauses[first].strength == clauses[last].strength == "may"
    assert page.context["offer"].standard.slug == f"{shipped.slug}-of-ours"


@pytest.mark.parametrize(
    ("field", "value"),
    [("1-0-max_lines", "many"), ("0-strength", "mus"), ("title", ""), ("slug", "a b")],
)
def test_a_value_that_cannot_be_used_is_refused_at_its_field(
    house: House, own: Standard, field: str, value: str
) -> None:
    client = house.client(house.owner)
    data = _open(client, own.slug) | {field: value, "see": "1"}

    answer = client.post(ADDRESS, data)

    assert answer.status_code == 422
    assert answer.context["form"].errors[field]


def test_a_text_that_is_no_standard_is_shown_with_its_mistakes(house: House) -> None:
    answer = house.client(house.owner).post(ADDRESS, {"source": TEXT.replace("must", "mus")})

    assert answer.status_code == 422
    assert "is not one of must, should, may" in html.unescape(answer.content.decode())


def test_the_standard_of_another_team_is_changed_in_a_copy(house: House, own: Standard) -> None:
    other = rows.user()
    rows.team(lead=other)

    data = _open(house.client(other), own.slug)

    assert data["slug"] == "team-rules-of-ours"
    assert data["title"] == "Team rules, our copy"


def test_only_leads_change_standards(house: House, own: Standard) -> None:
    assert house.client(house.mate).get(f"{ADDRESS}?from={own.slug}").status_code == 403
    assert house.client(house.owner).get(f"{ADDRESS}?from=nothing").status_code == 404


def test_gate_and_weights_are_changed_on_the_page_and_shown_with_the_difference(
    house: House, own: Standard
) -> None:
    client = house.client(house.owner)
    data = _open(client, own.slug)
    data |= {
        "weight_must": "6",
        "0-weight": "20",
        "gate-asked": "on",
        "gate-minimum": "75.5",
        "gate-open_musts": "",
        "gate-coverage": "90",
        "gate-not_worse": "on",
        "see": "1",
    }

    answer = client.post(ADDRESS, data)

    page = html.unescape(answer.content.decode())
    assert "<code>[gate] minimum</code> is set to 75.5" in page
    assert "<code>[weights] must</code> is set to 6" in page
    assert "weight 4 becomes 20" in page
    text = answer.context["form"].cleaned_data["source"]
    changed = editing.read(text)
    assert changed.gate == Gate(minimum=75.5, open_musts=None, coverage=0.9, not_worse=True)
    assert changed.clauses[0].weight == 20
    shown = client.post(ADDRESS, {**_fields_of_text(text, own.slug), "go": "1"}).content.decode()
    assert 'name="gate-minimum" value="75.5"' in shown


def _fields_of_text(text: str, slug: str) -> dict[str, object]:
    """What a page with this text sends back when nothing but the page is changed."""
    standard = editing.read(text)
    form = ClausesForm(None, standard=standard, number=1)
    data = {field.html_name: field.value() for field in form if field.value() is not False}
    sent = {name: value for name, value in data.items() if value is not None}
    return {**sent, "slug": slug, "source": text, "page": 1}


def test_a_gate_that_cannot_be_used_is_refused_at_its_field(house: House, own: Standard) -> None:
    client = house.client(house.owner)
    data = _open(client, own.slug)
    sent = {**data, "gate-asked": "on", "gate-minimum": "101", "0-weight": "0", "see": "1"}

    answer = client.post(ADDRESS, {name: v for name, v in sent.items() if v is not None})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "less than or equal to 100" in page
    assert "greater than or equal to 1." in page


def test_a_gate_is_taken_away_and_one_that_was_not_on_the_page_is_kept(house: House) -> None:
    text = f"{TEXT}\n[gate]\nminimum = 70\ncoverage = 0.07\n"
    standard = editing.read(text)
    kept = StandardGateForm.sent({}, standard.gate)
    assert (kept.usable, kept.change()) == (True, KEPT)
    same = StandardGateForm.sent(
        {
            "gate-asked": "on",
            "gate-minimum": "70",
            "gate-open_musts": "0",
            "gate-coverage": str(StandardGateForm(gate=standard.gate)["coverage"].value()),
        },
        standard.gate,
    )
    assert (same.usable, same.change()) == (True, KEPT)
    gone = StandardGateForm.sent({"gate-minimum": "70", "gate-open_musts": "0"}, standard.gate)
    assert (gone.usable, gone.change()) == (True, None)


def test_exceptions_are_set_shown_as_a_difference_and_taken_back(
    house: House, own: Standard
) -> None:
    client = house.client(house.owner)
    data = _open(client, own.slug)
    assert (data["suppressions"], data["approver"], "max_days" in data) == ("any", "anyone", False)

    sent = {"suppressions": "reasoned", "approver": "other", "max_days": "90"}
    kept = _fields(client.post(ADDRESS, data | sent | {"go": "1"}))
    assert {name: str(kept[name]) for name in sent} == sent
    rules = parse(str(kept["source"]).encode(), "test").waivers
    assert (rules.suppressions, rules.approver, rules.max_days) == ("reasoned", "other", 90)
    page = html.unescape(client.post(ADDRESS, kept | {"see": "1"}).content.decode())
    assert "<code>[waivers] suppressions</code> any becomes reasoned" in page
    assert "<code>[waivers] approver</code> anyone becomes other" in page
    assert "<code>[waivers] max_days</code> is set to 90" in page

    unsent = {name: value for name, value in kept.items() if name not in sent}
    still = client.post(ADDRESS, unsent | {"go": "1"}).context["source"]
    assert parse(still.encode(), "test").waivers == rules

    back = {"suppressions": "any", "approver": "anyone", "max_days": ""}
    plain = client.post(ADDRESS, kept | back | {"go": "1"}).context["source"]
    assert parse(plain.encode(), "test").waivers == parse(own.source.encode(), "test").waivers
    assert "[waivers]" not in plain


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"max_days": "0"}, "greater than or equal to 1"),
        ({"suppressions": "some"}, "Select a valid choice"),
    ],
)
def test_exceptions_that_cannot_be_are_refused(
    sent: dict[str, str], says: str, house: House, own: Standard
) -> None:
    client = house.client(house.owner)

    answer = client.post(ADDRESS, _open(client, own.slug) | sent | {"see": "1"})

    assert answer.status_code == 422
    assert says in answer.content.decode()
