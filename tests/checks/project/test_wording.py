"""Words made comparable."""

from __future__ import annotations

import pytest

from checks.project.wording import stem, words


@pytest.mark.parametrize(
    ("one", "other"),
    [("users", "user"), ("queries", "query"), ("loading", "load"), ("created", "create"),
     ("db", "database"), ("stopped", "stop"), ("messages", "message"), ("ids", "id")],
)  # fmt: skip
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("session", "connection"), ("status", "state")])
def test_different_words_do_not(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_names_are_taken_apart_and_stop_words_left_out() -> None:
    assert words("The userName of this user_id") == words("user names user id")
