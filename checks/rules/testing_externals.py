"""The check of tests that would talk to somebody else's server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.externals import External
from checks.project.project import Project
from checks.project.subjects import Call, Class, File, Function
from checks.rules.applies import has_tests

_LEVELS = 2
_LIBRARIES = frozenset(
    """respx responses aioresponses moto fakeredis pytest_httpx vcr requests_mock httpretty pook
    pytest_vcr pytest_recording pytest_httpserver aiosmtpd mockito flexmock birdisle mockredis
    fakeredis_aio pytest_mock wiremock testcontainers schemathesis_mock""".split()
)
_FIXTURES = frozenset(
    """httpx_mock respx_mock requests_mock aioresponses mock_aioresponse vcr mocker
    session_mocker httpserver fake_redis smtpd responses""".split()
)
_DOUBLES = frozenset(
    """Mock MagicMock AsyncMock NonCallableMock create_autospec MockTransport patch setattr
    setitem Stubber FakeRedis FakeStrictRedis FakeAsyncRedis mock_aws""".split()
)
_FAKE = re.compile(r"_?(?:Fake|Stub|Dummy|InMemory|Mock|Null|NoOp|Recording|Spy)[A-Z]\w*")
_OVERRIDES = frozenset({"dependency_overrides", "override", "override_provider"})
_KEPT = re.compile(
    r"(?i)(?:^|_)(?:a?db|sessions?|engine|database|sessionmaker|transaction|conn|connection|uow|user"
    r"|auth|admin|superuser|authenticated|logged|jwt|token)(?:_|$)|current_"
)
"""Dependencies whose overriding says nothing about other servers."""
_WIDE = frozenset({"e2e", "integration", "live", "external"})


def _calls_out(project: Project) -> str | None:
    return None if project.externals.all else "production code makes no external call"


@check("external-services-mocked", applies=(has_tests, _calls_out))
def external_services_mocked(
    project: Project,
    *,
    allowed_hosts: Sequence[str] = (
        "localhost", "127.0.0.1", "testserver", "test", "example.com", "example.org",
        "*.example", "*.test", "*.invalid",
    ),
) -> Answer:  # fmt: skip
    """Unit tests replace what lies outside of the process.

    A test that needs somebody's server fails with it, and may change what is there.

    Instead: override the dependency, or mock the client in a fixture.

    Known problems: any double in a file, in the conftest.py files above it or in a fixture of
    its tests is taken for the right one, apart from overridden dependencies that by their names
    give the database or the user. Files whose tests are all marked as end-to-end,
    integration, live or external are no unit tests.
    """
    outward = {each.call.function for each in project.externals.all} - {None}
    outside = {function for function in outward if function is not None}
    count, found = 0, []
    for file in project.tests:
        tests = project.suite.collected(file)
        if not tests or _is_wide(file, tests):
            continue
        mocked = _mocked(file, tests)
        line = _reaches(project, file, outside)
        if line:
            count += 1
            if not mocked:
                text = "The tests reach external calls, and nothing stands in for them"
                found.append(At(line, text, path=file.path, symbol=file.module, anchor="import"))
        for call, host in _hosts(file, allowed_hosts):
            count += 1
            if not mocked:
                text = f"The test calls `{host}`"
                found.append(At(call.line, text, path=file.path, anchor=host))
    return Sites(count, found) if count else Skip("no test file reaches an external call")


def _is_wide(file: File, tests: list[Function]) -> bool:
    if not _WIDE.isdisjoint({*file.segments, *(part.partition("_")[0] for part in file.segments)}):
        return True
    return all(file.project.suite.is_wide(test) for test in tests)


# What they reach ----------------------------------------------------------------------------------


def _reaches(project: Project, file: File, outside: set[Function]) -> int:
    """The line by which a test file reaches an external call, 0 for none."""
    for row in file.imports:
        for function in _imported(file, row.target):
            if not outside.isdisjoint(project.calls.reachable(function, _LEVELS)):
                return row.line
        module = project.layout.modules.get(project.names.canonical(row.target))
        if module is not None and module.is_production and _uses(file, row.fact, module, outside):
            return row.line
    for call in _requesting(project).get(file.path, ()):
        if not outside.isdisjoint(_behind(project, call)):
            return call.line
    return 0


def _imported(file: File, target: str) -> Iterator[Function]:
    """The function that an import names, or the methods of the class that the file calls."""
    project = file.project
    name = project.names.canonical(target)
    function = project.names.function_named(name)
    if function is not None and not function.file.is_test:
        yield function
    cls = project.names.class_named(name)
    if cls is not None and not cls.file.is_test:
        for method in cls.methods.values():
            if method.name.startswith("__") or file.calls_named(method.name):
                yield method


def _uses(file: File, row: tree.Import, module: File, outside: set[Function]) -> bool:
    """Whether a test file calls a function of a module that makes an external call."""
    project = file.project
    wanted = {
        each.name
        for each in module.functions
        if not outside.isdisjoint(project.calls.reachable(each, _LEVELS))
    }
    if not wanted:
        return False
    bound = row.alias or row.name or row.module
    return any(
        tree.dotted(call.receiver).startswith(bound) for call in file.calls_named(*sorted(wanted))
    )


def _requesting(project: Project) -> dict[str, list[Call]]:
    """Calls of each test file that request a route."""

    def find() -> dict[str, list[Call]]:
        found: dict[str, list[Call]] = {}
        for rows in project.requests.covered.values():
            for row in rows:
                found.setdefault(row.call.path, []).append(row.call)
        return found

    return project.externals.remembered("requests of test files", find)


def _behind(project: Project, call: Call) -> set[Function]:
    """What the routes run that a call requests."""

    def find() -> dict[Call, set[Function]]:
        found: dict[Call, set[Function]] = {}
        routes = {
            (each.method, each.path): route
            for route in project.routes.handlers
            for each in route.endpoints
        }
        for key, rows in project.requests.covered.items():
            if key in routes:
                reached = set(project.calls.reachable(routes[key].function, _LEVELS))
                for row in rows:
                    found.setdefault(row.call, set()).update(reached)
        return found

    return project.externals.remembered("behind requests", find).get(call, set())


# What stands in -----------------------------------------------------------------------------------


def _mocked(file: File, tests: list[Function]) -> bool:
    suite = file.project.suite
    around = {fixture.file.path: fixture.file for test in tests for fixture in suite.around(test)}
    files = {file.path: file, **around}
    files |= {conftest.path: conftest for conftest in suite.conftests(file)}
    params = {param.name for test in tests for param in test.fact.params}
    if params & _FIXTURES:
        return True
    helpers = {
        other.path: other
        for each in list(files.values())
        for other, _ in suite.imported(each)
        if other.is_test
    }
    return any(_stands_in(each) for each in (files | helpers).values())


def _stands_in(file: File) -> bool:
    if any(row.distribution in _LIBRARIES for row in file.imports):
        return True
    if _overrides(file) or any(_is_fake(cls) for cls in file.classes):
        return True
    for call in file.calls:
        if call.last in _DOUBLES or _FAKE.fullmatch(call.last):
            return True
        if ".patch." in f".{tree.dotted(call.fact.func)}":
            return True
    return False


def _is_fake(cls: Class) -> bool:
    """A class that is named a double, or puts its own methods in the place of production code."""
    if _FAKE.fullmatch(cls.name):
        return True
    by_key = cls.file.project.classes.by_key
    bases = (by_key.get(name) for name in cls.ancestors)
    return bool(cls.methods) and any(base and base.file.is_production for base in bases)


def _overrides(file: File) -> bool:
    """Whether a file overrides a dependency that is not only the database or the user."""
    replaced: list[Expr | None] = []
    for row in file.facts.assigns:
        for target in row.targets:
            if isinstance(target, tree.Item) and _is_table(target.value):
                replaced.append(target.index)
            elif _is_table(target):
                replaced += row.value.keys if isinstance(row.value, tree.Map) else ()
    for call in file.calls_named("update", "setdefault", "setitem"):
        place = call.receiver if call.last != "setitem" else call.arg(0, "dic")
        if _is_table(place):
            given = call.arg(1 if call.last == "setitem" else 0, "name")
            replaced += given.keys if isinstance(given, tree.Map) else (given,)
    if not replaced:
        return not _OVERRIDES.isdisjoint(file.facts.attributes) or any(
            _is_table(call.receiver) or _is_table(call.fact.func) for call in file.calls
        )
    return not all(_KEPT.search(tree.dotted(each).rpartition(".")[2]) for each in replaced)


def _is_table(expr: Expr | None) -> bool:
    return tree.dotted(expr).rpartition(".")[2] == "dependency_overrides"


def _hosts(file: File, allowed: Sequence[str]) -> Iterator[tuple[Call, str]]:
    """Requests of tests to a host that is not the test's own."""
    for call in file.calls:
        external: External | None = None
        for argument in call.fact.args[:2]:
            text = tree.text_of(argument)
            if text is None or not text.startswith(("http://", "https://")):
                continue
            external = external or file.project.externals.of(call)
            host = _host(text)
            if external is not None and host and not any(fnmatchcase(host, a) for a in allowed):
                yield call, host


def _host(text: str) -> str:
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""
