"""The check of analytics: that a snapshot shows what their queries ask or give."""

from __future__ import annotations

import re

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.project import Project
from checks.project.subjects import File
from checks.rules.applies import has_tests

_PATH = re.compile(
    r"(?:^|[/_])(?:analytics?|reports?|reporting|statistics?|stats|metrics_query|insights?"
    r"|dashboards?|aggregations?)(?:[/_.]|$)"
)
_AGGREGATES = frozenset("sum avg count min max array_agg string_agg percentile_cont stddev".split())
_SQL = re.compile(r"\bselect\b[\s\S]*\bfrom\b", re.IGNORECASE)
_GROUPED = re.compile(r"\bgroup\s+by\b", re.IGNORECASE)
_COUNTED = re.compile(r"\b(?:sum|avg|count|min|max|array_agg)\s*\(", re.IGNORECASE)
_READING = frozenset("execute scalar scalars stream query exec get get_one query_and_wait".split())
_LIBRARIES = frozenset(
    {"inline_snapshot", "snapshottest", "syrupy", "pytest_snapshot", "approvaltests"}
)
_FIXTURES = re.compile(
    r"snapshot(?:_\w+)?|\w+_snapshot|(?:data|file|num|dataframe)_regression|golden"
)
_CALLS = frozenset("assert_match match_snapshot assertMatchSnapshot assertQueries "
                   "assert_queries".split())  # fmt: skip
_GOLDEN = re.compile(r"(?:expected|golden|snapshots?|__snapshots__)[\w/.-]*", re.IGNORECASE)


@check("analytics-snapshot-tests", applies=has_tests)
def analytics_snapshot_tests(project: Project) -> Answer:
    """Queries of analytics are held by snapshots.

    A figure that is a little wrong is seen by nobody; a changed snapshot is.

    Instead: ``assert query == snapshot``.

    Known problems: any snapshot in a test file that imports the module, or requests a route of
    it, counts for the module; so do golden files that a test reads.
    """
    modules = [file for file in project.production if _is_analytics(file)]
    if not modules:
        return Skip("no module with analytics queries")
    held = _held(project)
    found = [
        At(1, f"No test holds the queries of `{file.module}` by a snapshot", path=file.path,
           symbol=file.module)
        for file in modules
        if file.path not in held
    ]  # fmt: skip
    return Sites(len(modules), found)


def _is_analytics(file: File) -> bool:
    """Queries under a telling path, or queries that group and aggregate."""
    texts = [text for text in _texts(file) if _SQL.search(text)]
    if any(_GROUPED.search(text) and _COUNTED.search(text) for text in texts):
        return True
    if any(_aggregates(file, index) for index in range(-1, len(file.functions))):
        return True
    if not _PATH.search(file.path.lower()):
        return False
    selects = any(call.name.startswith(("sqlalchemy.", "sqlmodel."))
                  for call in file.calls_named("select", "text"))  # fmt: skip
    operations = file.project.database.operations(file)
    return bool(texts) or selects or not _READING.isdisjoint(operations.values())


def _aggregates(file: File, function: int) -> bool:
    """Whether one function calls ``group_by`` and a function of SQL that aggregates."""
    grouped = False
    counted = False
    for index in file.scope.calls.get(function, ()):
        call = file.calls[index]
        grouped = grouped or call.last == "group_by"
        if call.last in _AGGREGATES:
            head = tree.dotted(call.receiver).rpartition(".")[2]
            counted = counted or head in {"func", "sqlfunc", "sa_func", "fn"}
    return grouped and counted


def _texts(file: File) -> list[str]:
    """Texts that are assigned or passed, with the constant parts of f-strings."""
    found = []
    values = [row.value for row in file.facts.assigns]
    values += [arg for call in file.facts.calls for arg in call.args]
    values += [row.value for row in file.facts.statements if row.kind == "return"]
    for value in values:
        text = tree.text_of(value)
        if text is None and isinstance(value, tree.Fmt):
            text = " ".join(tree.text_of(part) or "" for part in value.parts)
        if text is not None and len(text) > 20:
            found.append(text)
    return found


def _held(project: Project) -> set[str]:
    """Files that are reached by a test file with a snapshot."""
    suite = project.suite
    using = [file for file in project.tests if _uses_snapshot(file)]
    paths = {file.path for file in using}
    found = {other.path for file in using for other, _ in suite.imported(file)}
    for each in sorted(found):
        file = project.by_path[each]
        if not file.is_test and each in project.routes.modules:
            found |= {other.path for other, _ in suite.imported(file)}
    answering = project.requests.handlers
    for key, rows in project.requests.covered.items():
        if any(row.call.path in paths for row in rows):
            found |= answering.get(key, set())
    return found


def _uses_snapshot(file: File) -> bool:
    if any(row.distribution in _LIBRARIES for row in file.imports):
        return True
    params = (p.name for test in file.project.suite.collected(file) for p in test.fact.params)
    if any(_FIXTURES.fullmatch(name) for name in params) or file.calls_named(*_CALLS):
        return True
    reads = file.calls_named("read_text", "open", "load", "loads", "read_bytes")
    return bool(reads) and any(
        _GOLDEN.search(tree.text_of(node) or "")
        for call in file.facts.calls
        for arg in call.args
        for node in tree.walk(arg)
        if isinstance(node, tree.Const) and "." in (tree.text_of(node) or "")
    )
