"""Docstrings: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines


def bare(code: str, path: str = "app/a.py", **params: object) -> tuple[int, list[int]]:
    """Sites and lines of ``docstrings-present`` in one module."""
    outcome = ask("docstrings-present", {path: code}, **params)
    return outcome.sites, lines(outcome)


CODE = '''class Public:
    def method(self): ...

    def _private(self): ...

    def __init__(self, a): ...

    def __repr__(self): ...

    class Config:
        pass


class Empty:
    """  """

    def __init__(self): ...


def function():
    """Said."""

    def nested(): ...


def _hidden(): ...
'''


@pytest.mark.parametrize(
    ("scope", "sites", "found"),
    [
        ("public", 5, [1, 2, 6, 14]),
        ("public-functions", 3, [2, 6]),
        ("all", 7, [1, 2, 4, 6, 14, 26]),
    ],
)
def test_scopes(scope: str, sites: int, found: list[int]) -> None:
    assert bare(CODE, scope=scope) == (sites, found)


def test_words_are_counted_on_demand() -> None:
    code = 'def f():\n    """One two."""\n\n\ndef g():\n    """One."""\n'
    assert bare(code, min_words=2) == (2, [5])


def test_overloads_setters_and_what_a_base_explains_are_no_sites() -> None:
    code = '''from abc import ABC, abstractmethod
from typing import overload, override


class Store(ABC):
    """Doc."""

    @abstractmethod
    def get(self):
        """Doc."""

    @abstractmethod
    def put(self): ...


class Table(Store):
    """Doc."""

    def get(self): ...

    def put(self): ...

    @override
    def other(self): ...

    @property
    def name(self): ...

    @name.setter
    def name(self, value): ...


@overload
def f(a: int): ...


def f(a):
    """Doc."""
'''
    assert bare(code) == (7, [13, 21, 27])


def test_private_modules_are_not_public() -> None:
    assert bare("def f(): ...\n", "app/_inner.py") == (0, [])
    assert bare("def f(): ...\n", "app/__init__.py") == (1, [1])
    assert bare("def f(): ...\n", "app/_inner.py", scope="all") == (1, [1])
