"""Comments that silence a tool: what reads as a reason."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines


def unexplained(code: str, **params: object) -> list[int]:
    """Lines of ``type-ignore-explained`` in one module."""
    return lines(ask("type-ignore-explained", {"app/a.py": code}, **params))


def test_a_reason_follows_the_comment_or_stands_above_it() -> None:
    code = """import a

# the stubs of this library are wrong
a.b = 1  # type: ignore[attr-defined]
a.b = 1  # type: ignore[attr-defined]  # stub lacks it
a.b = 1  # type: ignore[attr-defined]: stub lacks it
a.b = 1  # type: ignore[attr-defined] upstream
a.b = 1  # type: ignore[attr-defined]  # noqa: SLF001
a.b = 1  # type: ignore  # the stubs are wrong
a.b = "# type: ignore"
# type of b differs
a.b = 1  # type: ignore[attr-defined]
# fmt: off
a.b = 1  # type: ignore[attr-defined]
a.b = 1  # pyright: ignore
"""
    assert unexplained(code) == [7, 8, 9, 14]
    assert unexplained(code, require_code=False) == [7, 8, 14]
    assert unexplained(code, require_reason=False) == [9]


@pytest.mark.parametrize("section", ["exclude_also", "exclude_lines"])
def test_a_guard_excluded_by_the_configuration_counts_only_on_demand(section: str) -> None:
    files = {
        "app/a.py": 'X = 1\n\nif "__main__" == __name__:\n    print(X)\n',
        "tests/test_a.py": 'if __name__ == "__main__":\n    print(1)\n',
        "pyproject.toml": f"[tool.coverage.report]\n{section} = ['if __name__ == .__main__.:']\n",
    }
    outcome = ask_read("main-guard-no-cover", files)
    assert [(each.path, each.line) for each in outcome.observations] == [("app/a.py", 3)]
    assert lines(ask_read("main-guard-no-cover", files, accept_config=True)) == []
