"""Releases of packages, out of a dated table that the product brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

TABLE = "release-table.json"


def seconds_of(day: str) -> int:
    """A day such as ``2024-12-03`` as seconds since the epoch, 0 for what is no day."""
    try:
        return int(datetime.fromisoformat(f"{day[:10]}T00:00:00+00:00").timestamp())
    except ValueError:
        return 0


class Release(msgspec.Struct, frozen=True):
    """One release: its version, and the day it came out (``2024-12-03``)."""

    version: Version
    date: str


class Releases:
    """What the table of releases knows.

    Args:
        tables: Tables by name; the one of releases maps a package to a list of releases, each
            with ``version``, ``date`` and, where it was withdrawn, ``yanked``.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        given = tables.get(TABLE)
        self._table: dict[str, Any] = {}
        if isinstance(given, Mapping):
            self._table = {canonicalize_name(str(name)): rows for name, rows in given.items()}
        self._read: dict[str, Sequence[Release]] = {}

    def __bool__(self) -> bool:
        return bool(self._table)

    @cached_property
    def newest(self) -> int:
        """The newest day in the table, as seconds since the epoch; 0 for none."""
        days = [
            row["date"][:10]
            for rows in self._table.values()
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, Mapping) and isinstance(row.get("date"), str)
        ]
        return seconds_of(max(days, default=""))

    def final(self, name: str, until: int) -> list[Release]:
        """Final releases of a package up to a moment, lowest version first, none withdrawn."""
        if name not in self._read:
            self._read[name] = sorted(_rows(self._table.get(name)), key=lambda row: row.version)
        day = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d")
        return [row for row in self._read[name] if row.date <= day]


def _rows(given: Any) -> list[Release]:
    found: list[Release] = []
    for row in given if isinstance(given, list) else ():
        if not isinstance(row, Mapping) or row.get("yanked"):
            continue
        try:
            version = Version(str(row.get("version")))
        except InvalidVersion:
            continue
        if not version.is_prerelease and isinstance(row.get("date"), str):
            found.append(Release(version, row["date"][:10]))
    return found
