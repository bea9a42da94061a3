"""Tables of ORM models in versions of files, one version after the other.

A version is parsed class by class: of what is the same in the version before, nothing is parsed
again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from checks.facts.parse import parse
from checks.facts.pastmodels import Memo, Part, Placed, tables
from checks.facts.syntax import extract
from checks.facts.text import decode, split_lines
from checks.facts.tree import PyFacts

_DEFINITION = re.compile(r"^(?:@|(class |(?:async )?def ))", re.MULTILINE)
_MOST_HELD = 4_000_000


class Version(msgspec.Struct, frozen=True, array_like=True):
    """What a version of a file declares.

    Attributes:
        tables: Its tables by name.
        parsed: False where it is no Python that can be read.
    """

    tables: dict[str, Placed]
    parsed: bool = True


class TableReader:
    """Reads versions of files; what it answers does not depend on those it read before."""

    def __init__(self) -> None:
        self._parts: dict[str, Part | None] = {}
        self._size = 0
        self._memo: Memo = {}

    def read(self, data: bytes) -> Version:
        """What one version declares."""
        if self._size > _MOST_HELD:
            self._parts, self._memo, self._size = {}, {}, 0
        parts: list[tuple[Part, int]] = []
        for part, above in self._split(data):
            if part is None:
                # Cut in a text or in the middle of a statement, or no Python at all.
                facts = extract(data)
                return Version({}, parsed=False) if facts.error else _whole(facts)
            parts.append((part, above))
        return Version(tables(parts, self._memo))

    def _split(self, data: bytes) -> Iterator[tuple[Part | None, int]]:
        """The parts of a file with the lines above them; None for one that cannot stand alone."""
        decoded = decode(data)
        text, above = decoded.text, 0
        if not decoded.readable or text.count("\r") != text.count("\r\n"):
            yield None, 0
            return
        for start, end in _cuts(text):
            part = text[start:end]
            if part not in self._parts:
                self._parts[part] = _parsed(part)
                self._size += len(part)
            yield self._parts[part], above
            above += part.count("\n")


def _whole(facts: PyFacts) -> Version:
    return Version(tables([(Part(facts), 0)], {}))


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    """Where definitions begin at the left margin, decorators with what they decorate."""
    start, decorated = 0, False
    for match in _DEFINITION.finditer(text):
        if not decorated and match.start() > start:
            yield start, match.start()
            start = match.start()
        decorated = match[1] is None
    yield start, len(text)


def _parsed(text: str) -> Part | None:
    """A part of a file, None where it is no Python by itself."""
    if "class" not in text:
        found, note, _, _ = parse(text, split_lines(text))
        return None if found is None or note else Part(PyFacts())
    facts = extract(text.encode("utf-8", "surrogatepass"))
    return None if facts.error or facts.note else Part(facts)
