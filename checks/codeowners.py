"""Who owns a path, as CODEOWNERS says: the last line that matches counts.

The forms of GitHub, GitLab and Gitea are read. A section of GitLab gives its owners to the lines
below it that name none; sections are not weighed against each other. Patterns are foreign text and
are matched a folder at a time, so that none of them takes long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from checks.facts.text import decode, split_lines
from checks.pathpatterns import PathPatterns
from checks.source import Source

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where hosting services look, the first that is there counts."""
MAX_BYTES = 1 << 18
MOST_OWNERS = 20
_SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?(?:\s+(?P<owners>[^#]*))?(?:#.*)?")
_WORD = re.compile(r"(?:\\.|\S)+")


class _Line(msgspec.Struct, frozen=True):
    pattern: PathPatterns
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
            if words and (pattern := _pattern(words[0])):
                self._lines.append(_Line(pattern, _owners(words[1:]) or inherited))
        self._lines.reverse()
        self.of = lru_cache(maxsize=4096)(self._of)

    def _of(self, path: str) -> tuple[str, ...]:
        return next((each.owners for each in self._lines if each.pattern.match(path)), ())


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


def _pattern(text: str) -> PathPatterns | None:
    """As in ``.gitignore``, without ``!`` and without brackets."""
    if text.startswith("!"):
        return None
    try:
        return PathPatterns([re.sub(r"\\?\[", r"\\[", text)])
    except ValueError:
        return None
