"""The page of a scan: it follows while the scan runs, and proves what was looked at."""

from __future__ import annotations

import html
import re

import pytest

from checks import model as engine
from dashboard.models import Scan, ScanState, Trigger
from dashboard.services import lease, scanning
from dashboard.services.changes import SHOWN
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House


def _get(house: House, **headers: str) -> str:
    answer = house.client(house.owner).get(house.page("scans/1/"), headers=headers or None)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_running_scan_names_its_step_and_asks_for_itself_again(house: House) -> None:
    held = lease.claim(scanning.request(house.repository, Trigger.PUSH).pk)
    assert held
    held.write(phase="judging", phase_done=7, phase_total=58)

    fragment = _get(house, **HTMX)

    assert "<html" not in fragment
    assert '<li aria-current="step">Judging</li>' in fragment
    assert "7 of 58" in fragment
    assert f'hx-get="{house.page("scans/1/")}" hx-trigger="every 2s"' in fragment


def test_a_finished_scan_carries_no_trigger(house: House) -> None:
    house.scan(rows.finding("f1"))

    assert "hx-trigger" not in _get(house, **HTMX)


def test_the_manifest_lists_what_was_not_analysed_and_why(house: House) -> None:
    house.scan(
        skipped=(
            engine.Skipped("<b>.py", "does not parse: invalid syntax at line 7"),
            engine.Skipped("data.py", "is larger than 512 KiB"),
        )
    )

    page = _get(house)

    assert "Partial result." in page
    assert "1 × is larger than 512 KiB" in page
    assert "&lt;b&gt;.py" in page
    assert "3 tracked, 2 of them Python, 2 analysed" in page


def test_a_failed_scan_says_why_and_offers_another(house: House) -> None:
    scan = scanning.request(house.repository, Trigger.PUSH)
    assert lease.claim(scan.pk)
    scanning.fail(Scan.objects.get(), "empty", "The repository is empty; push a first commit.")

    page = _get(house)

    assert "The repository is empty; push a first commit." in page
    assert "Try again" in page


@pytest.mark.parametrize("state", [ScanState.SUPERSEDED, ScanState.CANCELLED])
def test_a_scan_that_judged_nothing_says_so(house: House, state: ScanState) -> None:
    scanning.request(house.repository, Trigger.PUSH)
    Scan.objects.update(state=state)

    page = _get(house)

    assert "nothing was judged" in page
    assert "hx-trigger" not in page


def test_a_number_that_is_not_there_is_not_found(house: House) -> None:
    assert house.client(house.owner).get(house.page("scans/9/")).status_code == 404


def test_the_number_of_another_repository_is_not_found(house: House) -> None:
    house.scan()
    other = rows.repository(house.team)

    address = f"/r/{other.slug}/scans/1/"

    assert house.client(house.owner).get(address).status_code == 404


def test_what_happened_to_findings_is_counted_whole_and_shown_in_part(house: House) -> None:
    old = [rows.finding(f"o{n}", line=n + 1) for n in range(SHOWN + 2)]
    first = house.scan(*old)
    second = house.scan(*(rows.finding(f"n{n}", path="app/new.py", line=n + 1) for n in range(2)))
    Scan.objects.filter(pk=second.pk).update(before=first)

    page = html.unescape(house.client(house.viewer).get(house.page("scans/2/")).text)

    told = re.findall(r'<summary><h3>(.*?)</h3><span class="num">(\d+)</span>', page)
    assert told == [("Opened", "2"), ("Fixed by code", str(SHOWN + 2))]
    link = re.search(rf'The first {SHOWN} of {SHOWN + 2}; <a href="(.*?)">', page)
    assert link
    listed = house.client(house.viewer).get(link[1]).text
    assert f"<strong>{SHOWN + 2}</strong> findings" in listed
