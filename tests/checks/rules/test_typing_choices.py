"""Traps of the check of texts with fixed values."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

CHECK = "literal-for-fixed-values"


def found(code: str) -> list[int]:
    return lines(ask(CHECK, {"app/a.py": code}))


def body(*statements: str, kind: str = "str") -> list[int]:
    """Lines found in a function of one parameter."""
    text = "\n".join(f"    {each}" for each in statements)
    return found(f"def run(\n    kind: {kind},\n) -> object:\n{text}\n")


@pytest.mark.parametrize("kind", ["str", "str | None", "'str'"])
def test_comparisons_with_two_texts_are_found_at_the_parameter(kind: str) -> None:
    code = ("if kind == 'a' or 'b' == kind:", "    return 1")
    assert body(*code, kind=kind) == [2]


@pytest.mark.parametrize(
    "code",
    [
        ("if kind not in ('a', 'b'):", "    raise ValueError(kind)"),
        ("match kind:", "    case 'a':", "        pass", "    case 'b' | 'c':", "        pass"),
        ("return 1 if kind == 'a' else 2 if kind == 'b' else 3",),
        ("if kind == 'a':", "    return 1", "if kind == 'b':", "    return 2", "raise E(kind)"),
        ("if kind != 'a' and kind != 'b':", "    log.error('bad', kind)"),
        ("if kind == 'a':", "    pass", "elif kind == 'b':", "    pass", "send(kind)"),
    ],
)
def test_every_way_to_compare_counts(code: tuple[str, ...]) -> None:
    assert body(*code) == [2]


@pytest.mark.parametrize(
    "code",
    [
        ("return kind == 'a' or kind == ''",),
        ("return kind == 'a' or kind == 'a'",),
        ("return kind.startswith('a') or kind.endswith('b')",),
        ("return 'a' in kind or 'b' in kind",),
        ("if kind == 'a' or kind == 'b':", "    return 1", "return kind"),
        ("if kind == 'a':", "    pass", "elif kind == 'b':", "    pass", "else:", "    use(kind)"),
        ("return {'a': 1} if kind in ('a', 'b') else load(kind)",),
        ("return kind[1:] if kind in ('a', 'b') else None",),
        ("kind = kind.strip()", "return kind in ('a', 'b')"),
        ("match kind:", "    case 'a' | 'b':", "        pass", "    case _:", "        f(kind)"),
    ],
)
def test_free_text_with_special_values_is_left_alone(code: tuple[str, ...]) -> None:
    assert body(*code) == []


@pytest.mark.parametrize("kind", ["Kind", "Literal['a', 'b']", "int"])
def test_other_types_are_no_sites(kind: str) -> None:
    code = f"def run(kind: {kind}): return kind in ('a', 'b')\n"
    assert ask(CHECK, {"app/a.py": code}).state == "not-applicable"


def test_what_the_language_passes_is_no_choice() -> None:
    code = "class A:\n    def __getattr__(self, name: str): return name in ('a', 'b')\n"
    assert found(code) == []


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [("^(asc|desc)$", True), ("asc|desc", True), ("^asc$|^desc$", True), ("^[a-z]+$", False),
     ("^(a|b)+$", False), ("^\\\\w+|x$", False)],
)  # fmt: skip
def test_patterns_that_list_values_are_found(pattern: str, wrong: bool) -> None:
    code = (
        "from fastapi import Query\nfrom pydantic import BaseModel, Field\n"
        f'class A(BaseModel):\n    b: str = Field(\n        pattern="{pattern}")\n'
        f'def run(c: str = Query("asc", pattern="{pattern}")): ...\n'
    )
    assert found(code) == ([4, 6] if wrong else [])
