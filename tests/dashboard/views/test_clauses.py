"""Changing a standard clause by clause on pages: what is entered reaches the text that is shown."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from checks.standard import parse
from dashboard.models import Standard
from dashboard.services import editing, standards
from tests.dashboard import rows
from tests.dashboard.views.conftest import House
from tests.dashboard.views.test_own_standard import TEXT

ADDRESS = "/standards/new/clauses/"


def _fields(page: object) -> dict[str, object]:
    """What a browser would send of a page, as it was shown."""
    context = page.context  # type: ignore[attr-defined]
    form = context["form"]
    data = {field.html_name: field.value() for field in form if field.value() is not False}
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
