"""Tracing and correlation ids: what sets them up, and what each aspect asks."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read

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
PYPROJECT = """[project]
name = "orders"
version = "1"
dependencies = ["fastapi", "httpx", "opentelemetry-instrumentation-httpx"]
"""


def traced(aspect: str, files: dict[str, str | bytes], app: str = APP) -> bool:
    """Whether ``otel-tracing`` finds an aspect."""
    outcome = ask_read("otel-tracing", {"app/main.py": app, **files}, aspects=[aspect])
    assert outcome.sites == 1, outcome.reason
    return not outcome.observations


def followed(stage: str, files: dict[str, str], app: str = APP) -> bool:
    """Whether ``correlation-id`` finds a stage."""
    outcome = ask("correlation-id", {"app/main.py": app, **files}, stages=[stage])
    assert outcome.sites == 1, outcome.reason
    return not outcome.observations


def test_setup_is_code_a_distribution_or_a_command() -> None:
    code = """from opentelemetry.sdk.trace import TracerProvider as Provider


def setup():
    Provider()
"""
    assert not traced("setup", {"app/tracing.py": code})
    assert traced("setup", {"app/tracing.py": code + "\n\nsetup()\n"})
    assert not traced("setup", {"tests/test_a.py": code + "\n\nsetup()\n"})
    assert traced("setup", {"app/tracing.py": "import logfire\n\nlogfire.configure()\n"})
    assert traced("setup", {"Dockerfile": "FROM x\nCMD opentelemetry-instrument uvicorn app\n"})


def test_instrumentors_are_those_of_what_is_used() -> None:
    line = "from opentelemetry.instrumentation.{module} import {name}\n\n{name}().instrument()\n"
    httpx = line.format(module="httpx", name="HTTPXClientInstrumentor")
    sqlalchemy = line.format(module="sqlalchemy", name="SQLAlchemyInstrumentor")
    assert traced("http", {"app/a.py": httpx})
    assert not traced("http", {"app/a.py": sqlalchemy})
    assert traced("database", {"app/a.py": sqlalchemy})
    command: dict[str, str | bytes] = {"Procfile": "web: opentelemetry-instrument uvicorn app\n"}
    assert not traced("http", command)
    assert traced("http", {**command, "pyproject.toml": PYPROJECT})


def test_what_is_not_used_is_not_traced() -> None:
    plain = "from fastapi import FastAPI\n\napp = FastAPI()\n"
    for aspect in ("database", "http", "custom-spans"):
        outcome = ask("otel-tracing", {"app/main.py": plain}, aspects=[aspect])
        assert outcome.state == "not-applicable"
    assert ask("otel-tracing", {"lib.py": "def f():\n    return 1\n"}).state == "not-applicable"


def test_errors_are_recorded_on_spans_or_records_carry_the_trace() -> None:
    assert not traced("error-records", {})
    for code in (
        "def f(span, exc):\n    span.record_exception(exc)\n",
        (
            "from opentelemetry.instrumentation.logging import LoggingInstrumentor as L\n\n"
            "L().instrument()\n"
        ),
        (
            "from opentelemetry import trace\n\n\ndef add(logger, method, event_dict):\n"
            "    span = trace.get_current_span()\n"
            "    event_dict['trace_id'] = span.get_span_context().trace_id\n    return event_dict\n"
        ),
    ):
        assert traced("error-records", {"app/a.py": code})


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
