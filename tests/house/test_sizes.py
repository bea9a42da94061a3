"""A module tells one story and a function fits on a screen; exceptions have a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.house import source_tree
from tests.house.source_tree import Module, functions, parse

MOST_LINES_OF_A_FILE = 500
MOST_LINES_OF_A_FUNCTION = 50

# "path" or "path::qualified.name" -> why it is easier to read in one piece.
LONG_FOR_A_REASON: Mapping[str, str] = {}


def written_by_hand(modules: Iterable[Module]) -> list[Module]:
    """Return all modules but Django's generated migrations."""
    return [module for module in modules if "/migrations/" not in module.path]


def too_long(modules: Iterable[Module]) -> dict[str, int]:
    """Return the files and functions over the limit, with their lines."""
    found = {}
    for module in modules:
        if module.lines > MOST_LINES_OF_A_FILE:
            found[module.path] = module.lines
        for function in functions(module):
            if function.lines > MOST_LINES_OF_A_FUNCTION:
                found[f"{function.path}::{function.name}"] = function.lines
    return found


def test_files_and_functions_are_short_or_have_a_reason() -> None:
    found = too_long(written_by_hand(source_tree.modules()))
    assert not {name: lines for name, lines in found.items() if name not in LONG_FOR_A_REASON}


def test_every_exception_is_still_needed_and_has_a_reason() -> None:
    found = too_long(written_by_hand(source_tree.modules()))
    assert not [name for name in LONG_FOR_A_REASON if name not in found]
    assert all(len(reason.split()) >= 3 for reason in LONG_FOR_A_REASON.values())


def test_a_long_function_is_seen_and_one_at_the_limit_is_not() -> None:
    body = "\n        pass" * (MOST_LINES_OF_A_FUNCTION - 1)
    at_limit = parse("a.py", f"class C:\n    def f(self):{body}\n")
    over = parse("a.py", f"class C:\n    def f(self):{body}\n        pass\n")
    assert too_long([at_limit]) == {}
    assert too_long([over]) == {"a.py::C.f": MOST_LINES_OF_A_FUNCTION + 1}


def test_a_long_file_is_seen_and_one_at_the_limit_is_not() -> None:
    assert too_long([parse("a.py", "\n" * MOST_LINES_OF_A_FILE)]) == {}
    assert too_long([parse("a.py", "\n" * (MOST_LINES_OF_A_FILE + 1))])
