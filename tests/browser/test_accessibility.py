"""WCAG 2.2 AA by axe, on every page, in both themes and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.addresses import addresses, fill
from tests.browser.conftest import Open

if TYPE_CHECKING:
    from pytest_django import Settings

    from tests.dashboard.views.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_on_any_page(
    house: House, open_page: Open, scheme: str, width: int
) -> None:
    fill(house)
    page = open_page(
        house.owner, "/", color_scheme=scheme, viewport={"width": width, "height": 900}
    )

    found = {}
    for address in addresses(house):
        page.goto(address)
        violations = Axe().run(page, options=RULES).response["violations"]
        if violations:
            found[address] = [_said(each) for each in violations]

    assert not found, "\n".join(f"{where} {what}" for where, all_ in found.items() for what in all_)


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_axe_finds_nothing_in_any_state_of_any_component(
    house: House, open_page: Open, settings: Settings, scheme: str, width: int
) -> None:
    settings.DEBUG = True
    page = open_page(
        house.owner,
        "/styleguide/",
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
    )

    violations = Axe().run(page, options=RULES).response["violations"]

    assert [_said(each) for each in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def _said(violation: dict[str, Any]) -> str:
    nodes = "; ".join(
        f"{node['target']} {node['html'][:120]} {node['any'][0]['message'] if node['any'] else ''}"
        for node in violation["nodes"][:3]
    )
    return f"{violation['id']}: {violation['help']}: {nodes}"
