"""Tags of our own vocabulary: grades, points, verdicts, states and times.

A status is always a word plus a colour plus a shape, so each is written in one place.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.db.models import Sum
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil

from dashboard.models import Repository
from dashboard.services import gates
from dashboard.services.highlight import visible as shown
from dashboard.text import floored
from dashboard.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from dashboard.models.people import Reader
    from dashboard.services.areas import Cell, Line
    from dashboard.words import Word

register = template.Library()

_NO_CELL = format_html(
    '<td class="cell heat-"><span class="soft" title="{}">–</span></td>',
    "no clause of this area applies",
)

DASH = "–"
LETTER_MEANING = {
    "A": "90 points or more",
    "B": "80 to 89.9 points",
    "C": "65 to 79.9 points",
    "D": "50 to 64.9 points",
    "E": "fewer than 50 points",
}
# state -> (class, icon, word)
VERDICTS = {
    "holds": ("good", "circle-check", "holds"),
    "fails": ("bad", "circle-x", "fails"),
    "not-applicable": ("", "circle-minus", "not applicable"),
    "unknown": ("warn", "help-circle", "unknown"),
    "attested": ("good", "rubber-stamp", "attested"),
    "due": ("warn", "clock", "due"),
}
SCAN_STATES = {
    "queued": ("", "clock", "queued"),
    "running": ("warn", "loader-2", "running"),
    "complete": ("good", "circle-check", "complete"),
    "partial": ("warn", "alert-triangle", "partial"),
    "failed": ("bad", "circle-x", "failed"),
    "superseded": ("", "circle-minus", "superseded"),
    "cancelled": ("", "circle-minus", "cancelled"),
}
FINDING_STATES = {
    "open": ("bad", "circle-x", "open"),
    "reopened": ("bad", "refresh", "reopened"),
    "fixed": ("good", "circle-check", "fixed"),
    "attested": ("good", "circle-check", "attested"),
    "gone": ("", "circle-minus", "gone"),
    "waived": ("", "eye-off", "waived"),
    "suppressed": ("", "eye-off", "suppressed in the code"),
}
WAIVER_STATES = {
    "requested": ("warn", "clock", "requested"),
    "granted": ("", "circle-check", "granted, counts with the next scan"),
    "in-force": ("good", "circle-check", "in force"),
    "unused": ("warn", "circle-minus", "unused"),
    "broken": ("bad", "circle-x", "broken"),
    "expired": ("", "clock", "ended"),
    "refused": ("bad", "circle-x", "refused"),
    "revoked": ("", "circle-minus", "revoked"),
    "withdrawn": ("", "circle-minus", "withdrawn"),
}
DELIVERY_OUTCOMES = {
    "scan-requested": ("good", "circle-check", "scan requested"),
    "ignored": ("", "circle-minus", "nothing to do"),
    "refused": ("bad", "circle-x", "refused"),
}
SIMULATION_STATES = {
    "running": ("warn", "loader-2", "running"),
    "done": ("good", "circle-check", "done"),
    "cancelled": ("", "circle-minus", "stopped"),
}
GATES = {
    "passes": ("good", "circle-check", "passes"),
    "untold": ("", "clock", "nothing to compare with yet"),
    "fails": ("bad", "circle-x", "fails"),
}
GATE_TURNS = {
    "fails": ("bad", "circle-x", "would fail"),
    "passes": ("good", "circle-check", "would fail no longer"),
    "gone": ("", "circle-minus", "would be asked no longer"),
}
KINDS = {
    "verdict": VERDICTS,
    "scan": SCAN_STATES,
    "finding": FINDING_STATES,
    "waiver": WAIVER_STATES,
    "delivery": DELIVERY_OUTCOMES,
    "simulation": SIMULATION_STATES,
    "gate": GATES,
    "gate turn": GATE_TURNS,
}


# What stands where something is missing: kind -> icon
BLANKS = {
    "clear": "circle-check",
    "none": "info-circle",
    "never": "clock",
    "search": "search",
    "loading": "loader-2",
    "unknown": "help-circle",
    "error": "alert-triangle",
    "refused": "lock",
}


@register.simple_block_tag
def blank(content: SafeString, kind: str, title: str, level: int = 2, name: str = "") -> SafeString:
    """Return what stands in the place of things that are not there: what is so, and what to do.

    ``kind`` is one of ``BLANKS``; ``name`` is another icon than that of the kind. The content says
    it in a sentence and holds the next step, except where all is well (``clear``).
    """
    drawn = name or BLANKS[kind]
    return format_html(
        '<div class="empty" data-blank="{}">{}<h{}>{}</h{}>{}</div>',
        kind,
        icon(drawn, _turning(drawn)),
        level,
        title,
        level,
        content,
    )


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Return the outline ``name`` of the sprite; it is decoration and hidden from readers."""
    sheet = static("vendor/tabler-icons/sprite.svg")
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', extra, sheet, name
    )


