"""The ways that leads and developers go, from their first page to what they came for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from checks.rules.specs import specs
from dashboard.models import Finding, FindingEvent, FindingPatch, Simulation, Waiver
from dashboard.services import patches, simulating, source_view, waiver_requests
from tests.browser.addresses import fill
from tests.browser.conftest import Open
from tests.browser.watched import PICTURES
from tests.dashboard import rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

    from tests.dashboard.views.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long enough sentence"
BY_RUFF = next(spec.id for spec in specs().values() if "E711" in spec.ruff)
CODE = b"def run(value: object) -> bool:\n    return value == None\n"


def keep(page: Page, name: str) -> None:
    """Keep a picture of a stop on the way, to be looked at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"journey-{name}.png", full_page=True)


def reach(page: Page, selector: str, most: int = 120) -> None:
    """Go on with the tab key until the focus is on what is looked for."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


def test_a_lead_goes_from_the_fleet_over_the_worst_clause_to_a_finding(
    house: House, open_page: Open
) -> None:
    fill(house)
    page = open_page(house.owner, "/")

    worst = page.get_by_role("region", name="What costs most")
    keep(page, "lead-1-fleet")
    worst.get_by_role("link", name="HR-1").click()
    expect(page.get_by_role("heading", name="HR-1")).to_be_visible()
    keep(page, "lead-2-clause")
    page.get_by_role("region", name="In your repositories").get_by_role(
        "link", name=house.repository.name
    ).click()
    expect(page.locator("dl.headline")).to_contain_text("80.0")
    keep(page, "lead-3-repository")
    page.get_by_role("row").filter(has_text="Nothing is printed").get_by_role(
        "link", name=re.compile(r"^\d+ . \d+$")
    ).click()
    page.locator("#results [data-row]").first.click()

    expect(page.locator("tr.hit")).to_contain_text("print(")
    expect(page.get_by_role("heading", name="How to fix it")).to_be_visible()
    keep(page, "lead-4-finding")


def test_who_opens_a_repository_sees_what_broke_and_gets_to_it(
    house: House, open_page: Open
) -> None:
    house.scan()
    house.scan(rows.finding("f1"))
    FindingEvent.objects.update(commit="c" * 40, author="Ada", committed_at=timezone.now())
    page = open_page(house.viewer, house.page())

    broke = page.get_by_role("region", name="What broke")
    expect(broke).to_contain_text(f"by commit {'c' * 10} of Ada")
    expect(broke.get_by_role("link", name="1 finding").last).to_be_in_viewport()
    keep(page, "broken-1-repository")
    broke.get_by_role("link", name="1 finding").last.click()
    expect(page.locator("#results [data-row]")).to_have_count(1)
    expect(page.get_by_role("region", name="Findings")).to_contain_text("brought by commit")
    page.locator("#results [data-row]").click()

    expect(page.get_by_role("heading", name="print() writes")).to_be_visible()


def test_a_lead_takes_a_decision_back(judged: House, open_page: Open) -> None:
    wish = waiver_requests.Wish(reason="Old client.", path_pattern="app/")
    row = waiver_requests.ask(judged.repository, wish, judged.mate)
    page = open_page(judged.owner, judged.page("waivers/"))
    page.get_by_label("Words").fill("No.")
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator("#messages")).to_contain_text("refused")
    keep(page, "undo-1-offered")

    undo = page.locator("#messages").get_by_role("button", name="Undo")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(undo).to_be_in_viewport()
    undo.click()

    expect(page.locator("#messages")).to_contain_text("Undone")
    expect(page.locator(f"#waiver-{row.pk}")).to_contain_text("requested")
    row.refresh_from_db()
    assert (row.state, row.decision) == ("requested", "")


def test_a_lead_prints_the_report(house: House, open_page: Open) -> None:
    fill(house)
    page = open_page(house.owner, "/")
    page.get_by_role("link", name="Report", exact=True).click()
    expect(page.get_by_role("heading", name="Teams")).to_be_visible()

    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed") is True
    page.emulate_media(media="print")

    expect(page.locator(".topbar")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("region", name="What costs most")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf()) > 10_000
    keep(page, "lead-report-on-paper")


def test_a_lead_tries_a_change_and_adopts_it(judged: House, open_page: Open) -> None:
    page = open_page(judged.owner, "/standards/house-rules/HR-1/")

    page.get_by_role("link", name="What if it were otherwise?").click()
    page.locator(".switches select").select_option("may")
    page.get_by_role("button", name="See what would change").click()
    page.wait_for_url(re.compile(r"/simulate/\d+/$"))
    # What a worker does when the bell rings; the open page follows by itself.
    simulating.work(Simulation.objects.get().pk)
    expect(page.get_by_role("region", name="Progress")).to_have_count(0)
    keep(page, "what-if-1-result")
    page.get_by_role("button", name="Save as a draft version").click()
    page.get_by_role("checkbox", name=f"adopt in {judged.repository.name}").check()
    page.get_by_role("button", name="Adopt in the ticked repositories").click()

    expect(page.locator("#messages")).to_contain_text("dopted")
    keep(page, "what-if-2-adopted")
    adopted = judged.repository.adoptions.get().standard
    assert adopted.clauses.get(number="HR-1").strength == "may"


def test_a_developer_takes_a_patch_and_asks_for_a_waiver(house: House, open_page: Open) -> None:
    house.scan()  # what the first scan finds is news to nobody
    house.scan(rows.finding("f1", line=2))
    Finding.objects.update(check_id=BY_RUFF)
    row = source_view.wanted(house.repository, "a" * 40, "app/main.py")
    source_view.set_data(row, CODE)
    row.save()
    page = open_page(house.mate, "/me/")
    keep(page, "developer-1-my-work")

    page.get_by_role("region", name="New findings").get_by_role("link", name="print").click()
    expect(page.locator("#patch")).to_contain_text("Asking ruff")
    patches.make(FindingPatch.objects.get().pk)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "+    return value is None" in download.value.path().read_text()
    keep(page, "developer-2-finding")
    page.get_by_role("link", name="Ask for a waiver").click()
    page.get_by_label("Reason").fill("Compared with None on purpose.")
    page.get_by_role("button", name="Ask", exact=True).click()

    expect(page.locator("main")).to_contain_text("Compared with None on purpose.")
    keep(page, "developer-3-waiver")
    assert Waiver.objects.get().author == house.mate


def test_the_keyboard_alone_leads_from_the_sign_in_to_a_waiver(
    house: House, browser: Browser, live_server: LiveServer
) -> None:
    fill(house)
    house.mate.set_password(PASSWORD)
    house.mate.save()
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(house.page("findings/"))
    page.mouse.move(0, 0)

    reach(page, "[name=login]")
    page.keyboard.type(house.mate.username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^[^?]+/findings/$"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the skip link
    reach(page, "[data-row]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/f/\d+/"))
    reach(page, "a[href*='waivers/new']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/waivers/new/"))
    reach(page, "[name=reason]")
    page.keyboard.type("Only seen from the keyboard.")
    reach(page, "button[name=ask]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/waivers/(?:\?|$)"))

    assert Waiver.objects.get().reason == "Only seen from the keyboard."
    assert not faults
    context.close()


def test_a_word_explains_itself_to_the_keyboard_and_to_a_finger(
    house: House, open_page: Open
) -> None:
    house.scan()
    page = open_page(
        house.viewer, house.page(), viewport={"width": 390, "height": 844}, has_touch=True
    )
    meaning = page.locator("#word-coverage")
    expect(meaning).to_be_hidden()

    page.locator("[popovertarget=word-coverage]").first.focus()
    page.keyboard.press("Enter")
    expect(meaning).to_contain_text("could be answered")
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Coverage"

    page.locator("[popovertarget=word-coverage]").first.tap()
    expect(meaning).to_be_visible()
    box = meaning.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    keep(page, "word-on-a-phone")
