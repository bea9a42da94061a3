"""What broke lately: what came with which scan, by which commit, and what to fix first."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import msgspec
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.models import Finding, FindingEvent, FindingEventKind, Repository
from dashboard.services.broken import COMMITS, last_broken
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

ADA = "a1" * 20
BEN = "b2" * 20
WHEN = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _card(house: House) -> str:
    page = house.client(house.viewer).get(house.page()).text
    found = re.search(r'aria-labelledby="broke">(.*?)</section>', page, re.DOTALL)
    return html.unescape(found[1]) if found else ""


def _listed(house: House, address: str) -> int:
    """How many findings the list shows that a link leads to."""
    page = house.client(house.viewer).get(address).text
    count = re.search(r"<strong>(\d+)</strong> finding", page)
    assert count
    return int(count[1])


def _links(card: str) -> list[tuple[str, int]]:
    """The links that name a number of findings."""
    found = re.findall(
        r'<a href="([^"]*)">(?:<strong>)?(\d+)(?: more| finding|</strong></a> )', card
    )
    return [(address, int(number)) for address, number in found]


def _brought(fingerprint: str, commit: str, author: str, **more: object) -> None:
    FindingEvent.objects.filter(finding__fingerprint=fingerprint).update(
        commit=commit, author=author, committed_at=WHEN, **more
    )


def test_what_the_last_scan_opened_is_told_by_commit_and_leads_to_exactly_that(
    house: House,
) -> None:
    old = rows.finding("f0")
    house.scan(old)
    house.scan(old, *(rows.finding(f"f{n}", line=n + 10) for n in range(1, 4)))
    _brought("f1", ADA, "Ada")
    _brought("f2", ADA, "Ada", at_least=True)
    _brought("f3", BEN, "Ben <b>", at_least=True)

    card = _card(house)

    assert [number for _, number in _links(card)] == [3, 2, 1]
    assert [_listed(house, address) for address, _ in _links(card)] == [3, 2, 1]
    assert re.search(rf"{ADA[:10]}</a> of <bdi>Ada</bdi>.*?1 of them perhaps by an earlier", card)
    assert re.search(rf"{BEN[:10]}</a> of <bdi>Ben <b></bdi>.*?or by an earlier one", card)
    assert "came with the last scan" in card


def test_what_came_by_no_known_commit_says_so_and_can_be_listed(house: House) -> None:
    house.scan()
    house.scan(rows.finding("f1"))

    card = _card(house)

    assert "by a commit that history does not tell" in card
    assert [_listed(house, address) for address, _ in _links(card)] == [1, 1]
    # The rows of this house say one commit of every scan, as when only the rules have changed.
    assert "the same commit as the one before, so no code changed" in card


def test_the_first_look_is_no_news(house: House) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))

    card = _card(house)

    assert "Nobody had looked before" in card
    assert "came with the last scan" not in card
    assert _links(card)[0][1] == 2

    house.scan(rows.finding("f1"))

    assert "No later scan brought a finding that is still open" in _card(house)
    assert _links(_card(house))[0][1] == 1


def test_a_scan_that_opened_nothing_leads_back_to_the_one_that_did(house: House) -> None:
    house.scan()
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    house.scan(rows.finding("f1"))

    card = _card(house)

    assert "No scan after scan 2 brought a finding that is still open" in card
    assert _links(card)[0][1] == 1
    assert f'href="{house.page("scans/2/")}"' in card


def test_what_was_mended_and_came_back_is_news_again(house: House) -> None:
    finding = rows.finding("f1")
    house.scan(finding)
    house.scan()
    house.scan(finding)

    broken = last_broken(house.repository)

    assert broken
    assert (broken.scan.number, broken.count, broken.is_first) == (3, 1, False)
    assert _listed(house, house.page("findings/") + broken.address) == 1


def test_what_is_no_longer_suppressed_or_waived_is_news_as_well(house: House) -> None:
    quiet, waived = rows.finding("f1"), rows.finding("f2", line=9)
    house.scan(msgspec.structs.replace(quiet, suppressed=True), waived)
    turn = house.scan(quiet, waived)
    FindingEvent.objects.create(
        finding=Finding.objects.get(fingerprint="f2"), scan=turn, kind=FindingEventKind.UNWAIVED
    )

    card = _card(house)

    assert "came with the last scan" in card
    assert "1 no longer suppressed in the code, 1 no longer waived" in card
    assert "does not tell" not in card
    assert [(_listed(house, address), n) for address, n in _links(card)] == [(2, 2), (2, 2)]


def test_a_finding_is_counted_once_and_by_its_last_turn(house: House) -> None:
    one, other = rows.finding("f1"), rows.finding("f2", line=9)
    house.scan()
    house.scan(one, other)
    house.scan(msgspec.structs.replace(one, suppressed=True), other)
    turn = house.scan(one, other)
    FindingEvent.objects.create(
        finding=Finding.objects.get(fingerprint="f1"), scan=turn, kind=FindingEventKind.UNWAIVED
    )

    broken = last_broken(house.repository)

    assert broken
    assert (broken.scan.number, broken.count) == (4, 1)
    assert _listed(house, house.page("findings/?broke=4")) == 1
    assert _listed(house, house.page("findings/?broke=2")) == 1
    assert _listed(house, house.page("findings/?opened=2")) == 2


def test_the_database_is_asked_for_the_events_of_this_repository_alone(house: House) -> None:
    house.scan()
    house.scan(rows.finding("f1"))

    with CaptureQueriesContext(connection) as seen:
        last_broken(house.repository)

    asked = [each["sql"] for each in seen if '"dashboard_findingevent"' in each["sql"]]
    assert len(asked) == 3
    for sql in asked:
        assert f'"dashboard_finding"."repository_id" = {house.repository.pk}' in sql


def test_what_broke_is_named_first_and_what_gains_most_by_itself(house: House) -> None:
    light = msgspec.structs.replace(rows.finding("f2", line=9), gain={"house-rules": 3.0})
    house.scan(rows.finding("f1", line=30))
    house.scan(rows.finding("f1", line=30), light)

    card = _card(house)

    first = re.search(r"First to fix of these:</strong> .*?</p>", card)
    assert first
    assert Finding.objects.get(fingerprint="f2").get_absolute_url() in first[0]
    assert "<strong>3.0</strong>" in first[0]


def test_what_does_not_count_broke_nothing(house: House) -> None:
    house.scan()
    house.scan(msgspec.structs.replace(rows.finding("f1"), suppressed=True))

    assert last_broken(house.repository) is None
    assert "No finding is open in what could be measured." in _card(house)


def test_a_failed_scan_says_that_it_is_the_last_good_result(house: House) -> None:
    house.scan()
    Repository.objects.update(failure_code="unreachable", failure_message="No answer.")

    assert "No finding was open at the last good result." in _card(house)


def test_without_a_result_nothing_is_said_of_what_broke(house: House) -> None:
    assert _card(house) == ""

    house.scan(score=None)

    # Nothing was measured: that nothing was found says nothing.
    assert _card(house) == ""


def test_more_commits_than_fit_are_counted_and_lead_to_the_rest(house: House) -> None:
    found = [rows.finding(f"f{n}", line=n + 1) for n in range(COMMITS + 2)]
    house.scan()
    house.scan(*found)
    for n in range(COMMITS + 2):
        _brought(f"f{n}", f"{n:040x}", "Ada")

    card = _card(house)

    assert "2 more</a> by 2 other commits" in card
    assert len(re.findall(r" finding</a> \(1 of a must\) by commit", card)) == COMMITS


def test_a_constant_number_of_queries_however_much_broke(house: House) -> None:
    def count() -> int:
        client = house.client(house.viewer)
        with CaptureQueriesContext(connection) as seen:
            client.get(house.page())
        return len(seen)

    house.scan()
    house.scan(rows.finding("f1"))
    few = count()
    found = [rows.finding(f"g{n}", line=n + 1) for n in range(30)]
    house.scan(*found)
    for n in range(30):
        _brought(f"g{n}", f"{n:040x}", "Ada")

    assert count() == few


def test_a_broken_address_of_the_list_asks_for_nothing_it_cannot_mean(house: House) -> None:
    house.scan(rows.finding("f1"))

    assert _listed(house, house.page("findings/?opened=x&commit='--")) == 1
    assert _listed(house, house.page("findings/?opened=999999999")) == 0
    assert _listed(house, house.page("findings/?commit=" + ADA)) == 0
