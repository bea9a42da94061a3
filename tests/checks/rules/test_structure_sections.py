"""Traps of the check that asks for the order of sections."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines


@pytest.mark.parametrize(
    "text",
    [
        "def f(): return 1\nLIMIT = f()\nTWICE = LIMIT * 2\n",
        "import re\nlogger = 1\nLOGGER = __import__('logging').x\n__all__ = []\n",
        "X = 1\nif X:\n    import os\ntry:\n    import a\nexcept ImportError:\n    a = 1\n",
        (
            "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef f(): ...\n"
            "@app.exception_handler(404)\ndef g(): ...\n"
        ),
        "from fastapi import APIRouter as R\nrouter = R()\nX = 1\n@router.get('/')\ndef f(): ...\n",
        (
            "from pydantic import BaseModel\ndef encode(): ...\nclass S(BaseModel):\n"
            "    class Config:\n        json_encoders = {int: encode}\n"
        ),
        (
            "from sqlalchemy.orm import DeclarativeBase\ndef f(): ...\n"
            "class Base(DeclarativeBase): ...\n"
        ),
        "from typing import TypeVar\nclass A: ...\nT = TypeVar('T')\nIDS = dict[str, A]\n",
    ],
)
def test_what_needs_its_place_or_has_no_section_is_in_order(text: str) -> None:
    assert lines(ask("module-section-order", {"app.py": text})) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def f(): ...\nimport re\n", 2),
        ("import re\ndef f(): ...\nLIMIT = 1\nimport os\n", 3),
        ("from pydantic import BaseModel\ndef f(): ...\nclass S(BaseModel): ...\n", 3),
        (("from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/')\ndef f(): ...\n"
         "def helper(): ...\n"), 5),
        ("from fastapi import FastAPI\napp = FastAPI()\ndef helper(): ...\n", 3),
        (("from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...\n"
          "LIMIT = 1\n"), 3),
    ],
)  # fmt: skip
def test_the_first_statement_out_of_order_is_found(text: str, line: int) -> None:
    assert lines(ask("module-section-order", {"app.py": text})) == [line]


def test_another_order_may_be_asked_for() -> None:
    text = "import re\ndef f(): ...\nLIMIT = 1\n"
    order = ["imports", "utilities", "constants"]
    assert lines(ask("module-section-order", {"app.py": text}, order=order)) == []
