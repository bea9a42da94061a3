"""What the formatter's diff says: for each file the first line that it would change.

Two habits of the formatter that Black does not have are no difference: it joins strings that
stand side by side, and it writes the placeholders of f-strings its own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_HUNK = re.compile(r"@@ -(\d+)")
_JOINT = re.compile(r"([\"'])[fFrRbBuU]{0,2}\1")
_FORMATTED = re.compile(r"\b[rR]?[fF][rR]?[\"']")


def first_changes(diff: str) -> dict[str, int]:
    """First changed line by name of file; files whose only changes are habits are left out."""
    found: dict[str, int] = {}
    for name, hunks in _files(diff.split("\n")):
        for line, old, new in hunks:
            if not _is_habit(old, new):
                found[name] = line
                break
    return found


def _files(lines: Sequence[str]) -> Iterator[tuple[str, list[tuple[int, list[str], list[str]]]]]:
    """Name and changes of each file."""
    name, hunks = "", list[tuple[int, list[str], list[str]]]()
    line = 0
    for place, text in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if text.startswith("--- ") and following.startswith("+++ "):
            if name:
                yield name, hunks
            name, hunks, line = text[4:], [], 0
        elif hunk := _HUNK.match(text):
            line = int(hunk[1])
            hunks.append((0, [], []))
        elif line and text[:1] in {"-", "+", " "}:
            # stretches between unchanged lines are changes of their own
            if text[0] == " ":
                if hunks[-1][0]:
                    hunks.append((0, [], []))
            else:
                start, old, new = hunks[-1]
                (old if text[0] == "-" else new).append(text[1:])
                hunks[-1] = (start or line, old, new)
            line += text[0] != "+"
    if name:
        yield name, hunks


def _is_habit(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether a change only joins strings, or only rewrites placeholders of f-strings."""
    before, after = ("".join("".join(each).split()) for each in (old, new))
    if not before and not after:
        return not old and not new
    if len(before) > len(after) and _JOINT.sub("", before) == _JOINT.sub("", after):
        return True
    quoted = (text.replace("'", '"') for text in (before, after))
    formatted = all(_FORMATTED.search(text) for text in old)
    return bool(old) and formatted and before != after and len(set(quoted)) == 1
