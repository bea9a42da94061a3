"""Checks of tests: what they assert on, and with which framework."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.project import Project
from checks.project.subjects import Class, File, Function
from checks.rules.applies import has_tests

_MOCKED = frozenset(
    "assert_called assert_called_once assert_called_with assert_called_once_with assert_any_call "
    "assert_has_calls assert_not_called assert_awaited assert_awaited_once assert_awaited_with "
    "assert_awaited_once_with assert_any_await assert_has_awaits assert_not_awaited".split()
)
_COUNTED = frozenset(
    "called call_count await_count awaited mock_calls method_calls call_args_list await_args_list "
    "call_args await_args".split()
)
_CONTENT = frozenset(
    "call_args await_args mock_calls method_calls call_args_list await_args_list".split()
)
_ASSERTING = ("assert", "_assert", "check", "_check", "verify", "_verify", "expect")
_DOUBLES = ("unittest.mock", "mock", "pytest_mock", "asynctest")
_OUTWARD = ("mail", "send", "publish", "notif", "audit", "metric", "event", "queue", "producer",
            "sms", "log")  # fmt: skip
_CASES = ("unittest.", "django.test.", "rest_framework.test.", "tornado.testing.",
          "aiohttp.test_utils.", "twisted.trial.", "asynctest.", "flask_testing.")  # fmt: skip
_OTHERS = frozenset({"nose", "nose2", "behave", "lettuce", "testify"})


@check("mock-only-assertions", scope="test")
def mock_only_assertions(file: File) -> Answer:
    """A test asserts what came out, not only that a double was called.

    A test of calls alone repeats the code, and passes when the result is wrong.

    Instead: assert on the returned value or the changed state.

    Known problems: a helper of the tests counts as an assertion when it asserts itself.
    """
    if not _uses_doubles(file):
        return Skip("no double")
    count, found = 0, []
    for test in file.project.suite.collected(file):
        kinds = set(_assertions(test))
        count += bool(kinds)
        if kinds and "" not in kinds:
            weight = (
                0.5 if any(word in kind.lower() for kind in kinds for word in _OUTWARD) else 1.0
            )
            message = f"`{test.name}` only asserts that doubles were called"
            found.append(At(test.line, message, symbol=test.symbol, weight=weight))
    return Sites(count, found) if count else Skip("no assertion")


def _uses_doubles(file: File) -> bool:
    imported = (f"{row.fact.module}.{row.fact.name}" for row in file.imports)
    return any(name.startswith(_DOUBLES) for name in imported) or any(
        param.name in {"mocker", "monkeypatch"} or param.name.startswith("mock")
        for function in file.facts.functions
        for param in function.params
    )


def _assertions(test: Function) -> Iterator[str]:
    """Each assertion of a test: the name of the double it asks, "" when it asks behaviour."""
    for statement in test.statements:
        if statement.kind == "assert":
            yield _double(statement.value)
    for call in test.calls:
        if call.last in _MOCKED:
            yield tree.dotted(call.receiver) or "double"
        elif call.last in {"raises", "warns", "fail"} or call.last.startswith(_ASSERTING):
            yield ""
        else:
            functions = test.file.project.calls.resolve(call)
            if any(each.file.is_test and _asserts(each) for each in functions):
                yield ""


def _asserts(function: Function) -> bool:
    return any(each.kind == "assert" for each in function.statements) or any(
        call.last.startswith("assert") for call in function.calls
    )


def _double(test: Expr | None) -> str:
    """The double whose calls an assertion only counts, "" when it looks at anything else."""
    names = [node for node in tree.walk(test) if isinstance(node, tree.Name)]
    lasts = {name.id.rpartition(".")[2] for name in names if "." in name.id}
    attributes = [node.attr for node in tree.walk(test) if isinstance(node, tree.Attr)]
    asked = (lasts | set(attributes)) & _COUNTED
    compares = isinstance(test, tree.Op) and test.kind.startswith("Compare:")
    if not asked or (compares and asked & _CONTENT):
        return ""
    return next((name.id for name in names if name.id.rpartition(".")[2] in asked), "double")


@check("pytest-only", scope="test", applies=has_tests)
def pytest_only(file: File) -> One:
    """Tests are plain functions of pytest.

    Two frameworks mean two ways to prepare, to skip and to compare.

    Instead: write functions with ``assert`` and fixtures.

    Known problems: a runner that only a CI image brings along is not seen.
    """
    tests = file.project.suite.collected(file)
    if not tests:
        return Skip("no test")
    for cls in file.classes:
        if any(test.cls == cls for test in tests) and _is_case(cls):
            return At(cls.line, f"`{cls.name}` is a TestCase of unittest", symbol=cls.symbol)
    for row in file.imports:
        if row.distribution in _OTHERS:
            return At(row.line, f"The tests use {row.distribution}", anchor=row.distribution)
    for call in file.calls_named("testmod", "testfile"):
        if call.name.startswith("doctest."):
            return At(call.line, "The tests are run by doctest", anchor="doctest")
    if not _has_pytest(file.project):
        return At(1, "No dependency on pytest is declared", anchor="pytest", symbol=file.module)
    return None


def _is_case(cls: Class) -> bool:
    return any(
        name.startswith(_CASES) and name.endswith(("TestCase", "Case")) for name in cls.ancestors
    )


def _has_pytest(project: Project) -> bool:
    return (
        any(
            each.name == "pytest" or each.name.startswith("pytest-")
            for each in project.manifests.dependencies
        )
        or bool(project.tools.evidence("pytest"))
        or any(row.distribution == "pytest" for file in project.tests for row in file.imports)
    )
