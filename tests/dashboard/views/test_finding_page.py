"""A finding's page needs no other one: where, why, how, what it gains, and what to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from checks.authorship import ABOUT_COMMIT
from dashboard.models import Finding, FindingEvent, User
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

COMMIT = "c3" * 20


def _shown(house: House, person: User | None = None, **fields: object) -> str:
    """The page of a finding that is made what the test needs."""
    house.scan(rows.finding("f1"))
    Finding.objects.update(**fields)
    page = house.client(person or house.viewer).get(Finding.objects.get().get_absolute_url())
    return page.text


def test_a_finding_of_the_whole_repository_says_that_no_line_shows_it(house: House) -> None:
    page = _shown(house, path="", line=0, symbol="")

    assert "In the repository as a whole, as it was at commit" in page
    assert 'id="code-title"' not in page
    assert "git show" not in page


def test_a_finding_about_a_commit_names_it_and_says_how_to_look_at_it(house: House) -> None:
    house.scan()
    house.scan(rows.finding("f1"))
    when = datetime(2026, 5, 4, tzinfo=UTC)
    FindingEvent.objects.update(commit=COMMIT, author="Ada <b>", committed_at=when)
    Finding.objects.update(path="", line=0, symbol=ABOUT_COMMIT + COMMIT)

    page = house.client(house.viewer).get(Finding.objects.get().get_absolute_url()).text

    assert f"git show {COMMIT}</code>" in page
    assert "of <bdi>Ada &lt;b&gt;</bdi>" in page
    assert f'findings/?commit={COMMIT}"' in page
    assert "as it was at commit" not in page


def test_what_a_lead_has_to_attest_leads_there(house: House) -> None:
    page = _shown(house, house.owner, path="", line=0, symbol="", check_id="lead-attestation")

    assert re.search(rf'href="{house.page("attestations/")}">.*?Attest it</a>', page)
    # The example is a file for the command line, which no server reads.
    assert "attestations.toml" not in page
    page = house.client(house.viewer).get(Finding.objects.get().get_absolute_url()).text
    assert "Attest it" not in page
    assert f'href="/teams/{house.team.slug}/"' in page
    assert "In no file" in page


def test_gains_name_their_unit_and_the_standard_by_its_title(house: House) -> None:
    page = _shown(house, gain={"house-rules": 3.5, "other": 0.0}, gain_total=1.75)

    assert "<strong>1.8</strong> points of the repository’s score" in page
    card = page[page.index('id="gain"') : page.index('id="life"')]
    assert re.search(r'<dt>3.5</dt><dd><a href="/standards/house-rules/">House rules</a>', card)
    # What gains nothing is left out.
    assert "other" not in card


def test_a_standard_has_its_title_though_its_clause_is_adopted_no_more(house: House) -> None:
    page = _shown(house, gain={"house-rules": 3.5}, gain_total=1.75, clauses=["GONE-1"])

    assert '<a href="/standards/house-rules/">House rules</a>' in page


def test_the_commit_that_brought_it_leads_to_what_else_it_brought(house: House) -> None:
    house.scan()
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    when = datetime(2026, 5, 4, tzinfo=UTC)
    FindingEvent.objects.update(commit=COMMIT, author="Ada", committed_at=when)
    row = Finding.objects.get(fingerprint="f1")

    client = house.client(house.viewer)
    page = client.get(row.get_absolute_url()).text

    address = re.search(r'href="([^"]+)">what else it brought</a>', page)
    assert address
    assert "<strong>2</strong> findings" in client.get(address[1]).text