@register.filter
def score(value: float | None) -> str:
    """Return points rounded down to one decimal, a dash when nothing was measured."""
    return DASH if value is None else floored(value, 1)


@register.filter
def points(value: float | None) -> str:
    """Return points that one thing costs or gains, to two decimals below 1."""
    if value is None:
        return DASH
    if 0 < value < 0.01:
        return "<0.01"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


@register.filter
def lost(value: float | None) -> str:
    """Return points that one thing costs, with their sign."""
    if value is not None and 0 < value < 0.01:
        return "less than −0.01"
    return DASH if value is None else f"−{points(value)}"


@register.filter
def signed(value: float | None) -> str:
    """Return a change in points with its sign and two decimals."""
    if value is None:
        return DASH
    if 0 < abs(value) < 0.005:
        return "less than ±0.01"
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f"{sign}{abs(value):.2f}"


@register.filter
def change(value: int) -> str:
    """Return by how many a number has changed, with its sign."""
    return f"+{value}" if value > 0 else f"−{-value}" if value < 0 else "±0"


@register.filter
def visible(text: str) -> SafeString:
    """Return foreign text escaped, with a name for each character that nobody would see."""
    return shown(text)


@register.filter
def percent(value: float | None) -> str:
    """Return a share of 0 to 1 as a whole percentage, rounded down."""
    return DASH if value is None else f"{floored(value * 100, 0)} %"


@register.filter
def missing(value: float) -> str:
    """Return what is left to the whole of a share, so that both together are 100 %."""
    return f"{100 - int(floored(value * 100, 0))} %"


@register.filter
def plain(value: float | None) -> str:
    """Return a number for an attribute, never localised."""
    return "" if value is None else f"{value:.4f}"


@register.simple_tag
def grade(letter: str | None, size: str = "") -> SafeString:
    """Return a letter in its colour and shape, or a dashed box when there is no score."""
    if not letter:
        return format_html(
            '<abbr class="grade grade-none {}" title="not scored: nothing was measured">?</abbr>',
            size,
        )
    return format_html(
        '<abbr class="grade grade-{} {}" title="Grade {}: {}">{}</abbr>',
        letter,
        size,
        letter,
        LETTER_MEANING.get(letter, ""),
        letter,
    )


@register.simple_tag
def delta(change: float | None) -> SafeString | str:
    """Return a change of score with sign and direction in words for screen readers."""
    if change is None:
        return DASH
    if abs(change) < 0.05:
        return format_html('<span class="soft">{}</span>', "±0.0")
    up = change > 0
    return format_html(
        '<span class="{}"><span aria-hidden="true">{}</span>'
        '<span class="visually-hidden">{} </span>{}</span>',
        "up" if up else "down",
        "▲ " if up else "▼ ",
        "up" if up else "down",
        f"{abs(change):.1f}",
    )


@register.simple_tag
def state(kind: str, value: str) -> SafeString:
    """Return a state of ``kind`` (verdict, scan, finding, ...) as word, colour and icon."""
    tone, name, word = KINDS[kind].get(value, ("", "circle-minus", value))
    return format_html('<span class="state {}">{}{}</span>', tone, icon(name, _turning(name)), word)


