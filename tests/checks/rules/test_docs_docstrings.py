"""Traps of the checks on docstrings."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines

ROUTE = "from fastapi import FastAPI, HTTPException\napp = FastAPI()\n\n\n@app.get('/x')\n"


def function(docstring: str, body: str = "return 1", head: str = "def f(a: int) -> int:") -> str:
    """A function with a docstring of several lines."""
    inner = "\n".join(f"    {line}".rstrip() for line in docstring.strip("\n").split("\n"))
    return f'{head}\n    """Do it.\n\n{inner}\n    """\n    {body}\n'


def style(text: str, *conventions: str) -> list[int]:
    """Lines of the findings about the style."""
    given = {"conventions": list(conventions)} if conventions else {}
    return lines(ask_read("docstring-style", {"app/x.py": text}, **given))


NUMPY = "Parameters\n----------\na : int\n    Which.\n\nReturns\n-------\nint\n    One."
GOOGLE = "Args:\n    a: Which.\n\nReturns:\n    One."


@pytest.mark.parametrize(
    ("docstring", "conventions", "found"),
    [
        (GOOGLE, ["google"], []),
        (GOOGLE, ["google", "numpy"], []),
        (NUMPY, ["google"], [2]),
        (NUMPY, ["google", "numpy"], []),
        (NUMPY.replace("\n\nReturns", "\nReturns"), ["google", "numpy"], [2]),
        ("@param a: which", ["google", "numpy"], [2]),
        (":param a: which", ["google", "numpy"], [2]),
        (":rtype: int", ["google"], [2]),
        (".. note:: mind the gap", ["google"], []),
        ("Words without any section: none.", ["google"], []),
        ("Args:\n    a: Which.\nReturns:\n    One.", ["google"], [2]),
    ],
)
def test_sections_are_in_an_agreed_convention(
    docstring: str, conventions: list[str], found: list[int]
) -> None:
    assert style(function(docstring), *conventions) == found


def test_a_docstring_of_one_line_is_no_site() -> None:
    outcome = ask_read("docstring-style", {"app/x.py": 'def f():\n    """do it"""\n'})
    assert outcome.sites == 0


def test_a_missing_blank_line_is_found_and_an_exact_noqa_is_honoured() -> None:
    text = 'def f():\n    """Do it.\n    More.\n    """{}\n'
    assert style(text.format("")) == [2]
    outcome = ask_read("docstring-style", {"app/x.py": text.format("  # noqa: D205")})
    assert [each.suppressed for each in outcome.observations] == [True]


def test_lists_and_headings_of_a_handler_are_markdown() -> None:
    listed = 'def f():\n    """Make it.\n    - one\n    - two\n    """\n'
    assert style(ROUTE + listed) == []
    assert style(listed) == [2]


def raises(text: str) -> tuple[int, list[int]]:
    """Sites and lines of the findings about Raises sections."""
    outcome = ask("docstring-sections", {"app/x.py": text})
    return outcome.sites, lines(outcome)


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        ("Raises:\n    ValueError: If bad.", []),
        ("Raises:\n    app.x.ValueError: If bad.", []),
        ("Raises:\n    Exception: If bad.", []),
        ("Raises\n------\nValueError\n    If bad.", []),
        (":raises ValueError: if bad", []),
        ("@throws ValueError if bad", []),
        ("Raises:\n    KeyError: If bad.", [1]),
        ("Says ValueError in passing.", [1]),
    ],
)
def test_the_class_is_named_in_a_raises_section(docstring: str, found: list[int]) -> None:
    assert raises(function(docstring, "raise ValueError(1)")) == (1, found)


@pytest.mark.parametrize(
    "body",
    [
        "raise AssertionError",
        "raise NotImplementedError",
        "try:\n        g()\n    except KeyError:\n        raise",
        "try:\n        g()\n    except KeyError as exc:\n        raise exc",
        "try:\n        raise KeyError\n    except KeyError:\n        return 2",
        "def g():\n        raise KeyError\n    return g()",
    ],
)
def test_what_callers_need_not_know_is_no_site(body: str) -> None:
    assert raises(function("More.", body)) == (0, [])


def test_a_translated_exception_is_one_that_callers_must_know() -> None:
    body = "try:\n        g()\n    except KeyError as exc:\n        raise ValueError from exc"
    assert raises(function("More.", body)) == (1, [1])


def test_errors_of_a_handler_are_documented_by_its_responses() -> None:
    text = function("More.", "raise HTTPException(404)")
    assert raises(ROUTE + text) == (0, [])
    assert raises("from fastapi import HTTPException\n" + text) == (1, [2])


def test_the_class_may_tell_what_its_constructor_raises() -> None:
    text = (
        'class A:\n    """An A.\n\n    Raises:\n        ValueError: If bad.\n    """\n\n'
        '    def __init__(self, a):\n        """Make it."""\n        raise ValueError\n'
    )
    assert raises(text) == (1, [])


def test_private_functions_and_functions_without_docstring_are_no_sites() -> None:
    assert raises(function("More.", "raise ValueError", "def _f():")) == (0, [])
    assert raises("def f():\n    raise ValueError\n") == (0, [])


def test_examples_are_asked_of_public_functions_and_classes() -> None:
    text = (
        'class A:\n    """An A."""\n\n\ndef f():\n    """Do.\n\n    >>> f()\n    """\n\n\n'
        'def g():\n    """Do.\n\n    Example:\n        g()\n    """\n'
    )
    outcome = ask("docstring-sections", {"app/x.py": text}, require=["example"])
    assert (outcome.sites, lines(outcome)) == (3, [1])
