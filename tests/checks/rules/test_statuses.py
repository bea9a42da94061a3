"""Status codes as numbers, where the definition looks for them and where not."""

from __future__ import annotations

from tests.checks.projects import ask, lines

HEAD = "from http import HTTPStatus\n\nfrom fastapi import APIRouter, HTTPException, Response\n\n"


def numbers(code: str, **params: object) -> list[int]:
    """Lines of ``status-constants`` below the imports, counted from the first of ``code``."""
    found = lines(ask("status-constants", {"app/a.py": HEAD + code}, **params))
    return [line - HEAD.count("\n") for line in found]


def test_a_status_is_found_where_it_stands() -> None:
    code = """router = APIRouter()


@router.get(
    "/a",
    status_code=200,
    responses={404: {}},
)
def a(flag: bool):
    if flag:
        raise HTTPException(
            403,
            "no",
        )
    return Response(None, 204)
"""
    assert numbers(code) == [6, 12, 15]


def test_a_variable_is_judged_where_it_gets_its_value() -> None:
    code = """def a(known: int):
    status = 409
    if known:
        raise HTTPException(status_code=known)
    raise HTTPException(status_code=status)
"""
    assert numbers(code) == [2]


def test_members_of_http_status_are_accepted_unless_a_standard_says_otherwise() -> None:
    code = "def a():\n    raise HTTPException(HTTPStatus.CONFLICT)\n"
    assert numbers(code) == []
    assert numbers(code, accept_http_status=False) == [2]
