"""TOML as plain data with lines."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from checks.facts.doctree import Unreadable
from checks.facts.tomlfile import read_toml

TEXT = '''# top
title = "x # no comment"
[project]
dependencies = [
  "fastapi>=1",  # [not, an, item]
  "b[c]>2",
  { name = "q", v.w = 1 },
]
"quoted.key".z = 1
[tool.ruff.lint.per-file-ignores]
"tests/*.py" = ["S101",
 "D"]
[[tool.uv.index]]
url = """a
not_a_key = 1
"""
after = 2
[[tool.uv.index]]
[tool.uv.index.sub]
d = 1979-05-27
f = inf
n = 123456789012345678901234567890
'''


def test_data_is_that_of_the_standard_parser_made_plain() -> None:
    data = read_toml(TEXT).documents[0]
    theirs = tomllib.loads(TEXT)
    assert data["project"] == theirs["project"]
    assert data["tool"]["uv"]["index"][1]["sub"] == {
        "d": "1979-05-27",
        "f": "inf",
        "n": "0x18ee90ff6c373e0ee4e3f0ad2",
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("title", 2),
        ("project", 3),
        ("project.dependencies", 4),
        ("project.dependencies.0", 5),
        ("project.dependencies.1", 6),
        ("project.dependencies.2.name", 7),
        ("project.dependencies.2.v.w", 7),
        ("project.quoted.key.z", 9),
        ("tool.ruff.lint.per-file-ignores.tests/*.py.1", 12),
        ("tool.uv.index.0", 13),
        ("tool.uv.index.0.url", 14),
        ("tool.uv.index.0.after", 17),
        ("tool.uv.index.1", 18),
        ("tool.uv.index.1.sub.f", 21),
    ],
)
def test_every_key_and_item_has_its_line(path: str, line: int) -> None:
    assert read_toml(TEXT).lines[path] == line


def test_a_line_inside_a_string_is_no_key() -> None:
    assert not any("not_a_key" in path for path in read_toml(TEXT).lines)


def test_every_dotted_path_of_a_real_file_has_a_line() -> None:
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    tree = read_toml(text)
    lines = text.splitlines()
    for section, table in tree.documents[0]["tool"].items():
        for name, value in table.items():
            line = lines[tree.lines[f"tool.{section}.{name}"] - 1]
            assert name in line, (section, name, value)


def test_carriage_returns_end_lines() -> None:
    assert read_toml("a = 1\r\nb = 2\r\n").lines == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = \n", "does not parse"),
        ("a = 1\na = 2\n", "does not parse"),
        ("a = " + "[" * 5_000, "nested deeper than 100"),
        ("a = " + "{b=" * 5_000, "nested deeper than 100"),
        (".".join("a" * 40_000) + " = 1\n", "more than 32 parts"),
        ("[" + ".".join("a" * 40_000) + "]\n", "more than 32 parts"),
        ("x = {" + " . ".join("a" * 500) + " = 1}\n", "more than 32 parts"),
        ("a = 1" + "0" * 5_000 + "\n", "does not parse"),
    ],
)
def test_what_cannot_or_must_not_be_read_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_toml(text)


def test_dots_inside_strings_are_no_parts_of_a_key() -> None:
    dots = "." * 500
    assert read_toml(f'a = "{dots}"\n"{dots}" = 1\n').documents == [{"a": dots, dots: 1}]
