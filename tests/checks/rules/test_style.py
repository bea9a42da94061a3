"""Style: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines


def too_long(code: str, most: int = 3) -> list[tuple[int, str]]:
    """Line and measure of what ``function-length`` finds in one module."""
    outcome = ask("function-length", {"app/a.py": code}, max_lines=most)
    return [(each.line, each.measured) for each in outcome.observations]


def test_only_the_body_counts() -> None:
    code = '''@one
@two
def f(
    a,
    b,
):
    """One.

    Two.
    """
    # a comment

    a = 1  # counts
    b = 2
    return a
'''
    assert too_long(code) == []
    assert too_long(code, most=2) == [(3, "3")]


def test_lines_of_a_text_count_also_where_they_look_like_comments() -> None:
    code = '''def f():
    return g("""
# Title

text
""")
'''
    assert too_long(code) == [(1, "4")]


def test_comments_between_joined_strings_do_not_count() -> None:
    assert too_long('def f():\n    return (\n        "a"\n        # note\n        "b")\n') == []


def test_a_nested_function_counts_in_its_parent_and_by_itself() -> None:
    code = '''def outer():
    def inner():
        """Not counted."""
        a = 1
        b = 2
        c = 3
        return a
    return inner
'''
    assert too_long(code) == [(1, "6"), (2, "4")]


def test_a_function_that_returns_one_table_is_exempt() -> None:
    table = "def f():\n    '''Doc.'''\n    return {\n        'a': 1,\n        'b': 2,\n    }\n"
    assert too_long(table) == []
    assert too_long(table.replace("return {", "x = {") + "    return x\n") == [(1, "5")]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("".join(f"    {n},\n" for n in range(600)), 0),
        ("".join(f"    f({n}),\n" for n in range(600)), 1),
    ],
)
def test_a_long_module_of_one_table_is_data_unless_it_computes(body: str, found: int) -> None:
    outcome = ask("module-size", {"app/a.py": f"TABLE = [\n{body}]\n"})
    assert len(outcome.observations) == found


def test_a_trailing_newline_makes_no_line() -> None:
    code = "".join(f"x{n} = f({n})\n" for n in range(500))
    assert lines(ask("module-size", {"app/a.py": code})) == []
    assert lines(ask("module-size", {"app/a.py": code + "y = 1"})) == [501]


def defaults(code: str) -> tuple[int, list[int]]:
    """Sites and lines of ``mutable-default-argument`` in one module."""
    outcome = ask_read("mutable-default-argument", {"scripts/a.py": code})
    return outcome.sites, lines(outcome)


def test_a_mutable_default_is_found_on_its_line_in_every_file() -> None:
    code = """from fastapi import Depends, Query


def f(
    a=1,
    b=[],
): ...


def g(a=Query(default=["x"]), b=Depends(f), c=frozenset(), d=()): ...


def h(a): ...
"""
    assert defaults(code) == (2, [6])


def test_each_mutable_default_is_a_finding_and_the_function_violates_once() -> None:
    code = "def f(\n    a=[],  # noqa: B006\n    b={},\n): ...\n"
    outcome = ask_read("mutable-default-argument", {"app/a.py": code})
    assert [(each.line, each.suppressed) for each in outcome.observations] == [
        (2, True),
        (3, False),
    ]
    assert (outcome.sites, len({each.site for each in outcome.observations})) == (1, 1)


def test_an_exact_noqa_suppresses_and_a_bare_one_does_not() -> None:
    code = "def f(a=[]): ...  # noqa: B006\n\n\ndef g(a=[]): ...  # noqa\n"
    outcome = ask_read("mutable-default-argument", {"app/a.py": code})
    assert [each.suppressed for each in outcome.observations] == [True, False]


def test_a_file_that_isort_is_told_to_skip_is_no_site() -> None:
    code = "# isort: skip_file\nimport b\nimport a\n"
    assert ask_read("import-order", {"app/a.py": code}).sites == 0
    assert lines(ask_read("import-order", {"app/a.py": code.partition("\n")[2]})) == [1]


@pytest.mark.parametrize("first", ["fastapi", "alembic"])
def test_a_library_that_a_folder_is_named_like_may_stand_among_both(first: str) -> None:
    third = (
        "from alembic.config import Config\nfrom fastapi import FastAPI\n\nfrom app.b import c\n"
    )
    own = "from fastapi import FastAPI\n\nfrom alembic.config import Config\nfrom app.b import c\n"
    files = {
        "alembic/env.py": "x = 1\n",
        "app/__init__.py": "",
        "app/a.py": third if first == "alembic" else own,
        "app/b.py": "c = 1\n",
    }
    assert lines(ask_read("import-order", files)) == []


def test_lines_that_end_in_a_url_and_pragmas_are_spared() -> None:
    code = (
        f"# see {'x' * 60} https://example.com/{'y' * 60}\n"
        f"x = '{'a' * 70}'  # noqa: E501  # pylint: disable=line-too-long\n"
        f"y = '{'a' * 90}'\n"
        f"z = '{'漢' * 45}'\n"
    )
    assert lines(ask_read("line-length", {"app/a.py": code})) == [3, 4]
