"""That all errors look alike: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = """from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel
app = FastAPI()
class Problem(BaseModel):
    code: str
    message: str
    details: list[str] | None = None
    @classmethod
    def of(cls, message: str) -> dict:
        return cls(code="x", message=message).model_dump()
class Envelope(BaseModel):
    error: Problem
"""


def odd(code: str, *fields: str) -> list[int]:
    """Lines, counted from the first one of the code, of bodies in another format."""
    params = {"fields": list(fields)} if fields else {}
    outcome = ask("error-response-format", {"app/a.py": HEAD + code}, **params)
    return [line - HEAD.count("\n") for line in lines(outcome)]


def answering(*contents: str) -> str:
    """One exception handler on three lines for each content."""
    return "".join(
        f"async def on_{number}(request: Request, exc: KeyError):\n    #\n"
        f"    return JSONResponse({content}, status_code=400)\n"
        for number, content in enumerate(contents)
    )


FULL = "{'code': 1, 'message': 2}"


@pytest.mark.parametrize(
    "content",
    [
        "{'code': 1, 'message': 2, 'trace_id': 3}",
        "{'code': 1, 'message': 2, 'data': None}",
        "dict(code=1, message=2)",
        "Problem(code='a', message='b').model_dump()",
        "jsonable_encoder(Problem(code='a', message='b'))",
        "Problem.of('a')",
        "exc.body",
    ],
)
def test_bodies_with_the_same_required_keys_have_one_format(content: str) -> None:
    assert odd(answering(FULL, content, FULL)) == []


@pytest.mark.parametrize("content", ["{'error': 1}", "{'code': 1}", "{**{'a': 1}, 'code': 1}"])
def test_a_body_with_other_keys_is_found(content: str) -> None:
    assert odd(answering(FULL, content, FULL)) == [6]


def test_problem_json_is_one_format() -> None:
    first = "{'type': 1, 'title': 2, 'status': 3, 'detail': 4}"
    second = "{'type': 1, 'title': 2, 'status': 3, 'instance': 4}"
    assert odd(answering(first, second)) == []


def test_a_plain_http_exception_has_a_detail_and_nothing_else() -> None:
    plain = "def f():\n    raise HTTPException(404, 'no')\n"
    assert odd(plain + plain.replace("f()", "g()") + answering(FULL)) == [7]
    detail = "def h():\n    raise HTTPException(404, {'code': 1})\n"
    assert odd(plain + plain.replace("f()", "g()") + detail) == [6]


def test_a_handler_that_reformats_them_gives_them_its_format() -> None:
    handler = answering(FULL).replace("async", "@app.exception_handler(HTTPException)\nasync")
    plain = "def f():\n    raise HTTPException(404, 'no')\n"
    assert odd(handler + plain + plain.replace("f()", "g()")) == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{'error': {'code': 1, 'message': 2, 'details': 3}}", []),
        ("{'errors': [{'code': 1, 'message': 2, 'details': 3}]}", []),
        ("Envelope(error=x).model_dump()", []),
        ("{'error': 'no'}", [3]),
        (FULL, [3]),
        ("{'error': exc.body}", []),
    ],
)
def test_given_fields_are_looked_for_in_the_envelope_too(content: str, found: list[int]) -> None:
    assert odd(answering(content), "code", "message", "details") == found


def test_a_helper_that_builds_the_response_is_the_place() -> None:
    code = (
        "def build(exc):\n    return JSONResponse({'error': 1}, 400)\n"
        "async def on_error(request: Request, exc: ValueError):\n    return build(exc)\n"
    )
    assert odd(code + answering(FULL, FULL)) == [2]


def test_successes_of_a_middleware_are_no_errors() -> None:
    code = (
        "@app.middleware('http')\nasync def guard(request: Request, call_next):\n"
        "    if request.x:\n        return JSONResponse({'pong': 1})\n"
        "    return JSONResponse({'error': 1}, status_code=413)\n"
    )
    assert odd(code + answering(FULL, FULL)) == [5]


def test_declared_error_schemas_are_judged_where_they_stand() -> None:
    code = (
        "class Failure(BaseModel):\n    reason: str\n"
        "@app.get('/a', responses={404: {'model': Failure}, 200: {'model': Problem}})\n"
        "def a(): ...\n"
    )
    assert odd(code + answering(FULL, FULL)) == [1]


def test_a_project_that_answers_no_errors_is_not_asked() -> None:
    assert ask("error-response-format", {"app/a.py": HEAD}).state == "not-applicable"
