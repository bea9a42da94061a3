"""What a commit holds, told apart from the repository that it is a part of.

Most checks ask about nothing but content: facts, paths, and what was handed in. What they answer
holds for every commit with the same content (:mod:`checks.recalled`). The others ask the source:
its history, its branches, its date, its blobs. There is one way to it, and it tells of each call.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from checks.source import Entry, EntryKind, Source


class Tracked(msgspec.Struct, frozen=True):
    """One path of the tree as far as it is content; the blob that it names is asked of the source.

    Attributes:
        path: Where it is.
        kind: What it is.
        empty: Whether it holds no byte.
    """

    path: str
    kind: EntryKind
    empty: bool


class Content:
    """The tree of a project, and the way to its source.

    Args:
        source: The repository at the commit.
        entries: The tracked entries.

    Attributes:
        entries: What they are, by path.
        source_asked: Whether anybody has asked the source. Parts of the project remember what they
            were told, so nothing that is asked later can be said to owe the source nothing.
    """

    def __init__(self, source: Source, entries: Iterable[Entry]) -> None:
        self._source = source
        self.entries = {each.path: Tracked(each.path, each.kind, not each.size) for each in entries}
        self.source_asked = False

    @property
    def source(self) -> Source:
        """History, branches, blobs and the evaluation date (``source.time``)."""
        self.source_asked = True
        return self._source

    @cached_property
    def blobs(self) -> dict[str, Entry]:
        """The tracked entries with their blobs, by path."""
        return {entry.path: entry for entry in self.source.tree()}

    def real_path(self, path: str) -> str:
        """The path seen from the root of the repository, where a component is judged."""
        real = getattr(self._source, "real_path", None)
        return str(real(path)) if real is not None else path
