"""Raise statements: what counts as a message."""

from __future__ import annotations

from tests.checks.projects import ask, lines


def silent(code: str, *kinds: str) -> list[int]:
    """Lines of ``raise-with-message`` in one module."""
    return lines(ask("raise-with-message", {"app/a.py": code}, kinds=kinds))


def test_details_of_any_kind_count_and_empty_ones_do_not() -> None:
    code = """from fastapi import HTTPException


def f(detail, options):
    raise HTTPException(404, {"code": 1})
    raise HTTPException(404, detail)
    raise HTTPException(404, **options)
    raise HTTPException(404, "")
    raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    raise HTTPException(404, detail=None)
"""
    assert silent(code, "http") == [8, 9, 10]


def test_a_class_may_bring_its_message() -> None:
    code = """class Base(Exception):
    detail = "it failed"


class Child(Base):
    pass


class Built(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(f"no {name}")


class Bare(Exception):
    '''No such user.'''


def f(name):
    raise Child
    raise Built(name)
    raise Bare
    raise Bare()
    raise Bare("missing")
    raise Bare("no such user")
    raise Bare("missing", name)
    raise Bare(name)
    raise Bare("未找到用户")
"""
    assert silent(code, "other") == [21, 22, 23]


def test_what_steers_and_what_is_raised_again_needs_no_message() -> None:
    code = """import asyncio


def f():
    try:
        raise NotImplementedError
    except ValueError as error:
        raise error
    except KeyError:
        raise
    raise SystemExit(1)
    raise asyncio.CancelledError
    raise StopIteration
    raise KeyError("name")
"""
    assert silent(code, "other") == [14]
