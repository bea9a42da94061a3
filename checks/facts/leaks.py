"""What a file may give away: keys and tokens, URLs with a password, values named like secrets.

Bytes in, a few rows out; whether a row is a finding is for checks to say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import msgspec

MAX_BYTES = 1_000_000
"""Largest file that is looked through."""
_MAX_LINE = 1_000
_MAX_VALUE = 200
_MAX_ROWS = 200
_MAX_HELD = 16_000_000
_SPANNING = b"PRIVATE KEY"
_LONGEST_STEP = 8_192
_SHORTEST_STEP = 32

_UNREAD = re.compile(
    r"\.(?:png|jpe?g|gif|svg|ico|webp|avif|bmp|woff2?|ttf|otf|eot|pdf|zip|gz|tgz|bz2|xz|7z|mp[34]"
    r"|wav|webm|mov|wasm|so|dll|exe|pyc|whl|jar|parquet|pkl|npy|onnx|db|sqlite3?|map|lock|snap"
    r"|min\.js|min\.css|mo|po|sum|bin|dat)$"
    r"|(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|go\.sum"
    r"|\.secrets\.baseline)$",
    re.IGNORECASE,
)
_QUOTED_ONLY = re.compile(
    r"\.(?:pyi?|jsx?|tsx?|mjs|cjs|vue|java|go|rs|rb|php|kt|swift|c|h|cpp|cs)$"
)
_FORMATS: tuple[tuple[str, bytes, re.Pattern[bytes]], ...] = tuple(
    (kind, mark, re.compile(pattern))
    for kind, mark, pattern in (
        (
            "private key",
            b"PRIVATE KEY",
            (
                rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
                rb"(?:\\[rn]|[\s\"'+,\\]|(?:[A-Z][\w-]{2,20}: [^\n]{0,80}\n)){1,200}"
                rb"[A-Za-z0-9+/=]{24,}"
            ),
        ),
        ("AWS access key", b"AKIA", rb"(?<![A-Za-z0-9])AKIA[0-9A-Z]{16}(?![A-Za-z0-9])"),
        ("GitHub token", b"gh", rb"gh(?<![A-Za-z0-9_]gh)[pousr]_[A-Za-z0-9]{30,255}"),
        ("GitHub token", b"github_pat_", rb"github_pat_[A-Za-z0-9_]{22,255}"),
        ("Stripe key", b"_live_", rb"(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{10,255}"),
        ("Slack token", b"xox", rb"(?<![A-Za-z0-9])xox[baprs]-[A-Za-z0-9-]{10,255}"),
        ("Google API key", b"AIza", rb"(?<![A-Za-z0-9_-])AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
        (
            "JWT",
            b"eyJ",
            (
                rb"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}"
                rb"\.[A-Za-z0-9_-]{10,2000}"
            ),
        ),
    )
)
_URL = re.compile(
    rb"[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s/:@'\"`<>]{0,100}:[^\s/@'\"`]{1,150}@[^\s/'\"`?#,)]{1,200}"
)
_WORDS = (b"secret", b"passw", b"pwd", b"token", b"api_key", b"apikey", b"access_key",
          b"private_key", b"credential", b"signing_key", b"encryption_key")  # fmt: skip
_ASSIGNED = re.compile(
    rb"(?P<name>[A-Za-z_][\w.-]{0,80})[\"']?\]?\s{0,8}"
    rb"(?::\s{0,3}[A-Za-z_][\w.\[\], |]{0,60}=|=>|:=|=|:)"
    rb"\s{0,8}[rbuf]?(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;]{12,400})"
)
_DIGIT = re.compile(rb"[0-9]")
_TRANSLATED = re.compile(r"(?:^|/)(?:lang|langs|locales?|i18n|translations?|messages)/", re.I)


class Leak(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One place that may give a secret away.

    Attributes:
        line: 1-based line.
        kind: ``url``, ``assignment`` or the name of a known format.
        name: Of an assignment: what the value is assigned to.
        value: The value, at most 200 characters.
    """

    line: int
    kind: str
    name: str
    value: str


class Leaked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A leak with the file and the blob that hold it, and the size of the blob."""

    path: str
    oid: str
    size: int
    leak: Leak


def is_read(path: str) -> bool:
    """Whether a file is looked through: no image, archive, lock file or minified asset is."""
    return _UNREAD.search(path) is None


def leaks(data: bytes, path: str) -> tuple[Leak, ...]:
    """The leaks of one file in order of line, at most 200; none of what is no text."""
    return _rows(data, _found(data, path)) if _is_text(data) else ()


class Versions:
    """Looks through many versions of files; lines that neighbours share are looked at once.

    Versions of a file are best given in the order of history. Some megabytes of them are held.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, list[_Found]]] = {}
        self._held = 0

    def leaks(self, data: bytes, path: str) -> tuple[Leak, ...]:
        """The same as :func:`leaks` gives."""
        if not _is_text(data):
            return ()
        old, before = self._last.pop(path, (b"", []))
        self._held -= len(old)
        found = _found_beside(old, before, data, path)
        self._last[path] = (data, found)
        self._held += len(data)
        while self._held > _MAX_HELD:
            self._held -= len(self._last.pop(next(iter(self._last)))[0])
        return _rows(data, found)


