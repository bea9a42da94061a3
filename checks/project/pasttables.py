"""Tables of ORM models in the versions of files that a history holds.

What was found out about a version, or about a change, is remembered from one review to the next.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from checks.facts.pasttables import Version

if TYPE_CHECKING:
    from checks.project.trunk import Pair, Trunk

_TELLS = re.compile(
    rb"Column|mapped|Mapped|__table|Index|Constraint|ForeignKey|nullable|unique|primary_key"
    rb"|server_default|\b(?:String|Text|Integer|Numeric|Float|Boolean|DateTime|Date|Time|Enum|JSONB?"
    rb"|U[Uu][Ii][Dd]|LargeBinary|Interval|ARRAY|[A-Z]\w*Type)\b"
)
_FIELD = re.compile(rb"^\s+\w+\s*:|Field|max_length")
_DECODER = msgspec.msgpack.Decoder(Version)

NOTHING = Version({})


def telling(trunk: Trunk, pairs: Sequence[Pair]) -> frozenset[Pair]:
    """The changes that add, remove or change a line which may declare a column."""

    def read(missing: Sequence[str]) -> Iterator[tuple[str, bool]]:
        changes = [_pair(name) for name in missing]
        for name, (old, new) in zip(missing, trunk.compared(changes), strict=True):
            yield name, _tells(old, new)

    told = trunk.project.source.remembered("telling", bool)
    known = told.records([":".join(pair) for pair in pairs], read)
    return frozenset(pair for pair in pairs if known[":".join(pair)])


def versions(trunk: Trunk, oids: Sequence[str]) -> Mapping[str, Version]:
    """What versions declare, by their blobs; best asked for those of :func:`telling` changes."""
    found = trunk.analysed("tables", oids)
    return {oid: _DECODER.decode(data) for oid, data in found.items()}


def _pair(name: str) -> Pair:
    old, _, new = name.partition(":")
    return old, new


def _tells(before: bytes, after: bytes) -> bool:
    """Whether a line that may declare a column was added, removed or changed."""
    old, new = (Counter(text.splitlines()) for text in (before, after))
    fields = b"table=True" in before or b"table=True" in after
    return any(
        _TELLS.search(line) or (fields and _FIELD.search(line))
        for line in ((old - new) | (new - old))
    )
