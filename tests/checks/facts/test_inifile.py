"""INI files as plain data with lines."""

from __future__ import annotations

import pytest

from checks.facts.doctree import Unreadable
from checks.facts.inifile import read_ini


def test_sections_options_and_lines_are_kept_and_nothing_is_interpolated() -> None:
    tree = read_ini(
        "[alembic]\nsqlalchemy.url = %(DB)s\nscript_location=migrations\n\n"
        "[DEFAULT]\nx = 1\n[tool:pytest]\naddopts =\n    --cov=app\n    --cov-fail-under=80\n"
    )
    assert tree.documents == [
        {
            "alembic": {"sqlalchemy.url": "%(DB)s", "script_location": "migrations"},
            "DEFAULT": {"x": "1"},
            "tool:pytest": {"addopts": "\n--cov=app\n--cov-fail-under=80"},
        }
    ]
    assert tree.lines["alembic.sqlalchemy.url"] == 2
    assert tree.lines["tool:pytest"] == 7
    assert tree.lines["tool:pytest.addopts"] == 8


def test_options_before_the_first_section_are_in_a_section_without_name() -> None:
    tree = read_ini("root = true\n\n[*.py]\nindent_size = 4\n")
    assert tree.documents == [{"": {"root": "true"}, "*.py": {"indent_size": "4"}}]
    assert tree.lines[".root"] == 1


def test_of_an_option_given_twice_the_last_holds() -> None:
    tree = read_ini("[a]\nx = 1\nx = 2\n[a]\nKey\n")
    assert tree.documents == [{"a": {"x": "2", "Key": None}}]
    assert tree.lines["a.x"] == 3


def test_an_option_without_a_value_that_is_continued_is_no_ini() -> None:
    with pytest.raises(Unreadable, match="line 3"):
        read_ini("[a]\nx\n  1\n")


def test_what_does_not_parse_says_where() -> None:
    with pytest.raises(Unreadable, match="line 2"):
        read_ini("[a]\n= 1\n")
