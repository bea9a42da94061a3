"""TOML as plain data with lines: measured before it is parsed, and only then given to tomllib."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from checks.facts import limits
from checks.facts.doctree import Tree, Unreadable
from checks.facts.text import split_lines

# Strings and comments in one pass, longest form first; possessive and closed by the end of the
# text, so that it stays linear.
_MASKED = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_NOT_NEWLINE = re.compile(r"[^\n]")
_NOT_KEY = re.compile(r"[^\w\-. \t]+")
_HEADER = re.compile(r"[ \t]*(\[\[?)(?P<keys>[^\[\]=\n]+)\]\]?[ \t]*(?:\n|$)")
_KEY = re.compile(r"[ \t]*(?P<keys>[^\[\]{}=,\n]+?)[ \t]*=")
_INSIDE = re.compile(r"[\[\]{},]|\S[^\[\]{},\n]*")
_MAX_PATH = 400
_INT64 = 2**63


def read_toml(text: str) -> Tree:
    """Read a TOML file.

    Raises:
        Unreadable: It does not parse, or is nested or dotted beyond the limits.
    """
    text = "\n".join(split_lines(text)) + "\n"
    masked = _MASKED.sub(_mask, text)
    _measure(masked)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        reason = str(fault) if isinstance(fault, tomllib.TOMLDecodeError) else "not valid TOML"
        raise Unreadable(f"does not parse: {reason}"[:200]) from None
    return Tree([_plain(data)], _Lines(text, masked).found)


def _mask(match: re.Match[str]) -> str:
    """The same length without meaning, so that positions still fit."""
    return _NOT_NEWLINE.sub("_" if match[0][0] != "#" else " ", match[0])


def _measure(masked: str) -> None:
    depth = 0
    for mark in re.findall(r"[\[\]{}]", masked):
        depth += 1 if mark in "[{" else -1
        if depth > limits.TREE_DEPTH:
            raise Unreadable(f"is nested deeper than {limits.TREE_DEPTH} levels")
    # tomllib is quadratic in the parts of a key: 40 kB of dots take it twelve seconds.
    if any(part.count(".") >= limits.TOML_KEY_PARTS for part in _NOT_KEY.split(masked)):
        raise Unreadable(f"has a key of more than {limits.TOML_KEY_PARTS} parts")


def _plain(value: Any) -> Any:
    """Data that any format can carry: dates, infinities and very large integers become text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value.isoformat()


class _Lines:
    """Lines of the keys, found beside the parser: what is odd has no line, never a wrong value."""

    def __init__(self, text: str, masked: str) -> None:
        self.found: dict[str, int] = {}
        self._text = text
        self._masked = masked
        self._line = 1
        self._counts: dict[str, int] = {}
        self._scan()

    def _scan(self) -> None:
        position, table = 0, ""
        while position < len(self._masked):
            if header := _HEADER.match(self._masked, position):
                table = self._open(header)
                position = self._move(position, header.end())
            elif key := _KEY.match(self._masked, position):
                path = _join(table, *self._parts(key.start("keys"), key.end("keys")))
                self._note(path)
                position = self._value(path, key.end())
            else:
                end = self._masked.find("\n", position)
                position = self._move(position, len(self._masked) if end < 0 else end + 1)

    def _open(self, header: re.Match[str]) -> str:
        path = ""
        parts = list(self._parts(header.start("keys"), header.end("keys")))
        for number, part in enumerate(parts):
            path = _join(path, part)
            if number == len(parts) - 1 and header[1] == "[[":
                self._note(path)
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = _join(path, str(self._counts[path]))
        self._note(path)
        return path

    def _parts(self, start: int, end: int) -> Iterator[str]:
        """Parts of a dotted key; dots inside quotes are masked, the text is the original."""
        for match in re.finditer(r"[^.]+", self._masked[start:end]):
            part = self._text[start + match.start() : start + match.end()].strip()
            yield part[1:-1] if part[:1] in {'"', "'"} else part

    def _value(self, path: str, position: int) -> int:
        """Note the items of an array or inline table; the position behind the value."""
        stack: list[list[Any]] = []  # [path, next position in an array or -1 for a table]
        while match := _INSIDE.search(self._masked, position):
            if not stack and "\n" in self._masked[position : match.start()]:
                break
            position = self._move(position, match.start())
            mark = match[0]
            if mark in "[{":
                place = self._item(stack, "") if stack else path
                stack.append([place, 0 if mark == "[" else -1])
            elif mark in "]}":
                if stack:
                    stack.pop()
            elif mark != "," and stack:
                self._item(stack, self._key_before(match))
            position = match.end()
            if not stack:
                break
        end = self._masked.find("\n", position)
        return self._move(position, len(self._masked) if end < 0 else end + 1)

    def _item(self, stack: list[list[Any]], key: str) -> str:
        """Path of the item that begins here, inside the innermost array or table."""
        frame = stack[-1]
        if frame[1] < 0:
            if key:
                frame.append(_join(frame[0], key))
                self._note(frame[-1])
            return str(frame[-1]) if len(frame) > 2 else str(frame[0])
        place = _join(frame[0], str(frame[1]))
        frame[1] += 1
        self._note(place)
        return place

    def _key_before(self, match: re.Match[str]) -> str:
        head = match[0].partition("=")
        if not head[1]:
            return ""
        return ".".join(self._parts(match.start(), match.start() + len(head[0])))

    def _note(self, path: str) -> None:
        if len(path) <= _MAX_PATH:
            self.found.setdefault(path, self._line)

    def _move(self, start: int, end: int) -> int:
        self._line += self._masked.count("\n", start, end)
        return end


def _join(path: str, *keys: str) -> str:
    return ".".join([path, *keys] if path else keys)[: _MAX_PATH + 1]
