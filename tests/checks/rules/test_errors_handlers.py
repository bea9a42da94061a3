"""Which exception handlers are registered, and what they tell: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

ERRORS = "class AppError(Exception): pass\nclass GoneError(AppError): pass\n"
SERVICE = "from app.errors import GoneError\ndef read(key):\n    raise GoneError(key)\n"
MAIN = """from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from app.errors import AppError, GoneError
app = FastAPI()
async def handle(request: Request, exc: Exception):
    return JSONResponse({}, 400)
"""


def unhandled(main: str = "", service: str = SERVICE, **params: object) -> list[str]:
    """Files in which ``exception-handlers-registered`` finds something."""
    files = {"app/errors.py": ERRORS, "app/services/a.py": service, "app/main.py": MAIN + main}
    outcome = ask("exception-handlers-registered", files, **params)
    return [f"{each.path}:{each.line}" for each in outcome.observations]


@pytest.mark.parametrize(
    "registration",
    [
        "app.add_exception_handler(GoneError, handle)",
        "@app.exception_handler(AppError)\nasync def other(request, exc): ...",
        "for kind in (KeyError, AppError):\n    app.add_exception_handler(kind, handle)",
        "def add(api: FastAPI):\n    api.add_exception_handler(AppError, handle)\nadd(app)",
        "app.add_exception_handler(AppError, lambda request, exc: JSONResponse({}))",
        "app.exception_handlers[AppError] = handle",
        "for kind in AppError.__subclasses__():\n    app.add_exception_handler(kind, handle)",
    ],
)
def test_a_handler_of_the_class_or_a_base_covers_it(registration: str) -> None:
    assert unhandled(registration) == []


@pytest.mark.parametrize("kind", ["Exception", "KeyError"])
def test_a_handler_of_everything_or_of_another_class_does_not(kind: str) -> None:
    assert unhandled(f"app.add_exception_handler({kind}, handle)") == ["app/errors.py:2"]


def test_what_the_services_catch_needs_no_handler() -> None:
    caught = "def outer(key):\n    try: read(key)\n    except AppError:\n        return 0\n"
    head = "from app.errors import AppError\n"
    assert unhandled(service=head + SERVICE + caught) == []
    again = caught.replace("return 0", "raise")
    assert unhandled(service=head + SERVICE + again) == ["app/errors.py:2"]


def test_what_a_graphql_library_answers_needs_none() -> None:
    own = (
        "from graphql import GraphQLError\nclass Denied(GraphQLError): pass\n"
        "def read(key):\n    raise Denied(key)\n"
    )
    assert unhandled(service=own) == []
    assert unhandled(service=own.replace("(GraphQLError", "(ValueError")) != []


def test_signals_of_a_module_and_faults_at_the_start_need_none() -> None:
    own = (
        "class _Full(Exception): pass\ndef read(key):\n    raise _Full\n"
        "def ask(key):\n    try: other(read)\n    except _Full: return 0\n"
    )
    assert unhandled(service=own) == []
    start = "@app.on_event('startup')\nasync def start():\n    read(1)\n"
    assert unhandled(f"from app.services.a import read\n{start}") == []


def test_what_workers_and_commands_raise_needs_none() -> None:
    files = {"app/errors.py": ERRORS, "app/workers/a.py": SERVICE, "app/main.py": MAIN}
    outcome = ask("exception-handlers-registered", files)
    assert (outcome.sites, lines(outcome)) == (1, [])


def test_what_another_package_raises_needs_none_unless_a_handler_can_meet_it() -> None:
    files = {
        "server/app/__init__.py": "",
        "server/app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "sdk/app/__init__.py": "",
        "sdk/app/client.py": "class SdkError(Exception): pass\ndef f():\n    raise SdkError\n",
    }
    assert lines(ask("exception-handlers-registered", files)) == []


def test_a_handler_that_translates_counts_where_the_clause_accepts_it() -> None:
    main = (
        "from app.services.a import read\n@app.get('/a')\ndef a():\n    try:\n"
        "        return read(1)\n    except AppError:\n        return JSONResponse({}, 404)\n"
    )
    assert unhandled(main) == ["app/errors.py:2"]
    assert unhandled(main, accept_route_translation=True) == []


def test_a_status_or_a_middleware_may_answer_every_exception() -> None:
    assert unhandled(families=["Exception"]) == ["app/main.py:4"]
    assert unhandled("app.add_exception_handler(500, handle)", families=["Exception"]) == []
    middleware = (
        "@app.middleware('http')\nasync def guard(request: Request, call_next):\n    try:\n"
        "        return await call_next(request)\n    except Exception:\n        {}\n"
    )
    answering = middleware.format("return JSONResponse({}, 500)")
    assert unhandled(answering, families=["Exception"]) == []
    assert unhandled(middleware.format("raise"), families=["Exception"]) == ["app/main.py:4"]


def test_a_project_without_application_is_not_asked() -> None:
    files = {"app/errors.py": ERRORS, "app/a.py": SERVICE}
    assert ask("exception-handlers-registered", files).state == "not-applicable"


# error-detail-by-environment ----------------------------------------------------------------------

HANDLER = """from app.config import settings, is_development
def body(exc):
    return {{'detail': str(exc) if settings.debug else 'internal'}}
@app.exception_handler({kind})
async def on_error(request: Request, exc: Exception):
    logger.debug('failed')
    return JSONResponse({content}, 500)
"""


def same(content: str, kind: str = "Exception", main: str = MAIN) -> list[int]:
    """Lines, from the end of the common head, of handlers that tell the same everywhere."""
    code = main + HANDLER.format(kind=kind, content=content)
    found = lines(ask("error-detail-by-environment", {"app/main.py": code}))
    return [line - main.count("\n") for line in found]


@pytest.mark.parametrize("content", ["{'detail': 'internal'}", "{'detail': str(exc)}"])
def test_an_answer_that_is_the_same_everywhere_is_found(content: str) -> None:
    assert same(content) == [5]


@pytest.mark.parametrize(
    "content",
    [
        "{'detail': str(exc) if request.app.debug else 'x'}",
        "{'detail': str(exc) if is_development() else 'x'}",
        "{'detail': str(exc) if settings.ENVIRONMENT == 'local' else 'x'}",
        "body(exc)",
    ],
)
def test_an_answer_that_asks_the_environment_is_not(content: str) -> None:
    assert same(content) == []


def test_tracebacks_in_development_are_enough() -> None:
    main = MAIN.replace("FastAPI()", "FastAPI(debug=settings.debug)")
    assert same("{'detail': 'internal'}", main=main) == []


def test_handlers_of_one_class_are_not_asked() -> None:
    code = MAIN + HANDLER.format(kind="AppError", content="{}")
    assert ask("error-detail-by-environment", {"app/main.py": code}).state == "not-applicable"


def test_handlers_that_one_environment_registers_depend_on_it() -> None:
    code = f"{MAIN}if settings.debug:\n    app.add_exception_handler(Exception, handle)\n"
    assert lines(ask("error-detail-by-environment", {"app/main.py": code})) == []


def test_a_broad_clause_of_a_middleware_that_answers_is_a_handler() -> None:
    code = (
        "@app.middleware('http')\nasync def guard(request: Request, call_next):\n    try:\n"
        "        return await call_next(request)\n    except Exception:\n"
        "        return JSONResponse({}, 500)\n"
    )
    assert lines(ask("error-detail-by-environment", {"app/main.py": MAIN + code})) == [11]
