"""Decoding, lines and suppression comments of one blob."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

import pytest

from checks.facts.syntax import extract
from checks.facts.text import (
    LFS_POINTER,
    NUL,
    REPLACED,
    UTF16,
    Decoded,
    Suppression,
    decode,
    noqa,
    split_lines,
)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("é = 1\n".encode(), "é = 1\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"# -*- coding: latin-1 -*-\nname = '\xe9'\n", "# -*- coding: latin-1 -*-\nname = 'é'\n"),
        (b"#!/bin/python\n# vim: set fileencoding=CP1252 :\n'\x80'\n", None),
        (b"# coding: iso-8859-15\n'\xa4'\n", "# coding: iso-8859-15\n'€'\n"),
    ],
)
def test_utf8_a_byte_order_mark_and_listed_cookies_decode_without_a_note(
    data: bytes, text: str | None
) -> None:
    decoded = decode(data)
    assert decoded.note == ""
    assert decoded.readable
    assert "€" in decoded.text if text is None else decoded.text == text


def test_a_cookie_that_names_another_codec_is_not_obeyed_and_is_told() -> None:
    decoded = decode(b"# coding: utf-7\nx = '+AGE-'\n")
    assert "+AGE-" in decoded.text
    assert "utf-7" in decoded.note


@pytest.mark.parametrize(
    "data",
    [
        b"x = '\xff'\n",
        b"# coding: rot13\nx = '\xff'\n",
        b"# coding: cp1252\nx = '\x81'\n",
        b"x = 1\n# coding: latin-1\nx = '\xe9'\n",
    ],
)
def test_bytes_no_listed_codec_reads_are_replaced_with_a_note(data: bytes) -> None:
    decoded = decode(data)
    assert "\ufffd" in decoded.text
    assert decoded.note == REPLACED
    assert decoded.readable


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ("x = 1\n".encode("utf-16"), UTF16),
        ("x = 1\n".encode("utf-16-le"), NUL),
        ("x = 1\n".encode("utf-32"), UTF16),
        (b"x = '\0'\n", NUL),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", LFS_POINTER),
    ],
)
def test_what_is_no_text_is_unreadable_with_its_reason(data: bytes, note: str) -> None:
    assert decode(data) == Decoded("", note, readable=False)


def test_lines_end_at_newline_and_carriage_return_and_nowhere_else() -> None:
    text = "a\nb\r\nc\rd\x0ce\x0bf\x1cg\x85h\u2028i\n"
    assert split_lines(text) == ["a", "b", "c", "d\x0ce\x0bf\x1cg\x85h\u2028i"]
    assert split_lines("") == []
    assert split_lines("\n\n") == ["", ""]


def _of(text: str) -> list[Suppression]:
    return noqa(split_lines(text))


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# noqa", Suppression(1, "noqa")),
        ("# NOQA : E501", Suppression(1, "noqa", ("E501",))),
        ("#noqa:E501,F401", Suppression(1, "noqa", ("E501", "F401"))),
        (
            "# noqa: E501 F401 for a reason",
            Suppression(1, "noqa", ("E501", "F401"), reason="for a reason"),
        ),
        ("# noqa: E501 - odd", Suppression(1, "noqa", ("E501",))),
        (
            "# noqa: E501  # the address is long",
            Suppression(1, "noqa", ("E501",), reason="the address is long"),
        ),
        (
            "# ruff: ignore[E501] \N{EM DASH} too long to read",
            Suppression(1, "noqa", ("E501",), reason="too long to read"),
        ),
        ("# text first # noqa: S105", Suppression(1, "noqa", ("S105",))),
        ("# ruff: noqa", Suppression(1, "noqa", file_wide=True)),
        ("# flake8: noqa: F401", Suppression(1, "noqa", ("F401",), file_wide=True)),
        ("# ruff: ignore[E501, F401]", Suppression(1, "noqa", ("E501", "F401"))),
        ("# type: ignore", Suppression(1, "type-ignore", explained=False)),
        (
            "# type: ignore[arg-type, misc] as the stub says",
            Suppression(
                1, "type-ignore", ("arg-type", "misc"), explained=True, reason="as the stub says"
            ),
        ),
        ("# pyright: ignore[reportAny]", Suppression(1, "type-ignore", ("reportAny",))),
        ("# mypy: ignore-errors", Suppression(1, "type-ignore", file_wide=True)),
        ("# nosec", Suppression(1, "nosec")),
        ("# nosec: B101, B102", Suppression(1, "nosec", ("B101", "B102"))),
        (
            "# nosec B603 - fixed arguments",
            Suppression(1, "nosec", ("B603",), reason="fixed arguments"),
        ),
        (
            "# pylint: disable=broad-except, fixme  # the loop must go on",
            Suppression(1, "pylint", ("broad-except", "fixme"), reason="the loop must go on"),
        ),
        ("# pylint: disable-next=no-member", Suppression(1, "pylint", ("no-member",))),
        ("# pylint: skip-file", Suppression(1, "pylint", file_wide=True)),
        ("# pragma: no cover", Suppression(1, "no-cover")),
    ],
)
def test_each_form_of_suppression_is_read(comment: str, expected: Suppression) -> None:
    assert _of(f"x = 1  {comment}\n") == [expected]


@pytest.mark.parametrize(
    "line", ["x = 1  # noqa-like", "x = 1  # nosecret", "x = '# noqa'", "noqa"]
)
def test_what_only_looks_like_a_suppression_is_none(line: str) -> None:
    assert _of(line + "\n") == []


def test_a_docstring_that_mentions_a_suppression_is_no_comment() -> None:
    assert _of('def f():\n    """Use\n    # noqa\n    """\n') == []