def _turning(name: str) -> str:
    return "spin" if name == "loader-2" else ""


@register.simple_tag
def strength(value: str) -> SafeString:
    """Return how binding a clause is; a must stands out."""
    return format_html('<span class="chip {}">{}</span>', value, value)


@register.simple_tag
def word(key: str, text: str = "", tone: str = "") -> SafeString:
    """Return a word that explains itself when it is pressed, by mouse, touch or keyboard.

    The explanations stand at the end of every page, so that fragments need not bring them.
    ``text`` is how the word is written here, ``tone`` a class such as that of a state.
    """
    return format_html(
        '<button type="button" class="word {}" popovertarget="word-{}">{}{}</button>',
        tone,
        key,
        icon("help-circle") if tone else "",
        text or WORDS[key].text,
    )


@register.simple_tag
def all_words() -> Mapping[str, Word]:
    """Return every word with its meaning."""
    return WORDS


@register.simple_tag
def ago(moment: datetime | None, never: str = "never") -> SafeString | str:
    """Return how long ago something was, or how soon it will be; the exact time is its title."""
    if moment is None:
        return never
    now = timezone.now()
    if moment - now > timedelta(minutes=1):
        text = f"in {timeuntil(moment, now, depth=1)}"
    else:
        words = timesince(moment, now, depth=1)
        text = "just now" if words.startswith("0") else f"{words} ago"
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        text,
    )


@register.simple_tag
def expires(end: date) -> str:
    """Return in how many days something expires, or that it has; a day or a moment."""
    last = timezone.localtime(end).date() if isinstance(end, datetime) else end
    days = (last - timezone.localdate()).days
    if days < 0:
        return f"expired on {last}"
    near = {0: "expires today", 1: "expires tomorrow"}
    return near.get(days, f"expires in {days} days")


_TICKS = re.compile(r"``([^`]+)``|`([^`]+)`")


@register.filter
def ticks(text: str) -> SafeString:
    """Return our own catalogue's text with what stands in backticks as code, all escaped."""
    parts = []
    start = 0
    for match in _TICKS.finditer(text):
        parts.append(conditional_escape(text[start : match.start()]))
        parts.append(format_html("<code>{}</code>", match[1] or match[2]))
        start = match.end()
    parts.append(conditional_escape(text[start:]))
    return format_html_join("", "{}", ((part,) for part in parts))


@register.simple_tag
def heat_cells(line: Line) -> SafeString:
    """Return the cells of one line of the map of areas: a template would take ten times as long."""
    base = line.repository.get_absolute_url()
    cells = (_NO_CELL if each.percent is None else _cell(base, each) for each in line.cells)
    return format_html_join("", "{}", ((cell,) for cell in cells))


def _cell(base: str, cell: Cell) -> SafeString:
    return format_html(
        '<td class="cell heat-{0}"><a href="{1}?area={2}#area-{2}" title="{2}">{3}</a></td>',
        cell.grade,
        base,
        cell.area,
        cell.percent,
    )


@register.filter
def short(commit: str) -> str:
    """Return the first ten digits of a commit id."""
    return commit[:10]


@register.filter
def undoable(tags: str | None) -> str:
    """Return the entries by which what a message tells of can be undone, "" for none."""
    head, _, entries = (tags or "").partition(":")
    return entries if head == "undo" else ""


@register.filter
def of(mapping: dict[str, object], key: str) -> object:
    """Return ``mapping[key]``, or None."""
    return mapping.get(key)


@register.filter
def gate_standing(kept: Mapping[str, Any]) -> str:
    """Return how the stored result of a gate stands, as a state of the kind ``gate``."""
    return gates.standing(kept)


@register.filter
def gate_words(kept: Mapping[str, Any]) -> str:
    """Return the same in a sentence."""
    return gates.in_words(kept)


@register.simple_tag
def due_count(reader: Reader) -> int:
    """Return how many attestations are due in the reader's repositories."""
    visible = Repository.objects.visible_to(reader)
    return int(visible.aggregate(due=Sum("due_count", default=0))["due"])
