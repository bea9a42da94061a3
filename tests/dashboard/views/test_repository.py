"""The page of a repository: every state with its next step, and what people do to it."""

from __future__ import annotations

import html
import json
import re

from django.db import connection
from django.test.utils import CaptureQueriesContext

from checks import model as engine
from dashboard import queue
from dashboard.models import AuditEntry, Clause, Repository, Scan, ScanState, Trigger
from dashboard.services import lease, scanning
from dashboard.services.repository_page import read_overview
from tests.browser.addresses import judge_by_all
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House


def _get(house: House, tail: str = "", **headers: str) -> str:
    answer = house.client(house.owner).get(house.page(tail), headers=headers or None)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_repository_that_was_never_scanned_offers_a_scan(house: House) -> None:
    page = _get(house)

    assert "Never scanned" in page
    assert "Scan now" in page


def test_the_headline_says_score_musts_coverage_and_what_is_suppressed(house: House) -> None:
    house.scan(rows.finding("f1"))

    page = _get(house)

    assert re.search(r"Open musts</button></dt><dd>1<", page)
    assert re.search(r"Coverage</button></dt><dd>100 %<", page)
    assert "none suppressed in the code" in page


def test_a_result_that_comes_while_the_page_is_made_is_shown_whole(house: House) -> None:
    read_before = Repository.objects.select_related("team", "last_scan").get()
    house.scan(rows.finding("f1"), score=70.0)

    overview = read_overview(read_before)

    assert overview.active is None
    assert overview.scan == read_before.last_scan == Scan.objects.get()
    assert read_before.score == 70.0


def test_the_waterfall_stands_in_the_page_as_numbers_that_add_up(house: House) -> None:
    house.scan(rows.finding("f1"))

    points = re.search(r'data-points="(.*?)"', _get(house))
    assert points
    bars = json.loads(html.unescape(points[1]))

    losses = [bar["value"] for bar in bars if bar["kind"] == "loss"]
    assert 100 - sum(losses) == bars[-1]["value"] == 80.0


def test_an_unknown_standard_in_the_address_falls_back(house: House) -> None:
    house.scan(rows.finding("f1"))

    assert "House rules" in _get(house, "?standard=no-such")


def test_a_clause_that_could_not_be_answered_says_why(house: House) -> None:
    house.scan(states={"no-print": "unknown"})

    assert "HR-1" in _get(house)


def test_the_number_of_queries_does_not_grow_with_findings(house: House) -> None:
    def count() -> int:
        client = house.client(house.owner)
        with CaptureQueriesContext(connection) as seen:
            client.get(house.page())
        return len(seen)

    house.scan(rows.finding("f1"))
    few = count()
    house.scan(*(rows.finding(f"g{index}", line=index + 1) for index in range(40)))

    assert count() == few


def test_text_of_the_repository_is_escaped_and_out_of_reach_of_htmx(house: House) -> None:
    hostile = engine.Finding(
        **{
            **{
                name: getattr(rows.finding("f1"), name) for name in engine.Finding.__struct_fields__
            },
            "message": '<a hx-get="/sign-out/" hx-trigger="load">x</a>',
            "path": '"><script>alert(1)</script>.py',
        }
    )
    house.scan(hostile)

    page = _get(house)

    assert "<script>alert" not in page
    assert "Say <b>hello" not in page
    inside = page[page.index("hx-disable") :]
    assert "&lt;a hx-get=" in inside


def test_a_running_scan_is_followed_and_the_interval_comes_from_the_server(house: House) -> None:
    scanning.request(house.repository, Trigger.PUSH)

    page = _get(house)

    assert 'hx-trigger="every 2s"' in page
    assert "Waiting for a worker" in page
    assert 'aria-live="polite"' in page


def test_progress_is_told_in_words_and_numbers(house: House) -> None:
    held = lease.claim(scanning.request(house.repository, Trigger.PUSH).pk)
    assert held
    held.write(phase="reading", phase_done=120, phase_total=400)

    fragment = _get(house, "progress/", **HTMX)

    assert "<html" not in fragment
    assert "Reading files" in fragment
    assert "120 of 400" in fragment
    assert f'hx-get="{house.page("progress/")}"' in fragment


def test_the_finished_fragment_replaces_the_overview_and_carries_no_trigger(
    house: House,
) -> None:
    house.scan(rows.finding("f1"))

    answer = house.client(house.owner).get(house.page("progress/"), headers=HTMX)

    assert answer["HX-Retarget"] == "#overview"
    assert b'id="overview"' in answer.content
    assert b"hx-trigger" not in answer.content


def test_polling_slows_down_as_a_scan_drags_on(house: House) -> None:
    scan = scanning.request(house.repository, Trigger.PUSH)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dashboard_scan SET created_at = created_at - interval '10 minutes'")

    assert 'hx-trigger="every 15s"' in _get(house)
    assert Scan.objects.get() == scan


def test_asking_for_a_scan_queues_one_and_rings(house: House) -> None:
    client = house.client(house.mate)

    first = client.post(house.page("scan/"))
    client.post(house.page("scan/"))

    assert (first.status_code, first["Location"]) == (302, house.page())
    scan = Scan.objects.get()
    assert (scan.state, scan.trigger, scan.requested_by) == (
        ScanState.QUEUED,
        Trigger.MANUAL,
        house.mate,
    )


