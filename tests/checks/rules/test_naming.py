"""Names: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines


def misnamed(code: str, path: str = "app/a.py") -> list[int]:
    """Lines of ``pep8-naming`` in one module."""
    return lines(ask_read("pep8-naming", {path: code}))


@pytest.mark.parametrize(
    "value",
    [
        "scoped_session(sessionmaker(bind=e))",
        "async_sessionmaker(e)",
        "get_user_model()",
        "type(x)",
        "One if x else Two",
        "models.Thing",
    ],
)
def test_a_local_variable_that_holds_a_class_is_written_like_one(value: str) -> None:
    code = f"class One: pass\n\n\nclass Two: pass\n\n\ndef f(x, e, models):\n    Kind = {value}\n"
    assert misnamed(code) == []


@pytest.mark.parametrize(
    "line",
    ["thrownType = type(x)", "Kind = 1", "Kind = load(x)", "KIND = One", "Kind = One if x else 1"],
)
def test_other_local_variables_are_snake_case(line: str) -> None:
    assert misnamed(f"class One: pass\n\n\ndef f(x):\n    {line}\n") == [5]


def test_a_method_that_a_library_asks_for_keeps_its_name() -> None:
    code = """import ast
import xml.sax
from http.server import BaseHTTPRequestHandler

from pydantic import BaseModel


class Handler(BaseHTTPRequestHandler):
    def do_GET(self): pass


class Reader(xml.sax.ContentHandler):
    def startElement(self, name, attrs): pass


class Visitor(ast.NodeVisitor):
    def visit_Name(self, node): pass


class Order(BaseModel):
    def getTotal(self): pass


class Plain:
    def getTotal(self): pass
"""
    assert misnamed(code) == [21, 25]


def test_fields_of_schemas_are_judged_elsewhere() -> None:
    code = "from pydantic import BaseModel\n\n\nclass A(BaseModel):\n    itemCount: int = 0\n\n\n"
    assert misnamed(code + "class B:\n    itemCount: int = 0\n") == [9]


@pytest.mark.parametrize(
    ("path", "others", "found"),
    [
        ("gunicorn.conf.py", [], []),
        ("my-app/main.py", [], []),
        ("services/my-app/main.py", ["services/my-app/requirements.txt"], []),
        ("services/my-app/main.py", ["services/my-app/__init__.py"], [1]),
        ("app/my-part/main.py", ["app/__init__.py"], [1]),
        ("app/UserService.py", [], [1]),
        ("app/__main__.py", [], []),
    ],
)
def test_modules_and_folders_below_the_import_root_are_snake_case(
    path: str, others: list[str], found: list[int]
) -> None:
    files = {path: "x = 1\n", **dict.fromkeys(others, "")}
    assert lines(ask_read("pep8-naming", files, kinds=["modules"])) == found


def test_fixtures_are_no_tests_whatever_makes_them() -> None:
    code = """import pytest
import pytest_asyncio


@pytest.fixture
def test_user(): ...


@pytest_asyncio.fixture()
async def test_client(): ...
"""
    assert ask("test-naming", {"tests/fixtures.py": code}).sites == 0


def test_methods_of_test_classes_and_of_unittest_count_by_their_own_names() -> None:
    code = """import unittest


class TestOrders:
    def test_total(self): ...


class Orders(unittest.TestCase):
    def testTotal(self): ...


class Helper:
    def test_total(self): ...


def outer():
    def test_inner(): ...
"""
    outcome = ask("test-naming", {"tests/test_a.py": code}, target="function", pattern="^test_x$")
    assert lines(outcome) == [5, 9]


def test_the_functions_that_pytest_is_told_to_collect_are_judged() -> None:
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\npython_functions = ['should_*']\n",
        "tests/test_a.py": "def should_add(): ...\n\n\ndef test_add(): ...\n",
    }
    outcome = ask_read("test-naming", files, target="function", pattern="^test_.+$")
    assert (outcome.sites, lines(outcome)) == (1, [1])


def test_a_test_file_of_another_name_is_found() -> None:
    outcome = ask("test-naming", {"tests/admin.py": "def test_list(): ...\n"})
    assert lines(outcome) == [1]
