"""That the status of an error fits its meaning: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = """import httpx
from fastapi import FastAPI, HTTPException, Request, status
from fastapi.responses import JSONResponse
from jose import JWTError
class UserNotFoundError(Exception): pass
MISSING = "User not found"
app = FastAPI()
"""


def unfit(code: str, **params: object) -> list[int]:
    """Lines, counted from the first one of the code, whose status does not fit."""
    outcome = ask("error-status-semantics", {"app/a.py": HEAD + code}, **params)
    return [line - HEAD.count("\n") for line in lines(outcome)]


def raising(status: object, detail: str) -> str:
    """A function that raises an HTTPException."""
    return f"def f(x):\n    raise HTTPException({status}, {detail})\n"


def catching(caught: str, status: int, detail: str) -> str:
    """A function that answers an exception it caught."""
    return (
        f"def f(x):\n    try: g()\n    except {caught}: raise HTTPException({status}, {detail})\n"
    )


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (404, "'User not found'"),
        ("status.HTTP_410_GONE", "'User not found'"),
        (404, "f'No user {x} found'"),
        (401, "'Invalid token'"),
        (401, "'Could not validate credentials'"),
        (401, "'Invalid email or password'"),
        (401, "'Invalid password'"),
        (400, "'Incorrect current password'"),
        (404, "'No permission'"),
        (400, "'Name already exists'"),
        (422, "'Invalid date'"),
        (415, "'Invalid file type'"),
        (503, "'An unexpected error occurred'"),
        (404, "'Token not found'"),
        (403, "'You may not create invite tokens'"),
        (400, "'Invalid verification code'"),
        (418, "'I am a teapot'"),
        ("x.code", "'User not found'"),
    ],
)
def test_a_fitting_or_unknown_status_is_left_alone(status: object, detail: str) -> None:
    assert unfit(raising(status, detail)) == []


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        ("status.HTTP_400_BAD_REQUEST", "MISSING"),
        (200, "{'message': 'User not found'}"),
        (400, "f'User {x} does not exist'"),
        (403, "'Could not validate credentials'"),
        (400, "'Incorrect email or password'"),
        (404, "'invalid token not found'"),
        (500, "'Permission denied'"),
        (500, "[{'msg': 'Name already exists'}]"),
        (404, "'Invalid date'"),
        (400, "'Too many requests'"),
        (400, "'Internal server error'"),
    ],
)
def test_another_status_is_found(status: object, detail: str) -> None:
    assert unfit(raising(status, detail)) == [2]


def test_the_exception_that_was_caught_comes_first() -> None:
    assert unfit(catching("UserNotFoundError", 400, "str(x)")) == [3]
    assert unfit(catching("UserNotFoundError", 404, "'Invalid: permission denied'")) == []
    assert unfit(catching("JWTError", 403, "'x'")) == [3]


def test_a_text_with_one_clear_meaning_may_say_it_better() -> None:
    assert unfit(catching("UserNotFoundError", 429, "'Too many login attempts'")) == []


def test_catching_everything_means_an_unexpected_failure() -> None:
    assert unfit(catching("Exception", 400, "'Failed'")) == [3]
    assert unfit(catching("Exception", 401, "'Could not validate credentials'")) == []


def test_a_failing_upstream_may_be_answered_with_any_server_error() -> None:
    assert unfit(catching("httpx.HTTPError", 502, "'Weather not found'")) == []


def test_only_the_statuses_of_the_clause_are_judged() -> None:
    code = raising(500, "'User not found'")
    assert unfit(code, statuses=[401]) == []
    assert unfit(code, statuses=[404]) == [2]


def test_responses_of_handlers_are_judged_by_the_class_they_answer() -> None:
    code = (
        "@app.exception_handler({})\nasync def on(request: Request, exc):\n"
        "    return JSONResponse({{'detail': 'x'}}, status_code={})\n"
    )
    assert unfit(code.format("UserNotFoundError", 500)) == [3]
    assert unfit(code.format("UserNotFoundError", 404)) == []
    assert unfit(code.format("Exception", 500)) == []


def test_a_variable_is_followed_to_the_exception_and_the_raise_is_the_place() -> None:
    code = "def f():\n    error = HTTPException(403, 'Bad credentials')\n    raise error\n"
    assert unfit(code) == [3]


def test_a_project_that_answers_no_errors_is_not_asked() -> None:
    outcome = ask("error-status-semantics", {"app/a.py": "def f():\n    raise ValueError('x')\n"})
    assert outcome.state == "not-applicable"


def test_a_failure_of_the_database_is_no_fault_of_the_client() -> None:
    head = "from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError\n"

    def statuses(caught: str, status: int) -> list[int]:
        code = catching(caught, status, "repr(x)")
        return [line - 1 for line in unfit(head + code)]

    assert statuses("SQLAlchemyError", 422) == [3]
    assert statuses("(OperationalError, SQLAlchemyError)", 400) == [3]
    assert statuses("SQLAlchemyError", 503) == []
    assert statuses("(SQLAlchemyError, ValueError)", 422) == []
    assert statuses("IntegrityError", 422) == [3]
    assert statuses("IntegrityError", 409) == []


def test_an_authorization_code_is_a_credential() -> None:
    assert unfit(raising(403, "'Invalid authorization code.'")) == [2]
    assert unfit(raising(401, "'Invalid authorization code.'")) == []
    assert unfit(raising(403, "'Invalid confirmation code'")) == []
    assert unfit(raising(404, "'Invalid API key'")) == [2]


def test_a_body_tells_its_meaning_under_any_key() -> None:
    handler = (
        "@app.exception_handler(ResponseValidationError)\ndef f(request, exc):\n"
        "    return JSONResponse({}, status_code=404)\n"
    )
    head = "from fastapi.exceptions import ResponseValidationError\n"
    assert unfit(head + handler.format("{'gone': 'The item was not found'}")) == []
    assert unfit(head + handler.format("{'gone': exc.errors()}")) == [4]
