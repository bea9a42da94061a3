"""What runs async tests."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

PYPROJECT = '[dependency-groups]\ndev = ["pytest", "pytest-asyncio"]\n'
BARE = "async def test_it():\n    assert True\n"


def unmarked(code: str, pyproject: str = PYPROJECT, **params: object) -> list[int]:
    """Lines of ``async-tests-configured`` in one test file."""
    app = "async def go(): ...\n"
    files = {"pyproject.toml": pyproject, "app/main.py": app, "tests/test_a.py": code}
    return lines(ask_read("async-tests-configured", files, **params))


@pytest.mark.parametrize(
    "tail",
    ['[tool.pytest.ini_options]\nasyncio_mode = "auto"\n',
     '[tool.pytest.ini_options]\naddopts = "--asyncio-mode=auto"\n'],
)  # fmt: skip
def test_auto_mode_may_stand_in_options(tail: str) -> None:
    assert unmarked(BARE, PYPROJECT + tail) == []
    assert unmarked(BARE, PYPROJECT + tail, require_mark=True) == [1]


def test_marks_of_class_and_module_hold() -> None:
    inside = (
        "class TestIt:\n    pytestmark = pytest.mark.asyncio\n\n    async def test_it(self): ...\n"
    )
    assert unmarked(f"import pytest\n\n\n{inside}") == []


def test_anyio_is_another_plugin() -> None:
    assert unmarked(f"import pytest\n\n\n@pytest.mark.anyio\n{BARE}") == [5]


def test_without_the_plugin_a_mark_does_nothing() -> None:
    code = f"import pytest\n\n\n@pytest.mark.asyncio\n{BARE}"
    assert unmarked(code, '[dependency-groups]\ndev = ["pytest"]\n') == [5]


def test_a_sync_test_that_drives_a_coroutine_is_named() -> None:
    assert unmarked("import asyncio\n\n\ndef test_it():\n    assert asyncio.run(go())\n") == [4]


def test_an_async_fixture_and_a_case_with_its_own_loop_are_no_sites() -> None:
    code = (
        "import unittest\nimport pytest\n\n\n@pytest.fixture\nasync def test_data(): ...\n\n\n"
        "class T(unittest.IsolatedAsyncioTestCase):\n    async def test_it(self): ...\n"
    )
    assert unmarked(code) == []
