"""What only a browser shows: swaps, charts, colours, narrow screens, the policy in force."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from dashboard.models import Trigger
from dashboard.services import lease, scanning
from tests.browser.addresses import addresses, fill, judge_by_all
from tests.browser.conftest import Open
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


def test_no_page_is_wider_than_a_phone(house: House, open_page: Open) -> None:
    fill(house)
    page = open_page(house.owner, "/", viewport=PHONE)

    wide = []
    for address in addresses(house):
        page.goto(address)
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            wide.append(address)

    assert wide == []


def test_typing_a_filter_keeps_the_focus_and_goes_into_the_address(
    house: House, open_page: Open
) -> None:
    page = open_page(house.owner, "/")

    page.fill("#q", "no such name")
    page.wait_for_selector("text=Nothing matches")

    assert "q=no%20such%20name" in page.url
    assert page.evaluate("document.activeElement.id") == "q"
    page.go_back()
    page.wait_for_selector(f"text={house.repository.name}")


def test_a_facet_narrows_without_a_new_page_and_back_leads_back(
    house: House, open_page: Open
) -> None:
    fill(house)
    page = open_page(house.owner, house.page("findings/"))
    page.evaluate("window.same = true")

    page.click("a[rel=next]")
    page.wait_for_url(re.compile(r"\\?page=2$"))
    assert page.locator("#results tbody tr").count() == 10

    page.click(".facets a:has-text('must')")
    page.wait_for_url(re.compile(r"strength=must"))
    assert page.evaluate("window.same") is True


def test_the_chart_is_drawn_and_its_numbers_stand_in_a_table(house: House, open_page: Open) -> None:
    fill(house)
    page = open_page(house.owner, house.page())

    page.wait_for_selector("[data-chart=waterfall] canvas")
    page.click("text=The same as a table")

    assert page.locator("section[aria-labelledby=waterfall] tbody tr").count() == 3


def _background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_colours_follow_the_system_until_a_person_chooses(house: House, open_page: Open) -> None:
    light = _background(open_page(house.owner, "/", color_scheme="light"))
    page = open_page(house.owner, "/", color_scheme="dark")
    dark = _background(page)
    assert light != dark

    page.click("[data-theme-toggle]")
    assert _background(page) == light
    page.reload()
    assert _background(page) == light


def test_an_open_page_follows_a_scan_to_its_result(house: House, open_page: Open) -> None:
    asked = scanning.request(house.repository, Trigger.PUSH)
    page = open_page(house.owner, house.page())
    step = page.locator(".stages [aria-current=step]")
    expect(step).to_have_text("Waiting for a worker")

    held = lease.claim(asked.pk)
    assert held
    held.write(phase="reading", phase_done=3, phase_total=9)
    page.wait_for_selector("text=3 of 9")
    house.finish(held, rows.finding("f1"))

    page.wait_for_selector(".headline >> text=80.0")
    assert page.locator("[hx-trigger^=every]").count() == 0
    assert "Findings 1" in page.inner_text(".tabs")


def test_a_page_that_loses_its_server_says_so_until_it_is_back(
    house: House, open_page: Open
) -> None:
    page = open_page(house.owner, "/")
    page.route("**/?q=*", lambda route: route.fulfill(status=503))
    page.fill("#q", "one")
    page.wait_for_selector("#trouble:has-text('could not answer')")

    page.unroute("**/?q=*")
    page.fill("#q", "two")

    page.wait_for_selector("text=Nothing matches")
    assert page.inner_text("#trouble") == ""


def test_menus_work_from_the_keyboard(house: House, open_page: Open) -> None:
    page = open_page(house.owner, "/")

    page.focus("details.menu > summary")
    page.keyboard.press("Enter")
    assert page.locator("text=Sign out").is_visible()
    page.keyboard.press("Escape")

    assert not page.locator("text=Sign out").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_skip_link_leads_to_the_content(house: House, open_page: Open) -> None:
    page = open_page(house.owner, "/")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


def test_everything_works_without_script(house: House, open_page: Open) -> None:
    fill(house)
    page = open_page(house.owner, "/?q=repository", java_script_enabled=False)
    assert page.locator("#rows tbody tr").count() == 1

    page.goto(house.page())
    page.click("button:has-text('Scan again')")
    page.wait_for_url(f"**{house.page()}")

    assert page.locator("#progress").count() == 1
    page.goto(house.page("settings/"))
    page.fill("[name=name]", "")
    page.click("button:has-text('Save')")
    assert "This field is required" in page.inner_text("main")


def test_a_refused_form_gets_the_focus_on_its_first_fault(house: House, open_page: Open) -> None:
    page = open_page(house.owner, house.page("settings/"))

    page.fill("[name=name]", "")
    page.click("button:has-text('Save')")
    page.wait_for_selector("[name=name][aria-invalid=true]")

    assert page.evaluate("document.activeElement.name") == "name"


def test_a_form_that_is_refused_as_a_whole_page_gets_it_as_well(
    house: House, open_page: Open
) -> None:
    page = open_page(house.owner, "/repos/new/")

    page.locator("main input[type=text]").first.fill("no address")
    page.keyboard.press("Enter")
    page.wait_for_selector("main .errorlist")

    assert page.evaluate("document.activeElement.value") == "no address"


def test_an_area_gets_its_clauses_when_it_is_opened(house: House, open_page: Open) -> None:
    address = judge_by_all(house).get_absolute_url()
    page = open_page(house.owner, f"{address}?standard=mandatory-backend-standards")
    area = page.locator("details.area:has([id^=clauses-of-])").first
    name = area.get_attribute("id")
    area = page.locator(f"#{name}")
    expect(area.locator("table")).to_have_count(0)

    area.locator("summary").first.focus()
    page.keyboard.press("Enter")

    expect(area.locator("table").first).to_be_visible()
    expect(area.locator("[id^=clauses-of-]")).to_have_count(0)
