"""Traps of the check on what docstrings say again."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines
from tests.checks.rules.test_docs_docstrings import ROUTE, function


def redundant(text: str, part: str = "args", **params: object) -> tuple[int, list[int]]:
    """Sites and lines of the findings."""
    outcome = ask("docstring-redundancy", {"app/x.py": text}, sections=[part], **params)
    return outcome.sites, lines(outcome)


@pytest.mark.parametrize(
    ("param", "text", "found"),
    [
        ("db: Session", "The database session", True),
        ("session: Session", "The database connection", False),
        ("user_id: int", "The user id.", True),
        ("user_ids: list[int]", "List of user ids.", True),
        ("timeout: int", "Timeout in seconds.", False),
        ("limit: int = 3", "The limit, 3 by default.", False),
        ("user: User | None", "The optional user.", True),
        ("user: 'User'", "A User instance.", True),
        ("user", "The user.", None),
        ("user: User", "The user, who is locked afterwards.", False),
    ],
)
def test_a_description_informs_by_words_that_name_and_type_do_not_have(
    param: str, text: str, found: bool | None
) -> None:
    name = param.partition(":")[0]
    code = function(f"Args:\n    {name}: {text}", head=f"def f({param}):")
    expected = (0, []) if found is None else (1, [5] if found else [])
    assert redundant(code) == expected


@pytest.mark.parametrize(
    "docstring",
    ["Args:\n    a (int): The a.", "Parameters\n----------\na : int\n    The a.", ":param a: the a",
     ":param int a: the a", "@param a the a", "Args:\n    a:\n        The a."],
)  # fmt: skip
def test_entries_are_known_in_every_convention(docstring: str) -> None:
    outcome = ask("docstring-redundancy", {"app/x.py": function(docstring)}, sections=["args"])
    assert (outcome.sites, len(outcome.observations)) == (1, 1)


def test_the_entry_of_a_later_argument_is_found_at_its_own_line() -> None:
    text = function(
        "Args:\n    a: Between 0\n        and 9.\n    b: The b.", head="def f(a: int, b: int):"
    )
    assert redundant(text) == (2, [7])


@pytest.mark.parametrize(
    ("head", "text", "found"),
    [
        ("def load_user() -> User:", "The loaded user.", True),
        ("def load_user() -> User:", "User: The user.", True),
        ("def load_user() -> User:", "The user, never a deleted one.", False),
        ("def load_user() -> bool:", "True if the user is new.", False),
        ("def load_user():", "The user.", None),
    ],
)
def test_what_is_returned_is_compared_with_annotation_and_name(
    head: str, text: str, found: bool | None
) -> None:
    code = function(f"Returns:\n    {text}", head=head)
    expected = (0, []) if found is None else (1, [4] if found else [])
    assert redundant(code, "returns") == expected


def test_length_counts_no_errors_warnings_notes_and_examples() -> None:
    long = "\n".join(f"Line {n}." for n in range(10))
    assert redundant(function(long), "length") == (1, [])
    assert redundant(function(f"{long}\nMore."), "length") == (1, [2])
    more = "\n\nRaises:\n    ValueError: If bad.\n\nNote:\n    Mind it.\n\nExample:\n    f()"
    assert redundant(function(long + more), "length") == (1, [])
    assert redundant(function(long), "length", max_lines=11) == (1, [2])


def test_modules_and_handlers_may_be_described_at_length() -> None:
    long = "\n".join(f"Line {n}." for n in range(20))
    assert redundant(f'"""Module.\n\n{long}\n"""\nX = 1\n', "length") == (0, [])
    assert redundant(ROUTE + function(long), "length") == (0, [])