def entropy(text: str) -> float:
    """Bits per character."""
    if not text:
        return 0.0
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())


def masked(value: str) -> str:
    """A value as it may be shown: its first characters."""
    return f"{value[: min(4, len(value) // 4)]}***"


type _Found = tuple[int, str, str, str]
"""Where a leak starts, its kind, name and value."""


def _is_text(data: bytes) -> bool:
    return len(data) <= MAX_BYTES and b"\0" not in data[:8000]


def _rows(data: bytes, found: list[_Found]) -> tuple[Leak, ...]:
    rows: list[Leak] = []
    line, position = 1, 0
    for start, kind, name, value in found[:_MAX_ROWS]:
        line += data.count(b"\n", position, start)
        position = start
        rows.append(Leak(line, kind, name, value[:_MAX_VALUE]))
    return tuple(rows)


def _found(data: bytes, path: str) -> list[_Found]:
    found = {*_formatted(data), *_urls(data)}
    if not _TRANSLATED.search(path):
        found.update(_assigned(data, path))
    return sorted(found)


def _found_beside(old: bytes, before: list[_Found], new: bytes, path: str) -> list[_Found]:
    """What is found in ``new``, given what was found in another version of the same file.

    Nothing but a private key reaches from one line into the next.
    """
    if not old or _SPANNING in new:
        return _found(new, path)
    shared = _shared(old, new)
    first = new.rfind(b"\n", 0, shared) + 1
    last = new.find(b"\n", len(new) - _shared_at_end(old, new, shared)) + 1 or len(new)
    moved = len(new) - len(old)
    found = [each for each in before if each[0] < first]
    found += [(each[0] + first, *each[1:]) for each in _found(new[first:last], path)]
    found += [(each[0] + moved, *each[1:]) for each in before if each[0] >= last - moved]
    return found


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are surely the same."""
    most, place, step = min(len(one), len(other)), 0, _LONGEST_STEP
    while step >= _SHORTEST_STEP:
        end = place + step
        if end <= most and one[place:end] == other[place:end]:
            place = end
        else:
            step //= 2
    return place


def _shared_at_end(one: bytes, other: bytes, start: int) -> int:
    """How many bytes at the end are surely the same, those before ``start`` left alone."""
    most, place, step = min(len(one), len(other)) - start, 0, _LONGEST_STEP
    while step >= _SHORTEST_STEP:
        end = place + step
        if end <= most and (
            one[len(one) - end : len(one) - place] == other[len(other) - end : len(other) - place]
        ):
            place = end
        else:
            step //= 2
    return place


def _formatted(data: bytes) -> Iterator[_Found]:
    for kind, mark, pattern in _FORMATS:
        if mark in data:
            for match in pattern.finditer(data):
                yield match.start(), kind, "", _text(match[0])


def _urls(data: bytes) -> Iterator[_Found]:
    """URLs with a user and a password, looked for around each ``@``."""
    if b"://" not in data:
        return
    at = data.find(b"@")
    while at >= 0:
        start = data.rfind(b"://", max(0, at - 300), at)
        if start >= 0 and not re.search(rb"\s", data[start:at]):
            before = max(0, start - 32)
            before = max(before, data.rfind(b"\n", before, start) + 1)
            match = _URL.search(data, before, at + 201)
            if match is not None and match.start() <= start < match.end():
                yield match.start(), "url", "", _text(match[0])
        at = data.find(b"@", at + 1)


def _assigned(data: bytes, path: str) -> Iterator[_Found]:
    """Values of what is named like a secret; in programs only literals."""
    quoted_only = _QUOTED_ONLY.search(path) is not None
    lowered = data.lower()
    starts: set[int] = set()
    for word in _WORDS:
        at = lowered.find(word)
        while at >= 0:
            start = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            if start not in starts:
                starts.add(start)
                if end - start <= _MAX_LINE:
                    for place, name, value in _on_line(data[start:end], quoted_only):
                        yield start + place, "assignment", name, value
            at = lowered.find(word, end)


@lru_cache(maxsize=20_000)
def _on_line(line: bytes, quoted_only: bool) -> tuple[tuple[int, str, str], ...]:
    """Place, name and value of the assignments of a line; versions of a file share most lines."""
    found = []
    for match in _ASSIGNED.finditer(line):
        name, value = match["name"].lower().replace(b"-", b"_"), match["value"]
        if quoted_only and not match["quote"]:
            continue
        if not any(word in name for word in _WORDS) or not _DIGIT.search(value):
            continue
        found.append((match.start("value"), _text(match["name"]), _text(value)))
    return tuple(found)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
