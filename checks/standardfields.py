"""Fields of a written standard: where they stand in the text, and what is wrong with a limit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from checks.rules.specs import Spec

_KEY_LINE = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_CLAUSE_LINE = re.compile(r"\s*\[\[\s*clause\s*\]\]")
KINDS = {
    str: "a text",
    list: "a list",
    dict: "a table",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    date: "a date such as 2026-12-01",
}
"""What a value of each kind is called."""


def limit_fault(spec: Spec, name: str, value: object) -> str:
    """What is wrong with one limit, "" when nothing is."""
    if name not in spec.params:
        known = ", ".join(spec.params) or "none"
        return f"unknown param {name!r}{hint(name, spec.params)}; it has: {known}"
    default = spec.params[name]
    if not _same_kind(value, default):
        return f"param {name} is {value!r}, not {KINDS[type(default)]}"
    if isinstance(value, dict):
        return _table_fault(name, value)
    allowed = spec.choices.get(name)
    for item in value if isinstance(value, list) else [value]:
        if allowed is not None and item not in allowed:
            choices = ", ".join(map(str, allowed))
            return f"param {name}: {item!r} is not one of {choices}"
        if isinstance(default, list) and default and not _same_kind(item, default[0]):
            return f"param {name}: {item!r} is not {KINDS[type(default[0])]}"
    return ""


def _table_fault(name: str, table: dict[str, object]) -> str:
    """What is wrong with a table of lists of whole numbers, such as statuses by method."""
    for key, entry in table.items():
        if not isinstance(entry, list) or not all(type(item) is int for item in entry):
            return f"param {name}: {key} is {entry!r}, not a list of whole numbers"
    return ""


def _same_kind(value: object, default: object) -> bool:
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)


def clause_lines(text: str) -> list[dict[str, int]]:
    """For each ``[[clause]]`` of the text, the line of each of its fields."""
    found: list[dict[str, int]] = []
    quote = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not quote:
            if _CLAUSE_LINE.match(line):
                found.append({"[[clause]]": number})
            elif found and (key := _KEY_LINE.match(line)):
                found[-1].setdefault(key[1], number)
        for mark in ('"""', "'''"):
            if quote in ("", mark) and line.count(mark) % 2:
                quote = "" if quote else mark
    return found


def hint(word: str, known: Iterable[str]) -> str:
    """Return what may have been meant by a word, "" when nothing is close."""
    import difflib  # here and not above: only mistakes need it

    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
