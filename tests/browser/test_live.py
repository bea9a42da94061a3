"""Pages that follow what happens: quietly, without moving, and only while somebody looks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from dashboard.models import Trigger
from dashboard.services import lease, scanning
from tests.browser.addresses import addresses, fill
from tests.browser.conftest import Open
from tests.dashboard import rows

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.dashboard.views.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PRETEND = "Object.defineProperty(document, 'hidden', { get: () => window.away === true })"


def _running(house: House) -> lease.Lease:
    held = lease.claim(scanning.request(house.repository, Trigger.PUSH).pk)
    assert held
    held.renew(("reading", 3, 9))
    return held


def _top(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box
    return box["y"]


def test_progress_has_steps_counts_and_what_is_left(house: House, open_page: Open) -> None:
    house.scan()
    _running(house)

    page = open_page(house.viewer, house.page())

    progress = page.get_by_role("region", name="Scan in progress")
    expect(progress.locator("[aria-current=step]")).to_have_text("Reading files")
    expect(progress).to_contain_text("3 of 9")
    expect(progress).to_contain_text(re.compile("left|The last scan took|how long a scan takes"))


def test_a_result_arrives_without_moving_what_is_read_and_is_said_aloud(
    house: House, open_page: Open
) -> None:
    house.scan(rows.finding("f1"))
    held = _running(house)
    page = open_page(house.viewer, house.page())
    page.locator(".tabs a", has_text="History").focus()
    before = _top(page, "dl.headline")
    scrolled = page.evaluate("window.scrollY")

    house.finish(held, rows.finding("f1"), rows.finding("f2", line=9), score=70.0)
    expect(page.locator("dl.headline")).to_contain_text("70.0")

    assert abs(_top(page, "dl.headline") - before) < 2
    assert page.evaluate("window.scrollY") == scrolled
    assert page.evaluate("document.activeElement.textContent") == "History"
    assert "Score 70.0" in page.inner_text("#said")
    assert "2 findings" in page.inner_text("#said")
    assert page.locator("[hx-trigger^=every]").count() == 0


def test_only_what_is_new_is_said(house: House, open_page: Open) -> None:
    house.scan(rows.finding("f1"))
    page = open_page(house.viewer, house.page())

    for words in ("The past: waiting", "The past: running"):
        page.evaluate(
            "words => { document.getElementById('overview').insertAdjacentHTML('beforeend',"
            " `<p data-say='${words}'></p>`); htmx.trigger(document.body, 'htmx:afterSettle',"
            " { target: document.body }); }",
            words,
        )

    assert page.inner_text("#said") == "The past: running"


def test_polling_rests_in_a_hidden_tab_and_goes_on_when_it_is_seen(
    house: House, open_page: Open
) -> None:
    _running(house)
    page = open_page(house.viewer, "/words/")
    page.add_init_script(PRETEND)
    page.goto(house.page())
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if "progress" in each.url else None)
    page.evaluate(
        "window.away = true; window.kept = 0;"
        "document.addEventListener('htmx:beforeRequest',"
        " event => { window.kept += event.defaultPrevented ? 1 : 0; })"
    )

    page.wait_for_function("() => window.kept >= 2")
    assert asked == []
    page.evaluate("window.away = false")
    with page.expect_request("**/progress/"):
        pass


def test_nothing_turns_for_those_who_want_no_motion(house: House, open_page: Open) -> None:
    _running(house)

    moving = open_page(house.viewer, house.page())
    still = open_page(house.viewer, house.page(), reduced_motion="reduce")

    # An animation that is nearly over in no time moves nothing.
    count = "document.getAnimations().filter(each => each.effect.getTiming().duration > 1).length"
    assert moving.evaluate(count) > 0
    assert still.evaluate(count) == 0


def test_every_time_says_when_exactly_and_no_page_is_wider_at_twice_the_size(
    house: House, open_page: Open
) -> None:
    fill(house)
    # A window of 1280 pixels at 200 % has room for 640.
    page = open_page(house.owner, "/", viewport={"width": 640, "height": 450})

    wide, vague = [], []
    for address in addresses(house):
        page.goto(address)
        if page.evaluate("document.documentElement.scrollWidth") > 640:
            wide.append(address)
        if page.locator("time:not([title])").count():
            vague.append(address)

    assert wide == []
    assert vague == []


def test_the_policy_allows_nothing_unsafe(house: House, open_page: Open) -> None:
    page = open_page(house.viewer, "/words/")

    answer = page.request.get("/")

    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "default-src 'none'" in policy
