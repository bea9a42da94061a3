"""Traps of the check of hints that deserve a name."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

CHECK = "type-alias-for-complex-hints"
HEAD = """from collections.abc import Awaitable, Callable
from typing import Annotated, Dict, List, Literal, Optional, ParamSpec, TypeAlias, TypeVar
from fastapi import Depends
P = ParamSpec("P")
R = TypeVar("R")
"""


def twice(hint: str, other: str = "") -> list[int]:
    """Lines of the findings for a hint that is written on the first and the second line."""
    code = f"def f(a: {hint}) -> None: ...\ndef g(b: {other or hint}) -> None: ...\n"
    found = lines(ask(CHECK, {"app/a.py": HEAD + code}))
    return [line - HEAD.count("\n") for line in found]


@pytest.mark.parametrize("hint", ["list[dict[str, int]]", "dict[str, list[int | None]] | None"])
def test_the_second_use_is_found(hint: str) -> None:
    assert twice(hint) == [2]


@pytest.mark.parametrize(
    "other",
    ["List[Dict[str, int]]", "list[ dict[ str,int ] ]", "'list[dict[str, int]]'",
     "Annotated[list[dict[str, int]], Depends(g)]"],
)  # fmt: skip
def test_spellings_of_one_hint_are_the_same(other: str) -> None:
    assert twice("list[dict[str, int]]", other) == [2]
    assert twice("list[dict[str, int]]", "list[dict[str, str]]") == []


@pytest.mark.parametrize(
    "hint",
    [
        "list[int]",
        "Optional[list[int]]",
        "Annotated[list[int], Depends(g)]",
        "list[Literal['a']]",
        "list[Annotated[int, Depends[int]]]",
        "Callable[P, Awaitable[R]]",
        "Callable[..., Awaitable[R]]",
    ],
)
def test_qualifiers_and_plumbing_are_no_nesting(hint: str) -> None:
    assert twice(hint) == []


def test_definitions_of_aliases_are_no_uses() -> None:
    code = "Index: TypeAlias = dict[str, list[int]]\ntype Other = dict[str, list[int]]\n"
    assert lines(ask(CHECK, {"app/a.py": HEAD + code})) == []
    assert len(lines(ask(CHECK, {"app/a.py": HEAD + code + "a: dict[str, list[int]]\n" * 2}))) == 1


def test_files_are_compared_with_one_another_and_equal_names_told_apart() -> None:
    hint = "a: dict[str, list[Item]]\n"
    own = {"app/a.py": "class Item: ...\n" + hint, "app/b.py": "class Item: ...\n" + hint}
    shared = {"app/a.py": own["app/a.py"], "app/b.py": "from app.a import Item\n" + hint}

    assert ask(CHECK, own).observations == ()
    assert [each.path for each in ask(CHECK, shared).observations] == ["app/b.py"]


def test_one_use_is_enough_where_it_is_nested_deeper_than_allowed() -> None:
    code = "a: dict[str, list[dict[str, list[set[int]]]]]\n"
    assert lines(ask(CHECK, {"app/a.py": code})) == [1]
    assert lines(ask(CHECK, {"app/a.py": code}, max_depth=5)) == []
    assert lines(ask(CHECK, {"app/a.py": "a: list[set[int]]\n" * 3}, min_uses=4)) == []
