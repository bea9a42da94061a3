"""Traps of the check on comments."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

BRANCHES = "".join(f"    if a == {n}:\n        return {n}\n" for n in range(10))


def restating(text: str) -> tuple[int, list[int]]:
    """Sites and lines of the findings about comments that repeat the code."""
    outcome = ask("inline-comments", {"app/x.py": text}, rules=["no-restating"])
    return outcome.sites, lines(outcome)


@pytest.mark.parametrize(
    ("comment", "statement"),
    [
        ("# get the user", "user = get_user(1)"),
        ("# delete old rows", "delete_old_rows()"),
        ("# return the user", "return user"),
        ("# raise a value error", "raise ValueError(1)"),
        ("# loop: while retrying", "while retrying_loop:\n        pass"),
        ("# send messages", "for each in sending: message(each)"),
    ],
)
def test_a_comment_that_says_only_what_the_statement_names_repeats_it(
    comment: str, statement: str
) -> None:
    assert restating(f"def f():\n    {comment}\n    {statement}\n") == (1, [2])


@pytest.mark.parametrize(
    "comment",
    [
        "# get the user because the session is new",
        "# get user, see #12",
        "# get user https://example.com",
        "# the cache keeps it for an hour",
        "# USER",
        "# get the user\n    # whom the gateway has named",
    ],
)
def test_a_comment_that_gives_a_reason_or_more_words_is_a_site_and_holds(comment: str) -> None:
    assert restating(f"def f():\n    {comment}\n    user = get_user(1)\n") == (1, [])


@pytest.mark.parametrize(
    "comment",
    ["# ----- user -----", "# ======", "# noqa: E501", "# type: ignore", "# TODO get user",
     "# user = get_user(2)", "# get_user(2)", "# fmt: off", "# pragma: no cover",
     "# Copyright get user", "# pylint: disable=get", "# region user"],
)  # fmt: skip
def test_what_is_no_prose_is_no_site(comment: str) -> None:
    assert restating(f"def f():\n    {comment}\n    user = get_user(1)\n") == (0, [])


def test_a_label_above_a_constant_or_an_attribute_holds() -> None:
    text = "# Page size\nPAGE_SIZE = 3\n\n\nclass A:\n    # Recipes\n    recipes: int = 1\n"
    assert restating(text) == (2, [])


def test_a_comment_above_a_blank_line_has_no_statement_below() -> None:
    assert restating("def f():\n    # get the user\n\n    user = get_user(1)\n") == (1, [])


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        ("    # a tariff of 1998\n", []),
        ("    a = a  # a tariff of 1998\n", []),
        ('    """Has many branches."""\n', [1]),
        ("    a = a  # noqa: E501\n", [1]),
        ("    # a = 3\n", [1]),
        ("    # --------\n", [1]),
    ],
)
def test_only_a_comment_for_readers_explains_a_complex_function(
    inside: str, found: list[int]
) -> None:
    text = f"def f(a):\n{inside}{BRANCHES}    return 0\n"
    outcome = ask("inline-comments", {"app/x.py": text}, rules=["explain-complex"])
    assert (outcome.sites, lines(outcome)) == (1, found)


def test_a_comment_of_the_signature_or_of_the_next_function_does_not_explain() -> None:
    text = f"def f(\n    a,  # the age\n):\n{BRANCHES}    return 0\n\n\n# the next\nB = 1\n"
    outcome = ask("inline-comments", {"app/x.py": text}, rules=["explain-complex"])
    assert lines(outcome) == [1]
