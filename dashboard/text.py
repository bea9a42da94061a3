"""The border for text that comes from outside: repositories, forges, tools, payloads.

PostgreSQL refuses NUL and lone surrogates in text and JSON, SQLite takes most of it; so everything
foreign passes here before it reaches a row.
"""

from __future__ import annotations

import math
import re
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_REFUSED = re.compile("[\x00\ud800-\udfff]")
_DEPTH_LIMIT = 60


def clean(value: str, limit: int) -> str:
    """Return ``value`` as a database can keep it: at most ``limit`` characters.

    NUL and lone surrogates become U+FFFD; a cut text ends in an ellipsis. Unicode is not
    normalised, so a path keeps its form.
    """
    text = _REFUSED.sub(REPLACEMENT, value[: limit + 1])
    if len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)] + "…" if limit else ""


def floored(value: float, digits: int) -> str:
    """Return ``value`` rounded down, so that 89.96 is never shown as 90."""
    scale = 10**digits
    # The tiny addend forgives binary fractions: 83.2 is stored as 83.19999999999999.
    return f"{math.floor(value * scale + 1e-6) / scale:.{digits}f}"


def clean_json(value: Any, limit: int = 2000, depth: int = 0) -> Any:
    """Return a copy of decoded JSON in which every text is clean and every number finite.

    ``limit`` is the number of characters one text may have. Not-a-number and infinities become
    null; what is nested deeper than 60 levels is cut to null.
    """
    if depth > _DEPTH_LIMIT:
        return None
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, dict):
        return {clean(str(k), limit): clean_json(v, limit, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item, limit, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def whole(text: str, otherwise: int = 0) -> int:
    """A whole number that a form or an address gave; ``otherwise`` for what is none.

    Longer ones name nothing, no database keeps them, and Python refuses to read the longest.
    """
    return int(text) if text.isdecimal() and len(text) < 18 else otherwise
