"""From bytes to text: one definition of decoding, of a line, and of a suppression comment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from typing import Literal

import msgspec

# A repository's word never reaches codecs.lookup: some codecs execute or inflate their input.
_CODECS = {
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "l1": "latin-1",
    "iso-8859-1": "latin-1",
    "iso8859-1": "latin-1",
    "iso-latin-1": "latin-1",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "utf-8-sig": "utf-8-sig",
    "iso8859-15": "iso8859-15",
    "iso-8859-15": "iso8859-15",
    "latin-9": "iso8859-15",
}
_UTF8 = {"utf-8", "utf8", "u8", "utf-8-unix", "utf-8-sig", "ascii", "us-ascii"}
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]{1,40})")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")
_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_MAX = 1024

UTF16 = "is UTF-16 or UTF-32 text; only UTF-8 and legacy 8-bit source is read"
NUL = "contains NUL bytes"
LFS_POINTER = "is a Git LFS pointer; its content is not in the repository"
REPLACED = "is not valid UTF-8; undecodable bytes were replaced"


class Decoded(msgspec.Struct, frozen=True):
    """Text of one blob.

    Attributes:
        text: The text without byte order mark; "" when the blob holds no text we read.
        note: What a person should know about it, in words that follow the path; "" when all is
            well.
        readable: False when ``note`` is the reason why there is nothing to analyse.
    """

    text: str
    note: str = ""
    readable: bool = True


def decode(data: bytes) -> Decoded:
    """Decode as UTF-8, else by a cookie from a short list of codecs, else with replacement.

    Never raises. NUL bytes, UTF-16 and Git LFS pointers come back unreadable, with the reason.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return Decoded("", UTF16, readable=False)
    if b"\0" in data:
        return Decoded("", NUL, readable=False)
    if len(data) <= _LFS_MAX and data.startswith(_LFS):
        return Decoded("", LFS_POINTER, readable=False)
    cookie = _cookie(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decode_legacy(data, cookie)
    # Text that is UTF-8 and claims an encoding outside the list would run as something else.
    if cookie and cookie not in _UTF8 and cookie not in _CODECS:
        return Decoded(text, f"declares the encoding {cookie}; it was read as UTF-8")
    return Decoded(text)


def _decode_legacy(data: bytes, cookie: str) -> Decoded:
    codec = _CODECS.get(cookie)
    if codec:
        try:
            return Decoded(data.decode(codec))
        except UnicodeDecodeError:
            pass
    return Decoded(data.decode("utf-8-sig", "replace"), REPLACED)


def _cookie(data: bytes) -> str:
    """Encoding named in the first two lines (PEP 263), normalised; "" for none."""
    for line in data[:400].replace(b"\r", b"\n").split(b"\n")[:2]:
        if match := _COOKIE.match(line):
            return match[1].decode("ascii", "replace").lower().replace("_", "-")
        if not _BLANK.match(line):
            return ""
    return ""


def split_lines(text: str) -> list[str]:
    r"""Lines without their ends, split at ``\n``, ``\r\n`` and ``\r`` only, as Python and git do.

    ``str.splitlines`` also splits at form feeds and Unicode separators, which would shift every
    line number behind them. A line end at the end of the text begins no further line.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


type SuppressionKind = Literal["noqa", "type-ignore", "nosec", "no-cover", "pylint"]


class Suppression(msgspec.Struct, frozen=True):
    """One comment that silences a tool.

    Attributes:
        line: Line of the comment, 1-based.
        kind: Which tool is silenced; ruff's own comments count as ``noqa``.
        codes: The codes it names; empty when it silences everything.
        file_wide: True when it holds for the whole file (``# ruff: noqa``).
        end_line: Last line it covers, for ``# ruff: disable[...]``; 0 when it covers its own
            line only.
        explained: Of a ``type: ignore``: whether words that read as a reason follow it or stand
            in the comment line above; None for every other comment.
        reason: These words; "" when there are none.
    """

    line: int
    kind: SuppressionKind
    codes: tuple[str, ...] = ()
    file_wide: bool = False
    end_line: int = 0
    explained: bool | None = None
    reason: str = ""


class Comment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One comment without its ``#``, cut at :data:`MAX_COMMENT`; ``own`` where it fills a line."""

    line: int
    text: str
    own: bool


MAX_COMMENT = 200

_CHEAP = re.compile(
    r"noqa|type\s*:\s*ignore|nosec|no\s*cover|(?:ruff|pylint)\s*:|(?:pyright|mypy|ty)\s*:\s*ignore",
    re.I,
)
_CODE_LIST = r"(?P<codes>[A-Z][A-Z0-9]*[0-9](?:[\s,]+[A-Z][A-Z0-9]*[0-9])*)"
_NOQA = re.compile(
    rf"#\s*(?P<file>(?:ruff|flake8)\s*:\s*)?noqa(?:\s*:\s*{_CODE_LIST})?(?![\w-])", re.I
)
_RUFF = re.compile(
    r"#\s*ruff\s*:\s*(?P<verb>disable|enable|ignore|file-ignore)\s*\[(?P<codes>[^\]]{0,400})\]",
    re.I,
)
_TYPE = re.compile(
    r"#\s*(?P<tool>type|pyright|ty)\s*:\s*ignore\b(?:\s*\[(?P<codes>[^\]]{0,400})\])?", re.I
)
_MYPY_FILE = re.compile(r"#\s*mypy\s*:\s*ignore-errors\b(?!\s*=\s*false)", re.I)
_NOSEC = re.compile(r"#\s*nosec\b(?:\s*:?\s*(?P<codes>B\d{3}(?:[\s,]+B\d{3})*))?", re.I)
_PYLINT = re.compile(
    r"#\s*pylint\s*:\s*(?:(?P<file>skip-file)"
    r"|disable(?:-next)?\s*=\s*(?P<codes>[\w-]+(?:\s*,\s*[\w-]+)*))",
    re.I,
)
_COVER = re.compile(r"#\s*pragma\s*:\s*no\s*cover\b", re.I)
_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)'
    r"|'''(?:[^'\\]|\\.|'(?!''))*+(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'(?:[^'\\\n]|\\.)*+'"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_DIRECTIVE = re.compile(
    r"#\s*(?:(?:ruff|flake8|pylint|mypy|pyright|ty|type|isort|fmt|pragma)\s*:|noqa\b|nosec\b)[^#]*",
    re.I,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_SEPARATOR = re.compile(r"[\s,]+")


def noqa(lines: Sequence[str]) -> list[Suppression]:
    """Comments that silence a tool, in order of line; text inside strings is no comment.

    Args:
        lines: Lines of a Python file, as :func:`split_lines` gives them.
    """
    hits = [number for number, line in enumerate(lines, 1) if "#" in line and _CHEAP.search(line)]
    if not hits:
        return []
    found: list[Suppression] = []
    opened: dict[tuple[str, ...], Suppression] = {}
    for number, comment in _comments(lines, hits):
        above = lines[number - 2].strip() if number > 1 else ""
        found.extend(_of_comment(number, comment, above))
        _ruff_comment(number, comment, above, opened, found)
    found.extend(_until(each, len(lines)) for each in opened.values())
    return sorted(found, key=lambda each: (each.line, each.kind, each.codes))


def _of_comment(number: int, comment: str, above: str) -> Iterator[Suppression]:
    def made(
        kind: SuppressionKind,
        match: re.Match[str],
        codes: str | None = None,
        *,
        file_wide: bool = False,
        asked: bool = False,
    ) -> Suppression:
        reason = _said(comment[match.end() :], above)
        explained = bool(reason) if asked else None
        return Suppression(number, kind, _codes(codes), file_wide, 0, explained, reason)

    if match := _NOQA.search(comment):
        yield made("noqa", match, match["codes"], file_wide=bool(match["file"]))
    if match := _TYPE.search(comment):
        yield made("type-ignore", match, match["codes"], asked=match["tool"].lower() == "type")
    if match := _MYPY_FILE.search(comment):
        yield made("type-ignore", match, file_wide=True)
    if match := _NOSEC.search(comment):
        yield made("nosec", match, match["codes"])
    if match := _PYLINT.search(comment):
        yield made("pylint", match, match["codes"], file_wide=bool(match["file"]))
    if match := _COVER.search(comment):
        yield made("no-cover", match)


def _said(beside: str, above: str) -> str:
    """The reason that stands beside a comment, or in a comment that fills the line above."""
    return _reason(beside) or _reason(above if above[:1] == "#" else "")


def _reason(text: str) -> str:
    """What a comment says beside what it says to tools: two words at least, else nothing."""
    said = _DIRECTIVE.sub("", text).strip(" \t#:;,.-\N{EN DASH}\N{EM DASH}()")
    return said[:MAX_COMMENT] if len(_WORD.findall(said)) > 1 else ""


def _ruff_comment(
    number: int,
    comment: str,
    above: str,
    opened: dict[tuple[str, ...], Suppression],
    found: list[Suppression],
) -> None:
    """Ruff's bracket comments; ``disable`` stays open until ``enable`` names the same codes."""
    match = _RUFF.search(comment)
    if not match:
        return
    verb, codes = match["verb"].lower(), _codes(match["codes"])
    if not codes:
        return
    reason = _said(comment[match.end() :], above)
    if verb == "disable":
        opened.setdefault(codes, Suppression(number, "noqa", codes, reason=reason))
    elif verb == "enable":
        if start := opened.pop(codes, None):
            found.append(_until(start, number))
    else:
        file_wide = verb == "file-ignore"
        found.append(Suppression(number, "noqa", codes, file_wide, reason=reason))


def _until(start: Suppression, line: int) -> Suppression:
    return msgspec.structs.replace(start, end_line=line)


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(code for code in _SEPARATOR.split(text or "") if code)


def _comments(lines: Sequence[str], hits: Sequence[int]) -> Iterator[tuple[int, str]]:
    """(line, comment) of the hit lines.

    Strings and comments are told apart by one pattern instead of the tokenizer, which costs ten
    times as much and stops at the first fault. A string of one line that it misjudges (quotes
    nested in a placeholder) is over at the end of that line.
    """
    wanted = set(hits)
    text = "\n".join(lines[: hits[-1]])
    line, position = 1, 0
    for match in _STRING_OR_COMMENT.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        if line in wanted and match[0][0] == "#":
            yield line, match[0]


def comments(lines: Sequence[str], text_lines: Set[int]) -> Iterator[Comment]:
    """All comments of a Python file, in order of line.

    Args:
        lines: Its lines.
        text_lines: Lines inside a text of several lines: there a ``#`` begins no comment.
    """
    for number, line in enumerate(lines, 1):
        start = line.find("#")
        if start < 0 or number in text_lines:
            continue
        before = line[:start]
        if '"' in before or "'" in before:
            start = next(
                (m.start() for m in _STRING_OR_COMMENT.finditer(line) if m[0][0] == "#"), -1
            )
        if start >= 0:
            text = line[start:].strip("# \t\f")[:MAX_COMMENT]
            yield Comment(number, text, not line[:start].strip())
