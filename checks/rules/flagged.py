"""What each check says of its bad examples: where the flagged line is, and the words for it.

The places are data, made by ``make flagged`` and held by the tests of the examples, so that a page
can show them without judging a miniature repository first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec

PLACES = Path(__file__).parent / "flagged.json"


class Flagged(msgspec.Struct, frozen=True, array_like=True):
    """The finding of one bad example.

    Attributes:
        path: File of the miniature repository, "" for the repository as a whole.
        line: 1-based line there, 0 for the file as a whole.
        message: What the check says.
    """

    path: str
    line: int
    message: str


@cache
def flagged() -> Mapping[str, Sequence[Flagged]]:
    """The findings of the bad examples by check, in the order of its examples."""
    return MappingProxyType(
        msgspec.json.decode(PLACES.read_bytes(), type=dict[str, tuple[Flagged, ...]])
    )
