"""Check of paths from requests: what depends on a request, and what confines it."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

HEAD = (
    "import os\nfrom enum import Enum\nfrom pathlib import Path as P\nfrom uuid import UUID\n"
    "from fastapi import APIRouter, Form, UploadFile\nfrom fastapi.responses import FileResponse\n"
    "router = APIRouter()\nBASE = P('/data')\nclass Kind(Enum):\n    A = 'a'\n"
    "def place(name):\n    return BASE / name\n"
    "def safe(name):\n    path = (BASE / name).resolve()\n    path.relative_to(BASE)\n"
    "    return path\n"
    "@router.post('/files/{name}')\n"
)


def found(parameters: str, body: str) -> list[int]:
    text = HEAD + f"def f({parameters}):\n    {body}\n"
    return [line - 18 for line in lines(ask_read("path-traversal", {"app/a.py": text}))]


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        ("name: str", "return open(f'/data/{name}')"),
        ("name: str", "return open(os.path.join('/data', name))"),
        ("name", "(BASE / name).unlink()"),
        ("name: str", "os.remove(str(BASE) + name)"),
        ("file: UploadFile", "(BASE / file.filename).write_bytes(b'')"),
        ("name: str", "return FileResponse(place(name))"),
        ("name: str = Form()", "return FileResponse((BASE / name).resolve())"),
    ],
)
def test_a_path_that_a_request_has_a_say_in_fails(parameters: str, body: str) -> None:
    assert found(parameters, body) == [1]


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        ("name: UUID", "return open(f'/data/{name}')"),
        ("name: Kind", "return open(f'/data/{name}')"),
        ("name: str = Form(pattern='[a-z]+')", "return open(f'/data/{name}')"),
        ("name: str", "return open(BASE / P(name).name)"),
        ("name: str", "return open(place('fixed'))"),
        ("name: str", "name = P(name).name\n    return open(BASE / name)"),
        ("name: str", "return FileResponse(safe(name))"),
        ("name: str", "return open(BASE / name) if name in {'a', 'b'} else None"),
        ("file: UploadFile", "(BASE / P(file.filename).suffix).write_bytes(b'')"),
        ("name: str", "return open(BASE / name.replace('/', ''))"),
    ],
)
def test_a_confined_path_passes(parameters: str, body: str) -> None:
    assert found(parameters, body) == []


def test_one_call_is_followed() -> None:
    text = (
        HEAD + "def f(name: str):\n    return read(name)\ndef read(n):\n    return open(BASE / n)\n"
    )
    assert lines(ask_read("path-traversal", {"app/a.py": text})) == [21]
