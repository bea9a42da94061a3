"""Correlation ids: into the service, into its log records, and out again."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

APP = """import httpx
from fastapi import FastAPI, Request
from sqlalchemy import create_engine

app = FastAPI()
"""
HOOK = """

@app.middleware("http")
async def follow(request: Request, call_next):
    {line}
    return await call_next(request)
"""


def followed(stage: str, files: dict[str, str], app: str = APP) -> bool:
    """Whether ``correlation-id`` finds a stage."""
    outcome = ask("correlation-id", {"app/main.py": app, **files}, stages=[stage])
    assert outcome.sites == 1, outcome.reason
    return not outcome.observations


@pytest.mark.parametrize(
    "line",
    [
        'request.state.request_id = request.headers.get("x-request-id")',
        "correlation_id = make()",
        "value = request.headers.get(HEADER)",
    ],
)
def test_a_middleware_reads_or_makes_the_id(line: str) -> None:
    app = f'{APP}HEADER = "X-Correlation-Id"\n{HOOK.format(line=line)}'
    assert followed("entry", {}, app)


def test_single_handlers_do_not_cover_every_request() -> None:
    code = APP + '\n\n@app.get("/")\ndef root(request_id: str):\n    return request_id\n'
    assert not followed("entry", {}, code)
    assert not followed("entry", {}, APP + HOOK.format(line="started = now()"))


def test_the_id_enters_by_dependencies_hooks_and_libraries() -> None:
    dependency = """from fastapi import Depends, FastAPI, Request


def identify(request: Request):
    request.state.request_id = "1"


app = FastAPI(dependencies=[Depends(identify)])
"""
    assert followed("entry", {}, dependency)
    flask = """from flask import Flask, g

app = Flask("a")


@app.before_request
def identify():
    g.request_id = "1"
"""
    assert followed("entry", {}, flask)
    azure = """from azure.monitor.opentelemetry import configure_azure_monitor as configure

configure()
"""
    for stage in ("entry", "logs", "outbound"):
        assert followed(stage, {"app/telemetry.py": azure})


def test_both_binding_and_merging_are_needed_for_logs() -> None:
    bind = HOOK.format(line="structlog.contextvars.bind_contextvars({name}=1)")
    app = "import structlog\n" + APP
    merge = "structlog.configure(processors=[structlog.contextvars.merge_contextvars])\n"
    assert followed("logs", {}, app + merge + bind.format(name="request_id"))
    assert not followed("logs", {}, app + bind.format(name="request_id"))
    assert not followed("logs", {}, app + merge + bind.format(name="user"))
    assert not followed("logs", {}, app + merge)


def test_a_filter_puts_the_id_into_records() -> None:
    code = """import logging
from contextvars import ContextVar

current: ContextVar[str] = ContextVar("{name}")


class Ids(logging.Filter):
    def filter(self, record):
        record.{name} = current.get()
        return True
"""
    assert followed("logs", {"app/ids.py": code.format(name="request_id")})
    assert not followed("logs", {"app/ids.py": code.format(name="tenant")})


def test_the_id_goes_out_in_a_header() -> None:
    code = """import httpx

HEADER = "X-Request-ID"


def call(request_id, response):
    response.headers[HEADER] = request_id
    return httpx.get("/", headers={headers})
"""
    assert followed("outbound", {"app/client.py": code.replace("{headers}", "{HEADER: 1}")})
    assert not followed("outbound", {"app/client.py": code.replace("{headers}", "{'a': 1}")})
    plain = "from fastapi import FastAPI\n\napp = FastAPI()\n"
    outcome = ask("correlation-id", {"app/main.py": plain}, stages=["outbound"])
    assert outcome.state == "not-applicable"
