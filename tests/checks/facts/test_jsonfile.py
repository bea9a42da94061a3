"""JSON as plain data with lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.facts.doctree import Unreadable
from checks.facts.jsonfile import read_json

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('abc/ \\"\n'), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_VALUES, st.sampled_from([None, 2]))
def test_it_reads_what_the_standard_library_writes(value: Any, indent: int | None) -> None:
    assert read_json(json.dumps(value, indent=indent)).documents == [value]
    assert read_json(json.dumps(value, indent=indent, ensure_ascii=False)).documents == [value]


def test_every_key_and_item_has_its_line() -> None:
    tree = read_json('{\n  "a": [\n    1,\n    {"b": 2}\n  ],\n  "c": null\n}\n')
    assert tree.lines == {"a": 2, "a.0": 3, "a.1": 4, "a.1.b": 4, "c": 6}


def test_comments_and_trailing_commas_are_allowed() -> None:
    assert read_json('// x\n{"a": [1, /* y\n */ 2,],}\n').documents == [{"a": [1, 2]}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("1" * 5_000, "1" * 5_000),
        (r'"\ud800"', "?"),
        ("1.5e3", 1500.0),
    ],
)
def test_what_no_database_takes_becomes_text(text: str, value: Any) -> None:
    assert read_json(text).documents == [value]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ends too early"),
        ("[1, 2", "ends too early"),
        ("[" * 100_000, "nested deeper than 100"),
        ('{"a":' * 100_000, "nested deeper than 100"),
        ("[1 2]", "line 1"),
        ("{\n1: 2}", "line 2"),
        ("[]]", "line 1"),
        ("[}", "line 1"),
        ('{"a" 1}', "line 1"),
        ('{"a":}', "line 1"),
        ("[,]", "line 1"),
        ('"open', "line 1"),
        ("1 2", "line 1"),
    ],
)
def test_what_cannot_or_must_not_be_read_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_json(text)
