"""Tests that differ in literals alone."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines


def group(*bodies: str, **params: object) -> list[int]:
    """Findings for tests with these bodies, one after the other."""
    tests = [f"def test_{n}(client):\n    {body}\n" for n, body in enumerate(bodies)]
    return lines(ask("parametrize-similar-tests", {"tests/test_a.py": "\n".join(tests)}, **params))


def test_three_of_a_kind_are_one_group() -> None:
    assert group("assert f(1) == [1, -2]", "assert f(2) == []", "assert f(-3) == [4]") == [4]


@pytest.mark.parametrize(
    "third",
    ["assert g(3) == [3]", "assert f(3) != [3]", "assert f(x) == [3]", "assert f(a=3) == [3]"],
)
def test_another_callee_comparison_or_value_is_another_test(third: str) -> None:
    assert group("assert f(1) == [1]", "assert f(2) == [2]", third) == []


def test_what_nested_functions_do_counts() -> None:
    bodies = [f"def inner():\n        return {name}\n    assert run(inner)" for name in "abc"]
    assert group(*bodies) == []


def test_methods_of_two_classes_are_two_groups() -> None:
    code = "".join(
        f"class Test{name}:\n    def test_a(self):\n        assert f({name!r})\n" for name in "ABC"
    )
    assert lines(ask("parametrize-similar-tests", {"tests/test_a.py": code})) == []


def test_each_style_names_the_other() -> None:
    code = (
        "import pytest\nfrom parameterized import parameterized\n\n\n"
        "@pytest.mark.parametrize('n', [1])\ndef test_a(n):\n    assert n\n\n\n"
        "@parameterized.expand([1])\ndef test_b(n):\n    assert n > 0\n"
    )
    files = {"tests/test_a.py": code}
    assert lines(ask("parametrize-similar-tests", files)) == [11]
    assert lines(ask("parametrize-similar-tests", files, style="parameterized.expand")) == [6]
