"""YAML as plain data with lines."""

from __future__ import annotations

from typing import Any

import pytest

from checks.facts.doctree import Unreadable
from checks.facts.yamlfile import read_yaml


def _data(text: str) -> Any:
    return read_yaml(text).documents[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: [push]", {"on": ["push"]}),
        ("a: yes", {"a": "yes"}),
        ("a: off", {"a": "off"}),
        ("a: true", {"a": True}),
        ("a: False", {"a": False}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 12", {"a": 12}),
        ("a: -0", {"a": 0}),
        ("a: 0x1F", {"a": 31}),
        ("a: 0644", {"a": "0644"}),
        ("a: 3.10", {"a": 3.1}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 1.", {"a": "1."}),
        ("a: 3.11.2", {"a": "3.11.2"}),
        ("a: 22:22", {"a": "22:22"}),
        ("a: 2024-05-01", {"a": "2024-05-01"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: 123456789012345678901234567890", {"a": "123456789012345678901234567890"}),
        ("a: '12'", {"a": "12"}),
        ("a: !!str 12", {"a": "12"}),
        ("a: !Ref name", {"a": "name"}),
        ("a: !reference [x, y]", {"a": ["x", "y"]}),
        ("a: !!python/object/apply:os.system [ls]", {"a": ["ls"]}),
        ("1: a\ntrue: b", {"1": "a", "true": "b"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
    ],
)
def test_scalars_are_what_a_modern_reader_makes_of_them(text: str, value: Any) -> None:
    assert _data(text) == value


def test_every_key_and_item_has_its_line() -> None:
    tree = read_yaml(
        "jobs:\n  test:\n    steps:\n      - run: |\n          a\n          b\n      - uses: x\n"
    )
    assert tree.lines == {
        "jobs": 1,
        "jobs.test": 2,
        "jobs.test.steps": 3,
        "jobs.test.steps.0": 4,
        "jobs.test.steps.0.run": 4,
        "jobs.test.steps.1": 7,
        "jobs.test.steps.1.uses": 7,
    }


def test_anchors_and_merges_are_resolved_own_keys_first() -> None:
    text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nall:\n  <<: [*b, *m]\n  x: 9\nsame: *b\n"
    assert _data(text)["all"] == {"x": 9, "y": 2, "z": 4}
    assert _data(text)["same"] == {"x": 1, "y": 2}


def test_later_documents_have_paths_of_their_own() -> None:
    tree = read_yaml("kind: A\n---\nkind: B\nspec:\n  n: 1\n")
    assert [document["kind"] for document in tree.documents] == ["A", "B"]
    assert tree.lines["1#spec.n"] == 5


def test_an_empty_file_has_no_document() -> None:
    assert read_yaml("# nothing\n").documents == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1\nb: 2\n", "line 2"),
        ("a: {{ values }}\n", "the key is no plain text"),
        ("a: *missing\n", "line 1"),
        ("a: &x [*x]\n", "part of"),
        ("a: \x01\n", "character"),
        ("[" * 100_000, "nested deeper than 100"),
        ("\n".join(" " * n + "a:" for n in range(150)), "nested deeper than 100"),
        ("- 1\n" * 61_000, "more than 60,000"),
        ("a: &a 1\nb: [" + "*a," * 1_001 + "]", "more than 1,000 YAML aliases"),
        (
            "a0: &a0 [x]\n"
            + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)),
            "aliases are expanded",
        ),
        (
            "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 120)),
            "nested deeper than 100",
        ),
        (
            "a0: &a0 {x: 1}\n"
            + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
            "aliases are expanded",
        ),
    ],
)
def test_what_cannot_or_must_not_be_read_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_yaml(text)
