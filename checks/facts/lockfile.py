"""Lock files: which package in which version. They grow to megabytes: scanned by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.facts.doctree import Locked
from checks.facts.requirements import normalised

_STRING = re.compile(r'(?P<key>[\w-]+)\s*=\s*"(?P<value>[^"]*)"')
_SOURCE = re.compile(r"source\s*=\s*\{\s*(?P<kind>[a-z]+)\s*=")
_PIPENV_PACKAGE = re.compile(r'\s{4,12}"(?P<name>[A-Za-z0-9][\w.-]*)":\s*\{')
_PIPENV_VERSION = re.compile(r'\s+"version":\s*"==(?P<version>[^"]+)"')
_PACKAGE = ("[[package]]", "[[packages]]")


def read_lock(lines: Sequence[str]) -> tuple[tuple[Locked, ...], dict[str, str]]:
    """Packages in order, and the text values before the first of them (``requires-python``)."""
    if lines and lines[0].lstrip().startswith("{"):
        return tuple(_pipenv(lines)), {}
    return tuple(_toml(lines)), dict(_head(lines))


def _head(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if line.startswith("["):
            return
        if match := _STRING.match(line):
            yield match["key"], match["value"]


def _toml(lines: Sequence[str]) -> Iterator[Locked]:
    """uv.lock, poetry.lock, pdm.lock: a table per package, plain keys first."""
    fields: dict[str, str] = {}
    start = 0
    reading = False
    for number, line in enumerate([*lines, "["], 1):
        if not line.startswith("["):
            if reading and (match := _STRING.match(line)):
                fields.setdefault(match["key"], match["value"])
            elif reading and (match := _SOURCE.match(line)):
                fields.setdefault("source", match["kind"])
            continue
        if fields.get("name"):
            yield Locked(
                normalised(fields["name"]),
                fields.get("version", ""),
                start,
                fields.get("source", ""),
            )
        fields = {}
        reading = line.startswith(_PACKAGE)
        start = number


def _pipenv(lines: Sequence[str]) -> Iterator[Locked]:
    name, start = "", 0
    for number, line in enumerate(lines, 1):
        if match := _PIPENV_PACKAGE.match(line):
            name, start = match["name"], number
        elif name and (match := _PIPENV_VERSION.match(line)):
            yield Locked(normalised(name), match["version"], start, "registry")
            name = ""
