"""Constants and classes of plain data: what is none of them."""

from __future__ import annotations

from tests.checks.projects import ask, lines


def test_only_names_bound_once_to_a_literal_are_constants() -> None:
    code = """from typing import ClassVar, Final, TypeAlias

__version__ = "1.0"
revision = "abc"
limit = -3
sizes = (1, (2, 3))
names = frozenset({"a", "b"})
_hidden = b"x"
state = ["a"]
flag = True
nothing = None
total = 0
total += 1
counter = 0
alias: TypeAlias = "int"
first, second = 1, 2
for item in (1, 2):
    last = 3


def count() -> None:
    global counter
    counter = 1
    local = 5


class Shelf:
    width = 1
    depth: Final = 2
    height: ClassVar[int] = 3
    HEAD: ClassVar[str] = "x"
"""
    assert lines(ask("upper-case-constants", {"app/a.py": code})) == [5, 6, 7, 8, 29, 30]


def test_names_of_a_server_configuration_are_fixed() -> None:
    files = {"app/gunicorn_conf.py": "workers = 3\n", "app/b.py": "import app.gunicorn_conf\n"}
    assert lines(ask("upper-case-constants", files)) == []


PLAIN = """class {name}({base}):
    def __init__(self, x: int, y: int = {default}) -> None:
        self.x = x
        self.y = y
"""


def plain(code: str, **params: object) -> list[int]:
    """Lines of ``plain-data-class`` in one module."""
    head = "from fastapi import Query\nfrom threading import Thread\n"
    return [
        line - 2 for line in lines(ask("plain-data-class", {"app/a.py": head + code}, **params))
    ]


def test_a_class_that_only_keeps_its_arguments_is_plain_data() -> None:
    code = PLAIN.format(name="A", base="object", default=1)
    assert plain(code) == [1]
    assert plain(code, min_fields=3) == []


def test_errors_dependencies_and_classes_that_do_something_are_no_plain_data() -> None:
    assert plain(PLAIN.format(name="A", base="Exception", default=1)) == []
    assert plain(PLAIN.format(name="A", base="Thread", default=1)) == []
    assert plain(PLAIN.format(name="A", base="", default="Query(1)")) == []
    code = PLAIN.format(name="A", base="", default=1)
    assert plain(f"{code}        self.z = x + y\n") == []
    assert plain(f"{code}        print(x)\n") == []
    assert plain(f"{code}\n    def area(self) -> int:\n        return self.x * self.y\n") == []
    assert plain(code.replace("    def", '    __slots__ = ("x", "y")\n\n    def', 1)) == []
