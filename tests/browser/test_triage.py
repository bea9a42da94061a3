"""Working through findings from the keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dashboard.models import Waiver
from tests.browser.addresses import fill
from tests.browser.conftest import Open

if TYPE_CHECKING:
    from tests.dashboard.views.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOCUSED = "document.activeElement.getAttribute('href')"


def test_findings_are_walked_selected_asked_about_and_taken_back_without_a_mouse(
    house: House, open_page: Open
) -> None:
    fill(house)
    page = open_page(house.owner, house.page("findings/"))

    page.keyboard.press("j")
    first = page.evaluate(FOCUSED)
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.inner_text("#said") == "Selected, 1 selected"
    page.keyboard.press("k")
    assert page.evaluate(FOCUSED) == first
    page.keyboard.press("x")
    page.keyboard.press("w")
    assert page.evaluate("document.activeElement.id") == "reason"
    page.keyboard.type("jokes aside")
    page.keyboard.press("Tab")
    page.click("#ask button:has-text('Ask')")

    page.wait_for_selector("text=2 waivers asked for")
    assert set(Waiver.objects.values_list("reason", flat=True)) == {"jokes aside"}
    page.click("button:has-text('Undo')")
    page.wait_for_selector("text=2 requests for a waiver taken back")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/f/\d+/"))


def test_the_keys_are_listed_and_can_be_turned_off_and_on(house: House, open_page: Open) -> None:
    fill(house)
    page = open_page(house.owner, house.page("findings/"))

    page.keyboard.press("?")
    assert page.locator("dialog#keys").is_visible()
    page.uncheck("[data-keys-on]")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert "/f/" not in (page.evaluate(FOCUSED) or "")

    page.click("button:has-text('Keys')")
    page.check("[data-keys-on]")
    page.click("dialog button:has-text('Close')")
    page.keyboard.press("j")
    assert "/f/" in page.evaluate(FOCUSED)


def test_focus_stays_with_the_filter_that_was_pressed(house: House, open_page: Open) -> None:
    fill(house)
    page = open_page(house.owner, house.page("findings/"))

    page.focus(".facets a:has-text('must')")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"strength=must"))
    page.wait_for_selector(".facets a[aria-current]:has-text('must')")

    assert "must" in page.evaluate("document.activeElement.textContent")


def test_the_slash_leads_to_search_from_every_page_and_results_follow_the_typing(
    house: House, open_page: Open
) -> None:
    fill(house)
    page = open_page(house.owner, house.page("history/"))

    page.keyboard.press("/")
    page.keyboard.type("main")
    page.keyboard.press("Enter")
    page.wait_for_selector("#hits >> text=app/main.py")
    page.fill("#search", "no-pri")
    page.wait_for_selector("#hits-checks")
    assert page.evaluate("document.activeElement.id") == "search"
    page.wait_for_url(re.compile(r"q=no-pri"))

    page.focus("#main")
    page.keyboard.press("j")
    assert "/standards/" in page.evaluate(FOCUSED) or "/checks/" in page.evaluate(FOCUSED)


def test_the_slash_leads_to_search_on_a_telephone_too(house: House, open_page: Open) -> None:
    page = open_page(house.owner, "/me/", viewport={"width": 390, "height": 844})

    page.keyboard.press("/")
    page.wait_for_url(re.compile(r"/search/"))

    page.wait_for_function("document.activeElement.id === 'search'")
