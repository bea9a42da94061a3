"""Traps of the check that asks for middleware."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

HEAD = "import asyncio, logging\nfrom fastapi import FastAPI\nlog = logging.getLogger()\n"
APP = f"{HEAD}app = FastAPI()\n"
HTTP = f"{APP}@app.middleware('http')\nasync def around(request, call_next):\n"


def missing(kind: str, files: dict[str, str], **params: object) -> list[int]:
    return lines(ask_read("app-middleware", dict(files), kinds=[kind], **params))


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("cors", "    r = await call_next(request)\n    return r\n", [4]),
        ("cors", "    r.headers['Access-Control-Allow-Origin'] = 'x'\n", []),
        ("request-timeout", "    return await asyncio.wait_for(call_next(request), 30)\n", []),
        ("request-size-limit", "    n = request.headers.get('content-length')\n", []),
        ("request-logging", "    log.info('seen')\n", []),
        ("request-logging", "    try:\n        x()\n    except E:\n        log.error('x')\n", [4]),
    ],
)
def test_a_middleware_is_known_by_what_its_body_does(
    kind: str, body: str, found: list[int]
) -> None:
    assert missing(kind, {"app/main.py": HTTP + body}) == found


def test_a_middleware_may_be_registered_by_a_function_of_another_module() -> None:
    files = {
        "app/main.py": f"{HEAD}from app.setup import setup\napp = FastAPI()\nsetup(app)\n",
        "app/setup.py": (
            "from starlette.middleware.cors import CORSMiddleware as C\n"
            "def setup(app):\n    if settings.cors:\n        app.add_middleware(C)\n"
        ),
    }
    assert missing("cors", files) == []


@pytest.mark.parametrize(
    ("path", "text", "kind", "found"),
    [
        ("nginx.conf", "location / { proxy_pass http://a; gzip on; }", "gzip", []),
        ("nginx.conf", "location / { proxy_pass http://a;\n# gzip on;\n}", "gzip", [4]),
        ("frontend/nginx.conf", "gzip on; root /html;", "gzip", [4]),
        ("start.sh", "gunicorn --timeout 30 app.main:app\n", "request-timeout", []),
        ("start.sh", "uvicorn --timeout-keep-alive 30 app.main:app\n", "request-timeout", [4]),
        (
            "k8s/ingress.yaml",
            "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-body-size: 5m\n",
            "request-size-limit",
            [],
        ),
    ],
)
def test_a_committed_proxy_may_do_it_instead(
    path: str, text: str, kind: str, found: list[int]
) -> None:
    assert missing(kind, {"app/main.py": APP, path: text}) == found


def test_csrf_is_asked_only_where_cookies_authenticate() -> None:
    cookie = f"{APP}def login(response):\n    response.set_cookie('s', 'x')\n"
    assert missing("csrf", {"app/main.py": APP}) == []
    assert missing("csrf", {"app/main.py": cookie}) == [4]


def test_the_time_is_compared_where_one_is_asked_for() -> None:
    text = f"{HTTP}    async with asyncio.timeout(60):\n        return await call_next(request)\n"
    files = {"app/main.py": text}
    assert missing("request-timeout", files, timeout_seconds=60) == []
    assert missing("request-timeout", files, timeout_seconds=30) == [5]
