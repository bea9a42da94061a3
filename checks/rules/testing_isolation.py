"""The check of what tests leave behind: databases, rows, files and the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.doctree import DocumentFact
from checks.facts.tree import Expr
from checks.project.given import Given
from checks.project.project import Project
from checks.project.subjects import Call, File, Function
from checks.project.suite import own_fixtures
from checks.rules.applies import has_tests

_ENGINES = frozenset(
    "create_engine create_async_engine async_engine_from_config engine_from_config".split()
)
_MAKERS = _ENGINES | {"sessionmaker", "async_sessionmaker", "scoped_session", "Session",
                      "AsyncSession", "async_scoped_session"}  # fmt: skip
_VARIABLE = re.compile(r"(?i).*(?:database|db|postgres|sqlalchemy|mysql|sqlite|pg|dsn).*")
_ASSIGNED = re.compile(r"(?i)\w*(?:database|postgres|db|sqlalchemy)\w*=\S*test")
_TESTING = re.compile(r"(?i)(?:^|[^a-z])test(?:ing|s)?(?:[^a-z]|$)|:memory:|sqlite")
_OWN = frozenset(
    """testcontainers pytest_postgresql pytest_django pytest_asyncpg pytest_mysql pytest_mongodb
    mongomock mongomock_motor pytest_databases pytest_docker pytest_alembic sqlalchemy_utils
    pytest_mock_resources django""".split()
)
_OWN_FIXTURES = frozenset(
    "postgresql postgresql_proc postgresql_noproc mysql django_db_setup pg docker_services".split()
)
_UNDOING = frozenset(
    """rollback begin_nested drop_all truncate create_database drop_database drop_table
    drop_tables create_all begin delete transaction""".split()
)
_REMOVING = frozenset(
    """unlink remove rmtree rmdir rollback delete drop_all pop clear cleanup truncate removedirs
    delenv undo TemporaryDirectory NamedTemporaryFile close_all_sessions""".split()
)
_SAFE = re.compile(r"tmp_?path\w*|tmpdir\w*|monkeypatch|\w*tmp\w*|\w*temp\w*|fs")
_WRITING = frozenset("write_text write_bytes mkdir makedirs touch putenv".split())


def _uses_data(project: Project) -> str | None:
    if any(_writes(file) for file in project.tests):
        return None
    if _has_database(project) or _application_database(project) is not None:
        return None
    return "tests use no database and write no file"


@check("test-data-isolation", each="aspects", applies=(has_tests, _uses_data))
def data_isolation(
    project: Project, entry: str, *, aspects: Sequence[str] = ("separate-db",)
) -> Answer:
    """Tests have data of their own, and leave none.

    Tests that share a database with the application, or with each other, pass or fail by what
    was there before.

    Instead: a database of their own, and a session that is rolled back.

    Known problems: any variable of the environment that names a database and is set by a
    conftest.py, a configuration of pytest or CI is taken for another database. Where the
    tests only ask the application, and name no engine, session or address themselves, no database
    of the application is seen and the aspect passes. ``rollback`` and ``cleanup`` take any call of
    an undoing or removing name in the fixture or around it for the right one.
    """
    match entry:
        case "rollback":
            return _rollbacks(project)
        case "cleanup":
            return _cleanups(project)
    used = _application_database(project)
    if used is None:
        return Skip("tests use no database") if not _has_database(project) else None
    return None if _is_separate(project) else used


def _has_database(project: Project) -> bool:
    return project.production_uses_database or any(
        file.calls_named(*_ENGINES) for file in project.tests
    )


# The application's own database -------------------------------------------------------------------


def _application_database(project: Project) -> At | None:
    """Where tests use an engine or an address of the application."""
    files = sorted(project.tests, key=lambda file: (file.name != "conftest.py", file.path))
    for file in files:
        for call in file.calls_named(*_ENGINES):
            address = call.arg(0, "url")
            if address is not None and _is_applications(file, address, call.function):
                text = "The tests connect to the application's own database"
                return At(call.line, text, path=file.path, anchor="engine")
    for file in files:
        for row in file.imports:
            if row.fact.name and _is_engine(project, project.names.canonical(row.target)):
                line, symbol = _use(file, row.fact.alias or row.fact.name, row.line)
                text = f"The tests use `{row.fact.name}` of the application, with its database"
                return At(line, text, path=file.path, symbol=symbol, anchor=row.fact.name)
    return None


def _is_applications(file: File, address: Expr, function: Function | None) -> bool:
    """An address that settings of the application give, and nothing says is for tests."""
    value = Given(file, address, function).value
    if isinstance(value, str) and _TESTING.search(value):
        return False
    names = [node.id for node in tree.walk(address, file.facts) if isinstance(node, tree.Name)]
    if any("test" in name.lower() for name in names):
        return False
    return any(
        (target := file.project.names.definer(file.resolve(name, function))) is not None
        and not target.is_test
        for name in names
    )


def _is_engine(project: Project, name: str) -> bool:
    """A module-level engine, session or factory of production code."""
    found = project.names.assignment_named(name)
    if found is None or found[0].is_test or not isinstance(found[1].value, tree.CallRef):
        return False
    call = found[0].calls[found[1].value.index]
    resolved = found[0].resolve(call.fact.func)
    return call.last in _MAKERS and resolved.startswith(("sqlalchemy", "sqlmodel"))


def _use(file: File, name: str, line: int) -> tuple[int, str]:
    """The fixture or function that uses a name, else the line of its import."""
    for function in file.functions:
        rows = [block.exprs for _, block in function.blocks]
        rows += [(call.fact.func, *call.fact.args) for call in function.calls]
        for expr in (expr for exprs in rows for expr in exprs):
            for node in tree.walk(expr):
                if isinstance(node, tree.Name) and node.id.partition(".")[0] == name:
                    return function.line, function.symbol
    return line, file.module


def _is_separate(project: Project) -> bool:
    """Whether anything puts a database for tests in the place of the application's."""
    if any(_sets_variable(file) or _has_own(file) for file in project.tests):
        return True
    tools = project.tools
    for _, _, settings in tools.pytest:
        given = settings.get("env")
        if given is not None and _VARIABLE.fullmatch(str(given).replace("\n", " ")):
            return True
    if any(_VARIABLE.match(str(table)) for _, _, table in tools.configurations("pytest_env")):
        return True
    if any(_ASSIGNED.search(" ".join(run.words)) for run in project.ci.runs):
        return True
    return any(_env_sets(document.data) for document in _ci_documents(project))


