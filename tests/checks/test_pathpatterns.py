"""Patterns of paths mean what they mean in ``.gitignore``, and no pattern takes long."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pathspec import PathSpec

from checks.pathpatterns import PathPatterns, is_pattern

PIECES = st.sampled_from(["a", "b", "ab", "*", "**", "?", "[ab]", "[!a]", "[^b]", "a*", "*b"])
PATTERNS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "/"]),
    st.lists(PIECES, min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "/"]),
)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "aab", "ba"]), min_size=1, max_size=5).map(
    "/".join
)


@given(st.lists(PATTERNS | PATTERNS.map("!{}".format), min_size=1, max_size=3), PATHS)
def test_a_path_is_matched_as_a_regular_expression_would(lines: list[str], path: str) -> None:
    # Of `a/**/` git takes folders alone, the regular expression files as well.
    assume(not any(line.endswith("**/") for line in lines))
    assert PathPatterns(lines).match(path) == PathSpec.from_lines("gitignore", lines).match_file(
        path
    )


@pytest.mark.parametrize(
    ("line", "path"),
    [("a\\*b", "a*b"), ("\\!a", "!a"), ("\\#a", "#a"), ("a b", "a b"), ("a  ", "a")],
)
def test_what_is_escaped_stands_for_itself(line: str, path: str) -> None:
    assert PathPatterns([line]).match(path)
    assert not PathPatterns([line]).match("axb")


@pytest.mark.parametrize("line", ["*a" * 400 + "b", "**/a/" * 19 + "b", "*" * 1000 + "b"])
def test_no_number_of_stars_takes_long(line: str) -> None:
    assert not PathPatterns([line]).match("/".join(["a" * 200] * 20))


@given(st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_any_text_is_a_pattern_or_refused(line: str, path: str) -> None:
    assume(is_pattern(line))
    assert PathPatterns([line]).match(path) in (True, False)


def test_what_is_no_pattern_is_refused() -> None:
    assert not is_pattern("!")
    assert not is_pattern("a\\")
    assert not is_pattern("a/" * 41)
    assert is_pattern("")
