"""What stands in for servers in tests."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

APP = (
    "import httpx\n\n\ndef read():\n    return httpx.get('https://a.example/')\n\n\n"
    "def half(n):\n    return n\n\n\nclass Client:\n    def name(self):\n        return 1\n\n    "
    "def fetch(self):\n        return httpx.get('https://a.example/')\n"
)
BARE = "from app.weather import read\n\n\ndef test_it():\n    assert read()\n"


def outside(code: str, path: str = "tests/test_a.py", **others: str) -> list[int]:
    """Lines of ``external-services-mocked`` in one test file."""
    files = {"app/weather.py": APP, path: code}
    files |= {name.replace("__", "/") + ".py": text for name, text in others.items()}
    return [each.line for each in ask("external-services-mocked", files).observations]


def test_an_import_of_what_calls_out_is_found() -> None:
    assert outside(BARE) == [1]


def test_an_import_of_something_else_of_the_module_is_none() -> None:
    assert outside(BARE.replace("read", "half")) == []


@pytest.mark.parametrize(("method", "found"), [("fetch", [1]), ("name", [])])
def test_a_class_reaches_out_by_the_methods_that_are_called(method: str, found: list[int]) -> None:
    code = "from app.weather import Client\n\n\ndef test_it():\n    assert Client().METHOD()\n"
    assert outside(code.replace("METHOD", method)) == found


@pytest.mark.parametrize(
    "line",
    ["import respx", "from app import other\n\nother.app.dependency_overrides[read] = 1",
     "from app import main, db\n\nmain.app.dependency_overrides = {db.get_db: 1, read: 2}",
     "from app.weather import Client\n\n\nclass Still(Client):\n    def read(self): ...",
     "class FakeClient: ...", "from unittest.mock import Mock\n\nX = Mock()"],
)  # fmt: skip
def test_whatever_stands_in_counts_in_conftest_too(line: str) -> None:
    assert outside(f"{line}\n{BARE}") == []
    assert outside(BARE, tests__conftest=f"{line}\n") == []


@pytest.mark.parametrize(
    "line",
    ["main.app.dependency_overrides[db.get_db] = 1",
     "main.app.dependency_overrides.update({db.get_session: 1, db.get_current_user: 2})"],
)  # fmt: skip
def test_an_overridden_database_or_user_stands_in_for_no_server(line: str) -> None:
    assert outside(BARE, tests__conftest=f"from app import db, main\n\n{line}\n") == [1]


def test_integration_tests_are_no_unit_tests() -> None:
    assert outside(BARE, path="tests/integration/test_a.py") == []
    marked = BARE.replace("def test", "@pytest.mark.live\ndef test")
    assert outside(f"import pytest\n{marked}") == []


@pytest.mark.parametrize(("host", "found"), [("api.github.com", [5]), ("localhost:80", [])])
def test_a_real_host_is_found(host: str, found: list[int]) -> None:
    code = f"import httpx\n\n\ndef test_it():\n    assert httpx.get('https://{host}/x')\n"
    assert outside(code) == found