def _ci_documents(project: Project) -> Iterator[DocumentFact]:
    """The files of CI that run tests."""
    testing = {run.path for run in project.ci.runs if any("test" in word for word in run.words)}
    for path in project.ci.paths:
        document = project.documents.get(path)
        if document is not None and path in testing:
            yield document


def _env_sets(data: object) -> bool:
    """Whether an ``env`` of a CI file names a database."""
    stack = [data]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            given = [node.get(key) for key in ("env", "variables", "environment")]
            tables = [table for table in given if isinstance(table, dict)]
            if any(_VARIABLE.fullmatch(str(name)) for table in tables for name in table):
                return True
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False


def _sets_variable(file: File) -> bool:
    """Whether a test file sets the address of a database, or puts another session in."""
    for call in file.calls_named("setenv", "setdefault", "update", "dict", "patch", "setattr"):
        texts = [tree.text_of(node) or tree.dotted(node) for arg in call.arguments
                 for node in tree.walk(arg, file.facts)]  # fmt: skip
        if any(_VARIABLE.fullmatch(text) for text in texts if text and len(text) < 80):
            return True
    if "dependency_overrides" in file.facts.attributes:
        return True
    for row in file.facts.assigns:
        for target in row.targets:
            base = target.value if isinstance(target, tree.Item) else target
            name = tree.dotted(base)
            if name.endswith("dependency_overrides"):
                return True
            if isinstance(target, tree.Item) and name.endswith("environ"):
                if _VARIABLE.fullmatch(tree.text_of(target.index) or ""):
                    return True
            elif "settings" in name.lower() and _VARIABLE.fullmatch(name.rpartition(".")[2]):
                return True
    return any("dependency_overrides" in tree.dotted(call.fact.func) for call in file.calls)


