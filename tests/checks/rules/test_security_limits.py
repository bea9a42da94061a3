"""Checks of rate limits: what limits, and which endpoints are public."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

APP = (
    "from fastapi import Depends, FastAPI, HTTPException, Request\n"
    "from slowapi import Limiter\n"
    "from slowapi.util import get_remote_address\n"
    "app = FastAPI()\n"
)
ROUTE = "@app.get('/users')\ndef users(request: Request):\n    return 1\n"
FOUR = "raise HTTPException(status_code=429)"


def limited(text: str, aspect: str = "enabled", **files: str) -> int:
    given = {"app/main.py": APP + text} | {n.replace("__", "."): f for n, f in files.items()}
    return len(ask_read("rate-limiting", given, aspects=[aspect]).observations)


@pytest.mark.parametrize(
    "text",
    [
        "app.state.limiter = Limiter(key_func=get_remote_address)\n" + ROUTE,
        f"@app.middleware('http')\nasync def guard(request, call_next):\n    {FOUR}\n" + ROUTE,
        f"def guard():\n    {FOUR}\n"
        + ROUTE.replace("'/users'", "'/u', dependencies=[Depends(guard)]"),
        "from fastapi_limiter import FastAPILimiter\n" + ROUTE,
    ],
)
def test_a_limiter_that_is_attached_limits(text: str) -> None:
    assert limited(text) == 0


def test_a_limiter_that_is_only_constructed_does_not_limit() -> None:
    assert limited("limiter = Limiter(key_func=get_remote_address)\n" + ROUTE) == 1


def test_a_proxy_in_front_limits() -> None:
    text = "server {\n  limit_req zone=one;\n  proxy_pass http://api;\n}\n"
    assert limited(ROUTE, nginx__conf=text) == 0


MADE = "limiter = Limiter({})\napp.state.limiter = limiter\n" + ROUTE


@pytest.mark.parametrize(
    ("aspect", "arguments", "expected"),
    [
        ("keyed", "key_func=get_remote_address", 0),
        ("keyed", "key_func=lambda: 'all'", 1),
        ("keyed", "", 1),
        ("retry-after", "key_func=get_remote_address, headers_enabled=True", 0),
        ("retry-after", "key_func=get_remote_address", 1),
        ("status-429", "key_func=get_remote_address", 0),
        ("shared-storage", "storage_uri='memory://'", 1),
        ("shared-storage", "storage_uri=settings.redis_url", 0),
    ],
)
def test_each_aspect_is_judged_where_the_limiter_is_made(
    aspect: str, arguments: str, expected: int
) -> None:
    assert limited(MADE.format(arguments), aspect) == expected


def test_a_handler_that_answers_otherwise_than_429_fails() -> None:
    text = MADE.format("key_func=get_remote_address") + (
        "from fastapi.responses import JSONResponse\nfrom slowapi.errors import RateLimitExceeded\n"
        "@app.exception_handler(RateLimitExceeded)\n"
        "def f(request, exc):\n    return JSONResponse({{}}, status_code={})\n"
    )
    assert limited(text.replace("{{}}", "{}").replace("={}", "=503"), "status-429") == 1
    assert limited(text.replace("{{}}", "{}").replace("={}", "=429"), "status-429") == 0


HEAD = APP + "limiter = Limiter(key_func=get_remote_address)\n"
GUARD = (
    "from fastapi.security import HTTPBearer\n"
    "@app.get('/me')\ndef me(token=Depends(HTTPBearer())):\n    return 1\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ROUTE, [7]),
        (ROUTE.replace("def users", "@limiter.limit('5/minute')\ndef users"), []),
        ("@limiter.limit('5/minute')\n" + ROUTE, [8]),
        (ROUTE.replace("def users", "@limiter.exempt\ndef users"), []),
        (ROUTE.replace("/users", "/healthz"), []),
        (GUARD, []),
        ("def throttle(f):\n    return limiter.limit('1/s')(f)\n"
         + ROUTE.replace("def users", "@throttle\ndef users"), []),
        ("def guard():\n    " + FOUR + "\n"
         + ROUTE.replace("request: Request", "g=Depends(guard)"), []),
    ],
)  # fmt: skip
def test_public_endpoints_need_a_limit_below_their_route(text: str, expected: list[int]) -> None:
    assert lines(ask_read("rate-limit-per-endpoint", {"app/main.py": HEAD + text})) == expected


def test_one_limited_endpoint_is_enough_where_any_will_do() -> None:
    found = ask_read("rate-limit-per-endpoint", {"app/main.py": HEAD + ROUTE}, scope="any")
    assert lines(found) == [7]
    text = HEAD + ROUTE + ROUTE.replace("def users", "@limiter.limit('5/minute')\ndef more")
    assert lines(ask_read("rate-limit-per-endpoint", {"app/main.py": text}, scope="any")) == []


@pytest.mark.parametrize("name", ["site.conf.template", "edge.conf.j2"])
def test_a_template_of_a_proxy_that_limits_counts_as_the_proxy(name: str) -> None:
    conf = "location / {\n  limit_req zone=api;\n  proxy_pass http://app;\n}\n"
    files = {"app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n" + ROUTE}
    assert ask_read("rate-limiting", files | {f"proxy/{name}": conf}).observations == ()
    assert len(ask_read("rate-limiting", files).observations) == 1
