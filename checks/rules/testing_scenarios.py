"""The check of what the tests of a module show: success, errors, edges, who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.assertions import assertions
from checks.project.given import Given
from checks.project.project import Project
from checks.project.subjects import File, Function
from checks.rules.applies import has_tests

_EDGE = re.compile(
    r"empty|zero|none|null|missing|invalid|boundar|limit|max|min(?![a-z])|duplicate|unicode|edge"
    r"|negative|blank|too_?(?:long|short|large|small|many)|overflow|nonexistent|not_found",
    re.IGNORECASE,
)
_RAISES = frozenset("raises assertRaises assertRaisesRegex RaisesGroup".split())
_STATUS = re.compile(r"(?:HTTP_)?([1-5]\d\d)(?:_\w+)?")
_LONG = 200
_EDGES = (0, -1, "", None)


@check("test-scenario-coverage", each="kinds", applies=has_tests)
def scenario_coverage(
    project: Project, entry: str, *, kinds: Sequence[str] = ("success", "error")
) -> Answer:
    """The tests of a module show that it works, and how it fails.

    Most faults hide where nothing is as it should be.

    Instead: a test for each kind of answer.

    Known problems: the tests of a module are those of files that import it, and those that
    request its routes. A module without raise, database, external call and parameters of
    requests cannot fail, and needs no test of errors.
    """
    shown = _shown(project)
    sites, found = 0, []
    for file in project.production:
        tests = _tests_of(project, file)
        if not tests or not _may_show(project, file, entry):
            continue
        sites += 1
        if not any(entry in shown(test) for test in tests):
            text = f"No test of `{file.module}` shows the case `{entry}`"
            found.append(At(1, text, path=file.path, symbol=file.module, anchor=entry))
    return Sites(sites, found) if sites else Skip("no tested module of routes or services")


def _may_show(project: Project, file: File, entry: str) -> bool:
    routes = project.routes.in_module.get(file.path, [])
    if entry == "auth":
        return any(project.authentication.protects(route) for route in routes)
    if entry != "error":
        return True
    if file.facts.raises or file.excepts or project.database.operations(file):
        return True
    if any(route.function.fact.params for route in routes):
        return True
    return any(
        target.fact.name != "__init__" and target.raises
        for function in file.functions
        for _, target in project.calls.callees(function)
    )


def _tests_of(project: Project, file: File) -> list[Function]:
    """Tests of a module of routes or services, in order."""
    is_routes = file.path in project.routes.modules
    if not is_routes and file.layer != "services":
        return []
    return _by_module(project).get(file.path, [])


def _by_module(project: Project) -> dict[str, list[Function]]:
    """Tests by the path of the module that they import or request."""
    suite = project.suite

    def find() -> dict[str, list[Function]]:
        found: dict[str, dict[Function, None]] = {}
        for file in project.tests:
            tests = suite.collected(file)
            if tests:
                for other in {other.path for other, _ in suite.imported(file)}:
                    found.setdefault(other, {}).update(dict.fromkeys(tests))
        for key, rows in project.requests.covered.items():
            for row in rows:
                asking = row.call.function
                tests = suite.collected(row.call.file)
                own = [asking] if asking is not None and asking in tests else tests
                for path in project.requests.handlers.get(key, ()):
                    found.setdefault(path, {}).update(dict.fromkeys(own))
        return {path: list(tests) for path, tests in found.items()}

    return project.externals.remembered("tests by module", find)


class _Shown:
    """Which kinds each test shows; every answer is remembered."""

    def __init__(self) -> None:
        self._known: dict[Function, set[str]] = {}

    def __call__(self, test: Function) -> set[str]:
        known = self._known.get(test)
        if known is None:
            known = self._known[test] = set(_kinds(test))
        return known


def _shown(project: Project) -> _Shown:
    return project.externals.remembered("scenarios shown", _Shown)


def _kinds(test: Function) -> Iterator[str]:
    rows = assertions(test)
    listed = list(_listed(test))
    statuses = {status for row in rows for expr in row.exprs for status in _statuses(test, expr)}
    errors = {status for status in statuses if status >= 400}
    listed_errors = {value for value in listed if isinstance(value, int) and 400 <= value < 600}
    raising = any(call.last in _RAISES for call in test.calls)
    plain = [row for row in rows if row.kind != "context"]
    if any(200 <= status < 300 for status in statuses) or (plain and not errors and not raising):
        yield "success"
    if len(plain) > 1 and not errors and plain[-1].exprs and not raising:
        yield "success"
    if any(isinstance(value, int) and 200 <= value < 300 for value in listed):
        yield "success"
    failing = any(_says_error(test, expr) for row in rows for expr in row.exprs)
    if errors or listed_errors or raising or failing:
        yield "error"
    if {401, 403} & (errors | listed_errors):
        yield "auth"
    names = {each.rpartition(".")[2] for d in test.fact.decorators
             for each in (test.file.resolve(d.value),)}  # fmt: skip
    long = any(isinstance(value, str) and len(value) > _LONG for value in listed)
    edges = any(value is None or (value in _EDGES and value is not False) for value in listed)
    if _EDGE.search(test.name) or "given" in names or edges or long:
        yield "edge"


def _says_error(test: Function, expr: tree.Expr) -> bool:
    """``response.is_error``, ``not response.is_success``."""
    return any(
        isinstance(node, tree.Name) and node.id.endswith((".is_error", ".is_client_error"))
        for node in tree.walk(expr, test.file.facts)
    )


def _statuses(test: Function, expr: tree.Expr) -> Iterator[int]:
    """Status codes that a condition compares with."""
    for node in tree.walk(expr, test.file.facts):
        if isinstance(node, tree.Const) and type(node.value) is int and 100 <= node.value < 600:
            yield node.value
        elif isinstance(node, tree.Name):
            match = _STATUS.fullmatch(node.id.rpartition(".")[2])
            if match is not None:
                yield int(match[1])
            elif "HTTPStatus" in node.id or node.id.startswith(("status.", "codes.")):
                value = Given(test.file, node, test).value
                if isinstance(value, int):
                    yield value


def _listed(test: Function) -> Iterator[object]:
    """The constants that ``parametrize`` lists."""
    file = test.file
    for each in test.fact.decorators:
        if not isinstance(each.value, tree.CallRef):
            continue
        call = file.calls[each.value.index]
        if call.last in {"parametrize", "expand"}:
            for arg in call.fact.args[1 if call.last == "parametrize" else 0 :]:
                for node in tree.walk(arg, file.facts):
                    if isinstance(node, tree.Const):
                        yield node.value
                    elif isinstance(node, tree.Name):
                        match = _STATUS.fullmatch(node.id.rpartition(".")[2])
                        yield int(match[1]) if match is not None else ...
