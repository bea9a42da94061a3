"""Traps of the check that answers have one structure."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from typing import Generic, TypeVar\n"
    "from fastapi import APIRouter\n"
    "from fastapi.responses import FileResponse, JSONResponse, RedirectResponse\n"
    "from fastapi_pagination import Page\n"
    "from pydantic import BaseModel\n"
    "T = TypeVar('T')\n"
    "class Item(BaseModel):\n    id: int\n"
    "class Envelope(BaseModel, Generic[T]):\n    data: T\n"
    "class Items(BaseModel):\n    items: list[Item]\n    total: int\n"
    "class Token(BaseModel):\n    access_token: str\n"
    "def made() -> Item: ...\n"
    "router = APIRouter()\n"
)
LINE = HEAD.count("\n") + 2


def handlers(*ends: str, path: str = "") -> dict[str, str]:
    """Handlers of two lines each; three bare items before the ones that are given."""
    ends = (") -> Item: ...", ") -> Item: ...", ") -> Item: ...", *ends)
    text = "".join(
        f"@router.get('/items/{n}{path if n > 2 else ''}')\ndef item_{n}({end}\n"
        for n, end in enumerate(ends)
    )
    return {"items.py": HEAD + text}


@pytest.mark.parametrize(
    "end",
    [
        ") -> Envelope[Item]: ...",
        ") -> dict[str, int]: ...",
        ") -> int: ...",
        "): return {'id': 1}",
        "): return JSONResponse({'id': 1})",
        "): return JSONResponse(content={'id': 1})",
    ],
)
def test_an_answer_of_another_structure_is_found(end: str) -> None:
    outcome = ask("response-envelope", handlers(end))
    assert (outcome.sites, lines(outcome)) == (4, [LINE + 6])


@pytest.mark.parametrize(
    "end",
    [
        ") -> Item | None: ...",
        "): return Item(id=1)",
        "): return made()",
    ],
)
def test_an_answer_of_the_same_structure_holds(end: str) -> None:
    outcome = ask("response-envelope", handlers(end))
    assert (outcome.sites, lines(outcome)) == (4, [])


@pytest.mark.parametrize(
    "end",
    [
        ") -> FileResponse: ...",
        "): return RedirectResponse('/')",
        ") -> None: ...",
        ") -> Token: ...",
        "): return unknown()",
    ],
)
def test_answers_without_a_structure_of_their_own_are_no_sites(end: str) -> None:
    assert ask("response-envelope", handlers(end)).sites == 3


def test_lists_are_classed_apart_from_items() -> None:
    paged = handlers(") -> Items: ...", ") -> Page[Item]: ...", ") -> Envelope[list[Item]]: ...")
    outcome = ask("response-envelope", paged)
    assert (outcome.sites, lines(outcome)) == (6, [])
    own = handlers(") -> Items: ...", ") -> OwnPage[Item]: ...")
    own["items.py"] = own["items.py"].replace("def made(", "class OwnPage(Page[T]): ...\ndef made(")
    assert lines(ask("response-envelope", own)) == []
    mixed = handlers(") -> Items: ...", ") -> Page[Item]: ...", ") -> list[Item]: ...")
    assert lines(ask("response-envelope", mixed)) == [LINE + 10]


def test_what_has_an_id_is_a_bare_item_whatever_its_fields_are_called() -> None:
    files = handlers(") -> Job: ...")
    files["items.py"] = files["items.py"].replace(
        "def made(", "class Job(BaseModel):\n    id: int\n    result: str\ndef made("
    )
    assert lines(ask("response-envelope", files)) == []


def test_a_return_that_is_never_reached_is_no_other_answer() -> None:
    files = handlers("):\n    return {'id': 1}\n    return True")
    assert lines(ask("response-envelope", files)) == [LINE + 6]


def test_token_and_infrastructure_endpoints_are_no_sites() -> None:
    for path in ("/token", "/health"):
        assert ask("response-envelope", handlers("): return {'a': 1}", path=path)).sites == 3


def test_two_answers_make_no_convention() -> None:
    files = {"items.py": "\n".join(handlers()["items.py"].split("\n")[:-3])}
    assert ask("response-envelope", files).state == "not-applicable"
