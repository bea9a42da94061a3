"""TOML from strangers: refused before parsing where the parser itself would be the danger.

The standard library's parser recurses per bracket and takes quadratic time on dotted keys, so
size, bracket depth and key length are bounded by one linear pass over the text first.
"""

from __future__ import annotations

import re
from typing import Any

MAX_BYTES = 256 * 1024
MAX_DEPTH = 100
MAX_KEY_PARTS = 32

# Possessive quantifiers: an unclosed string costs one pass, not one per quote.
_TOKEN = re.compile(
    r'''
    (?P<long>  """(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})? | \'\'\'(?:[^']|'(?!''))*+(?:'{3,5})? )
  | (?P<part>  "(?:[^"\\\n]|\\.)*+" | '[^'\n]*+' | [A-Za-z0-9_-]++ )
  | (?P<dot>   \. )
  | (?P<open>  [\[{] )
  | (?P<close> [\]}] )
  | (?P<space> [ \t]++ )
  | (?P<other> \#[^\n]*+ | . )
    ''',
    re.VERBOSE | re.DOTALL,
)


class TomlRefused(ValueError):
    """The text is no TOML, or TOML that is not safe to parse. The message says which, where."""


def loads(content: bytes) -> dict[str, Any]:
    """Parse a TOML document of at most :data:`MAX_BYTES` bytes.

    Raises:
        TomlRefused: When it is too large, too deep, not UTF-8 or not TOML.
    """
    import tomllib  # here and not above: what is known already is not parsed again

    if len(content) > MAX_BYTES:
        raise TomlRefused(f"the file has {len(content)} bytes, the limit is {MAX_BYTES}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TomlRefused(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    _refuse_bombs(text)
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise TomlRefused("the file is nested too deeply") from error
    except ValueError as error:
        raise TomlRefused(f"not valid TOML: {error}") from error


def _refuse_bombs(text: str) -> None:
    """Walk the tokens once, counting open brackets and the parts of each dotted key."""
    depth = parts = 0
    before: str | None = None
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "space":
            continue
        if kind == "dot":
            parts += 1
        elif kind != "part":
            parts = 0
        elif not parts or before != "dot":
            parts = 1
        depth += (kind == "open") - (kind == "close")
        before = kind
        if fault := _fault(token, depth, parts):
            raise TomlRefused(f"line {text.count(chr(10), 0, token.start()) + 1}: {fault}")


def _fault(token: re.Match[str], depth: int, parts: int) -> str:
    if depth > MAX_DEPTH:
        return f"brackets are nested deeper than {MAX_DEPTH}"
    if parts > MAX_KEY_PARTS:
        return f"a key has more than {MAX_KEY_PARTS} parts"
    if token.lastgroup == "long" and (len(token[0]) < 6 or not token[0].endswith(token[0][:3])):
        return "this string is never closed"
    return ""
