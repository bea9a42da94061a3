"""Sizes of type and space in our style sheet come from its tokens, so that pages agree."""

from __future__ import annotations

import re

import pytest

from tests.house.source_tree import ROOT

SHEET = ROOT / "static" / "site.css"
_RULE = re.compile(r"(?<![\w-])(?:padding|margin|gap|font-size)[a-z-]*:\s*([^;}]*)")
_LENGTH = re.compile(r"(?<![\w-])\d*\.?\d+rem\b")
_USED = re.compile(r"var\((--se-[\w-]+)\)")
_MADE = re.compile(r"^\s*(--se-[\w-]+):", re.MULTILINE)


def raw(sheet: str) -> list[str]:
    """Return the values of type and space that are written out instead of named."""
    return [found for found in _RULE.findall(sheet) if _LENGTH.search(found)]


def test_sizes_of_type_and_space_are_named() -> None:
    assert not raw(SHEET.read_text())


def test_every_token_is_used_and_every_used_one_is_there() -> None:
    sheet = SHEET.read_text()
    script = (ROOT / "static" / "site.js").read_text()
    made = set(_MADE.findall(sheet))
    assert set(_USED.findall(sheet)) <= made
    assert not {name for name in made if sheet.count(name) == 1 and name not in script}


@pytest.mark.parametrize(
    "rule",
    [
        "a { padding: 0 1.1rem; }",
        "a { margin-top:.5rem }",
        "a { font-size: .8125rem; }",
        "a { gap: var(--se-space-1) 2rem; }",
    ],
)
def test_a_size_that_is_written_out_is_seen(rule: str) -> None:
    assert raw(rule)


def test_named_sizes_and_other_lengths_are_left_alone() -> None:
    assert not raw("a { padding: 0 var(--se-space-1) 1px; width: 12rem; margin: auto; }")
