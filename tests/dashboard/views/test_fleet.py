"""The fleet: one page of fifty, filters in the address, a constant number of queries."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.models import Component, Repository, Trigger
from dashboard.services import scanning
from dashboard.services.fleet import FleetQuery, read_fleet
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

MOST_QUERIES = 10


def _more(house: House, number: int) -> None:
    Repository.objects.bulk_create(
        Repository(
            team=house.team,
            slug=f"more{index}",
            name=f"AAA more {index:03}",
            clone_url=f"https://git.example.org/more{index}.git",
            score=50 + index % 50,
            letter="D",
            open_must=index,
        )
        for index in range(number)
    )


def _names(house: House, **query: str) -> list[str]:
    page = house.client(house.owner).get(f"/?{urlencode(query)}").content.decode()
    return re.findall(r'<th scope="row"><a [^>]*><bdi>(.*?)</bdi>', page)


def _queries(house: House, address: str = "/") -> int:
    client = house.client(house.owner)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_the_number_of_queries_does_not_grow_with_the_fleet(house: House) -> None:
    house.scan(rows.finding("f1"))
    few = _queries(house)

    _more(house, 120)

    assert _queries(house) == few <= MOST_QUERIES


def test_a_row_says_score_grade_open_musts_and_coverage(house: House) -> None:
    house.scan(rows.finding("f1"))

    page = house.client(house.owner).get("/").content.decode()

    assert "80.0" in page
    assert 'class="grade grade-B ' in page
    assert 'title="Grade B: 80 to 89.9 points"' in page
    assert "100 %" in page


def test_a_repository_without_a_scan_is_not_scored_and_says_so(house: House) -> None:
    page = house.client(house.owner).get("/").content.decode()

    assert "never scanned" in page
    assert "not scored: nothing was measured" in page


def test_a_person_sees_the_repositories_of_their_own_teams_alone(house: House) -> None:
    rows.repository()

    assert _names(house) == [house.repository.name]


def test_the_filters_narrow_by_text_team_and_grade(house: House) -> None:
    _more(house, 3)

    assert _names(house, q="MORE 00") == ["AAA more 000", "AAA more 001", "AAA more 002"]
    assert _names(house, letter="none") == [house.repository.name]
    assert len(_names(house, team=house.team.slug)) == 4
    assert _names(house, team="no-such-team") == []


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "AAA more 000"), ("-musts", "AAA more 002"), ("score", "AAA more 000")],
)
def test_the_columns_sort_and_what_has_no_score_comes_last(
    house: House, sort: str, first: str
) -> None:
    _more(house, 3)

    names = _names(house, sort=sort)

    assert names[0] == first
    assert sort == "name" or names[-1] == house.repository.name


def test_a_page_holds_fifty_and_odd_page_numbers_fall_back(house: House) -> None:
    _more(house, 60)

    assert len(_names(house)) == 50
    assert len(_names(house, page="2")) == 11
    assert len(_names(house, page="99")) == 11
    assert len(_names(house, page="x")) == 50


def test_unknown_values_in_the_address_never_break_the_page(house: House) -> None:
    hostile = {"q": "\x00'\"<b>", "team": "\x00", "letter": "Z", "sort": "password", "page": "-1"}

    answer = house.client(house.owner).get(f"/?{urlencode(hostile)}")

    assert answer.status_code == 200
    assert b"<b>" not in answer.content


def test_a_fragment_is_the_rows_alone_and_caches_keep_it_apart(house: House) -> None:
    client = house.client(house.owner)

    fragment = client.get("/", headers=HTMX)

    assert b"<html" not in fragment.content
    assert b'<div id="rows"' in fragment.content
    assert "HX-Request" in fragment["Vary"]
    assert "HX-Request" in client.get("/")["Vary"]


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_a_request_that_replaces_the_whole_page_gets_it(house: House, header: str) -> None:
    answer = house.client(house.owner).get("/", headers={**HTMX, header: "true"})

    assert b"<html" in answer.content


def test_a_scan_that_waits_shows_in_its_row(house: House) -> None:
    scanning.request(house.repository, Trigger.PUSH)

    assert "queued" in house.client(house.owner).get("/").content.decode()


def test_an_empty_fleet_tells_the_next_step(house: House) -> None:
    page = house.client(house.stranger).get("/").content.decode()

    assert "No repositories yet" in page
    assert 'href="/repos/new/"' in page


def test_a_filter_without_a_match_offers_the_way_back(house: House) -> None:
    assert b"Nothing matches" in house.client(house.owner).get("/?q=zzz").content


def test_the_list_of_repositories_takes_a_constant_number_of_queries(house: House) -> None:
    few = _queries(house, "/repos/")

    _more(house, 40)
    for row in Repository.objects.filter(slug__startswith="more")[:5]:
        Component.objects.create(repository=row, path="")

    assert _queries(house, "/repos/") == few


def test_foreign_names_are_escaped_and_isolated(house: House) -> None:
    house.repository.name = "<img src=x onerror=alert(1)>\u202egnp"
    house.repository.save()

    page = house.client(house.owner).get("/").content.decode()

    assert "<img src=x" not in page
    assert "<bdi>&lt;img src=x" in page


def _states(house: House) -> None:
    """One repository of each state of its gate and of its result, beside the one that is there."""
    fields: dict[str, dict[str, object]] = {
        "fails": {"gate_passed": False},
        "passes": {"gate_passed": True},
        "untold": {"gate_passed": True, "gate_untold": True},
        "broken": {"failure_code": "empty", "gate_passed": True},
        "unscored": {"score": None, "letter": ""},
    }
    for name, own in fields.items():
        row = rows.repository(house.team)
        judged = {"score": 70.0, "letter": "C", "scanned_at": timezone.now()}
        Repository.objects.filter(pk=row.pk).update(name=name, **(judged | own))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"gate": "failing"}, ["fails"]),
        ({"gate": "passing"}, ["broken", "passes"]),
        ({"gate": "untold"}, ["untold"]),
        ({"state": "failed"}, ["broken"]),
        ({"state": "unknown"}, ["unscored"]),
        ({"state": "judged"}, ["fails", "passes", "untold"]),
        ({"gate": "passing", "state": "failed"}, ["broken"]),
        ({"gate": "failing", "letter": "A"}, []),
        ({"gate": "none", "letter": "none", "state": "unknown"}, ["unscored"]),
    ],
)
def test_the_fleet_is_narrowed_to_a_gate_and_a_state(
    query: dict[str, str], names: list[str], house: House
) -> None:
    _states(house)

    assert _names(house, **query) == names


def test_never_scanned_is_a_state_and_what_is_unknown_narrows_nothing(house: House) -> None:
    _states(house)

    assert _names(house, state="never") == [house.repository.name]
    assert len(_names(house, state="nonsense", gate="nonsense", letter="nonsense")) == 6


def test_each_value_leads_on_with_the_number_that_it_leaves_beside_the_other_filters(
    house: House,
) -> None:
    _states(house)
    query = FleetQuery(gate="passing", text="e")

    fleet = read_fleet(house.owner, query)

    counts = {facet.name: {c.key: c.count for c in facet.choices} for facet in fleet.facets}
    assert fleet.total == 2
    assert counts["gate"] == {"failing": 1, "passing": 2, "untold": 1, "none": 2}
    assert counts["state"] == {"judged": 1, "failed": 1, "unknown": 0, "never": 0}
    page = house.client(house.owner).get("/?gate=passing&q=e&sort=-score").content.decode()
    found = re.findall(r'<a class="tight bare" href="\?([^"]*)"', page)
    addresses = [dict(parse_qsl(html.unescape(each))) for each in found]
    kept = {"q": "e", "sort": "-score"}
    assert {**kept, "gate": "passing", "state": "failed"} in addresses
    assert kept in addresses
    assert "no longer" in page


def test_narrowing_costs_no_more_queries(house: House) -> None:
    house.scan(rows.finding("f1"))
    few = _queries(house)
    _states(house)

    assert _queries(house, "/?gate=passing&state=judged&letter=C") <= few
