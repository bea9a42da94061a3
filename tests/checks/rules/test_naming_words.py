"""Descriptive names: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

HEAD = """import json, re
from typing import TypeVar
from enum import Enum
from pydantic import BaseModel
from sqlalchemy.orm import Mapped
class Base:
    def run(self, x): ...
"""


def named(code: str, rule: str) -> list[str]:
    outcome = ask("descriptive-names", {"app/a.py": HEAD + code}, rules=[rule])
    first = HEAD.count("\n")
    return [each.anchor.split()[1] for each in outcome.observations if each.line > first]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f1(rows):\n    for r in rows:\n        pass\n    return [a for a in rows]", []),
        ("def total(rows):\n    q = rows\n    q = 2\n    return q", ["q"]),
        ("T = TypeVar('T')", []),
        ("key = sorted([], key=lambda v: v)", []),
        ("try:\n    pass\nexcept OSError as e:\n    pass", []),
        ("with open('a') as f, open('b') as g:\n    pass", ["g"]),
        ("def area(x: float, y: int):\n    n = 2\n    k = x * y\n    return n", []),
        ("def add(x, y):\n    return x + y", []),
        ("def show(x):\n    return str(x)", ["x"]),
        ("_ = 1\n_c = 2", []),
        ("a, b = 'a b'.split()", ["a", "b"]),
        ("class Point(BaseModel):\n    n: str", []),
        ("class Grade(Enum):\n    A = 'a'", []),
        ("class Son(Base):\n    def run(self, x): ...", []),
        ("def show(e: ValueError): ...", []),
        ("class Mine:\n    def __eq__(self, o): ...", []),
        ("def read():\n    if m := re.match('a', 'b'):\n        return m", ["m"]),
        ("class Mine:\n    def __init__(self):\n        self.s = ''", ["s"]),
    ],
)
def test_single_letters_stand_where_custom_allows_them(code: str, found: list[str]) -> None:
    assert named(code, "single-letter") == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("data2 = 1\ntmp_1 = 2\ndata = 3\nuser2 = 4", ["data2", "tmp_1"]),
        ("usr_name = 1\nuserMgr = 2\ncalculate = 3", ["usr_name", "userMgr"]),
        ("def show(obj, template): ...", ["obj"]),
        ("class Encoder(json.JSONEncoder):\n    def default(self, obj): ...", []),
        ("def process_data(): ...", ["process_data"]),
        ("for thing in []:\n    pass\nfor row in []:\n    pass", ["thing"]),
        ("found = [obj.name for obj in []]\nfor key, (tmp, _) in []:\n    pass", ["obj", "tmp"]),
    ],
)
def test_vague_words_are_whole_names_and_abbreviations_are_words(
    code: str, found: list[str]
) -> None:
    assert named(code, "vague") == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def has_key(name) -> bool: ...\ndef exists() -> bool: ...", []),
        ("def check() -> bool: ...\ndef contains(a) -> bool: ...", ["check"]),
        ("isOpen = a == b\nready = a == b\nopen_now = not a", ["ready", "open_now"]),
        (
            "class A(BaseModel):\n    active: bool\n    mail_enabled: bool\n    frozen: bool",
            ["frozen"],
        ),
        ("def read(active: bool = True, is_open: bool | None = None): ...", ["active"]),
        ("class A:\n    def __bool__(self) -> bool: ...", []),
        ("class A(BaseModel):\n    class Config:\n        orm_mode = True", []),
        ("DEBUG = False\nTESTING = False", ["TESTING"]),
        ("class A:\n    done: Mapped[bool]", ["done"]),
    ],
)
def test_truth_values_begin_with_a_verb(code: str, found: list[str]) -> None:
    assert named(code, "boolean-prefix") == found