def test_the_last_good_result_stays_while_the_server_does_not_answer(house: House) -> None:
    house.scan(rows.finding("f1"))
    Repository.objects.update(state="unreachable", state_message="The server could not be reached.")

    page = _get(house)

    assert "The server could not be reached." in page
    assert "last good result" in page
    assert "80.0" in page


def test_the_history_shows_every_scan_and_a_curve(house: House) -> None:
    house.scan(rows.finding("f1"), score=70.0)
    house.scan(score=90.0)

    page = _get(house, "history/")

    curve = re.search(r'data-points="(.*?)"', page)
    assert curve
    assert [at["score"] for at in json.loads(html.unescape(curve[1]))] == [70.0, 90.0]
    assert "#1" in page
    assert "#2" in page


# --- settings


def _post(house: House, tail: str, **data: object) -> tuple[int, str]:
    answer = house.client(house.owner).post(house.page(tail), data)
    return answer.status_code, answer.content.decode()


def test_new_settings_are_saved_and_scanned_with(house: House) -> None:
    status, _ = _post(
        house, "settings/", name="Shop", branch="release", standards=[house.standard.pk]
    )

    house.repository.refresh_from_db()
    assert status == 302
    assert (house.repository.name, house.repository.watched_branch) == ("Shop", "release")
    assert Scan.objects.get().trigger == Trigger.BRANCH


def test_refused_settings_come_back_as_the_same_form_with_a_sentence(house: House) -> None:
    status, page = _post(house, "settings/", name="Shop", branch="-x", standards=[])

    assert status == 422
    assert "Choose at least one standard." in page
    assert 'value="-x"' in page
    assert 'aria-invalid="true"' in page
    assert house.repository.watched_branch == ""


def test_a_refused_form_is_a_fragment_for_htmx(house: House) -> None:
    answer = house.client(house.owner).post(house.page("settings/"), {}, headers=HTMX)

    assert answer.status_code == 422
    assert b"<html" not in answer.content
    assert b'id="settings-form"' in answer.content


def test_an_adopted_version_stays_and_the_newer_one_is_offered(house: House) -> None:
    newer = rows.standard(rows.HOUSE_RULES.replace(b"Two clauses.", b"Two better clauses."))
    data = {"name": house.repository.name, "branch": "", "standards": [newer.pk]}

    _post(house, "settings/", **data)

    assert house.repository.adoptions.get().standard == house.standard
    assert house.page("settings/versions/") in _get(house, "settings/")


def test_removing_takes_the_name_typed(house: House) -> None:
    status, page = _post(house, "remove/", **{"remove-confirm": "something else"})
    assert status == 422
    assert f"Type {house.repository.name} to remove it." in page

    status, _ = _post(house, "remove/", **{"remove-confirm": house.repository.name})

    assert status == 302
    assert not Repository.objects.exists()
    assert AuditEntry.objects.filter(action="repository.removed").exists()


def test_nothing_rings_the_broker_for_a_mere_look(house: House) -> None:
    house.scan(rows.finding("f1"))
    house.rung.clear()

    _get(house)
    _get(house, "findings/")

    assert queue.RUN_SCAN not in house.rung
    assert not house.rung


def test_a_raw_score_below_the_score_never_says_that_nothing_is_waived(house: House) -> None:
    house.scan(rows.finding("f1"), score=80.0)
    Repository.objects.update(score=80.0, raw_score=80.0)
    assert "nothing is waived or suppressed" in _get(house)

    # As a waiver of a clause leaves it: its findings count elsewhere, so none is marked as waived.
    Repository.objects.update(raw_score=79.5)

    page = _get(house)
    assert "nothing is waived or suppressed" not in page
    assert "what it would be without waivers and suppressions" in page


def test_clauses_of_closed_areas_come_when_they_are_asked_for(house: House) -> None:
    repository = judge_by_all(house)
    client, page = house.client(house.viewer), repository.get_absolute_url()
    slug = "mandatory-backend-standards"
    shown = client.get(page, {"standard": slug}).text
    closed = re.findall(r'id="clauses-of-([\w-]+)"', shown)
    area = closed[0]
    number, other = (_clause_in(slug, each) for each in closed[:2])
    assert f"/standards/{slug}/{number}/" not in shown
    assert f"{page}?standard={slug}&amp;area={area}#area-{area}" in shown

    whole = client.get(page, {"standard": slug, "area": area}).text
    assert f"/standards/{slug}/{number}/" in whole
    assert f'id="clauses-of-{area}"' not in whole
    assert f"/standards/{slug}/{other}/" not in whole

    headers = HTMX | {"HX-Target": f"clauses-of-{area}"}
    lines = client.get(page, {"standard": slug, "area": area}, headers=headers).text
    assert f"/standards/{slug}/{number}/" in lines
    assert "<html" not in lines
    assert 'id="overview"' not in lines
    assert client.get(page, {"standard": slug, "area": "no"}, headers=headers).status_code == 404
    stranger = house.client(house.stranger)
    assert stranger.get(page, {"standard": slug, "area": area}, headers=headers).status_code == 404


def _clause_in(slug: str, area: str) -> str:
    return Clause.objects.filter(standard__slug=slug, area=area).values_list("number", flat=True)[0]
