"""A page that reports every complaint of the browser, and keeps a picture when its test fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.services import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Response

PICTURES = ROOT / "var" / "screenshots"
PATIENCE = 30_000  # milliseconds; the machine may be busy


@contextlib.contextmanager
def watched_page(browser: Browser, name: str) -> Iterator[Page]:
    """Open a page without cookies; its picture is kept under the name when the test fails.

    Fails the test when the browser complains: a script that raises, a message in the console
    (violations of the content security policy among them), a part that could not be loaded.
    """
    from playwright.sync_api import expect

    faults: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"console: {message.text}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            faults.append(f"{response.status} {response.url}")

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("console", said)
    page.on("response", answered)
    try:
        yield page
        assert not faults, f"the browser complained: {faults}"
    except BaseException:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        raise
    finally:
        expect.set_options(timeout=5_000)
        context.close()
