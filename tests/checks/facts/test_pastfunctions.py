"""Functions of one version of a file."""

from __future__ import annotations

import pytest

from checks.facts.pastfunctions import documented, shapes

TEXT = b'''
class A:
    def first(self, day: "int | None", *rest: x.Row[y]) -> int:
        """Say.
        """
        total = day + 1
        return total

    if True:
        async def second(): ...


def A(): "Twice."
def A(): pass
'''


def test_functions_have_their_docstrings_and_the_names_of_their_hints() -> None:
    found = {(each.name, each.docstring): each for each in documented(TEXT)}
    assert set(found) == {("A.first", "Say."), ("A.second", ""), ("A", "Twice."), ("A", "")}
    first = found["A.first", "Say."]
    assert first.line == 3
    hints = {each.name: each.hint and set(each.hint) for each in first.params}
    assert hints == {"self": None, "day": (), "rest": {"x", "Row", "y"}}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ((b"total", b"result"), True),
        ((b"day", b"age"), True),
        ((b'"""Say.\n        """', b'"""Other."""'), True),
        ((b"+ 1", b"+ 2"), False),
        ((b"+ 1", b"+ True"), False),
        ((b"return total", b"return None"), False),
    ],
)
def test_bodies_are_the_same_whatever_their_own_names_are(
    change: tuple[bytes, bytes], same: bool
) -> None:
    before, after = dict(shapes(TEXT)), dict(shapes(TEXT.replace(*change)))
    assert (before["A.first"] == after["A.first"]) is same
    assert before["A.second"] == after["A.second"]


@pytest.mark.parametrize("data", [b"def f(:\n", b"\0", b"", "x = 1".encode("utf-16")])
def test_what_is_no_python_has_no_functions(data: bytes) -> None:
    assert documented(data) == []
    assert shapes(data) == []
