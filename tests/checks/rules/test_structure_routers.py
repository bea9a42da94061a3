"""Traps of the check that asks for one router per resource."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = "from fastapi import APIRouter, FastAPI\nrouter = APIRouter()\napp = FastAPI()\n"


def routes(*paths: str, on: str = "router", tail: str = "app.include_router(router)\n") -> str:
    """A module with one handler per path; the first stands in line 5."""
    handlers = (f"@{on}.get('{path}')\ndef h{n}(): ...\n" for n, path in enumerate(paths))
    return HEAD + "".join(handlers) + tail


@pytest.mark.parametrize(
    "paths",
    [
        ["/login", "/logout", "/me", "/password-reset"],
        ["/users", "/users/{id}/posts"],
        ["/posts/{id}", "/users/{id}/posts"],
        ["/user/{id}", "/users"],
        ["/users", "/health"],
        ["/{id}", "/users"],
    ],
)
def test_one_resource_may_have_many_paths(paths: list[str]) -> None:
    assert lines(ask("router-per-resource", {"app.py": routes(*paths)})) == []


def test_the_first_handler_of_a_second_resource_is_found() -> None:
    outcome = ask("router-per-resource", {"app.py": routes("/users", "/users/{id}", "/orders")})
    assert lines(outcome) == [9]


def test_the_words_after_the_version_count_and_may_stand_in_include_router() -> None:
    tail = "app.include_router(router, prefix='/api/v1/api')\n"
    outcome = ask("router-per-resource", {"app.py": routes("/list", "/get", tail=tail)})
    assert lines(outcome) == []


def test_probes_may_sit_on_the_application_and_limits_may_allow_more() -> None:
    files = {"app.py": routes("/", "/health/db", "/users", on="app")}
    assert lines(ask("router-per-resource", files)) == [9]
    assert lines(ask("router-per-resource", files, max_app_routes=1)) == []
