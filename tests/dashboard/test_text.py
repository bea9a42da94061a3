"""The border for foreign text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.text import clean, clean_json, floored, whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("a\x00b", "a\ufffdb"), ("\ud800x", "\ufffdx"), ("é", "é")],
)
def test_what_a_database_refuses_is_replaced(text: str, expected: str) -> None:
    assert clean(text, 100) == expected


def test_a_long_text_is_cut_visibly() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcd", 4) == "abcd"
    assert clean("abcd", 0) == ""


@given(st.text(st.characters(), max_size=50), st.integers(0, 40))
def test_clean_text_fits_and_is_storable(text: str, limit: int) -> None:
    cleaned = clean(text, limit)

    assert len(cleaned) <= limit
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned


def test_numbers_that_json_has_not_become_null() -> None:
    assert clean_json({"a": [float("nan"), float("inf"), 1.5]}) == {"a": [None, None, 1.5]}


def test_endless_nesting_is_cut() -> None:
    nested: list[object] = []
    for _ in range(500):
        nested = [nested]

    json.dumps(clean_json(nested))


def test_keys_are_cleaned_too() -> None:
    assert clean_json({"a\x00": 1, 2: "\ud800"}) == {"a\ufffd": 1, "2": "\ufffd"}


def test_a_number_is_never_shown_above_what_it_is() -> None:
    assert floored(89.96, 1) == "89.9"
    assert floored(83.19999999999999, 1) == "83.2"


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("", 1), ("-3", 1), ("1.5", 1), ("²", 1), ("9" * 5000, 1)]
)
def test_a_whole_number_is_read_and_nothing_else(text: str, number: int) -> None:
    assert whole(text, 1) == number
