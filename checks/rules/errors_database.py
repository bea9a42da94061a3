"""Checks of database errors: that somebody handles what a write may raise."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import At, One, Skip, check
from checks.facts import tree
from checks.project import wellknown
from checks.project.conditions import words
from checks.project.project import Project
from checks.project.subjects import Call, Except, Function

_BOUNDARIES = ("commit", "flush", "begin")
_ADDS = frozenset(
    "add add_all delete merge bulk_save_objects bulk_insert_mappings bulk_update_mappings".split()
)
_RUNS = frozenset({"execute", "scalar", "scalars", "exec"})
_QUERIES = frozenset({"query", "filter", "filter_by", "where"})
_DRIVERS = (
    "psycopg2.", "psycopg.", "asyncpg.", "sqlite3.", "aiosqlite.", "pymysql.", "MySQLdb.",
    "aiomysql.", "oracledb.", "pyodbc.",
)  # fmt: skip
_NO_WRITES = frozenset(
    f"sqlalchemy.exc.{name}" for name in "NoResultFound MultipleResultsFound ArgumentError".split()
)
_VERBS = frozenset(
    "create update delete insert save remove upsert bulk setattr purge patch persist".split()
)
"""Verbs that say of a function which ends a transaction that it writes."""
_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})


def _writes_rows(project: Project) -> str | None:
    if not project.classes.with_role("orm"):
        return "no ORM model"
    for file in project.production:
        if any(
            op in _ADDS | {"commit", "flush"} for op in project.database.operations(file).values()
        ):
            return None
    return "no production code writes rows"


@check("database-errors-handled", applies=_writes_rows)
def database_errors_handled(function: Function) -> One:
    """Somebody handles what the database may refuse.

    A constraint that is violated is an answer to the client, not a crash.

    Instead: catch IntegrityError (or SQLAlchemyError) around the write and raise a domain
    exception.

    Known problems: a function that only ends a transaction for others is no site; what it writes
    is looked for in it and two levels below. Where callers handle the errors, all of them have to.
    A broad clause that does not raise again handles
    database errors too.
    """
    boundaries = list(_boundaries(function))
    if not boundaries or _hands_out(function) or not _writes(function):
        return Skip("ends no transaction that writes")
    project = function.file.project
    if any(_is_database_error(name) for name in project.routes.hooks.handled):
        return None
    if any(_handles(clause) and not _is_broad(clause) for clause in _own(function)):
        return None
    callers = project.calls.callers(function)
    if any(map(_is_guarded, boundaries)) or (callers and all(map(_is_guarded, callers))):
        return None
    first = boundaries[0]
    text = f"Nothing handles the database errors of `{first.last}` in `{function.name}`"
    return At(first.line, text, column=first.fact.column, anchor=first.last)


def _is_guarded(call: Call) -> bool:
    """Whether something around a call, or a decorator of its function, handles the errors."""
    exceptions, function = call.file.project.exceptions, call.function
    around = exceptions.around(call.file, call.fact.block, function)
    if any(_handles(clause) for clauses in around for clause in clauses):
        return True
    return function is not None and any(map(_handles, exceptions.decorated(function)))


def _boundaries(function: Function) -> Iterator[Call]:
    """Flushes, commits, and blocks that commit when they end."""
    file = function.file
    for call in function.calls:
        if call.last not in _BOUNDARIES or call.receiver is None:
            continue
        if call.last == "begin":
            kind = file.type_of(call.receiver, function)
            begins = kind in wellknown.INSTANCES or file.project.database.operation(call)
            if begins and call.index in file.tables.entered:
                yield call
        elif file.project.database.operation(call) or _ends_for_others(call):
            yield call


def _ends_for_others(call: Call) -> bool:
    """``uow.commit()``: a first-party method that ends the transaction of its session."""
    database = call.file.project.database
    return any(
        database.operation(inner) in {"commit", "flush"}
        for target in call.file.project.calls.resolve(call)
        for inner in target.calls
        if inner.last == call.last
    )


def _hands_out(function: Function) -> bool:
    """A session dependency: it yields a session."""
    database = function.file.project.database
    return function.fact.generator and any(
        each.kind == "yield" and database.is_session(function.file, each.value, function)
        for each in function.statements
    )


def _writes(function: Function) -> bool:
    """Whether a function inserts, updates or deletes, itself or in what it calls."""
    if any(_sets_attribute(function, row) for row in function.assigns):
        return True
    names = [function.name, *(call.last for call in function.calls)]
    if any(not _VERBS.isdisjoint(words(name)[:1]) for name in names):
        return True
    reached = function.file.project.calls.reachable(function, 2)
    return any(_is_write(call) for each in reached for call in each.calls)


def _sets_attribute(function: Function, row: tree.Assign) -> bool:
    """``user.name = ...``, of anything but the object itself."""
    heads = {tree.dotted(t).partition(".")[0] for t in row.targets if "." in tree.dotted(t)}
    own = function.fact.params[0].name if function.cls is not None and function.fact.params else ""
    return bool(heads - {own})


def _is_write(call: Call) -> bool:
    last = call.last
    if last == "refresh":  # what was changed elsewhere is read again after it was written
        return bool(call.file.project.database.operation(call))
    if last in _ADDS or last in _RUNS:
        if not call.file.project.database.operation(call):
            return last == "delete" and _is_query(call)
        return last in _ADDS or call.file.project.database.changes_rows(call)
    return last == "update" and _is_query(call)


def _is_query(call: Call) -> bool:
    """``session.query(User).filter(...).delete()``."""
    receiver = call.receiver
    return isinstance(receiver, tree.CallRef) and call.file.calls[receiver.index].last in _QUERIES


def _own(function: Function) -> Iterator[Except]:
    """The clauses of a function and of those it is nested in."""
    current: Function | None = function
    while current is not None:
        yield from current.excepts
        current = current.parent


def _handles(clause: Except) -> bool:
    """Whether a clause catches database errors and does more than raise them again."""
    broad = _is_broad(clause)
    if not broad and not any(_is_database_error(name) for name in clause.types):
        return False
    exceptions = clause.file.project.exceptions
    again = [exceptions.is_again(each, clause) for each in clause.raises]
    return not any(again) or (not broad and not all(again))


def _is_broad(clause: Except) -> bool:
    return not clause.types or not _BROAD.isdisjoint(clause.types)


def _is_database_error(name: str) -> bool:
    if name.startswith("sqlalchemy.exc."):
        return name not in _NO_WRITES
    return name.startswith(_DRIVERS)
