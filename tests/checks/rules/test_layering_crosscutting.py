"""Traps of the check that asks what handlers do for every request."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import gzip, logging, time, uuid\nfrom fastapi import APIRouter, Header, Request, Response\n"
    "router = APIRouter()\nlogger = logging.getLogger(__name__)\n\n\n"
)


def handler(*body: str, params: str = "request: Request", path: str = "/items") -> dict[str, str]:
    """A module with one handler; its body begins in line 9."""
    text = "".join(f"    {line}\n" for line in body)
    return {"app.py": f"{HEAD}@router.get('{path}')\ndef read_items({params}):\n{text}"}


@pytest.mark.parametrize(
    "body",
    [
        ["return Response('x', headers={'ETag': '1', 'Content-Disposition': 'inline'})"],
        ["deadline = time.time() + 30", "return deadline - 1"],
        ["return request.state.request_id"],
        ["logger.info('import started')", "logger.info('import finished')"],
        ["token = request.headers.get('Authorization')", "return send(headers={'A': token})"],
        ["return store(gzip.compress(b'x'))"],
        ["job_id = str(uuid.uuid4())", "return job_id"],
    ],
)
def test_what_concerns_this_request_alone_holds(body: list[str]) -> None:
    assert lines(ask("cross-cutting-in-middleware", handler(*body))) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (["x = 1", "start = time.perf_counter()", "print(time.perf_counter() - start)"], 10),
        (["return Response('x', headers={'X-Frame-Options': 'DENY'})"], 9),
        (["rid = request.headers.get('X-Request-ID')", "return rid"], 9),
        (["request_id = str(uuid.uuid4())", "return request_id"], 9),
        (["logger.info('read items request received')", "logger.info('request completed')"], 9),
        (["token = request.headers['Authorization']", "if not token:", "    raise OSError"], 9),
        (["return Response(gzip.compress(b'x'))"], 9),
    ],
)
def test_the_work_of_a_middleware_is_found_where_it_begins(body: list[str], line: int) -> None:
    assert lines(ask("cross-cutting-in-middleware", handler(*body))) == [line]


def test_a_header_parameter_that_is_examined_is_found() -> None:
    files = handler("return check(authorization)", params="authorization: str = Header()")
    assert lines(ask("cross-cutting-in-middleware", files)) == [8]


def test_a_probe_may_measure_what_it_probes() -> None:
    body = ["start = time.time()", "return time.time() - start"]
    assert lines(ask("cross-cutting-in-middleware", handler(*body, path="/health"))) == []
