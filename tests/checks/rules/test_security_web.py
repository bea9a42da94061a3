"""Checks of documentation pages and cookies: the decisions that their examples do not show."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines


def docs(text: str, **files: str) -> list[int]:
    given = {"app/main.py": f"from fastapi import FastAPI\n{text}", **files}
    return lines(ask("docs-disabled-in-production", given))


@pytest.mark.parametrize(
    "text",
    [
        "from app.config import s\napp = FastAPI(docs_url=s.docs, redoc_url=s.docs)\n",
        "from app.config import s\napp = FastAPI(openapi_url='/o.json' if s.debug else None)\n",
        "from app.config import s\napp = FastAPI(**s.fastapi_options)\n",
        (
            "from app.config import s\nkw = {}"
            "\nif s.prod:\n    kw['docs_url'] = kw['redoc_url'] = 0\n"
            "app = FastAPI(**kw)\n"
        ),
        (
            "from app.config import s\nURL = None\nif s.debug:\n    URL = '/docs'\n"
            "app = FastAPI(docs_url=URL, redoc_url=URL)\n"
        ),
        (
            "from app.config import s\nif s.debug:\n    app = FastAPI()\nelse:\n"
            "    app = FastAPI(docs_url=None, redoc_url=None)\n"
        ),
    ],
)
def test_documentation_that_depends_on_a_setting_passes_however_that_is_written(text: str) -> None:
    assert docs(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "app = FastAPI(docs_url=None, redoc_url=None)\n",
        "from app.config import s\napp = FastAPI(docs_url='/d' if s.debug else None)\n",
        "from app.config import s\napp = FastAPI(docs_url=f'{s.api}/d', redoc_url=f'{s.api}/r')\n",
        "KW = {'title': 'x'}\napp = FastAPI(**KW)\n",
    ],
)
def test_documentation_that_is_always_or_never_shown_fails(text: str) -> None:
    assert len(docs(text)) == 1


def test_documentation_behind_a_handler_that_asks_for_a_login_is_accepted() -> None:
    text = (
        "from fastapi import Depends\n"
        "from fastapi.openapi.docs import get_swagger_ui_html\n"
        "from fastapi.security import HTTPBasic\n"
        "app = FastAPI(docs_url=None, redoc_url=None)\n"
        "@app.get('/docs')\n"
        "def page(who=Depends(HTTPBasic())):\n"
        "    return get_swagger_ui_html(openapi_url='/o.json', title='x')\n"
    )
    assert docs(text) == []
    assert docs(text.replace("who=Depends(HTTPBasic())", "")) == [5]


def cookies(arguments: str, before: str = "") -> list[int]:
    text = f"{before}def f(response, v, settings):\n    response.set_cookie({arguments})\n"
    return lines(ask("cookie-flags", {"app/a.py": text}))


@pytest.mark.parametrize(
    "arguments",
    [
        "'s', v, httponly=True, secure=settings.cookie_secure, samesite='Strict'",
        "'s', v, httponly=True, secure=not settings.debug, samesite=settings.same",
        "'s', v, httponly=True, secure=True, samesite='none'",
        "'csrf_token', v, secure=True, samesite='lax'",
        "'theme', v, secure=True, samesite='lax'",
        "'s', v, **FLAGS",
        "'s', v, 60, None, '/', None, True, True, 'lax'",
    ],
)
def test_a_cookie_with_its_flags_passes(arguments: str) -> None:
    flags = "FLAGS = {'httponly': True, 'secure': True, 'samesite': 'lax'}\n"
    assert cookies(arguments, flags) == []


@pytest.mark.parametrize(
    "arguments",
    [
        "'s', v, httponly=True, secure=False, samesite='lax'",
        "'s', v, httponly=True, secure=True",
        "'s', v, httponly=True, samesite='none'",
        "'s', v, **FLAGS",
        "'s', v, httponly=True, secure=SECURE, samesite='lax'",
    ],
)
def test_a_cookie_without_one_of_its_flags_fails(arguments: str) -> None:
    before = "SECURE = False\nFLAGS = {'httponly': True, 'secure': True}\n"
    assert cookies(arguments, before) == [4]


def test_a_function_of_our_own_that_sets_cookies_is_judged_inside() -> None:
    text = (
        "class Jar:\n"
        "    def set_cookie(self, response, v):\n"
        "        response.set_cookie('s', v, httponly=True, secure=True, samesite='lax')\n"
        "def f(response):\n"
        "    Jar().set_cookie(response, 'v')\n"
        "    response.delete_cookie('s')\n"
    )
    outcome = ask("cookie-flags", {"app/a.py": text})
    assert outcome.sites == 1
    assert not outcome.observations


def test_a_session_cookie_needs_https_only() -> None:
    text = (
        "from fastapi import FastAPI\n"
        "from starlette.middleware.sessions import SessionMiddleware\n"
        "app = FastAPI()\n"
        "app.add_middleware(SessionMiddleware, secret_key='k'{})\n"
    )
    assert lines(ask("cookie-flags", {"app/main.py": text.format("")})) == [4]
    assert lines(ask("cookie-flags", {"app/main.py": text.format(", https_only=True")})) == []
