"""A browser in which a person is signed in, on pages served with the real policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from dashboard.models import User
from tests.dashboard.views import conftest as views

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

type Open = Callable[..., Page]

# Fixtures of the pages' own tests.
house = views.house
judged = views.judged


def _is_fault(line: ConsoleMessage) -> bool:
    # A refused form (422) and a server that is away (503) are noted, although the test means them.
    meant = any(status in line.text for status in ("status of 422", "of 503", "Code 503"))
    return line.type == "error" and not meant


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Open]:
    """Return a function that opens an address as a person: ``open_page(person, "/")``.

    Everything that the browser's console complains about, a refused style for one, fails the test.
    """
    faults: list[str] = []
    contexts: list[BrowserContext] = []

    def open_as(person: User, address: str, **options: object) -> Page:
        from django.test import Client

        client = Client()
        client.force_login(person)
        context = browser.new_context(base_url=live_server.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if _is_fault(line) else None)
        page.goto(address)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert not faults, f"the browser complained: {faults}"
