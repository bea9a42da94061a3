"""How tests are set up."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

FIXTURE = "import pytest\n\n\n@pytest.fixture\ndef user():\n    return 1\n\n\n"
USING = "def test_it(user):\n    assert user\n"


def places(files: dict[str, str]) -> list[tuple[str, int]]:
    """Where ``shared-fixtures-in-conftest`` finds something."""
    found = ask("shared-fixtures-in-conftest", files).observations
    return [(each.path, each.line) for each in found]


def test_a_copied_fixture_is_named_where_it_is_copied() -> None:
    files = {"tests/test_a.py": FIXTURE + USING, "tests/test_b.py": FIXTURE + USING}
    files["tests/conftest.py"] = FIXTURE.replace("user", "order")
    assert places(files) == [("tests/test_b.py", 5)]


def test_overriding_a_fixture_of_conftest_is_no_copy() -> None:
    files = {f"tests/{name}.py": FIXTURE + USING for name in ("test_a", "test_b", "conftest")}
    assert places(files) == []


def test_without_any_shared_fixture_the_project_is_named() -> None:
    assert places({"tests/test_a.py": USING, "tests/test_b.py": USING}) == [("tests/test_a.py", 1)]


def test_fixtures_of_a_plugin_module_are_shared() -> None:
    conftest = "pytest_plugins = ['tests.plugin']\n"
    files = {"tests/test_a.py": USING, "tests/test_b.py": USING, "tests/conftest.py": conftest,
             "tests/plugin.py": FIXTURE, "tests/__init__.py": ""}  # fmt: skip
    assert places(files) == []


@pytest.mark.parametrize(
    ("second", "found"), [("x = make(2)", 1), ("x = make({n})", 0), ("assert shop", 0)]
)
def test_equal_beginnings_are_a_fixture(second: str, found: int) -> None:
    tests = [
        f"def test_{n}():\n    shop = Shop()\n    {second.format(n=n)}\n    y = shop.buy(x)\n"
        f"    assert y == {n}\n"
        for n in range(3)
    ]
    files = {"tests/conftest.py": FIXTURE, "tests/test_a.py": "\n\n".join(tests)}
    assert len(places({**files, "tests/test_b.py": USING})) == found
