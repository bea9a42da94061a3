"""Source text becomes safe lines: as many as the file has, nothing alive, nothing invisible."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from checks.facts.text import split_lines
from dashboard.services.highlight import HIGHLIGHT_BYTES, LINE_CHARACTERS, code_lines

PATHS = ["a.py", "a.toml", "a.yaml", "a.json", "Dockerfile", "a.sql", "a.sh", "a.ini", "a.txt"]

STATIC = Path(__file__).parents[2] / "static"


def _plain(line: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", line))


@given(some.text(alphabet=some.characters(codec="utf-8"), max_size=300), some.sampled_from(PATHS))
def test_lines_agree_with_the_one_definition_of_a_line(text: str, path: str) -> None:
    assert len(code_lines(text, path)) == len(split_lines(text))


@given(some.text(alphabet="<>&\"'=/ abc\n#{}%", max_size=200), some.sampled_from(PATHS))
def test_everything_is_escaped_and_nothing_is_lost(text: str, path: str) -> None:
    lines = code_lines(text, path)

    assert [_plain(line) for line in lines] == split_lines(text)
    assert not re.search(r"<(?!/?span)", "".join(lines))


def test_a_token_that_spans_lines_is_coloured_on_each_of_them() -> None:
    lines = code_lines('"""one\ntwo\nthree"""\nx = 1\n', "a.py")

    assert all('<span class="sd">' in line for line in lines[:3])
    assert all(line.count("<span") == line.count("</span>") for line in lines)


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200b", "\ufeff", "\x1b", "\xad"])
def test_an_invisible_character_is_named(character: str) -> None:
    (line,) = code_lines(f"a{character}b", "a.py")

    assert character not in line
    assert f"U+{ord(character):04X}" in line


def test_large_text_stays_plain() -> None:
    line = "import os\n"

    assert "<span" in code_lines(line, "a.py")[0]
    assert "<span" not in code_lines(line * (HIGHLIGHT_BYTES // len(line) + 1000), "a.py")[0]


def test_a_long_line_is_cut_and_says_by_how_much() -> None:
    (line,) = code_lines("x" * (LINE_CHARACTERS + 7), "a.txt")

    assert line.endswith("(7 more characters)")


def test_the_name_of_an_invisible_character_is_not_hidden_by_the_vendored_styles() -> None:
    (line,) = code_lines("a\u202eb", "a.txt")
    (name,) = re.findall(r'class="(\w+)"', line)

    assert f".{name} {{" in (STATIC / "site.css").read_text()
    assert not re.search(rf"\.{name}\b", (STATIC / "vendor/tabler/tabler.min.css").read_text())
