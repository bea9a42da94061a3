"""Documents as facts: every kind is read, and nothing that a file holds raises."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.facts.documents import DECODER, DocumentFact, read
from checks.facts.kinds import Kind

KINDS: list[Kind] = [kind for kind in get_args(Kind.__value__) if kind != "python"]


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(st.sampled_from("[]{}()<>\"'`=:#.-*\\/&!|, \n\tax1$@")))
def test_no_text_makes_a_reader_raise_and_every_fact_can_be_stored(kind: Kind, text: str) -> None:
    fact = read(kind, text.encode())
    assert DECODER.decode(msgspec.msgpack.encode(fact)) == fact


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfea\0", b"a\0b", b"\xe9" * 20, b"[" * 50_000, b"{" * 50_000, b"a:\n" * 1_000],
)
def test_no_bytes_make_a_reader_raise(kind: Kind, data: bytes) -> None:
    fact = read(kind, data)
    assert DECODER.decode(msgspec.msgpack.encode(fact)) == fact
    if b"\0" in data:
        assert fact.error


def test_a_value_and_its_line_are_found_by_their_path() -> None:
    fact = read("yaml", b"on:\n  push:\njobs:\n  test:\n    steps:\n      - run: make\n")
    assert fact.get("jobs.test.steps.0.run") == "make"
    assert fact.get("jobs.test.steps.1.run") is None
    assert fact.get("jobs.test.steps.x") is None
    assert fact.line_of("jobs.test.steps.0.run") == 6
    assert fact.line_of("jobs.test.steps.7.run") == 5
    assert fact.line_of("nothing") == 0


def test_a_document_that_does_not_parse_says_why_and_has_no_data() -> None:
    fact = read("toml", b"a = \n")
    assert fact.error.startswith("does not parse")
    assert fact.data is None


def test_undecodable_bytes_are_a_note_and_the_rest_is_read() -> None:
    fact = read("ini", b"[a]\nx = \xff1\n")
    assert fact.get("a.x") == "\ufffd1"
    assert "UTF-8" in fact.note


def test_text_is_kept_where_there_is_no_other_structure() -> None:
    assert read("gitignore", b".env\r\n").text == ".env\r\n"
    assert read("markdown", b"# A\n").text == ""
    sections = read("rst", b"A\n-\nx\n\n===\nB\n===\n\ny\n").sections
    assert [each.title for each in sections if each.paragraphs] == ["", "B"]


def test_a_fact_without_content_is_small() -> None:
    assert read("text", b"") == DocumentFact("text")
