"""The pages of the past: who sees them, who may steer it, and what a point shows."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

import msgspec
import pytest

from dashboard.models import Backfill, BackfillState, PastResult
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

COMMIT = "c" * 40


@pytest.fixture
def point(house: House) -> PastResult:
    report = rows.report(house.standard.version, rows.finding("f1"))
    told = [{"component": "", "standards": msgspec.to_builtins(report.standards)}]
    return PastResult.objects.create(
        repository=house.repository,
        commit=COMMIT,
        commit_time=datetime(2025, 1, 1, tzinfo=UTC),
        commit_subject="<b>bold</b>",
        score=80.0,
        letter="B",
        results=zlib.compress(msgspec.json.encode(told)),
    )


def test_a_point_shows_the_clauses_that_took_points(house: House, point: PastResult) -> None:
    page = house.client(house.viewer).get(house.page(f"past/{COMMIT}/"))

    assert page.status_code == 200
    text = page.content.decode()
    assert "/standards/house-rules/HR-1/" in text
    assert "<b>bold" not in text


def test_a_stranger_sees_no_point(house: House, point: PastResult) -> None:
    assert house.client(house.stranger).get(house.page(f"past/{COMMIT}/")).status_code == 404


def test_the_list_names_every_point_and_what_was_left_out(house: House, point: PastResult) -> None:
    left = {"d" * 40: "the commit is damaged"}
    Backfill.objects.create(
        repository=house.repository, weeks=104, state=BackfillState.DONE, left_out=left
    )

    text = house.client(house.viewer).get(house.page("past/")).content.decode()

    assert f"/past/{COMMIT}/" in text
    assert "the commit is damaged" in text


def test_the_fragment_follows_only_while_there_is_something_to_follow(house: House) -> None:
    row = Backfill.objects.create(repository=house.repository, weeks=104, commits=["a"], done=0)
    client = house.client(house.viewer)

    running = client.get(house.page("past/"), headers=HTMX).content.decode()
    Backfill.objects.filter(pk=row.pk).update(state=BackfillState.DONE)
    done = client.get(house.page("past/"), headers=HTMX).content.decode()

    assert "hx-trigger" in running
    assert "<html" not in running
    assert "hx-trigger" not in done


@pytest.mark.parametrize(
    ("verb", "state"),
    [("pause", BackfillState.PAUSED), ("cancel", BackfillState.CANCELLED)],
)
def test_a_lead_steers_it(house: House, verb: str, state: BackfillState) -> None:
    Backfill.objects.create(repository=house.repository, weeks=104)

    answer = house.client(house.owner).post(house.page(f"past/turn/{verb}/"))

    assert answer.status_code == 302
    assert Backfill.objects.get().state == state


def test_a_developer_does_not_steer_it(house: House) -> None:
    Backfill.objects.create(repository=house.repository, weeks=104)

    house.client(house.mate).post(house.page("past/turn/pause/"))

    assert Backfill.objects.get().state == BackfillState.WAITING


def test_an_unknown_turn_is_not_there(house: House) -> None:
    assert house.client(house.owner).post(house.page("past/turn/dance/")).status_code == 404


def test_on_the_page_of_the_repository_it_stands_below_what_the_scan_says(house: House) -> None:
    house.scan(rows.finding("f1"))
    Backfill.objects.create(repository=house.repository, weeks=104, commits=["a"], done=0)

    text = house.client(house.viewer).get(house.page()).content.decode()

    assert 0 < text.index('id="clauses"') < text.index('id="past"') < text.index('id="lately"')


def test_weeks_that_could_not_be_judged_are_not_counted_among_those_that_were(
    house: House,
) -> None:
    Backfill.objects.create(
        repository=house.repository,
        weeks=104,
        commits=["a", "d"],
        done=2,
        state=BackfillState.DONE,
        left_out={"d": "the commit is damaged"},
    )

    text = house.client(house.viewer).get(house.page("history/")).text

    assert "1 of 2 weeks are judged, 1 could not be." in text
