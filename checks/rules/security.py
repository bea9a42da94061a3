"""Checks of security: text from outside does not become code."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.tree import CallRef, Expr
from checks.project.database import CURSORS
from checks.project.sqltext import SqlText, is_sql
from checks.project.subjects import Call, File

_RECEIVERS = (
    "execute", "executemany", "executescript", "text", "raw", "literal_column", "exec_driver_sql",
    "query", "query_and_wait", "fetch", "fetchrow", "fetchval", "mogrify", "scalar", "scalars",
    "exec", "stream", "fetch_all", "fetch_one",
)  # fmt: skip
_TEXT = frozenset({"sqlalchemy.text", "sqlalchemy.literal_column", "sqlalchemy.sql.literal_column"})
_EXECUTE = frozenset({"execute", "executemany", "exec_driver_sql", "executescript"})


@check("parameterized-queries", scope="production+migration")
def parameterized_queries(file: File) -> Answer:
    """Values reach the database as bound parameters, never inside the text.

    Text that is put together from values lets whoever gives the value write the query.

    Instead: bound parameters, or SQLAlchemy expressions.

    Known problems: a text that another function builds is not looked into.
    """
    count, found = 0, []
    for call in file.calls_named(*{*_RECEIVERS, *_aliases(file), *_wrappers(file)}):
        argument = _argument(call)
        if argument is None:
            continue
        sql = SqlText(call, argument)
        if not sql.text or not (is_sql(sql.text) or _always_sql(call)):
            continue
        count += 1
        if sql.interpolates():
            message = f"The SQL given to `{call.last}` is built from values"
            noqa = _noqa_line(file, sql.line, call)
            found.append(At(sql.line, message, code="S608", noqa_line=noqa, anchor=call.last))
    return Sites(count, found) if count else Skip("no SQL text")


def _noqa_line(file: File, line: int, call: Call) -> int:
    """Where a ``noqa`` for ruff's own report of this text would stand."""
    end = max(call.fact.end_line, line)
    return next((each.noqa_line for each in file.lint("S608") if line <= each.line <= end), line)


def _aliases(file: File) -> set[str]:
    """Other names under which ``text`` and ``literal_column`` were imported."""
    return {row.fact.alias for row in file.imports if file.resolve(row.fact.alias) in _TEXT}


def _wrappers(file: File) -> set[str]:
    """Last names of calls that receive SQL text written at the call."""
    database = file.project.database
    return {
        call.last
        for call in file.calls
        if call.last not in _RECEIVERS
        and call.last
        and database.sql_argument(call) is not None
        and _reaches_database(call)
    }


def _reaches_database(call: Call) -> bool:
    """Whether a first-party function executes what it is given, one level down."""
    database = call.file.project.database
    return any(
        inner.last in {"execute", "text", "query", "raw", "executemany"}
        or database.operation(inner)
        for target in call.file.project.calls.resolve(call)
        for inner in target.calls
    )


def _argument(call: Call) -> Expr | None:
    """The argument that is, or may be, SQL text; ``text(...)`` inside is a call of its own."""
    argument = call.arg(0, "sql") or call.arg(-1, "statement") or call.arg(-1, "query")
    made = Call(call.file, argument.index).last if isinstance(argument, CallRef) else ""
    if made and made not in {"format", "join"}:
        return None
    return argument


def _always_sql(call: Call) -> bool:
    """Calls whose argument is SQL whatever it looks like."""
    name = call.file.resolve(call.fact.func, call.function)
    if name in _TEXT or name == "alembic.op.execute":
        return True
    if call.last not in _EXECUTE:
        return False
    if call.file.project.database.operation(call):
        return True
    return call.file.type_of(call.receiver, call.function) in CURSORS
