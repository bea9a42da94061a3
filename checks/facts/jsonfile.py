"""JSON as plain data with lines; comments and trailing commas are allowed, as tools allow them.

An own scanner with an explicit stack: the standard library's recurses, keeps no lines and lets
through what no database takes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from checks.facts import limits
from checks.facts.doctree import Tree, Unreadable

_TOKEN = re.compile(
    r"(?P<space>[\s\ufeff]++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*+")'
    r"|(?P<mark>[\[\]{},:])"
    r"|(?P<word>[^\s\[\]{},:\"/]++)"
)
_INT = re.compile(r"-?[0-9]{1,18}")
_FLOAT = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,2})?")
_WORDS = {"true": True, "false": False, "null": None}
_MAX_PATH = 400


def read_json(text: str) -> Tree:
    """Read a JSON file.

    Raises:
        Unreadable: It does not parse, or is nested beyond the limit.
    """
    reader = _Reader()
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unreadable(f"does not parse: line {line}: not valid JSON")
        if match.lastgroup != "space" and not reader.take(match, line):
            raise Unreadable(f"does not parse: line {line}: unexpected {match[0][:20]}")
        line += text.count("\n", position, match.end())
        position = match.end()
    if reader.stack or not reader.tree.documents:
        raise Unreadable("does not parse: it ends too early")
    return reader.tree


class _Reader:
    """Values that are being filled: [path, container, key or None, whether a value may follow]."""

    def __init__(self) -> None:
        self.tree = Tree([], {})
        self.stack: list[list[Any]] = []

    def take(self, match: re.Match[str], line: int) -> bool:
        """Add one part; False where it cannot stand."""
        part = match[0]
        if match.lastgroup == "string":
            return self._value(_text(part), line, is_text=True)
        if match.lastgroup == "word":
            return self._value(_scalar(part), line)
        if part in "[{":
            return self._open({} if part == "{" else [], line)
        if not self.stack:
            return False
        frame = self.stack[-1]
        if part in "]}":
            fits = isinstance(frame[1], dict) == (part == "}") and frame[2] is None
            self.stack.pop()
            return fits
        if part == ":":
            fits = isinstance(frame[1], dict) and frame[2] is not None and not frame[3]
            frame[3] = True
            return fits
        fits = frame[2] is None and not frame[3]
        frame[3] = isinstance(frame[1], list)
        return fits

    def _open(self, container: dict[str, Any] | list[Any], line: int) -> bool:
        if len(self.stack) >= limits.TREE_DEPTH:
            raise Unreadable(f"is nested deeper than {limits.TREE_DEPTH} levels")
        path = self._path()
        if not self._value(container, line):
            return False
        self.stack.append([path, container, None, isinstance(container, list)])
        return True

    def _path(self) -> str:
        if not self.stack:
            return ""
        path, container, key, _ = self.stack[-1]
        return _join(path, str(len(container)) if isinstance(container, list) else str(key))

    def _value(self, value: Any, line: int, *, is_text: bool = False) -> bool:
        if not self.stack:
            if self.tree.documents:
                return False
            self.tree.documents.append(value)
            return True
        frame = self.stack[-1]
        _, container, key, expects = frame
        if isinstance(container, list):
            if not expects:
                return False
            self._line(self._path(), line)
            container.append(value)
        elif key is None:
            if not is_text:
                return False
            frame[2] = value
            self._line(self._path(), line)
            return True
        elif not expects:
            return False
        else:
            container[key] = value
            frame[2] = None
        frame[3] = False
        return True

    def _line(self, path: str, line: int) -> None:
        if len(path) <= _MAX_PATH:
            self.tree.lines.setdefault(path, line)


def _text(token: str) -> str:
    try:
        value = str(json.loads(token, strict=False))
    except ValueError:
        return token[1:-1]
    # A lone surrogate is no text that can be stored anywhere.
    return value.encode("utf-8", "replace").decode()


def _scalar(token: str) -> Any:
    if token in _WORDS:
        return _WORDS[token]
    if _INT.fullmatch(token):
        return int(token)
    return float(token) if _FLOAT.fullmatch(token) else token


def _join(path: str, key: str) -> str:
    return f"{path}.{key}"[: _MAX_PATH + 1] if path else key
