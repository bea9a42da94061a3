"""Whose exceptions are, what a clause catches, and how far what is raised gets."""

from __future__ import annotations

import pytest

from checks.project.project import Project
from tests.checks.projects import parsed as project

ERRORS = "class AppError(Exception): pass\nclass GoneError(AppError, KeyError): pass\n"


def read(code: str) -> Project:
    """A project of one module of errors and one that uses them."""
    head = "import httpx, errors\nfrom errors import AppError, GoneError\n"
    return project({"errors.py": ERRORS, "a.py": head + code})


def escaping(code: str, levels: int = 1) -> set[str]:
    """Domain exceptions that leave the function f."""
    found = read(code)
    function = found.names.function_named("a.f")
    assert function is not None
    return set(found.exceptions.escaping(function, levels))


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("raise errors.GoneError", "errors.GoneError"),
        ("raise GoneError('x')", "errors.GoneError"),
        ("raise make()", "errors.GoneError"),
        ("raise httpx.HTTPError('x')", "httpx.HTTPError"),
        ("raise ValueError", "builtins.ValueError"),
        ("raise exc", ""),
        ("raise unknown(1)", ""),
    ],
)
def test_what_is_raised_is_followed_to_its_class(statement: str, name: str) -> None:
    found = read(f"def make():\n    return GoneError('x')\ndef f(exc):\n    {statement}\n")
    assert [found.exceptions.raised(each) for each in found.by_path["a.py"].raises] == [name]


def test_the_lineage_goes_through_our_classes_into_the_built_in_ones() -> None:
    lineage = read("").exceptions.lineage("errors.GoneError")
    assert {"errors.AppError", "builtins.KeyError", "builtins.LookupError"} <= lineage
    assert "builtins.ValueError" not in lineage


def test_warnings_and_http_exceptions_are_no_domain_exceptions() -> None:
    code = (
        "from fastapi import HTTPException\nclass Old(DeprecationWarning): pass\n"
        "class Gone(HTTPException): pass\nclass Late(TimeoutError): pass\n"
    )
    names = [cls.name for cls in read(code).exceptions.domain]
    assert names == ["Late", "AppError", "GoneError"]


@pytest.mark.parametrize(
    "body",
    [
        "try: g()\n    except LookupError: pass",
        "try: g()\n    except (ValueError, AppError): return 1",
        "with suppress(AppError): g()",
        "with quiet(): g()",
    ],
)
def test_what_is_caught_on_the_way_does_not_escape(body: str) -> None:
    head = (
        "from contextlib import contextmanager, suppress\ndef g():\n    raise GoneError\n"
        "@contextmanager\ndef quiet():\n    try: yield\n    except AppError: pass\n"
    )
    assert escaping(f"{head}def f():\n    {body}\n") == set()


@pytest.mark.parametrize(
    "body",
    [
        "try: g()\n    except ValueError: pass",
        "try: g()\n    except AppError: raise",
        "try: g()\n    except AppError as exc: raise exc",
    ],
)
def test_other_clauses_and_those_that_raise_again_let_it_through(body: str) -> None:
    assert escaping(f"def g():\n    raise GoneError\ndef f():\n    {body}\n") == {
        "errors.GoneError"
    }


def test_calls_are_followed_as_far_as_asked() -> None:
    code = "def h():\n    raise GoneError\ndef g():\n    h()\ndef f():\n    g()\n"
    assert escaping(code, 1) == set()
    assert escaping(code, 2) == {"errors.GoneError"}
