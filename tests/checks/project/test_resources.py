"""What stays open, and what holds it."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed

IMPORTS = "import redis\nimport httpx\nfrom functools import lru_cache\n"


def held(text: str) -> list[tuple[str, str]]:
    """Kind and name of the resources of a module."""
    made = parsed({"app/a.py": IMPORTS + text}).resources.all
    return [(each.kind, each.key.removeprefix("app.a.")) for each in made]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("r = redis.Redis()\n", [("redis client", "r")]),
        ("def f():\n    return redis.Redis()\n", []),
        ("@lru_cache\ndef f():\n    return redis.Redis()\n", [("redis client", "f")]),
        ("c = None\ndef f():\n    global c\n    c = httpx.Client()\n", [("HTTP client", "c")]),
        ("def f(app):\n    app.state.c = httpx.Client()\n", [("HTTP client", "state.c")]),
        ("def f():\n    with httpx.Client() as c: ...\n", []),
        ("class R(redis.Redis): ...\nr = R()\n", [("redis client", "r")]),
        ("def make():\n    return 1, redis.Redis()\na, b = make()\n", [("redis client", "b")]),
        ("class A:\n    def __init__(self):\n        self.c = httpx.Client()\na = A()\n",
         [("HTTP client", "A.c")]),
        (("class A:\n    def __init__(self):\n        self.c = httpx.Client()\n"
         "def f():\n    A()\n"), []),
    ],
)  # fmt: skip
def test_a_resource_is_what_outlives_the_function_that_makes_it(
    text: str, found: list[tuple[str, str]]
) -> None:
    assert held(text) == found


def test_a_context_manager_of_an_application_is_a_lifespan_whatever_its_name() -> None:
    text = (
        "from contextlib import asynccontextmanager\nfrom fastapi import FastAPI\n"
        "@asynccontextmanager\nasync def around(app: FastAPI):\n    yield\n"
        "@asynccontextmanager\nasync def other(name: str):\n    yield\n"
    )
    found = parsed({"app/a.py": text}).lifetimes.lifespans
    assert [function.name for function in found] == ["around"]
