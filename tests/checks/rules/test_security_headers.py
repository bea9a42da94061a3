"""Check of security headers: where they may be set."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

NAME = "X-Frame-Options"
APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def missing(text: str, **files: str) -> int:
    given = {"app/main.py": APP + text} | {name.replace("__", "."): f for name, f in files.items()}
    return len(ask_read("security-headers", given, headers=[NAME]).observations)


@pytest.mark.parametrize(
    "text",
    [
        (
            "class Headers:\n    NAMES = [(b'x-frame-options', b'DENY')]\n"
            "    def __init__(self, app):\n        self.app = app\n"
            "    async def __call__(self, scope, receive, send):\n"
            "        async def sending(message):\n            await send(message)\n"
            "        await self.app(scope, receive, sending)\n"
            "app.add_middleware(Headers)\n"
        ),
        (
            "async def headers(request, call_next):\n"
            "    response = await call_next(request)\n"
            "    response.headers['x-frame-options'] = 'DENY'\n    return response\n"
            "app.middleware('http')(headers)\n"
        ),
        (
            "from starlette.middleware.base import BaseHTTPMiddleware\n"
            "def put(response):\n    response.headers['X-FRAME-OPTIONS'] = 'DENY'\n"
            "async def headers(request, call_next):\n"
            "    response = await call_next(request)\n    put(response)\n    return response\n"
            "app.add_middleware(BaseHTTPMiddleware, dispatch=headers)\n"
        ),
        (
            "@app.middleware('http')\nasync def csp(request, call_next):\n"
            "    response = await call_next(request)\n"
            "    response.headers['Content-Security-Policy'] = \"frame-ancestors 'none'\"\n"
            "    return response\n"
        ),
        "import secure\nheaders = secure.Secure.with_default_headers()\n",
    ],
)
def test_a_middleware_that_sets_the_header_is_found(text: str) -> None:
    assert missing(text) == 0


def test_a_header_of_one_handler_does_not_cover_all() -> None:
    handler = "@app.get('/')\ndef f(response):\n    response.headers['X-Frame-Options'] = 'DENY'\n"
    assert missing(handler) == 1


def test_a_proxy_in_front_covers_all_and_a_server_of_files_does_not() -> None:
    header = "server {\n  add_header X-Frame-Options DENY;\n"
    assert missing("", nginx__conf=header + "  proxy_pass http://api;\n}\n") == 0
    assert missing("", nginx__conf=header + "  root /srv;\n}\n") == 1
    hidden = header.replace("add_header", "# add_header")
    assert missing("", nginx__conf=hidden + "  proxy_pass http://api;\n}\n") == 1
