"""Traps of the checks on handlers and their answers."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from fastapi import APIRouter, HTTPException, Request, Response, status\n"
    "from fastapi.responses import (FileResponse, HTMLResponse, JSONResponse,\n"
    "    RedirectResponse, StreamingResponse)\n"
    "from pydantic import BaseModel\n"
    "class User(BaseModel):\n    id: int\n"
    "router = APIRouter(prefix='/users')\n\n"
)
DEF_LINE = HEAD.count("\n") + 2


def handler(decorator: str, signature: str, *body: str) -> dict[str, str]:
    """A module with one handler."""
    lines_of_body = "".join(f"    {line}\n" for line in body or ("return None",))
    return {"users.py": f"{HEAD}@router.{decorator}\nasync def {signature}:\n{lines_of_body}"}


# Status ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decorator", "signature", "body"),
    [
        ("post('', status_code=HTTPStatus.CREATED)", "create_user()", "return 1"),
        ("post('/{id}/approve')", "approve(id: int)", "return 1"),
        ("post('/log-in')", "log_in()", "return 1"),
        ("post('')", "get_or_create_user()", "return 1"),
        ("post('')", "create_user(user)", "user.save_or_update()"),
        ("post('')", "create_user()", "return JSONResponse({}, status_code=201)"),
        ("post('')", "create_user()", "return StreamingResponse(iter(()))"),
        ("post('')", "find_users()", "return []"),
    ],
)
def test_a_post_that_answers_rightly_or_creates_nothing_holds(
    decorator: str, signature: str, body: str
) -> None:
    files = handler(decorator, signature, body)
    files["users.py"] = "from http import HTTPStatus\n" + files["users.py"]
    assert lines(ask("success-status-code", files)) == []


def test_the_status_of_the_returned_response_counts_not_the_declared_one() -> None:
    files = handler("post('', status_code=201)", "create_user()", "return JSONResponse({})")
    assert lines(ask("success-status-code", files)) == [DEF_LINE]


def test_a_status_that_a_helper_is_told_is_the_one_of_its_call() -> None:
    helper = (
        "def success(data, status_code: int = 200):\n"
        "    return JSONResponse(status_code=status_code, content=data)\n"
    )
    for given, expected in (("1, 201", []), ("1, status_code=201", []), ("1", [DEF_LINE + 2])):
        files = handler("post('', status_code=201)", "create_user()", f"return success({given})")
        files["users.py"] = files["users.py"].replace("@router", f"{helper}@router", 1)
        files["users.py"] += "def other():\n    return success(2, 202)\n"
        assert lines(ask("success-status-code", files)) == expected


def test_a_status_that_is_set_under_a_condition_is_not_fixed() -> None:
    body = "if not await find():", "    response.status_code = 204", "return 1"
    files = handler("delete('/{id}')", "remove(id: int, response: Response)", *body)
    assert ask("success-status-code", files).state == "not-applicable"


def test_an_action_may_be_named_by_the_handler_alone() -> None:
    files = handler("post('/report')", "trigger_export()", "create_export()")
    assert ask("success-status-code", files).state == "not-applicable"


def test_a_forwarded_status_is_not_fixed() -> None:
    body = "upstream = await fetch()", "return Response(b'', status_code=upstream.status_code)"
    outcome = ask("success-status-code", handler("post('')", "create_user()", *body))
    assert outcome.state == "not-applicable"


def test_errors_among_the_answers_are_no_success() -> None:
    body = ("if bad():", "    return JSONResponse({}, status_code=400)", "return 1")
    files = handler("post('', status_code=201)", "create_user()", *body)
    assert lines(ask("success-status-code", files)) == []


# Schema ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "annotation",
    [
        "User",
        "list[User]",
        "User | None",
        "dict[str, int]",
        "'list[User]'",
        "tuple[User, ...]",
        "Response",
        "JSONResponse",
        "str",
    ],
)
def test_a_declared_answer_holds(annotation: str) -> None:
    files = handler("get('/{id}')", f"read(id: int) -> {annotation}", "return load(id)")
    assert lines(ask("response-model-declared", files)) == []


@pytest.mark.parametrize(
    "annotation",
    ["dict", "dict[str, object]", "list", "list[dict]", "dict | None", "User | dict", "None"],
)
def test_a_loose_answer_fails(annotation: str) -> None:
    files = handler("get('/{id}')", f"read(id: int) -> {annotation}", "return load(id)")
    assert lines(ask("response-model-declared", files)) == [DEF_LINE]


@pytest.mark.parametrize(
    ("decorator", "body"),
    [
        ("delete('/{id}', status_code=204)", "return None"),
        ("get('/page', response_class=HTMLResponse)", "return '<p>'"),
        ("get('/page')", "return RedirectResponse('/')"),
        ("get('/page')", "return FileResponse('x')"),
        ("get('/healthz')", "return {}"),
        ("get('/page', include_in_schema=False)", "return {}"),
        ("get('/page', response_class=JSONResponse)", "return JSONResponse({})"),
    ],
)
def test_handlers_without_a_json_body_in_the_schema_are_no_sites(decorator: str, body: str) -> None:
    outcome = ask("response-model-declared", handler(decorator, "read()", body))
    assert outcome.state == "not-applicable"


def test_limits_can_ask_for_schemas_alone() -> None:
    files = handler("get('/{id}')", "read(id: int) -> dict[str, int]", "return {}")
    assert lines(ask("response-model-declared", files, allow_typed_dict_values=False))
    files = handler("get('/{id}')", "read(id: int) -> int", "return 1")
    assert lines(ask("response-model-declared", files, allow_scalars=False))


# Documentation -----------------------------------------------------------------------------------


def test_a_placeholder_documents_nothing() -> None:
    files = handler("get('')", "read()", '"""TODO"""', "return 1")
    assert lines(ask("endpoint-documentation", files)) == [DEF_LINE]


def test_422_documents_no_error_and_a_shared_constant_does() -> None:
    body = ("raise HTTPException(404)",)
    wanted = ["error-responses"]
    files = handler("get('', responses={422: {}})", "read()", *body)
    assert lines(ask("endpoint-documentation", files, require=wanted)) == [DEF_LINE]
    files = handler("get('', responses={**ERRORS})", "read()", *body)
    files["users.py"] = "from elsewhere import ERRORS\n" + files["users.py"]
    assert lines(ask("endpoint-documentation", files, require=wanted)) == []


# Async, health ------------------------------------------------------------------------------


def test_only_route_handlers_have_to_be_async() -> None:
    files = handler("get('')", "read()", "return 1")
    files["users.py"] += "\ndef helper(): ...\n\n@router.get('/x')\ndef plain(): ...\n"
    outcome = ask("async-route-handlers", files)
    assert [each.symbol for each in outcome.observations] == ["users:plain"]
    assert outcome.sites == 2


def test_flask_views_are_not_asked() -> None:
    files = {"app.py": "from flask import Flask\napp = Flask('x')\n\n@app.get('/')\ndef i(): ...\n"}
    assert ask("async-route-handlers", files).state == "not-applicable"


@pytest.mark.parametrize("path", ["/health", "/api/v1/healthz", "/livez"])
def test_health_is_recognised_below_any_prefix(path: str) -> None:
    files = handler(f"get('{path}')", "read()", "return 1")
    assert lines(ask("health-endpoint", files)) == []


def test_an_exact_health_path_is_asked_exactly() -> None:
    files = handler("get('/healthz')", "read()", "return 1")
    assert len(ask("health-endpoint", files, path="/health").observations) == 1


def test_a_package_may_register_the_health_route_by_a_call() -> None:
    files = handler("get('')", "read()", "return 1")
    files["users.py"] += "from fastapi_health import health\n"
    files["users.py"] += "router.add_api_route('/health', health([]))\n"
    assert lines(ask("health-endpoint", files)) == []
