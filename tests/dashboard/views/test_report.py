"""Pages for leads: what moved, what costs most, and where each repository stands."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from checks import model as engine
from dashboard.models import PastResult, Repository, Scan, Waiver
from dashboard.services import report as report_service
from dashboard.services.areas import read_areas
from dashboard.services.report import read_report
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

MOST_QUERIES = 18


@pytest.fixture(autouse=True)
def _forget(db: None) -> None:
    cache.clear()


def _more(house: House, *scores: float | None) -> None:
    Repository.objects.bulk_create(
        Repository(
            team=house.team,
            slug=f"more{number}",
            name=f"More {number:03}",
            clone_url=f"https://git.example.org/more{number}.git",
            score=score,
            letter="" if score is None else "D",
            open_must=2,
        )
        for number, score in enumerate(scores)
    )


def _age(house: House, number: int, days: int) -> None:
    when = F("finished_at") - timedelta(days=days)
    Scan.objects.filter(repository=house.repository, number=number).update(finished_at=when)


def test_the_median_is_told_and_never_a_mean(house: House) -> None:
    _more(house, 10, 60, 95, None)

    report = read_report(house.owner, 30)

    assert report.median == 60
    assert report.unscored == 2  # the house's own was not scanned yet
    assert dict(report.letters)["D"] == 3
    Repository.objects.filter(slug="more2").update(score=None)
    assert read_report(house.owner, 30).median == 35


def test_movement_is_against_the_score_of_that_day(house: House) -> None:
    house.scan(rows.finding("f1"), score=50.0)
    house.scan(rows.finding("f1"), score=70.0)
    house.scan(rows.finding("f2"), score=64.0)
    _age(house, 1, 40)
    _age(house, 2, 10)

    (moved,) = read_report(house.owner, 30).risen
    assert moved.by == 14
    (moved,) = read_report(house.owner, 7).fallen
    assert moved.by == -6


def test_the_first_scan_is_no_news(house: House) -> None:
    house.scan(*(rows.finding(f"f{number}") for number in range(5)))
    assert (read_report(house.owner, 30).opened, read_report(house.owner, 30).fixed) == (0, 0)

    house.scan(rows.finding("f1"), rows.finding("new", check="no-broad-except"))

    assert (read_report(house.owner, 30).opened, read_report(house.owner, 30).fixed) == (1, 4)


def test_the_clause_that_costs_most_leads_to_its_page(house: House) -> None:
    house.scan(rows.finding("f1"))

    page = house.client(house.owner).get("/report/").content.decode()

    assert "/standards/house-rules/HR-1/" in page
    assert read_report(house.owner, 30).worst[0].adherence == 0


@pytest.mark.parametrize(("score", "moved"), [(80.04, 0), (80.1, 1), (79.9, 1)])
def test_what_a_page_shows_as_nothing_has_not_moved(house: House, score: float, moved: int) -> None:
    house.scan(rows.finding("f1"), score=80.0)
    house.scan(rows.finding("f1"), score=score)

    report = read_report(house.owner, 30)

    assert len([*report.risen, *report.fallen]) == moved


def test_a_clause_is_added_up_over_the_versions_of_its_standard(house: House) -> None:
    scan = house.scan(rows.finding("f1"))
    later = rows.standard(rows.HOUSE_RULES + b"\n# a later version\n")
    another = replace(house, standard=later, repository=rows.repository(house.team, later))
    another.scan(rows.finding("f2"))

    [worst] = read_report(house.owner, 30).worst

    assert (worst.number, worst.missed, worst.decided) == ("HR-1", 2, 2)
    assert worst.lost == 2 * scan.standards.get().clauses.get(clause__number="HR-1").loss


def test_a_stranger_reads_of_nothing(house: House) -> None:
    house.scan(rows.finding("f1"))
    _more(house, 10)

    assert read_report(house.stranger, 30).total == 0
    assert not read_report(house.stranger, 30).worst
    assert not read_areas(house.stranger, "1").lines


@pytest.mark.parametrize("address", ["/report/", "/areas/"])
def test_the_number_of_queries_does_not_grow_with_the_fleet(house: House, address: str) -> None:
    house.scan(rows.finding("f1"))
    client = house.client(house.owner)
    seen = []
    for _ in range(2):
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        seen.append(len(queries))
        if len(seen) == 1:
            _more(house, *range(20))

    assert seen[0] == seen[1] <= MOST_QUERIES


def test_the_fleet_asks_for_the_glance_and_htmx_gets_only_that(house: House) -> None:
    house.scan(rows.finding("f1"))
    client = house.client(house.owner)

    assert 'hx-get="/report/"' in client.get("/").content.decode()
    part = client.get("/report/", headers=HTMX).content.decode()
    assert 'id="glance"' in part
    assert "<html" not in part


def test_an_area_shows_how_far_its_clauses_are_met(house: House) -> None:
    house.scan(rows.finding("f1"))

    (line,) = read_areas(house.owner, "1").lines

    shares = {cell.area: (cell.percent, cell.grade) for cell in line.cells}
    assert shares["logging"][0] is not None
    page = house.client(house.owner).get("/areas/").content.decode()
    assert f"/r/{house.repository.slug}/?area=logging#area-logging" in page


def _judged_later(house: House, score: float, days: int, name: str = "c") -> str:
    point = PastResult.objects.create(
        repository=house.repository,
        commit=name * 40,
        commit_time=timezone.now() - timedelta(days=days),
        score=score,
        results=b"",
    )
    return point.get_absolute_url()


def test_where_scans_do_not_reach_back_the_judged_past_does_and_says_so(house: House) -> None:
    house.scan(rows.finding("f1"), score=70.0)
    _judged_later(house, 10.0, 60, "a")
    then = _judged_later(house, 50.0, 40, "b")
    _judged_later(house, 60.0, 20, "c")

    report = read_report(house.owner, 30)

    (moved,) = report.risen
    assert (moved.by, moved.past, report.judged_later) == (20, "b" * 40, 1)
    assert report.change == 20
    page = house.client(house.owner).get("/report/").content.decode()
    assert then in page
    assert "judged later" in page


def test_a_past_shorter_than_asked_for_begins_where_it_begins(house: House) -> None:
    house.scan(rows.finding("f1"), score=70.0)
    _judged_later(house, 66.0, 20, "c")

    (moved,) = read_report(house.owner, 30).risen

    assert (moved.by, moved.past) == (4, "c" * 40)


def test_a_head_that_was_there_already_has_not_moved_since(house: House) -> None:
    scan = house.scan(rows.finding("f1"), score=70.0)
    Scan.objects.filter(pk=scan.pk).update(commit_time=timezone.now() - timedelta(days=400))
    _judged_later(house, 60.0, 407)

    report = read_report(house.owner, 30)

    assert (report.risen, report.fallen, report.change) == ([], [], 0)


def test_without_anything_older_both_pages_show_a_dash_with_the_reason(house: House) -> None:
    house.scan(rows.finding("f1"), score=70.0)

    report = read_report(house.owner, 30)

    assert (report.change, report.compared, report.places[0].by) == (None, 0, None)
    client = house.client(house.owner)
    page = client.get("/report/").text
    assert "– nothing older to compare with" in page
    assert "±0.0" not in page
    assert 'title="Nothing older to compare with.">–' in page
    assert 'title="Nothing older to compare with.">–' in client.get("/").text


def test_what_is_younger_than_the_span_names_its_day(house: House) -> None:
    house.scan(rows.finding("f1"), score=70.0)
    house.scan(rows.finding("f1"), score=75.0)
    _age(house, 1, 12)
    _more(house, 50)

    report = read_report(house.owner, 30)

    assert report.reach
    assert (report.change, report.compared) == (5, 1)
    day = f"since {date_format(timezone.localtime(report.reach), 'j M')}"
    page = house.client(house.owner).get("/report/").text
    assert page.count(day) == 3
    assert "of the 1 with something older" in page
    assert read_report(house.owner, 7).reach is None


def test_what_is_not_measured_is_named_although_each_repository_has_a_score(house: House) -> None:
    house.scan(rows.finding("f1"))
    Repository.objects.update(coverage=1)
    client = house.client(house.owner)
    assert "Everything is measured" in client.get("/report/").text

    Repository.objects.update(coverage=0.5, due_count=2)
    house.repository.components.update(path="app")

    page = client.get("/report/").text
    assert "Everything is measured" not in page
    assert '<a href="/attestations/">2 attestations</a> are due' in page
    assert '<a href="#repositories">1 repository</a> some clauses have no answer' in page
    assert '<a href="#repositories">1 repository</a> only some folders are judged' in page
    assert "other folders" in _places(page)
    assert f'<a href="{house.page("attestations/")}">2 attestations</a>' in _places(page)


def test_what_an_earlier_release_has_remembered_is_not_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.scan(rows.finding("f1"))
    monkeypatch.setattr(report_service, "LARGE", 0)
    cache.set(f"worst-clauses:{house.owner.pk}", [("house-rules", "HR-1", 1, 1)])

    assert [each.number for each in read_report(house.owner, 30).worst] == ["HR-1"]


def test_what_costs_most_is_never_nothing_where_something_costs(house: House) -> None:
    assert read_report(house.owner, 30).worst == []
    house.scan(rows.finding("f1"))

    assert [each.number for each in read_report(house.owner, 30).worst] == ["HR-1"]


def test_what_is_waived_today_is_no_movement_since_the_judged_past(house: House) -> None:
    house.scan(rows.finding("f1"), score=90.0)
    Repository.objects.filter(pk=house.repository.pk).update(raw_score=70.0)
    _judged_later(house, 65.0, 40)

    (moved,) = read_report(house.owner, 30).risen

    assert moved.by == 5


def test_a_scan_that_is_old_enough_goes_before_the_judged_past(house: House) -> None:
    house.scan(rows.finding("f1"), score=50.0)
    house.scan(rows.finding("f1"), score=70.0)
    _age(house, 1, 40)
    then = _judged_later(house, 10.0, 45, "c")

    (moved,) = read_report(house.owner, 30).risen

    assert (moved.by, moved.past) == (20, "")
    assert then not in house.client(house.owner).get("/report/").content.decode()


def _places(page: str) -> str:
    return page[page.index('id="repositories"') :]


def test_every_repository_stands_in_the_report_the_worst_first(house: House) -> None:
    house.scan(rows.finding("f1"), score=70.0)
    house.scan(rows.finding("f1"), score=62.0)
    _age(house, 1, 40)
    _more(house, 10, None, 95)

    report = read_report(house.owner, 30)

    assert [place.repository.score for place in report.places] == [10, 62, 95, None]
    assert [place.by for place in report.places] == [None, -8, None, None]
    assert sum(place.opened for place in report.places) == report.opened
    table = _places(house.client(house.owner).get("/report/").text)
    assert table.index("More 000") < table.index(house.repository.name) < table.index("More 001")
    assert "all 4" in table


def test_a_line_of_the_report_says_gate_state_and_what_was_not_measured(house: House) -> None:
    house.scan(rows.finding("f1"), skipped=(engine.Skipped("a.py", "too large"),))
    Repository.objects.update(gate_passed=False, coverage=0.925, failure_code="timeout")

    table = _places(house.client(house.owner).get("/report/").text)

    assert f'{house.page()}#gate"' in table
    assert "scan failed" in table
    assert "8 %</a>, some files" in table
    Repository.objects.update(gate_passed=None, coverage=1.0, failure_code="")
    table = _places(house.client(house.owner).get("/report/").text)
    assert "#gate" not in table
    assert "judged <time" in table


def test_a_long_table_says_how_many_are_left_out_and_goes_on_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_service, "ON_A_PAGE", 2)
    _more(house, 10, 20, 30)
    client = house.client(house.owner)

    assert "1–2 of 4; the others stand on the other pages" in client.get("/report/").text
    headers = HTMX | {"HX-Target": "repositories"}
    second = client.get("/report/?page=2", headers=headers).text
    assert "More 002" in second
    assert "More 000" not in second
    assert "<html" not in second
    assert 'id="glance"' not in second


def test_what_changed_since_the_reader_was_here_can_be_asked_for(house: House) -> None:
    house.scan(rows.finding("f1"), score=50.0)
    house.scan(rows.finding("f1"), rows.finding("f2", line=9), score=44.0)
    _age(house, 1, 9)
    _age(house, 2, 3)
    house.owner.visited_before = timezone.now() - timedelta(days=2)
    assert read_report(house.owner, 0).opened == 0
    house.owner.visited_before = timezone.now() - timedelta(days=4)
    house.owner.save()

    (moved,) = read_report(house.owner, 0).fallen
    (place,) = read_report(house.owner, 0).places

    assert moved.by == -6
    assert (place.opened, place.fixed) == (1, 0)
    page = house.client(house.owner).get("/report/?days=visit").text
    assert "since your last visit, <time" in page
    assert 'href="/report/?days=visit#repositories">1 came</a>' in page
    assert 'href="/report/?days=30#repositories"' in house.client(house.owner).get("/report/").text


def test_who_misses_the_target_and_what_is_waived_until_when_stand_at_a_glance(
    house: House,
) -> None:
    _more(house, 10, 20)
    page = house.client(house.owner).get("/report/").text
    assert "no repository has a target yet" in page
    Repository.objects.filter(slug="more0").update(gate_passed=False)
    Repository.objects.filter(slug="more1").update(gate_passed=True)
    today = timezone.localdate()
    for days in (10, 200, None, -1):
        Waiver.objects.create(
            repository=house.repository,
            scope="path",
            path_pattern="app/",
            state="granted",
            expires_on=None if days is None else today + timedelta(days=days),
        )

    page = house.client(house.owner).get("/report/").text

    assert re.search(r'gate=failing">1 fails</a></dd><dd class="soft small">of 2;', page)
    assert 'list=in-force">3</a>' in page
    assert 'list=expiring">1 end within 30 days</a>' in page
    assert 'list=in-force">0</a>' in house.client(house.stranger).get("/report/").text
