"""Who owns a path, as CODEOWNERS says: the last line that matches counts.

The forms of GitHub, GitLab and Gitea are read. A section of GitLab gives its owners to the lines
below it that name none; sections are not weighed against each other. Patterns are foreign text and
are matched a folder at a time, so that none of them takes long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from checks.facts.text import decode, split_lines
from checks.source import Source

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where hosting services look, the first that is there counts."""
MAX_BYTES = 1 << 18
MOST_OWNERS = 20
MOST_PARTS = 40
_SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?(?:\s+(?P<owners>[^#]*))?(?:#.*)?")
_WORD = re.compile(r"(?:\\.|\S)+")


class _Line(msgspec.Struct, frozen=True):
    parts: tuple[str, ...]
    owners: tuple[str, ...]


class CodeOwners:
    """The owners that one text names.

    Args:
        text: Content of a CODEOWNERS file; lines that cannot be understood own nothing.
    """

    def __init__(self, text: str) -> None:
        self._lines: list[_Line] = []
        inherited: tuple[str, ...] = ()
        for line in split_lines(text):
            if section := _SECTION.fullmatch(line.strip()):
                inherited = _owners((section["owners"] or "").split())
                continue
            words = _WORD.findall(re.sub(r"(?:^|\s)#.*", "", line))
            if words and (parts := _parts(words[0])):
                self._lines.append(_Line(parts, _owners(words[1:]) or inherited))
        self._lines.reverse()
        self.of = lru_cache(maxsize=4096)(self._of)

    def _of(self, path: str) -> tuple[str, ...]:
        names = tuple(path.split("/"))
        return next((each.owners for each in self._lines if _covers(each.parts, names)), ())


def read(source: Source) -> CodeOwners:
    """The owners that a commit names, nobody when it has no CODEOWNERS file."""
    entries = {entry.path: entry for entry in source.tree() if entry.path in PLACES}
    for path in PLACES:
        entry = entries.get(path)
        if entry and entry.kind in {"file", "executable"} and entry.size <= MAX_BYTES:
            for _, data in source.blobs([entry.oid]):
                return CodeOwners(decode(data).text)
    return CodeOwners("")


def _owners(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if "@" in word))[:MOST_OWNERS]


def _parts(pattern: str) -> tuple[str, ...]:
    """The pattern folder by folder; ``**`` stands for any number of them."""
    text = re.sub(r"\\(.)", r"\1", pattern)
    anchored = "/" in text.rstrip("/")
    parts = [part for part in text.strip("/").split("/") if part]
    if len(parts) > MOST_PARTS or text.startswith("!"):
        return ()
    if not anchored:
        parts.insert(0, "**")
    # A name owns what lies below it; `docs/*` is the files of that folder and no more.
    if text.endswith("/"):
        parts += ["*", "**"]
    elif not (anchored and parts and parts[-1] == "*"):
        parts.append("**")
    return tuple(part.replace("[", "[[]") for part in parts)


def _covers(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Whether the folders of a pattern take in a whole path: all ends that each part can reach."""
    reached = {0}
    for part in parts:
        if part == "**":
            reached = set(range(min(reached), len(names) + 1))
        else:
            reached = {
                end + 1 for end in reached if end < len(names) and fnmatchcase(names[end], part)
            }
        if not reached:
            return False
    return len(names) in reached
