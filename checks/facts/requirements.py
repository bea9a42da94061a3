"""Requirements files, line by line as pip reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.facts.doctree import Include, Requirement

_NAMED = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?P<rest>.*)"
)
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_OPTION = re.compile(
    r"(?P<option>-r|-c|-e|--requirement|--constraint|--editable)(?:\s+|=)?(?P<value>\S.*)"
)
_HASH = re.compile(r"\s--hash[=\s]\S+")
_TRAILING = re.compile(r"\s--[a-z-]+[=\s].*$")
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")
_SEPARATORS = re.compile(r"[-_.]+")


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name).lower()


def read_requirements(
    lines: Sequence[str],
) -> tuple[tuple[Requirement, ...], tuple[Include, ...]]:
    """Requirements and the files they include; options of the installer are left out."""
    requirements: list[Requirement] = []
    includes: list[Include] = []
    for line, text in _logical(lines):
        option = _OPTION.fullmatch(text)
        if option is None:
            if not text.startswith("-"):
                requirements.append(_requirement(text, line, editable=False))
        elif option["option"] in {"-e", "--editable"}:
            requirements.append(_requirement(option["value"], line, editable=True))
        else:
            constraint = option["option"] in {"-c", "--constraint"}
            includes.append(Include(option["value"].strip(), line, constraint))
    return tuple(requirements), tuple(includes)


def _logical(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    parts: list[str] = []
    start = 1
    for number, line in enumerate(lines, 1):
        if not parts:
            start = number
        text = _COMMENT.sub("", line).rstrip()
        continued = text.endswith("\\")
        parts.append(text.rstrip("\\").strip())
        if continued and number < len(lines):
            continue
        if joined := " ".join(parts).strip():
            yield start, joined
        parts = []


def _requirement(text: str, line: int, *, editable: bool) -> Requirement:
    hashes = len(_HASH.findall(text))
    text = _TRAILING.sub("", _HASH.sub("", text)).strip()
    body, _, marker = text.partition(";")
    if "://" in text.split(" @ ")[0] or text.startswith((".", "/")):
        egg = _EGG.search(text)
        name = normalised(egg[1]) if egg else ""
        return Requirement(name, "", line, url=text, editable=editable, hashes=hashes)
    match = _NAMED.fullmatch(body.strip())
    if match is None:
        return Requirement("", "", line, url=text, editable=editable, hashes=hashes)
    rest = match["rest"].strip()
    if rest.startswith("@"):
        url, _, marker = text.partition("@")[2].partition(" ;")
        rest, link = "", url.strip()
    else:
        rest, link = rest.strip("() ").replace(" ", ""), ""
    extras = tuple(extra.strip() for extra in (match["extras"] or "").split(",") if extra.strip())
    return Requirement(
        normalised(match["name"]), rest, line, extras, marker.strip(), link, editable, hashes
    )
