"""Source text as safe HTML lines: coloured when small, and with nothing invisible in it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from pygments.lexers import get_lexer_by_name
from pygments.token import Token

from checks.facts.text import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pygments.lexer import Lexer
    from pygments.token import _TokenType

HIGHLIGHT_BYTES = 64 * 1024
LINE_CHARACTERS = 400

_LEXERS = {
    ".py": "python",
    ".pyi": "python",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".cfg": "ini",
    ".ini": "ini",
    ".sh": "bash",
    ".sql": "sql",
}
# The first that the token's type begins with wins: the order is from special to general.
_CLASSES = (
    (Token.Keyword.Constant, "kc"),
    (Token.Keyword, "k"),
    (Token.Operator.Word, "k"),
    (Token.Name.Builtin.Pseudo, "bp"),
    (Token.Name.Function, "nf"),
    (Token.Name.Class, "nc"),
    (Token.Name.Decorator, "nd"),
    (Token.Literal.String.Doc, "sd"),
    (Token.Literal.String, "s"),
    (Token.Literal.Number, "m"),
    (Token.Comment, "c"),
    (Token.Operator, "o"),
)
# Bidirectional controls, zero-width and other invisible characters, C0 and C1 controls.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)


def code_lines(text: str, path: str) -> list[SafeString]:
    """Return the lines of ``text`` as HTML, coloured after the file's name.

    Text of more than 64 kB stays plain, because colouring dense lines takes seconds. A line of more
    than 400 characters is cut. Everything is escaped.
    """
    lines = [_cut(line) for line in split_lines(text)]
    name = _lexer_name(path)
    if not name or sum(map(len, lines)) > HIGHLIGHT_BYTES:
        return [visible(line) for line in lines]
    return list(_coloured(lines, _lexer(name)))


def _cut(line: str) -> str:
    if len(line) <= LINE_CHARACTERS:
        return line
    return f"{line[:LINE_CHARACTERS]} … ({len(line) - LINE_CHARACTERS} more characters)"


def _lexer_name(path: str) -> str:
    name = PurePosixPath(path).name
    if name.startswith("Dockerfile"):
        return "docker"
    return _LEXERS.get(PurePosixPath(path).suffix.lower(), "")


@cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


def _coloured(lines: Sequence[str], lexer: Lexer) -> Iterator[SafeString]:
    """Yield one HTML text per line; a token that spans lines is coloured on each of them."""
    current: list[SafeString] = []
    for _, kind, value in lexer.get_tokens_unprocessed("\n".join(lines)):
        css = _css(kind)
        for number, piece in enumerate(value.split("\n")):
            if number:
                yield _joined(current)
                current = []
            if piece:
                shown = visible(piece)
                current.append(
                    format_html('<span class="{}">{}</span>', css, shown) if css else shown
                )
    if lines:
        yield _joined(current)


@cache
def _css(kind: _TokenType) -> str:
    return next((css for token, css in _CLASSES if tuple(kind)[: len(token)] == tuple(token)), "")


def visible(text: str) -> SafeString:
    """Escape ``text`` and name its invisible characters, which could make code look harmless."""
    parts: list[SafeString] = []
    start = 0
    for match in _INVISIBLE.finditer(text):
        parts.append(conditional_escape(text[start : match.start()]))
        code = f"U+{ord(match[0]):04X}"
        parts.append(
            format_html('<span class="unseen" title="invisible character">{}</span>', code)
        )
        start = match.end()
    parts.append(conditional_escape(text[start:]))
    return _joined(parts)


def _joined(parts: Sequence[SafeString]) -> SafeString:
    # Every part was escaped above; joining adds nothing.
    return mark_safe("".join(parts))  # noqa: S308
