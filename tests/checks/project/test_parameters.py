"""Where the parameters of handlers are taken from."""

from __future__ import annotations

import pytest

from checks.project.parameters import Slot
from tests.checks.projects import parsed

HEAD = (
    "from typing import Annotated, Optional\n"
    "from dataclasses import dataclass\n"
    "from enum import Enum\n"
    "from fastapi import APIRouter, Body, Cookie, Depends, Form, Header, Path, Query, Request\n"
    "from fastapi import UploadFile\n"
    "from pydantic import BaseModel\n"
    "class Item(BaseModel):\n    name: str\n"
    "class Kind(Enum):\n    A = 'a'\n"
    "@dataclass\nclass Page:\n    limit: int = 10\n"
    "def paging(offset: int = 0, page: Page = Depends()): ...\n"
    "Paging = Annotated[dict, Depends(paging)]\n"
    "Name = Annotated[str, Query(max_length=3)]\n"
    "router = APIRouter(prefix='/items/{item_id}')\n"
)


def slots(signature: str) -> list[Slot]:
    """The parameters of one handler."""
    files = {"items.py": f"{HEAD}@router.post('/x')\ndef handler({signature}): ...\n"}
    project = parsed(files)
    return project.parameters.of(project.routes.handlers[0])


@pytest.mark.parametrize(
    ("signature", "kind"),
    [
        ("item_id: int", "path"),
        ("limit: int = 3", "query"),
        ("kind: Kind | None = None", "query"),
        ("name: Name", "query"),
        ("name: Optional[Name] = None", "query"),
        ("item: Item", "body"),
        ("items: list[Item]", "body"),
        ("name: str = Body()", "body"),
        ("name: Annotated[str, Header()]", "header"),
        ("name: str = Cookie(None)", "cookie"),
        ("name: str = Form()", "form"),
        ("file: UploadFile", "form"),
        ("names: list[str] = Query()", "query"),
        ("item: Annotated[Item, Query()]", "query"),
        ("request: Request", "framework"),
        ("paging: Paging", "provided"),
    ],
)
def test_a_parameter_is_taken_from_where_fastapi_takes_it(signature: str, kind: str) -> None:
    assert slots(signature)[0].kind == kind


def test_providers_are_opened_to_the_bottom() -> None:
    found = {each.name: (each.kind, each.direct) for each in slots("paging: Paging")}
    assert found == {
        "paging": ("provided", True),
        "offset": ("query", False),
        "page": ("provided", False),
        "limit": ("query", False),
    }


@pytest.mark.parametrize(
    ("signature", "required"),
    [
        ("a: int", True),
        ("a: int = Query(...)", True),
        ("a: int = Query()", True),
        ("a: int = Query(3)", False),
        ("a: int = 3", False),
        ("a: Annotated[int, Query()] = 3", False),
    ],
)
def test_a_parameter_without_a_default_is_required(signature: str, required: bool) -> None:
    assert slots(signature)[0].is_required is required
