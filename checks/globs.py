"""Globs over repository-relative paths, one meaning for all checks.

A pattern without a slash matches the name of a file at any depth *of the root it is asked for*
only when it begins with ``**/``; ``*`` does not cross a slash, ``**`` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache


@cache
def matcher(patterns: tuple[str, ...], *, ignore_case: bool = False) -> Callable[[str], bool]:
    """A predicate: whether a path matches any of the patterns.

    Args:
        patterns: Globs; ``dir/`` and ``dir/**`` match what lies below the folder.
        ignore_case: Whether case is ignored.
    """
    flags = re.IGNORECASE if ignore_case else 0
    whole = re.compile(
        "|".join(f"(?:{_translate(pattern)})" for pattern in patterns) or "(?!)", flags
    )
    return lambda path: whole.fullmatch(path) is not None


def any_match(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path matches any of the patterns."""
    return matcher(tuple(patterns))(path)


def _translate(pattern: str) -> str:
    text = pattern + "**" if pattern.endswith("/") else pattern
    out, index = [], 0
    while index < len(text):
        if text.startswith("**/", index):
            out.append("(?:[^/]+/)*")
            index += 3
        elif text.startswith("**", index):
            out.append(".*")
            index += 2
        elif text[index] == "*":
            out.append("[^/]*")
            index += 1
        elif text[index] == "?":
            out.append("[^/]")
            index += 1
        elif text[index] == "[" and "]" in text[index:]:
            end = text.index("]", index)
            out.append("[" + text[index + 1 : end].replace("\\", "").replace("!", "^", 1) + "]")
            index = end + 1
        else:
            out.append(re.escape(text[index]))
            index += 1
    return "".join(out)