def _has_own(file: File) -> bool:
    if any(row.distribution in _OWN for row in file.imports):
        return True
    functions = file.facts.functions
    if any(param.name in _OWN_FIXTURES for each in functions for param in each.params):
        return True
    for call in file.calls_named(*_ENGINES):
        address = call.arg(0, "url")
        if address is not None and not _is_applications(file, address, call.function):
            return True
    return False


# Rows, files, environment -------------------------------------------------------------------------


def _rollbacks(project: Project) -> Answer:
    """Session fixtures that leave their rows."""
    count, found = 0, []
    for file in project.tests:
        for name, fixture in own_fixtures(file).items():
            yielded = [row.value for row in fixture.statements if row.kind == "yield"]
            if not any(value is not None and _is_session(fixture, value) for value in yielded):
                continue
            count += 1
            around = [fixture, *project.suite.around(fixture)]
            names = {call.last for each in around for call in each.calls}
            nested = {call.last for each in around for call in file.calls
                      if call.function is not None and call.function.parent == each}  # fmt: skip
            if _UNDOING.isdisjoint(names | nested) and not _has_own(file):
                text = f"The fixture `{name}` yields a session and rolls nothing back"
                found.append(At(fixture.line, text, path=file.path, symbol=fixture.symbol))
    return Sites(count, found) if count else Skip("no session fixture")


def _is_session(fixture: Function, value: Expr) -> bool:
    kind = fixture.file.type_of(value, fixture).rpartition(".")[2]
    name = tree.dotted(value).rpartition(".")[2]
    return kind in {"Session", "AsyncSession"} or (
        not kind and name in {"session", "db", "db_session", "async_session"}
    )


def _cleanups(project: Project) -> Answer:
    """Fixtures and tests that write and do not remove."""
    count, found = 0, []
    for file in project.tests:
        for function in (*own_fixtures(file).values(), *project.suite.collected(file)):
            writes = [call for call in function.calls if _is_write(call)]
            if not writes:
                continue
            count += 1
            around = [function, *project.suite.around(function)]
            removes = any(call.last in _REMOVING for each in around for call in each.calls)
            if not removes:
                text = f"`{function.name}` writes and does not remove"
                found.append(At(writes[0].line, text, path=file.path, symbol=function.symbol))
    return Sites(count, found) if count else Skip("nothing is written")


def _writes(file: File) -> bool:
    return any(_is_write(call) for call in file.calls_named("open", "setdefault", *_WRITING))


def _is_write(call: Call) -> bool:
    """A write to a file or the environment outside of temporary folders."""
    place = call.arg(0, "file") if call.last == "open" and not call.receiver else call.receiver
    if call.last == "open":
        mode = tree.text_of(call.arg(1 if call.receiver is None else 0, "mode")) or "r"
        if not set(mode) & {"w", "a", "x", "+"}:
            return False
    elif call.last == "setdefault":
        return tree.dotted(call.receiver).endswith("environ")
    elif call.last not in _WRITING:
        return False
    elif call.last in {"makedirs", "putenv"}:
        place = call.arg(0, "name")
    return place is not None and not _is_temporary(call, place)


def _is_temporary(call: Call, place: Expr) -> bool:
    value: Expr | None = place
    for _ in range(6):
        names = [node.id.partition(".")[0] for node in tree.walk(value, call.file.facts)
                 if isinstance(node, tree.Name)]  # fmt: skip
        if any(_SAFE.fullmatch(name) for name in names):
            return True
        binding = None
        for name in names[:1]:
            binding, _ = call.file.project.names.binding(call.file, name, call.function)
        if not isinstance(binding, tree.Assign):
            return isinstance(binding, tree.Param)
        value = binding.value
    return False
