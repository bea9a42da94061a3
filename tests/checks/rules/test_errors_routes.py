"""How handlers answer errors: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

ERRORS = "class AppError(Exception): pass\nclass GoneError(AppError): pass\n"
REPOSITORY = "from app.errors import GoneError\ndef find(key):\n    raise GoneError(key)\n"
SERVICE = """from app.errors import GoneError
from app.repositories import steps
def read(key):
    if not key:
        raise GoneError(key)
def quiet(key):
    try:
        read(key)
    except GoneError:
        return None
def deep(key):
    return steps.find(key)
"""
HEAD = """from contextlib import contextmanager
from fastapi import APIRouter, HTTPException
from app.errors import AppError, GoneError
from app.services import steps
router = APIRouter()
"""


def open_calls(code: str, **params: object) -> list[int]:
    """Lines, counted from the first one of the code, of calls whose errors nobody translates."""
    files = {
        "app/errors.py": ERRORS,
        "app/repositories/steps.py": REPOSITORY,
        "app/services/steps.py": SERVICE,
        "app/routes/steps.py": HEAD + code,
    }
    found = lines(ask("routes-translate-domain-exceptions", files, **params))
    return [line - HEAD.count("\n") for line in found]


def handler(*body: str) -> str:
    """A route handler with these lines as its body."""
    return "@router.get('/a')\ndef a(key):\n" + "".join(f"    {line}\n" for line in body)


@pytest.mark.parametrize(
    "clause",
    [
        "except GoneError: raise HTTPException(404)",
        "except AppError as exc: raise HTTPException(404) from exc",
        "except (KeyError, GoneError): return key",
        "except Exception: raise HTTPException(500)",
    ],
)
def test_a_clause_for_the_class_or_a_base_translates(clause: str) -> None:
    assert open_calls(handler("try: steps.read(key)", clause)) == []


@pytest.mark.parametrize(
    "clause", ["except KeyError: raise HTTPException(404)", "except GoneError: raise"]
)
def test_another_class_and_a_plain_re_raise_translate_nothing(clause: str) -> None:
    assert open_calls(handler("try: steps.read(key)", clause)) == [3]


def test_a_clause_around_one_that_raises_again_translates() -> None:
    body = ("try:", "    try: steps.read(key)", "    except GoneError: raise")
    assert open_calls(handler(*body, "except AppError: raise HTTPException(404)")) == []


def test_what_the_service_catches_never_arrives() -> None:
    assert open_calls(handler("steps.quiet(key)")) == []


def test_services_are_followed_one_call_deeper_and_no_further_than_asked() -> None:
    assert open_calls(handler("return steps.deep(key)")) == [3]
    assert open_calls(handler("return steps.deep(key)"), max_depth=1) == []


def test_there_is_one_finding_for_a_pair() -> None:
    assert open_calls(handler("steps.read(key)", "steps.read(key)")) == [3]


def test_first_party_decorators_and_managers_translate() -> None:
    translate = "    try: {}\n    except AppError: raise HTTPException(404)\n"
    manager = f"@contextmanager\ndef errors():\n{translate.format('yield')}"
    assert open_calls(manager + handler("with errors():", "    steps.read(key)")) == []
    inner = translate.format("return f(key)").replace("    ", "        ", 1)
    inner = inner.replace("\n    except", "\n        except")
    decorator = f"def errors(f):\n    def wrap(key):\n{inner}    return wrap\n"
    code = handler("steps.read(key)").replace("def a", "@errors\ndef a")
    assert open_calls(decorator + code) == []


def test_the_routes_of_a_project_without_domain_exceptions_are_not_asked() -> None:
    code = HEAD + handler("return key")
    outcome = ask("routes-translate-domain-exceptions", {"app/routes/steps.py": code})
    assert outcome.state == "not-applicable"


# http-exception-for-errors ------------------------------------------------------------------------

IMPORTS = """from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel
router = APIRouter()
class Report(BaseModel):
    error: str
"""


def returned(code: str) -> list[int]:
    """Lines, counted from the first one of the code, of errors that are returned."""
    found = lines(ask("http-exception-for-errors", {"app/a.py": IMPORTS + code}))
    return [line - IMPORTS.count("\n") for line in found]


@pytest.mark.parametrize(
    "value",
    [
        "JSONResponse({'a': 1}, status_code=status.HTTP_404_NOT_FOUND)",
        "Response(status_code=400)",
        "key if key else JSONResponse({}, 404)",
        "{'error': 'no such key'}",
        "{'success': False, 'error': str(key)}",
        "{'detail': 'Key not found'}",
        "{'error': 'no such key'}, status.HTTP_404_NOT_FOUND",
    ],
)
def test_errors_that_are_returned_are_found(value: str) -> None:
    assert returned(handler(f"return {value}")) == [3]


@pytest.mark.parametrize(
    "value",
    [
        "JSONResponse({'a': 1}, status_code=201)",
        "JSONResponse({'a': 1}, status_code=key.status_code)",
        "RedirectResponse('/a')",
        "{'detail': 'Key deleted'}",
        "{'error': None, 'data': key}",
        "{'state': 'done', 'error': key.error}",
        "{'error': 'no such key'}, key",
    ],
)
def test_answers_that_are_no_errors_of_ours_are_left_alone(value: str) -> None:
    assert returned(handler(f"return {value}")) == []


def test_an_error_field_of_a_declared_schema_is_data() -> None:
    body = "    return {'error': 'x'}\n"
    assert returned(f"@router.get('/a', response_model=Report)\ndef a():\n{body}") == []
    assert returned(f"@router.get('/a')\ndef a() -> Report:\n{body}") == []


def test_probes_and_exception_handlers_answer_with_responses() -> None:
    body = "    return JSONResponse({}, status_code=503)\n"
    assert returned(f"@router.get('/healthz')\ndef a():\n{body}") == []
    code = f"@router.exception_handler(KeyError)\ndef a(request: Request, exc: KeyError):\n{body}"
    assert returned(code) == []


def test_dependencies_are_judged_and_helpers_are_followed() -> None:
    code = (
        "def current(request: Request):\n    return JSONResponse({}, status_code=401)\n"
        "def missing():\n    return JSONResponse({}, 404)\n"
        "@router.get('/a')\ndef a(user=Depends(current)):\n    return missing()\n"
    )
    assert returned(code) == [2, 7]


def test_a_helper_answers_with_the_status_that_it_is_told() -> None:
    code = (
        "def fail(message, status_code=400):\n"
        "    return JSONResponse({'message': message}, status_code=status_code)\n"
        "@router.get('/a')\ndef a():\n    return fail('no such key')\n"
        "@router.get('/b')\ndef b():\n    return fail('fine', status_code=200)\n"
    )
    assert returned(code) == [5]


def test_a_use_case_that_a_parameter_holds_is_called() -> None:
    use_case = (
        "from app.errors import GoneError\nclass Read:\n    def __call__(self, key):\n"
        "        raise GoneError(key)\n"
    )
    code = (
        "from fastapi import APIRouter, Depends\nfrom app.use_cases.read import Read\n"
        "router = APIRouter()\n@router.get('/a')\ndef a(key, read: Read = Depends()):\n"
        "    return read(key)\n"
    )
    files = {"app/errors.py": ERRORS, "app/use_cases/read.py": use_case, "app/routes/a.py": code}
    assert lines(ask("routes-translate-domain-exceptions", files)) == [6]
