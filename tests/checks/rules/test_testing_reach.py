"""Tests that reach no code of the project."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

APP = {"app/main.py": "def half(n):\n    return n // 2\n"}


def unreached(code: str, **others: str) -> list[int]:
    """Lines of ``no-framework-tests`` in one test file."""
    files = {**APP, "tests/test_a.py": code}
    files |= {path.replace("__", "/") + ".py": text for path, text in others.items()}
    return lines(ask("no-framework-tests", files))


def test_a_test_of_a_library_is_named() -> None:
    assert unreached("import json\n\n\ndef test_it():\n    assert json.loads('1') == 1\n") == [4]


@pytest.mark.parametrize(
    "line",
    ["from app.main import half", "from unittest.mock import patch\npatch('app.main.half')",
     "from importlib import import_module\nimport_module('app.main')",
     "from pathlib import Path\nPath('pyproject.toml').read_text()"],
)  # fmt: skip
def test_imports_and_texts_and_files_reach_the_project(line: str) -> None:
    assert unreached(f"{line}\n\n\ndef test_it():\n    assert len('a') == 1\n") == []


def test_a_fixture_of_conftest_reaches_it() -> None:
    conftest = "import pytest\nfrom app.main import half\n\n\n@pytest.fixture\ndef two(): ...\n"
    code = "def test_it(two):\n    assert two == 2\n\n\ndef test_b():\n    assert 2 == len('ab')\n"
    assert unreached(code, tests__conftest=conftest) == [5]


def test_a_placeholder_is_named_even_beside_real_tests() -> None:
    code = "from app.main import half\n\n\ndef test_it():\n    assert True\n"
    assert unreached(code) == [4]