def test_a_ruff_disable_reaches_to_its_enable_or_to_the_end_of_the_file() -> None:
    text = "# ruff: disable[E501]\na\n# ruff: enable[E501]\n# ruff: disable[F401]\nb\n"
    assert _of(text) == [
        Suppression(1, "noqa", ("E501",), end_line=3),
        Suppression(4, "noqa", ("F401",), end_line=5),
    ]


@pytest.mark.parametrize(
    "line",
    [
        'x = f"{d["a"]} # noqa"',
        "x = f'{x:#>{width}} # noqa'",
        "x = r'\\\\' # noqa",
        "x = 'it\\'s # noqa'",
        "x = '''# noqa''' # noqa",
        "x = ''  # noqa",
        'x = """a\\""" # noqa"""',
    ],
)
def test_strings_and_comments_are_told_apart_as_python_does(line: str) -> None:
    tokens = tokenize.generate_tokens(io.StringIO(line + "\n").readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    assert [each.kind for each in _of(line + "\n")] == ["noqa"] * len(comments)


def test_comments_of_real_files_are_those_of_the_tokenizer() -> None:
    for path in sorted(Path(tokenize.__file__).parent.glob("*.py")):
        source = path.read_bytes()
        text = decode(source).text
        if b"noqa" not in source and b"type: ignore" not in source:
            continue
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
        assert {each.line for each in _of(text)} <= comments, path


def test_a_reason_may_stand_in_the_comment_line_above_and_belongs_to_no_other_tool() -> None:
    block = _of("# a table is wide\n# ruff: disable[E501]\nx\n# the end\n# ruff: enable[E501]\n")
    assert [(each.line, each.end_line, each.reason) for each in block] == [
        (2, 5, "a table is wide")
    ]
    told = _of("# shown to a person\nprint(1)  # noqa: T201\nprint(2)  # noqa: T201\n")
    assert [each.reason for each in told] == ["shown to a person", ""]
    both = _of("x = 1  # noqa: E501  # type: ignore[misc] stub is wrong\n")
    assert [(each.kind, each.reason) for each in both] == [
        ("noqa", ""),
        ("type-ignore", "stub is wrong"),
    ]
    silent = _of("# pylint: enable=all\nx = 1  # pylint: enable=fixme\n")
    assert silent == []


def test_comments_behind_a_syntax_error_are_still_found() -> None:
    assert _of("x = 'unterminated\ny = (1  # noqa: E501\n") == [Suppression(2, "noqa", ("E501",))]


def test_comments_are_told_from_texts() -> None:
    code = (
        "x = 'a # b'  # one\n# two\ndef f():\n"
        '    """Says.\n\n    # nothing\n    """\n    return 1  #  three  #\n'
    )

    found = [(each.line, each.text, each.own) for each in extract(code.encode()).comments]

    assert found == [(1, "one", False), (2, "two", True), (8, "three", False)]
