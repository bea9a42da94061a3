"""Tracing with OpenTelemetry: what sets it up, and what each aspect asks."""

from __future__ import annotations

from tests.checks.projects import ask, ask_read

APP = """import httpx
from fastapi import FastAPI, Request
from sqlalchemy import create_engine

app = FastAPI()
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
