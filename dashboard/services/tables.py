"""Dated tables: advisories and releases, read from files or a registry, kept for all workers.

Without a table the checks that need it do not apply; they never pass for want of data.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import structlog
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from checks.errors import InputError
from checks.gitsource import GitSource
from checks.project.advisories import TABLE as ADVISORIES
from checks.project.releases import TABLE as RELEASES
from checks.reading import read_project
from dashboard.models import DatedTable, Repository
from dashboard.services import facts, mirrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

logger = structlog.get_logger(__name__)

MOST_BYTES = 512 * 1024 * 1024
"""Largest export that is read, unpacked."""
ANSWER_BYTES = 64 * 1024 * 1024
TIMEOUT = 30.0
USED_BY = {"known-vulnerabilities": ADVISORIES, "dependency-freshness": RELEASES}
"""Check that rests on a table, and the name of the table."""
_KEPT = ("id", "aliases", "published", "withdrawn", "affected")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SIMPLE = "application/vnd.pypi.simple.v1+json"


class TableError(Exception):
    """The data cannot be used. The text is one sentence with the next step."""


_loaded: dict[str, tuple[datetime, Any]] = {}


def load() -> dict[str, Any]:
    """Return every table there is, decoded once for each version."""
    found = {}
    for name, updated in DatedTable.objects.values_list("name", "updated_at"):
        known = _loaded.get(name)
        if known is None or known[0] != updated:
            row = DatedTable.objects.get(pk=name)
            known = _loaded[name] = (row.updated_at, msgspec.json.decode(zlib.decompress(row.data)))
        found[name] = known[1]
    return found


def of_check(check: str) -> tuple[bool, DatedTable | None]:
    """Return whether a check rests on a table, and the table when it is there."""
    if check not in USED_BY:
        return False, None
    return True, DatedTable.objects.defer("data").filter(pk=USED_BY[check]).first()


def _store(name: str, data: Any, dated: str, rows: int) -> DatedTable:
    row, _ = DatedTable.objects.update_or_create(
        name=name,
        defaults={
            "data": zlib.compress(msgspec.json.encode(data)),
            "dated": date.fromisoformat(dated[:10]),
            "rows": rows,
        },
    )
    return row


# --- advisories


def read_osv(path: Path) -> DatedTable:
    """Store the advisories of an OSV export.

    Args:
        path: A zip of OSV records, a folder of them, or a JSON file with one record or a list.

    Raises:
        TableError: It cannot be read, or holds no advisory on a package of PyPI.
    """
    rows = [row for record in _records(path) if (row := _on_pypi(record))]
    if not rows:
        raise TableError(f"{path} holds no advisory on packages of PyPI; give an export of OSV.")
    rows.sort(key=lambda row: str(row["id"]))
    return _store(ADVISORIES, rows, max(row["published"] for row in rows), len(rows))


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        if path.is_dir():
            contents: Iterable[bytes] = (each.read_bytes() for each in sorted(path.glob("*.json")))
        elif zipfile.is_zipfile(path):
            contents = _unpacked(path)
        else:
            contents = [path.read_bytes()]
        for content in contents:
            read = json.loads(content)
            yield from read if isinstance(read, list) else [read]
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise TableError(f"{path} is no export of OSV: {error}.") from error


def _unpacked(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        members = [each for each in archive.infolist() if each.filename.endswith(".json")]
        if sum(each.file_size for each in members) > MOST_BYTES:
            raise TableError(f"{path} holds more than {MOST_BYTES // 1024**2} MiB; export less.")
        for member in members:
            yield archive.read(member)


def _on_pypi(record: object) -> dict[str, Any] | None:
    """A record without what no check asks, None when it is about other packages."""
    if not isinstance(record, dict) or not isinstance(record.get("affected"), list):
        return None
    affected = [
        {key: each[key] for key in ("package", "ranges", "versions") if key in each}
        for each in record["affected"]
        if isinstance(each, dict) and _ecosystem(each) == "pypi"
    ]
    day = record.get("published") or record.get("modified")
    if not affected or not record.get("id") or not _is_day(day):
        return None
    kept = {key: record[key] for key in _KEPT if key in record}
    return kept | {"affected": affected, "published": day}


def _ecosystem(affected: Mapping[str, Any]) -> str:
    package = affected.get("package")
    return str(package.get("ecosystem", "")).lower() if isinstance(package, dict) else ""


def _is_day(value: object) -> bool:
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        return False
    return True


# --- releases


def read_releases(path: Path) -> DatedTable:
    """Store a table of releases: package to a list of ``version`` and ``date``.

    Raises:
        TableError: It cannot be read, or holds no release.
    """
    try:
        given = json.loads(path.read_bytes())
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path} is no JSON: {error}.") from error
    return _store_releases(given if isinstance(given, dict) else {}, str(path))


def ask_registry(address: str) -> DatedTable:
    """Ask a registry for the releases of every package that a repository here depends on.

    Args:
        address: Base of its simple index, which has to answer in JSON.

    Raises:
        TableError: It does not answer, or nothing is in use yet.
    """
    names = sorted(in_use())
    if not names:
        raise TableError("No repository has been scanned yet, so no package is in use; scan first.")
    with httpx.Client(
        timeout=TIMEOUT, headers={"Accept": _SIMPLE}, follow_redirects=True
    ) as client:
        found = {name: rows for name in names if (rows := _of_registry(client, address, name))}
    return _store_releases(found, address)


def _store_releases(given: Mapping[str, Any], source: str) -> DatedTable:
    table = {}
    for name, rows in given.items():
        kept = [
            row
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, dict) and row.get("version") and _is_day(row.get("date"))
        ]
        if kept:
            table[canonicalize_name(str(name))] = kept
    if not table:
        raise TableError(f"{source} holds no release with its version and date.")
    newest = max(row["date"] for rows in table.values() for row in rows)
    return _store(RELEASES, table, newest, sum(map(len, table.values())))


def in_use() -> set[str]:
    """Return the packages that the repositories declare, by their normalised names."""
    found: set[str] = set()
    for repository in Repository.objects.exclude(scanned_commit=""):
        folder = mirrors.path(repository)
        if folder.exists():
            try:
                source = GitSource(folder, repository.scanned_commit, remember=facts.store())
                project = read_project(source, facts.store()).project
            except InputError as error:
                logger.warning("mirror not read", repository=repository.slug, reason=str(error))
                continue
            found.update(each.name for each in project.manifests.dependencies if not each.source)
    return {name for name in found if _NAME.fullmatch(name)}


def _of_registry(client: httpx.Client, address: str, name: str) -> list[dict[str, Any]]:
    """Versions of a package with the day of their first file, none for an unknown package."""
    try:
        with client.stream("GET", f"{address.rstrip('/')}/{name}/") as answer:
            if answer.status_code == httpx.codes.NOT_FOUND:
                return []
            answer.raise_for_status()
            content = bytearray()
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > ANSWER_BYTES:
                    raise TableError(f"{address} answered too much about {name}; ask another.")
        read = json.loads(content)
    except httpx.UnsupportedProtocol as error:
        raise TableError(
            f"{address} is no address of a registry; give one that begins with https."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise TableError(f"{address} gave no list of {name} as JSON: {error}.") from error
    return _versions(read.get("files", []) if isinstance(read, dict) else [])


def _versions(files: Iterable[Any]) -> list[dict[str, Any]]:
    days: dict[str, str] = {}
    kept: set[str] = set()
    for file in files:
        version = _version_of(str(file.get("filename", ""))) if isinstance(file, dict) else ""
        day = str(file.get("upload-time") or "")[:10] if version else ""
        if version and _is_day(day):
            days[version] = min(day, days.get(version, day))
            if not file.get("yanked"):
                kept.add(version)
    return [
        {"version": version, "date": day, "yanked": version not in kept}
        for version, day in sorted(days.items())
    ]


def _version_of(filename: str) -> str:
    try:
        if filename.endswith(".whl"):
            return str(parse_wheel_filename(filename)[1])
        return str(parse_sdist_filename(filename)[1])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""
