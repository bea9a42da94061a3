"""Traps of the check that asks large answers to be streamed."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import io\nimport httpx\nfrom collections.abc import AsyncIterator\n"
    "from fastapi import APIRouter, Response\n"
    "from fastapi.responses import FileResponse, StreamingResponse\n"
    "router = APIRouter()\n"
    "def rows():\n    yield 'x'\nasync def chunks():\n    yield 'x'\n"
    "def lazy() -> AsyncIterator[str]:\n    return chunks()\n"
)


def handler(*body: str, path: str = "/export") -> dict[str, str]:
    """A module with one handler whose body begins in line 15."""
    text = "".join(f"    {line}\n" for line in body)
    return {"app.py": f"{HEAD}@router.get('{path}')\nasync def export(client):\n{text}"}


@pytest.mark.parametrize(
    "line",
    [
        "return StreamingResponse(chunks())",
        "return StreamingResponse(lazy())",
        "return StreamingResponse(client.aiter_bytes())",
        "return StreamingResponse(client)",
        "return FileResponse('x.csv')",
        "return Response('{}', media_type='application/json')",
        "return Response('a;b', media_type='text/csv')",
    ],
)
def test_what_is_sent_in_chunks_or_is_no_file_holds(line: str) -> None:
    assert lines(ask("stream-large-responses", handler(line))) == []


@pytest.mark.parametrize(
    "line",
    [
        "return StreamingResponse(rows())",
        "return StreamingResponse(io.BytesIO(b'x'))",
        "return StreamingResponse(x for x in range(9))",
        "return StreamingResponse(iter([client.getvalue()]))",
        "return Response(client.render(), media_type='application/pdf')",
        "return Response(client.data, headers={'Content-Disposition': 'attachment'})",
    ],
)
def test_what_is_built_as_a_whole_or_is_synchronous_is_found(line: str) -> None:
    assert lines(ask("stream-large-responses", handler(line))) == [15]


def test_a_thumbnail_may_be_built_in_memory() -> None:
    body = "return Response(client.data, media_type='image/png')"
    assert lines(ask("stream-large-responses", handler(body, path="/thumbnail"))) == []
    assert lines(ask("stream-large-responses", handler(body))) == [15]
