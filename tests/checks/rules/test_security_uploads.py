"""Check of uploads: where each aspect may be checked."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

HEAD = (
    "import csv\nfrom pathlib import Path\nfrom uuid import uuid4\n"
    "from fastapi import APIRouter, Depends, File\n"
    "from fastapi.datastructures import UploadFile\nrouter = APIRouter()\n"
    "def store(file):\n    if file.size > 10:\n        raise ValueError\n"
    "def outer(file):\n    store(file)\n"
    "@router.post('/files')\n"
)


def missing(body: str, aspect: str, parameters: str = "file: UploadFile", **files: str) -> int:
    text = HEAD + f"async def f({parameters}):\n    {body}\n"
    given = {"app/a.py": text} | {name.replace("__", "."): f for name, f in files.items()}
    return len(ask_read("upload-validation", given, aspects=[aspect]).observations)


@pytest.mark.parametrize(
    ("aspect", "body"),
    [
        ("type", "assert file.filename.endswith('.png')"),
        ("type", "assert Path(file.filename).suffix in {'.png'}"),
        ("type", "assert file.filename.rsplit('.', 1)[-1] == 'png'"),
        ("type", "name = (file.filename or '').lower()\n    assert name.endswith('.png')"),
        ("size", "outer(file)"),
        ("size", "got = await file.read()\n    assert len(got) <= MAX"),
        ("size", "assert len(await file.read()) <= MAX"),
        ("content", "csv.reader(file.file)"),
        ("filename", "Path(f'/data/{uuid4()}').write_bytes(b'')"),
        ("filename", "print(file.filename)"),
        ("filename", "(Path('/data') / Path(file.filename).name).write_bytes(b'')"),
        ("malware", "clamd.scan_stream(file.file)"),
    ],
)
def test_an_aspect_that_is_checked_passes(aspect: str, body: str) -> None:
    assert missing(body, aspect) == 0


@pytest.mark.parametrize(
    ("aspect", "body"),
    [
        ("type", "assert '.' in file.filename"),
        ("type", "print(file.content_type)"),
        ("size", "assert len(await file.read()) > 0"),
        ("size", "assert len(recent_logins) < 5"),
        ("content", "return file.filename"),
        ("filename", "open('/data/' + file.filename)"),
        ("filename", "s3.upload_fileobj(file.file, 'bucket', file.filename)"),
        ("malware", "return 1"),
    ],
)
def test_an_aspect_that_is_not_checked_fails(aspect: str, body: str) -> None:
    assert missing(body, aspect) == 1


def test_a_proxy_may_limit_the_size() -> None:
    text = "server {\n  client_max_body_size 1m;\n  proxy_pass http://api;\n}\n"
    assert missing("return 1", "size") == 1
    assert missing("return 1", "size", nginx__conf=text) == 0


@pytest.mark.parametrize(
    "parameters", ["file: list[UploadFile]", "file: bytes = File()", "file: UploadFile | None"]
)
def test_uploads_are_known_in_every_form(parameters: str) -> None:
    assert missing("return 1", "type", parameters) == 1


def test_a_handler_without_upload_is_no_site() -> None:
    assert missing("return 1", "type", "file: str") == 0
