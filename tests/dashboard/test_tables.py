"""Dated tables: read from exports and registries, kept once, and what a scan makes of them."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dashboard.models import DatedTable, Finding, Repository, ScanState, Trigger
from dashboard.services import mirrors, tables
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

ADVISORY: dict[str, Any] = {
    "id": "PYSEC-1",
    "published": "2099-06-01T10:00:00Z",
    "details": "long text that no check reads",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.5"}]}],
            "database_specific": {"x": 1},
        }
    ],
}
RULES = b"""
slug = "safe"
title = "Safe"

[[clause]]
id = "SF-1"
requirement = "Nothing that is known to be vulnerable is used."
strength = "must"
checks = [{ id = "known-vulnerabilities" }]
"""


@pytest.fixture
def repository(origin: Origin, register: Callable[..., Repository]) -> Repository:
    """A repository that pins a package, and has been scanned once."""
    origin.commit({"requirements.txt": "jinja2==3.1.4\n", "app.py": "import jinja2\n"})
    row = register(RULES)
    _scan(row)
    return row


def _scan(repository: Repository) -> None:
    assert scan_of(repository).state == ScanState.COMPLETE


def _zip(path: Path, *records: object) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    return path


def _run(*words: str) -> str:
    out = io.StringIO()
    call_command("refresh_advisories", *words, stdout=out)
    return out.getvalue()


def test_without_a_table_nothing_passes_and_with_one_it_is_found(
    repository: Repository, tmp_path: Path
) -> None:
    assert repository.score is None

    newer = {
        "id": "PYSEC-2",
        "published": "2099-07-01T10:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "other"}, "versions": ["1"]}],
    }
    said = _run("--osv", str(_zip(tmp_path / "all.zip", ADVISORY, newer)), "--scan")
    _scan(repository)

    assert "2 advisories, the newest of 2099-07-01" in said
    assert "PYSEC-1" in Finding.objects.get().message
    assert repository.scans.order_by("number").last().trigger == Trigger.TABLES  # type: ignore[union-attr]


def test_an_export_is_read_in_each_of_its_forms_and_keeps_what_is_asked(tmp_path: Path) -> None:
    other = {**ADVISORY, "id": "GO-1", "affected": [{"package": {"ecosystem": "Go", "name": "x"}}]}
    folder = tmp_path / "osv"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(ADVISORY))
    (folder / "b.json").write_text(json.dumps([other, 7, {"id": "x"}]))

    for path in (folder, folder / "a.json", _zip(tmp_path / "all.zip", ADVISORY, other)):
        assert tables.read_osv(path).rows == 1

    (row,) = tables.load()["advisory-table.json"]
    assert "details" not in row
    assert row["affected"][0].keys() == {"package", "ranges"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "is no export of OSV"),
        (b"[]", "holds no advisory on packages of PyPI"),
        (b"[" * 100_000, "is no export of OSV"),
        (b"PK\x03\x04 broken", "is no export of OSV"),
    ],
)
def test_what_is_no_export_is_refused_and_the_old_table_stays(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    tables.read_osv(_zip(tmp_path / "all.zip", ADVISORY))
    (tmp_path / "bad").write_bytes(content)

    with pytest.raises(CommandError, match=sentence):
        _run("--osv", str(tmp_path / "bad"))

    assert DatedTable.objects.get().rows == 1


def test_releases_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text(json.dumps({"Fast_API": [{"version": "1", "date": "2024-01-02"}, {"x": 1}]}))

    assert "1 release, the newest of 2024-01-02" in _run("--releases", str(path))
    assert tables.load()["release-table.json"].keys() == {"fast-api"}


class _Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/simple/jinja2/":
            self.send_error(404)
            return
        files = [
            {"filename": "jinja2-3.1.4.tar.gz", "upload-time": "2024-05-05T00:00:00Z"},
            {"filename": "jinja2-3.1.4-py3-none-any.whl", "upload-time": "2024-05-06T00:00:00Z"},
            {
                "filename": "jinja2-3.1.5-py3-none-any.whl",
                "upload-time": "2024-12-21T00:00:00Z",
                "yanked": "broken",
            },
            {"filename": "odd.exe", "upload-time": "2024-12-21T00:00:00Z"},
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"files": files}).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple/"
    server.shutdown()
    server.server_close()


def test_a_registry_is_asked_for_what_is_in_use(repository: Repository, registry: str) -> None:
    damaged = rows.repository(rows.team())
    Repository.objects.filter(pk=damaged.pk).update(scanned_commit="0" * 40)
    mirrors.path(damaged).mkdir(parents=True)
    assert tables.in_use() == {"jinja2"}

    _run("--registry", registry)

    assert tables.load()["release-table.json"] == {
        "jinja2": [
            {"version": "3.1.4", "date": "2024-05-05", "yanked": False},
            {"version": "3.1.5", "date": "2024-12-21", "yanked": True},
        ]
    }


def test_a_registry_that_does_not_answer_is_named(repository: Repository) -> None:
    with pytest.raises(CommandError, match="gave no list of jinja2"):
        _run("--registry", "http://127.0.0.1:9/simple/")
    with pytest.raises(CommandError, match="is no address of a registry"):
        _run("--registry", "file:///etc/passwd")
    with pytest.raises(CommandError, match="Give --osv"):
        _run()


def test_a_registry_without_anything_to_ask_for_says_so(registry: str) -> None:
    with pytest.raises(CommandError, match="No repository has been scanned yet"):
        _run("--registry", registry)
