"""Checks of what tests reach: that they test the project at all."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.assertions import assertions
from checks.project.subjects import File, Function
from checks.rules.applies import has_tests

_REMOTE = frozenset(
    "page browser live_server client async_client pytester testdir script_runner host "
    "playwright driver selenium cli_runner api_client context request".split()
)


@check("no-framework-tests", scope="test", applies=has_tests)
def no_framework_tests(file: File) -> Answer:
    """A test exercises code of the project.

    That pydantic validates is tested by pydantic; such a test only costs time.

    Instead: test what the project adds, or delete the test.

    Known problems: one import of the project's code, in the module or in the module of a
    fixture, is taken as reaching it; so is reading a file of the repository, running a program
    or asking a server.
    """
    suite = file.project.suite
    tests = suite.collected(file)
    if not tests:
        return Skip("no test function")
    reached = suite.reaches(file)
    found = []
    for test in tests:
        if _is_placeholder(test):
            message = f"`{test.name}` tests nothing"
        elif reached or _reaches(test):
            continue
        else:
            message = f"`{test.name}` exercises no code of the project"
        found.append(At(test.line, message, symbol=test.symbol))
    return Sites(len(tests), found)


def _reaches(test: Function) -> bool:
    suite = test.file.project.suite
    if any(suite.reaches(fixture.file) for fixture in suite.around(test)):
        return True
    if any(tree.dotted(call.fact.func).startswith("self.client.") for call in test.calls):
        return True
    known = suite.fixtures(test.file)
    return any(param.name in _REMOTE - known.keys() for param in test.fact.params)


def _is_placeholder(test: Function) -> bool:
    """``assert True``, ``pass``: no call, no name."""
    if test.calls or any(test.blocks) or test.raises or test.assigns:
        return False
    if any(row.fact.function == test.index for row in test.file.imports):
        return False
    return all(
        isinstance(expr, tree.Const) for row in assertions(test) for expr in row.exprs
    ) and all(row.kind in {"assert", "pass", "expr", "return"} for row in test.statements)
