"""Budgets of what a page costs the reader: bytes on the line, and things that move."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.test import Client

from checks.standard import shipped_slugs
from dashboard.services import standards
from tests.browser.addresses import addresses, fill, judge_by_all
from tests.browser.conftest import Open
from tests.dashboard.views.conftest import HTMX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http.response import HttpResponseBase
    from pytest_django import Settings

    from tests.dashboard.views.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KB = 1000
# As it goes over the line, with styles, scripts and pictures, to a reader who comes first.
MOST_PLAIN = 150 * KB
MOST_WITH_CHARTS = 500 * KB
MOST_OF_A_FRAGMENT = 20 * KB
# The sum that counts as good is 0.1 (web.dev/articles/cls).
MOST_SHIFT = 0.1

_FILE = re.compile(r'(?:href|src)="(/static/[^"#]+)')


@pytest.fixture
def client(house: House, settings: Settings, tmp_path: Path) -> Client:
    """A person who reads compressed pages of an installation whose static files are collected."""
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    fill(house)
    standards.load_shipped()
    client = Client(headers={"accept-encoding": "gzip"})
    client.force_login(house.owner)
    return client


def _pages(house: House) -> list[str]:
    return [*addresses(house), *(f"/standards/{slug}/" for slug in shipped_slugs())]


def _body(response: HttpResponseBase) -> bytes:
    return bytes(response.getvalue())


def _text(response: HttpResponseBase) -> str:
    body = _body(response)
    packed = response.get("Content-Encoding") == "gzip"
    return (gzip.decompress(body) if packed else body).decode()


def _weight(client: Client, files: Iterable[str]) -> int:
    return sum(len(_body(client.get(file))) for file in set(files))


def test_a_page_weighs_no_more_than_its_budget(house: House, client: Client) -> None:
    heavy = {}
    for address in _pages(house):
        response = client.get(address)
        text = _text(response)
        files = _FILE.findall(text)
        weight = len(_body(response)) + _weight(client, files)
        most = MOST_WITH_CHARTS if any("echarts" in file for file in files) else MOST_PLAIN
        if weight > most:
            heavy[address] = weight

    assert not heavy


def test_a_repository_that_is_judged_by_all_standards_is_small_as_well(
    house: House, client: Client
) -> None:
    page = judge_by_all(house).get_absolute_url()

    heavy = {}
    for slug in shipped_slugs():
        address = f"{page}?standard={slug}"
        whole = len(_body(client.get(address)))
        fragment = len(_body(client.get(address, headers=HTMX)))
        if whole > MOST_OF_A_FRAGMENT * 1.25 or fragment > MOST_OF_A_FRAGMENT:
            heavy[slug] = whole, fragment
        areas = set(re.findall(r'id="(clauses-of-([\w-]+))"', _text(client.get(address))))
        assert len(areas) > 5
        for target, area in areas:
            headers = HTMX | {"HX-Target": target}
            lines = _body(client.get(f"{address}&area={area}", headers=headers))
            if len(lines) > MOST_OF_A_FRAGMENT:
                heavy[f"{slug} {area}"] = 0, len(lines)

    assert not heavy


def test_styles_scripts_and_pictures_are_sent_small_and_kept_for_good(client: Client) -> None:
    files = _FILE.findall(_text(client.get("/")))

    for kind in (".css", ".js", "sprite"):
        for file in (file for file in files if kind in file):
            response = client.get(file)
            assert response["Content-Encoding"] == "gzip", file
            assert "immutable" in response["Cache-Control"], file


def test_a_fragment_is_small(house: House, client: Client) -> None:
    heavy = {}
    for address in _pages(house):
        response = client.get(address, headers=HTMX)
        fragment = not _text(response).startswith("<!doctype")
        if fragment and len(_body(response)) > MOST_OF_A_FRAGMENT:
            heavy[address] = len(_body(response))

    assert not heavy


def test_nothing_moves_while_a_page_loads(house: House, open_page: Open) -> None:
    fill(house)
    page = open_page(house.owner, "/me/")
    page.add_init_script(
        "window.moved = 0;"
        "new PerformanceObserver(list => list.getEntries().forEach(each => window.moved +="
        " each.value)).observe({type: 'layout-shift', buffered: true})"
    )

    restless = {}
    for address in ("/", house.page(), house.page("findings/"), house.page("history/")):
        page.goto(address, wait_until="networkidle")
        moved = page.evaluate("window.moved")
        if moved > MOST_SHIFT:
            restless[address] = moved

    assert not restless
    # The watch is awake: what is pushed down is seen.
    page.evaluate("document.body.prepend(document.querySelector('footer.foot').cloneNode(true))")
    page.wait_for_function("window.moved > 0")
