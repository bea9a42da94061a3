"""Words explain themselves, on their page and wherever they stand."""

from __future__ import annotations

import re

from dashboard.words import WORDS
from tests.dashboard.views.conftest import HTMX, House


def test_all_words_are_on_one_page(house: House) -> None:
    page = house.client(house.viewer).get("/words/").content.decode()

    assert re.findall(r'<dt id="([\w-]+)">', page) == list(WORDS)


def test_a_word_finds_its_explanation_on_every_page_also_after_a_swap(house: House) -> None:
    client = house.client(house.viewer)
    house.scan()

    page = client.get(house.page()).content.decode()
    fragment = client.get(house.page(), headers=HTMX).content.decode()

    asked = set(re.findall(r'popovertarget="([\w-]+)"', page + fragment))
    assert {"word-coverage", "word-open-must", "word-raw-score"} <= asked
    assert asked <= set(re.findall(r'<div id="(word-[\w-]+)"', page))
    assert "popover>" not in fragment
