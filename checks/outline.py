"""The text of a file as far as it tells what moved: its lines, and the blocks that have a name.

Nothing is parsed. Lines and indentation say enough to recognise code that was moved or renamed,
in files of both commits at the price of reading them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from checks.edits import words
from checks.facts.text import decode, split_lines

_DEFINITION = re.compile(r"(?:async\s+def|def|class)\s+(\w+)")
_CLOSING = (")", "]", "}")
_DIGITS = 16


class Outline(msgspec.Struct, frozen=True):
    """What a file consists of.

    Attributes:
        rows: Its lines in their order, spaces apart.
        lines: How often each line stands in it, without indentation and blank lines.
        blocks: How often each word stands in each function and class, by qualified name: what
            is moved is often laid out anew, and its words stay.
    """

    rows: tuple[str, ...]
    lines: Counter[str]
    blocks: Mapping[str, Counter[str]]


def outline(data: bytes) -> Outline:
    """The outline of a file's content."""
    blocks: dict[str, Counter[str]] = {}
    inside: list[tuple[int, str]] = []
    lines: Counter[str] = Counter()
    rows = _lines(data)
    for line in rows:
        text = line.strip()
        if not text:
            continue
        lines[text] += 1
        depth = len(line) - len(line.lstrip())
        # A bracket in front closes what the line of the definition opened.
        while inside and depth <= inside[-1][0] and not text.startswith(_CLOSING):
            inside.pop()
        said = words(text) if inside else Counter[str]()
        for _, name in inside:
            blocks[name].update(said)
        if found := _DEFINITION.match(text):
            name = f"{inside[-1][1]}.{found[1]}" if inside else found[1]
            inside.append((depth, name))
            blocks.setdefault(name, Counter())
    return Outline(tuple(" ".join(row.split()) for row in rows), lines, blocks)


def line_digests(data: bytes, numbers: Iterable[int]) -> dict[int, str]:
    """What stands on some 1-based lines of a file, spaces apart, as short digests.

    Lines that are blank or beyond the end are left out.
    """
    lines = _lines(data)
    found = {}
    for number in numbers:
        if 0 < number <= len(lines) and (text := " ".join(lines[number - 1].split())):
            digest = hashlib.sha256(text.encode("utf-8", "replace"))
            found[number] = digest.hexdigest()[:_DIGITS]
    return found


def _lines(data: bytes) -> list[str]:
    return split_lines(decode(data).text)
