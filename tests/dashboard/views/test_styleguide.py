"""The page of all components: only while debugging, and made of the components themselves."""

from __future__ import annotations

import re

from pytest_django import Settings

from dashboard.models import Finding, Repository, Scan
from dashboard.services.palette import contrast, read_palette
from dashboard.templatetags.straightedge import BLANKS, KINDS
from tests.dashboard.views.conftest import House
from tests.house.source_tree import ROOT

# Drawn once on every page, or by one page alone.
ELSEWHERE = {
    "topbar",
    "keys",
    "words",
    "messages",
    "repository_crumbs",
    "shares",
    "change",
    "gate_fields",
}


def test_it_is_not_there_for_those_who_use_the_product(house: House) -> None:
    assert house.client(house.owner).get("/styleguide/").status_code == 404


def test_it_shows_every_state_and_stores_nothing(house: House, settings: Settings) -> None:
    settings.DEBUG = True
    before = [model.objects.count() for model in (Repository, Scan, Finding)]

    page = house.client(house.viewer).get("/styleguide/").content.decode()

    for kind, states in KINDS.items():
        shown = page.partition(f"<h3>{kind}</h3>")[2].partition("</p>")[0]
        assert shown.count('class="state') == len(states), kind
    assert set(re.findall(r'data-blank="(\w+)"', page)) == set(BLANKS)
    assert "The two do not go together" in page
    assert "This field is required" in page
    assert [model.objects.count() for model in (Repository, Scan, Finding)] == before


def test_every_component_is_on_it() -> None:
    text = (ROOT / "templates" / "components.html").read_text()
    components = set(re.findall(r"{% partialdef (\w+)", text))
    drawn = (ROOT / "templates" / "styleguide.html").read_text()
    # One component may draw another.
    shown = set(re.findall(r'components\.html#(\w+)"', drawn + text))

    assert components - shown - ELSEWHERE == set()
    assert components >= ELSEWHERE


def test_every_pair_of_colours_has_the_contrast_that_it_needs() -> None:
    palette = read_palette()

    assert [
        (pair.ink.name, pair.ground.name) for pair in palette.contrasts if not pair.enough
    ] == []
    assert len(palette.colours) > 20
    assert palette.types
    assert palette.spaces


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#ffffff", "#ffffff") == 1
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54
