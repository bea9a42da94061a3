"""Advisories on packages, out of a dated table that the product brings along.

A row names its package and the versions it affects, either plainly (``id``, ``package``,
``introduced``, ``fixed``, ``versions``, ``published``, ``withdrawn``) or as OSV writes it, with
``affected`` packages that have ranges of events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from checks.project.releases import seconds_of

TABLE = "advisory-table.json"


class Range(msgspec.Struct, frozen=True):
    """Versions from ``introduced`` up to, without it, ``fixed`` or, with it, ``last``."""

    introduced: Version | None = None
    fixed: Version | None = None
    last: Version | None = None

    def holds(self, version: Version) -> bool:
        """Whether a version lies within."""
        if self.introduced is not None and version < self.introduced:
            return False
        if self.fixed is not None and version >= self.fixed:
            return False
        return self.last is None or version <= self.last


class Advisory(msgspec.Struct, frozen=True):
    """One advisory on one package.

    Attributes:
        id: Its id, and in ``aliases`` the other ones it is known by.
        published: Day it was published (``2024-12-03``).
        ranges: Affected ranges of versions.
        versions: Affected versions that are listed one by one.
        aliases: Other ids.
    """

    id: str
    published: str
    ranges: tuple[Range, ...] = ()
    versions: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()

    def affects(self, version: Version) -> bool:
        """Whether a version is affected."""
        return str(version) in self.versions or any(each.holds(version) for each in self.ranges)

    def fixed_after(self, version: Version) -> Version | None:
        """The lowest fixed version above a version, None without one."""
        fixed = [each.fixed for each in self.ranges if each.fixed and each.fixed > version]
        return min(fixed, default=None)


class Advisories:
    """What the table of advisories knows.

    Args:
        tables: Tables by name; the one of advisories is a list of rows, or holds one under
            ``advisories``.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        given = tables.get(TABLE)
        rows = given.get("advisories") if isinstance(given, Mapping) else given
        self.known = isinstance(rows, list)
        self._by_package: dict[str, list[Advisory]] = {}
        for row in rows if isinstance(rows, list) else ():
            for name, advisory in _read(row):
                self._by_package.setdefault(name, []).append(advisory)

    @cached_property
    def newest(self) -> int:
        """The newest day in the table, as seconds since the epoch; 0 for none."""
        days = (each.published for rows in self._by_package.values() for each in rows)
        return seconds_of(max(days, default=""))

    def on(self, name: str, version: Version, until: int) -> list[Advisory]:
        """Advisories on a version of a package that were published before a moment, by id."""
        day = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d")
        found = {
            each.id: each
            for each in self._by_package.get(canonicalize_name(name), ())
            if each.published < day and each.affects(version)
        }
        return [found[key] for key in sorted(found)]


def _read(row: Any) -> Iterator[tuple[str, Advisory]]:
    if not isinstance(row, Mapping) or row.get("withdrawn"):
        return
    listed = row.get("aliases")
    aliases = tuple(map(str, listed)) if isinstance(listed, list) else ()
    published = str(row.get("published") or "")[:10]
    for part in _parts(row):
        package = part.get("package")
        if isinstance(package, Mapping):
            if str(package.get("ecosystem", "PyPI")).partition(":")[0] != "PyPI":
                continue
            package = package.get("name")
        if isinstance(package, str) and published:
            given = part.get("versions")
            versions = frozenset(map(_plain, given)) if isinstance(given, list) else frozenset()
            ranges = tuple(_ranges(part, bool(versions)))
            advisory = Advisory(str(row.get("id")), published, ranges, versions, aliases)
            yield canonicalize_name(package), advisory


def _parts(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    affected = row.get("affected")
    if isinstance(affected, list):
        return [each for each in affected if isinstance(each, Mapping)]
    return [row]


def _ranges(part: Mapping[str, Any], listed: bool) -> Iterator[Range]:
    given = part.get("ranges")
    if isinstance(given, list):
        for each in given:
            if isinstance(each, Mapping) and each.get("type", "ECOSYSTEM") != "GIT":
                yield from _of_events(each)
        return
    if listed and not (part.get("fixed") or part.get("introduced")):
        return
    yield Range(*(_version(part.get(key)) for key in ("introduced", "fixed", "last_affected")))


def _of_events(given: Mapping[str, Any]) -> Iterator[Range]:
    events = given.get("events")
    if not isinstance(events, list):
        yield Range(*(_version(given.get(key)) for key in ("introduced", "fixed", "last_affected")))
        return
    introduced: Version | None = None
    is_open = False
    for event in (each for each in events if isinstance(each, Mapping)):
        if "introduced" in event:
            introduced, is_open = _version(event["introduced"]), True
        elif "fixed" in event or "last_affected" in event:
            fixed, last = _version(event.get("fixed")), _version(event.get("last_affected"))
            if fixed is not None or last is not None:
                yield Range(introduced, fixed, last)
                is_open = False
    if is_open:
        yield Range(introduced)


def _version(text: object) -> Version | None:
    try:
        return Version(text) if isinstance(text, str) and text != "0" else None
    except InvalidVersion:
        return None


def _plain(text: object) -> str:
    version = _version(str(text))
    return str(text) if version is None else str(version)
