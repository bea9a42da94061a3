"""Formatting: traps of the definition."""

from __future__ import annotations

from tests.checks.projects import ask_read

LONG = f'NAMES = ["{"a" * 50}", "{"b" * 30}"]\n'


def found(files: dict[str, str], **params: object) -> list[tuple[str, int]]:
    outcome = ask_read("code-formatted", files, **params)
    return [(each.path, each.line) for each in outcome.observations]


def test_production_tests_and_scripts_are_formatted_and_migrations_are_not() -> None:
    bad = "x = 1\ny = [ 1 ]\n"
    files = {"app/a.py": bad, "tests/test_a.py": bad, "scripts/a.py": bad}
    migration = {"alembic/versions/a.py": f"revision = 1\ndown_revision = 2\n{bad}"}
    assert found({**files, **migration}) == [(path, 2) for path in sorted(files)]


def test_a_stretch_that_turns_the_formatter_off_is_left_alone() -> None:
    assert found({"app/a.py": "# fmt: off\ny = [ 1 ]\n# fmt: on\n"}) == []


def test_the_length_of_the_project_holds_unless_the_clause_names_one() -> None:
    project = {"pyproject.toml": "[tool.black]\nline-length = 120\n", "app/a.py": LONG}
    assert found(project) == []
    assert found({"app/a.py": LONG}) == [("app/a.py", 1)]
    assert found({"app/a.py": LONG}, line_length=100) == []


def test_files_that_black_leaves_out_are_left_out() -> None:
    bad = {"app/old/a.py": "y = [ 1 ]\n"}
    black = "[tool.black]\nextend-exclude = '/old/'\n"
    assert found({"pyproject.toml": black, **bad}) == []
    slow = "[tool.black]\nextend-exclude = '(o+)+ld'\n"
    assert found({"pyproject.toml": slow, **bad}) == [("app/old/a.py", 1)]
