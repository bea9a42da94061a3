"""Traps of the check that asks which endpoints no authentication reaches."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from typing import Annotated\n"
    "from fastapi import APIRouter, Depends, HTTPException, Request, Security\n"
    "from fastapi.security import APIKeyHeader, HTTPBearer\n"
    "scheme = HTTPBearer()\nsoft = HTTPBearer(auto_error=False)\n"
    "def get_current_user(token=Depends(scheme)): ...\n"
    "def get_optional_user(token=Depends(soft)) -> str | None: ...\n"
    "CurrentUser = Annotated[str, Depends(get_current_user)]\n"
    "def load_order(id: int, user: CurrentUser): ...\n"
    "class Key(APIKeyHeader):\n    pass\n"
    "router = APIRouter()\n\n"
    "@router.get('/seen')\nasync def seen(user: CurrentUser): ...\n\n"
)
DEF_LINE = HEAD.count("\n") + 2


def handler(decorator: str, signature: str, *body: str) -> dict[str, str]:
    """A module with an authenticated handler and the one in question."""
    text = "".join(f"    {line}\n" for line in body or ("...",))
    return {"orders.py": f"{HEAD}@router.{decorator}\nasync def {signature}:\n{text}"}


@pytest.mark.parametrize(
    "parameters",
    [
        "user: CurrentUser",
        "user: CurrentUser = None",
        "order=Depends(load_order)",
        "key=Depends(Key(name='x-key'))",
        "user=Security(get_current_user, scopes=['write'])",
    ],
)
def test_any_way_to_depend_on_the_user_protects(parameters: str) -> None:
    files = handler("delete('/orders/{id}')", f"remove(id: int, {parameters})")
    assert lines(ask("routes-authenticated", files)) == []


@pytest.mark.parametrize(
    "parameters",
    ["", "token=Depends(soft)", "user=Depends(get_optional_user)", "key=Depends(dict)"],
)
def test_what_rejects_nobody_protects_nothing(parameters: str) -> None:
    files = handler("delete('/orders/{id}')", f"remove({parameters})")
    assert lines(ask("routes-authenticated", files)) == [DEF_LINE]


@pytest.mark.parametrize(
    ("decorator", "site"),
    [
        ("post('/login')", False),
        ("post('/webhooks/stripe')", False),
        ("post('/items/search')", False),
        ("get('/items')", False),
        ("get('/users/{id}')", True),
        ("get('/admin/stats')", True),
        ("put('/items/{id}')", True),
        ("post('/auth/password')", False),
    ],
)
def test_writing_and_personal_endpoints_are_sites_unless_public(decorator: str, site: bool) -> None:
    outcome = ask("routes-authenticated", handler(decorator, "it()"))
    assert lines(outcome) == ([DEF_LINE] if site else [])


def test_a_prefix_auth_makes_nothing_public_but_a_prefix_webhooks_does() -> None:
    for prefix, found in (("/auth", [DEF_LINE]), ("/webhooks", [])):
        files = handler("post('/password')", "change()")
        files["orders.py"] = files["orders.py"].replace(
            "APIRouter()", f"APIRouter(prefix='{prefix}')"
        )
        assert lines(ask("routes-authenticated", files)) == found


def test_a_check_in_the_body_counts_unless_a_dependency_is_asked_for() -> None:
    body = ("if not request.headers.get('x'):", "    raise HTTPException(status_code=401)")
    files = handler("post('/orders')", "create(request: Request)", *body)
    assert lines(ask("routes-authenticated", files)) == []
    assert lines(ask("routes-authenticated", files, via="depends")) == [DEF_LINE]


def test_a_middleware_that_rejects_protects_everything() -> None:
    files = handler("post('/orders')", "create()")
    files["main.py"] = (
        "from fastapi import FastAPI\nfrom fastapi.responses import JSONResponse\n"
        "from orders import router\napp = FastAPI()\napp.include_router(router)\n\n"
        "@app.middleware('http')\nasync def guard(request, call_next):\n"
        "    if request.headers.get('Authorization') is None:\n"
        "        return JSONResponse({}, status_code=401)\n"
        "    return await call_next(request)\n"
    )
    assert lines(ask("routes-authenticated", files)) == []


def test_without_any_authentication_the_question_does_not_apply() -> None:
    files = {
        "main.py": "from fastapi import FastAPI\napp = FastAPI()\n\n"
        "@app.post('/orders')\nasync def create(): ...\n"
    }
    assert ask("routes-authenticated", files).state == "not-applicable"


def test_a_scheme_of_our_own_given_to_one_inclusion_leaves_the_other_routers_to_be_judged() -> None:
    files = {
        "auth.py": "from fastapi.security import HTTPBearer\nclass Bearer(HTTPBearer):\n    pass\n",
        "main.py": "from fastapi import APIRouter, Depends, FastAPI\nfrom auth import Bearer\n"
        "state = APIRouter()\norders = APIRouter()\n\n"
        "@state.get('/state')\ndef show(): ...\n\n"
        "@orders.post('/orders')\ndef create(): ...\n\n"
        "app = FastAPI()\napp.include_router(orders)\n"
        "app.include_router(state, prefix='/open')\n"
        "app.include_router(state, prefix='/closed', dependencies=[Depends(Bearer())])\n",
    }
    assert lines(ask("routes-authenticated", files)) == [10]


def test_a_limiter_that_asks_for_an_optional_caller_protects_nothing() -> None:
    files = handler("post('/orders')", "create(_=Depends(limited))")
    files["orders.py"] = files["orders.py"].replace(
        "router = APIRouter()\n",
        "router = APIRouter()\n"
        "def strict_user(token):\n    raise HTTPException(status_code=401)\n"
        "def optional_caller(request: Request):\n    try:\n"
        "        return strict_user(request.headers.get('Authorization'))\n"
        "    except HTTPException:\n        return None\n"
        "def limited(user=Depends(optional_caller)): ...\n",
    )
    assert len(lines(ask("routes-authenticated", files))) == 1


def test_a_handler_that_takes_the_form_of_a_login_is_public_under_any_path() -> None:
    files = handler("post('/access-key')", "issue(form: OAuth2PasswordRequestForm = Depends())")
    text = files["orders.py"].replace("HTTPBearer\n", "HTTPBearer, OAuth2PasswordRequestForm\n", 1)
    assert lines(ask("routes-authenticated", {"orders.py": text})) == []
