"""What every page keeps to: what is missing has a next step, and no word hides in a tooltip."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from dashboard.templatetags.straightedge import BLANKS
from dashboard.words import WORDS
from tests.house.source_tree import ROOT

TEMPLATES = ROOT / "templates"
# The page of a fault of ours is made without a template tag.
BARE = {"500.html", "503.html"}
_BLANK = re.compile(r'{% blank "([^"]+)"[^%]*%}(.*?){% endblank %}', re.DOTALL)
_STEP = re.compile(r"<a |<button|components.html#scan_now")
_WORD = re.compile(r'{% word "([^"]+)"')


# Points are lost, to be gained (gain) or the change of a score; no column says it otherwise.
_OTHERWISE = re.compile(r"<th[^>]*>(Points|Gains|Costs|Moved?|Movement|Points to gain)[<,]")


def pages() -> Iterator[tuple[str, str]]:
    """Each template with its text."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        yield path.relative_to(TEMPLATES).as_posix(), path.read_text()


def stuck(text: str) -> list[str]:
    """Return what stands in the place of missing things and leads nowhere.

    Where all is well nothing has to be done; everything else holds a link or a button.
    """
    return [
        kind
        for kind, body in _BLANK.findall(text)
        if kind not in BLANKS or (kind != "clear" and not _STEP.search(body))
    ]


def hidden(text: str) -> list[str]:
    """Return the explanations that only a mouse finds."""
    return re.findall(r"<abbr [^>]*>", text)


def test_what_is_missing_has_a_next_step_on_every_page() -> None:
    assert not {name: found for name, text in pages() if (found := stuck(text))}


def test_what_is_missing_is_shown_by_the_one_component() -> None:
    assert not [name for name, text in pages() if name not in BARE and 'class="empty' in text]


def test_no_word_is_explained_by_a_tooltip_alone() -> None:
    assert not {name: found for name, text in pages() if (found := hidden(text))}


def test_columns_of_points_have_the_same_names_everywhere() -> None:
    assert {page: found for page, text in pages() if (found := _OTHERWISE.findall(text))} == {}


def test_another_name_for_a_column_of_points_is_seen() -> None:
    assert _OTHERWISE.findall('<th scope="col" class="num">Points</th>') == ["Points"]
    assert not _OTHERWISE.findall('<th scope="col" class="num">Points lost</th>')


def test_every_word_of_a_page_has_a_meaning() -> None:
    asked = {key for _, text in pages() for key in _WORD.findall(text)}
    assert asked <= set(WORDS)


@pytest.mark.parametrize(
    "text",
    [
        '{% blank "none" "No teams" %}<p>None.</p>{% endblank %}',
        '{% blank "empty" "No teams" %}<p><a href="/">Add</a></p>{% endblank %}',
    ],
)
def test_a_dead_end_is_seen(text: str) -> None:
    assert stuck(text)


def test_a_next_step_is_seen_and_none_is_asked_where_all_is_well() -> None:
    assert not stuck('{% blank "none" "No" level=3 %}<p><a href="/">Add</a></p>{% endblank %}')
    assert not stuck('{% blank "clear" "Fine" %}<p>All is well.</p>{% endblank %}')


def test_a_tooltip_is_seen() -> None:
    assert hidden('<abbr title="binding">must</abbr>')
