"""The examples of a check as a page shows them: files apart, the flagged line marked.

An example is a miniature repository as one text: ``#-- PATH`` begins a file, other lines that
begin with ``#--`` say what happens to the repository at that place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.html import conditional_escape, format_html

from checks.rules.flagged import flagged
from checks.rules.specs import examples
from dashboard.services.highlight import code_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.utils.safestring import SafeString

    from checks.rules.flagged import Flagged

_MARK = "#-- "
_ACTS = re.compile(r"#-- (?:repeat-commits|commit|delete|branch|checkout|merge|tag) ")
_REPEAT = re.compile(r"#-- repeat (\d+) \|(.*)")
_COMMITS = re.compile(r"#-- repeat-commits (\d+) \|(?:[^|]*\|)?(.*)")


@dataclass(frozen=True)
class Row:
    """One line of an example.

    Attributes:
        html: The line, escaped and coloured.
        is_file: It names the file that follows.
        is_act: It says what happens to the repository.
        note: What the check says of this line, "" for nothing.
    """

    html: SafeString
    is_file: bool = False
    is_act: bool = False
    note: str = ""


@dataclass(frozen=True)
class Pair:
    """A pair of examples: limits beside the defaults, both texts, and a note of no line.

    Attributes:
        params: Limits that differ from the defaults.
        bad: The repository that violates.
        good: The repository that complies.
        note: What the check says where it points at no line that is shown.
    """

    params: Mapping[str, Any]
    bad: Sequence[Row]
    good: Sequence[Row]
    note: str


def pairs(area: str, check: str) -> list[Pair]:
    """Return the examples of a check in the order in which it has them."""
    found = flagged().get(check, ())
    shown = []
    for number, example in enumerate(examples(area).get(check, ())):
        place = found[number] if number < len(found) else None
        bad = _rows(example.bad, place)
        pointed = place is None or any(row.note for row in bad)
        note = "" if place is None or pointed else place.message
        shown.append(Pair(example.params, bad, _rows(example.good, None), note))
    return shown


def _rows(text: str, place: Flagged | None) -> list[Row]:
    """Return the lines of an example; of a file that is written twice the later one is marked."""
    rows: list[Row] = []
    hit = -1
    for path, lines in _files(text.strip("\n").split("\n")):
        number = 0
        for line, html in zip(lines, code_lines("\n".join(lines), path), strict=True):
            repeated = _REPEAT.match(line)
            if line.startswith(_MARK) and repeated is None:
                acts = bool(_ACTS.match(line))
                shown = _in_words(line, html) if acts else conditional_escape(path)
                rows.append(Row(shown, is_file=not acts, is_act=acts))
                continue
            first, number = number + 1, number + (int(repeated[1]) if repeated else 1)
            if place is not None and path == place.path and first <= place.line <= number:
                hit = len(rows)
            rows.append(Row(_times(repeated) if repeated else html))
    if place is not None and hit >= 0:
        rows[hit] = Row(rows[hit].html, note=place.message)
    return rows


def _in_words(line: str, html: SafeString) -> SafeString:
    """Return what happens to the repository; many commits at once in words."""
    many = _COMMITS.match(line)
    if many is None:
        return html
    return format_html("{} commits like “{}”", many[1], many[2].strip().replace("{n}", "…"))


def _times(repeated: re.Match[str]) -> SafeString:
    """Return a line that stands for many, with how many in words."""
    line = repeated[2].removeprefix(" ").replace("{n}", "…")
    return format_html("{}  ← {} lines like this", line or "an empty line", repeated[1])


def _files(lines: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return stretches of lines with the path of the file that they belong to."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in lines:
        if line.startswith(_MARK) and not _REPEAT.match(line) and not _ACTS.match(line):
            found.append((line.removeprefix(_MARK).strip(), []))
        found[-1][1].append(line)
    return [(path, stretch) for path, stretch in found if stretch]
