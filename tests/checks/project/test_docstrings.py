"""Docstrings: where they stand and what their sections are."""

from __future__ import annotations

import pytest

from checks.project.docstrings import arguments, docstrings, sections
from tests.checks.projects import parsed


def test_docstrings_know_their_owner_and_their_lines() -> None:
    text = (
        '"""Module."""\n\n\nclass A:\n    """\n    An A.\n    """\n\n    x = 1\n    "x"\n\n'
        '    def f(\n        self,\n    ):\n        """Do."""\n\n    def g(self): ...\n'
    )
    found = docstrings(parsed({"app/x.py": text}).by_path["app/x.py"])
    places = [(each.owner and each.owner.name, each.line, each.first, each.last) for each in found]
    assert places == [(None, 1, 1, 1), ("A", 5, 6, 7), ("f", 15, 15, 15)]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Do.\n\n    Args:\n        a: It.\n\n    Returns:\n        One.", ["args", "returns"]),
        ("Do.\n\n    Parameters\n    ----------\n    a : int\n\n    Notes\n    -----\n    It.",
         ["args", "note"]),
        ("Do.\n\n    :param a: it\n    :raises ValueError: if", ["args", "raises"]),
        ("Do.\n\n    .. warning:: It bites.", ["warning"]),
        ("Returns: one of them.", ["returns"]),
        ("The parameters: none of them.", []),
        ("Do it: now.", []),
    ],
)  # fmt: skip
def test_sections_are_found_in_every_convention(text: str, kinds: list[str]) -> None:
    assert [each.kind for each in sections(text)] == kinds


def test_entries_have_their_whole_text_and_their_line() -> None:
    found = arguments(sections("Do.\n\n  Args:\n    a (list[int]): It\n      is.\n    *b: All."))
    assert [(each.name, each.type, each.text, each.number) for each in found] == [
        ("a", "list[int]", "It is.", 3),
        ("b", "", "All.", 5),
    ]
