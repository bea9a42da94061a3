"""Error trackers: where one is set up, and what it should hear of."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines

APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"
CALLS = """import httpx
import sentry_sdk
from celery import Celery

celery = Celery()


"""


def tracked(files: dict[str, str | bytes]) -> bool:
    """Whether ``error-tracker`` sees a tracker initialised."""
    outcome = ask_read("error-tracker", {"app/main.py": APP, **files})
    assert outcome.sites == 1, outcome.reason
    return not outcome.observations


def unreported(code: str) -> list[int]:
    """Lines of swallowed failures that are not reported, counted from the first of ``code``."""
    outcome = ask("error-tracker", {"app/a.py": CALLS + code}, aspects=["handled-failures"])
    return [line - CALLS.count("\n") for line in lines(outcome)]


@pytest.mark.parametrize(
    "files",
    [
        {"app/a.py": "import sentry_sdk\n\nif settings.dsn:\n    sentry_sdk.init(settings.dsn)\n"},
        {"app/a.py": "from sentry_sdk import init\n\n\ndef start():\n    init()\n\n\nstart()\n"},
        {"app/a.py": "import logfire as lf\n\nlf.configure()\n"},
        {"Dockerfile": "FROM python:3.13\nCMD ['ddtrace-run', 'uvicorn', 'app.main:app']\n"},
        {"Procfile": "web: opentelemetry-instrument uvicorn app.main:app\n"},
        {"compose.yaml": "services: {web: {command: newrelic-admin run-program uvicorn}}\n"},
        {
            "app/a.py": "from posthog import Posthog\n\n"
            "posthog = Posthog('key', enable_exception_autocapture=True)\n"
        },
    ],
)
def test_trackers_are_set_up_in_many_ways(files: dict[str, str | bytes]) -> None:
    assert tracked(files)


@pytest.mark.parametrize(
    "files",
    [
        {"app/a.py": "import sentry_sdk\n\n\ndef start():\n    sentry_sdk.init()\n"},
        {"tests/test_a.py": "import sentry_sdk\n\nsentry_sdk.init()\n"},
        {"app/a.py": "from posthog import Posthog\n\nposthog = Posthog('key')\n"},
    ],
)
def test_what_nothing_calls_sets_nothing_up(files: dict[str, str | bytes]) -> None:
    assert not tracked(files)


def test_libraries_have_no_application() -> None:
    assert ask("error-tracker", {"lib/a.py": "def f():\n    return 1\n"}).state == "not-applicable"
    assert ask("error-tracker", {"a.py": "from flask import Flask\n\na = Flask('a')\n"}).sites == 1


def test_swallowed_failures_of_calls_and_tasks_are_reported() -> None:
    code = """def f(log):
    try:
        httpx.get("/")
    except httpx.HTTPError:
        return None
    try:
        httpx.get("/")
    except httpx.HTTPError as exc:
        raise RuntimeError from exc
    try:
        httpx.get("/")
    except httpx.HTTPError:
        tell()
    try:
        int("1")
    except ArithmeticError:
        pass
    try:
        httpx.get("/").json()["a"]
    except KeyError:
        pass


def tell():
    sentry_sdk.capture_exception()


@celery.task
def job(logger):
    try:
        work()
    except RuntimeError:
        pass
    try:
        work()
    except RuntimeError:
        logger.warning("it failed", exc_info=True)
    try:
        work()
    except RuntimeError:
        logger.exception("it failed")
"""
    assert unreported(code) == [4, 32, 36]
