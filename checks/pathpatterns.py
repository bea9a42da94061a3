"""Patterns of paths as in ``.gitignore``, matched in time that no pattern can stretch.

Whoever writes a waiver, a standard or an attestation writes patterns, and a repository may hold the
file. As one regular expression, ``*a*a*a*b`` takes longer by orders with each star; so a path is
matched a folder at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache

import msgspec

ANY_FOLDERS = "**"
MOST_PARTS = 40
_STARS = re.compile(r"\*{2,}")


class _Line(msgspec.Struct, frozen=True):
    """One pattern.

    Attributes:
        parts: Its folders.
        negated: Whether it takes paths out again.
        least: How many names a path has below what is matched: 1 where that is a folder.
        most: 0 where nothing may lie below, else None.
    """

    parts: tuple[str, ...]
    negated: bool
    least: int
    most: int | None


class PathPatterns:
    """Several patterns; of those that match a path the last one counts.

    Args:
        lines: As in ``.gitignore``.

    Raises:
        ValueError: One of them is no pattern.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = [read for line in lines if (read := _read(line))]
        self._lines.reverse()

    def match(self, path: str) -> bool:
        """Whether the patterns take in a file, itself or a folder that it lies in."""
        names = tuple(path.split("/"))
        for line in self._lines:
            below = (len(names) - end for end in reach(line.parts, names) if end)
            if any(line.least <= rest and line.most in (None, rest) for rest in below):
                return not line.negated
        return False


def is_pattern(line: str) -> bool:
    """Whether a line can be read; an empty one matches nothing."""
    try:
        _read(line)
    except ValueError:
        return False
    return True


def reach(parts: Sequence[str], names: Sequence[str]) -> set[int]:
    """How many of the leading names of a path a pattern can take in."""
    reached = {0}
    for place, part in enumerate(parts, 1):
        if part == ANY_FOLDERS:
            # At the end it stands for what lies below, which is something.
            least = min(reached) + (place == len(parts))
            reached = set(range(least, len(names) + 1))
        else:
            reached = {
                end + 1 for end in reached if end < len(names) and fnmatchcase(names[end], part)
            }
        if not reached:
            break
    return reached


def _read(line: str) -> _Line | None:
    """A line as it is matched, None for one that says nothing."""
    text = line if line.endswith("\\ ") else line.rstrip()
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[negated:]
    bare = text.strip("/")
    if text and not bare:
        return None
    parts = [_glob(part) for part in bare.split("/") if part]
    if not parts or len(parts) > MOST_PARTS:
        raise ValueError(f"{line!r} is no pattern of paths")
    folder = text.endswith("/")
    # `docs/*` is the files of that folder and no more.
    most = 0 if "/" in text and not folder and parts[-1] == "*" else None
    if "/" not in text.rstrip("/"):
        parts.insert(0, ANY_FOLDERS)
    return _Line(tuple(parts), negated, int(folder), most)


@cache
def _glob(part: str) -> str:
    """A name as :mod:`fnmatch` takes it, which knows no backslash and negates with ``!``."""
    if part == ANY_FOLDERS:
        return part
    found, index = [], 0
    while index < len(part):
        if part[index] == "\\":
            escaped = part[index + 1 : index + 2]
            if not escaped:
                raise ValueError(f"{part!r} ends in a backslash")
            found.append(f"[{escaped}]" if escaped in "*?[" else escaped)
            index += 2
        elif part.startswith("[^", index):
            found.append("[!")
            index += 2
        else:
            found.append(part[index])
            index += 1
    return _STARS.sub("*", "".join(found))
