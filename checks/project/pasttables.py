"""Tables of ORM models in the versions of files that a history holds.

A version is parsed class by class: of what is the same in the version before, nothing is parsed
again. What was found out about a version is remembered from one review to the next.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from checks.facts.parse import parse
from checks.facts.syntax import extract
from checks.facts.text import decode, split_lines
from checks.facts.tree import PyFacts
from checks.project.pastmodels import Memo, Part, Placed, tables

if TYPE_CHECKING:
    from checks.project.trunk import Trunk

_TELLS = re.compile(
    rb"Column|mapped|Mapped|__table|Index|Constraint|ForeignKey|nullable|unique|primary_key"
    rb"|server_default|\b(?:String|Text|Integer|Numeric|Float|Boolean|DateTime|Date|Time|Enum|JSONB?"
    rb"|U[Uu][Ii][Dd]|LargeBinary|Interval|ARRAY|[A-Z]\w*Type)\b"
)
_FIELD = re.compile(rb"^\s+\w+\s*:|Field|max_length")
_DEFINITION = re.compile(r"^(?:@|(class |(?:async )?def ))", re.MULTILINE)
_MOST_HELD = 4_000_000

type Pair = tuple[str, str]
"""A blob before and after a change, "" where there is none."""


class Version(msgspec.Struct, frozen=True, array_like=True):
    """What a version of a file declares.

    Attributes:
        tables: Its tables by name.
        parsed: False where it is no Python that can be read.
    """

    tables: dict[str, Placed]
    parsed: bool = True


NOTHING = Version({})


class PastTables:
    """Reads versions of files, some changes after the other."""

    def __init__(self, trunk: Trunk) -> None:
        self._trunk = trunk
        self._told = trunk.project.source.remembered("telling", bool)
        self._versions = trunk.project.source.remembered("tables", Version)
        self._held: dict[str, bytes] = {}
        self._parts: dict[str, Part | None] = {}
        self._size = 0
        self._memo: Memo = {}

    def telling(self, pairs: Sequence[Pair]) -> frozenset[Pair]:
        """The changes that add, remove or change a line which may declare a column."""
        self._held = {}

        def read(missing: Sequence[str]) -> Iterator[tuple[str, bool]]:
            changes = {name: tuple(name.split(":")) for name in missing}
            texts = self._texts([oid for each in changes.values() for oid in each])
            for name, (old, new) in changes.items():
                yield name, _tells(texts.get(old, b""), texts.get(new, b""))

        told = self._told.records([":".join(pair) for pair in pairs], read)
        return frozenset(pair for pair in pairs if told[":".join(pair)])

    def of(self, oids: Sequence[str]) -> Mapping[str, Version]:
        """What versions declare, by their blobs; best asked after :meth:`telling`."""

        def read(missing: Sequence[str]) -> Iterator[tuple[str, Version]]:
            texts = self._texts(missing)
            return ((oid, self.read(texts.get(oid, b""))) for oid in missing)

        return self._versions.records([oid for oid in oids if oid], read)

    def _texts(self, oids: Sequence[str]) -> Mapping[str, bytes]:
        self._held |= self._trunk.texts(oid for oid in oids if oid not in self._held)
        return self._held

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


def _tells(before: bytes, after: bytes) -> bool:
    """Whether a line that may declare a column was added, removed or changed."""
    old, new = (Counter(text.splitlines()) for text in (before, after))
    fields = b"table=True" in before or b"table=True" in after
    return any(
        _TELLS.search(line) or (fields and _FIELD.search(line))
        for line in ((old - new) | (new - old))
    )
