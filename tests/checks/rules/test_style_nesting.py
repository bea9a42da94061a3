"""Functions in functions and callbacks in callbacks."""

from __future__ import annotations

from tests.checks.projects import ask, lines


def nested(code: str, **params: object) -> list[int]:
    """Lines of ``nested-function-depth`` in one module."""
    return lines(ask("nested-function-depth", {"app/a.py": code}, **params))


def test_methods_of_a_class_in_a_function_start_a_new_count() -> None:
    code = """def one():
    def two():
        class Inner:
            def method(self):
                def closure():
                    return 1

                return closure

        return Inner

    return two
"""
    assert nested(code) == []
    assert nested(code, max_depth=0) == [2, 5]


def test_keys_and_factories_are_no_callbacks() -> None:
    code = """from collections import defaultdict


def f(run, items):
    run(lambda: sorted(items, key=lambda item: item.a))
    run(lambda: defaultdict(lambda: 1))
    run(lambda: run(lambda: items))
"""
    assert nested(code, count_lambdas=True) == [7]
