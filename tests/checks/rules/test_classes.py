"""Traps of the checks of classes."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from functools import lru_cache\nfrom fastapi import Depends\nfrom celery import shared_task\n"
    "from pydantic import BaseModel\n"
)


def many(count: int, decorator: str = "") -> str:
    """Methods of a class."""
    return "".join(f"{decorator}    def m{n}(self):\n        return {n}\n" for n in range(count))


@pytest.mark.parametrize(
    ("text", "params", "found"),
    [
        ("class A:\n" + many(3), {"max_methods": 2}, [5]),
        ("class A:\n" + many(3, "    @property\n"), {"max_methods": 2}, []),
        ("class A(BaseModel):\n" + "    a: int\n" * 9 + many(1), {"max_lines": 5}, []),
        (
            "class A:\n    def __init__(self, a: UserService, b_client, c: int): ...\n",
            {"max_dependencies": 1},
            [5],
        ),
    ],
)
def test_a_class_is_measured_by_its_methods_lines_and_collaborators(
    text: str, params: dict[str, object], found: list[int]
) -> None:
    files = {"app/x.py": f"{HEAD}{text}class UserService: ...\n"}

    assert lines(ask("class-responsibility-size", files, **params)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def price(): ...\n", [5]),
        ("@lru_cache\ndef price(): ...\n", [6]),
        ("@shared_task\ndef price(): ...\n", []),
        ("def _price(): ...\n", []),
        ("def main(): ...\n", []),
        ("def provide(): ...\ndef use(a=Depends(provide)): ...\n", [6]),
    ],
)
def test_functions_that_a_framework_asks_for_hold(text: str, found: list[int]) -> None:
    assert lines(ask("logic-in-classes", {"app/services/x.py": HEAD + text})) == found


def test_interfaces_and_the_base_are_no_concrete_repositories() -> None:
    text = (
        "from typing import Generic, Protocol, TypeVar\n"
        "from acme import SQLAlchemyAsyncRepository\nT = TypeVar('T')\n"
        "class BaseRepository(Generic[T]): ...\n"
        "class AnyRepository(Protocol): ...\n"
        "class UserRepository(BaseRepository[int]): ...\n"
        "class OrderRepository(SQLAlchemyAsyncRepository[int]): ...\n"
        "class ItemRepository: ...\n"
    )

    outcome = ask("generic-base-repository", {"app/repositories/x.py": text})

    assert (outcome.sites, lines(outcome)) == (3, [8])
