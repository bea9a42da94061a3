"""Checks of database sessions: that they end, whatever happens."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project import wellknown
from checks.project.database import SESSIONS
from checks.project.once import once
from checks.project.subjects import Call, File

_CLOSES = frozenset({"close", "aclose", "remove"})
_WRITES = frozenset({"add", "add_all", "delete", "merge", "bulk_save_objects"})
_FAULTS = {
    "close": "is neither opened by with nor closed in a finally",
    "rollback": "is not rolled back when something fails",
    "commit": "writes and never commits",
}


@check("session-lifecycle", each="aspects")
def session_lifecycle(file: File, entry: str, *, aspects: tuple[str, ...] = ("close",)) -> Answer:
    """A session ends where it began, whatever happens in between.

    A session that is not closed keeps its connection until the pool is empty.

    Instead: ``with SessionLocal() as session:``, with ``factory.begin()`` where it writes.

    Known problems: a session that a function returns is left to whoever asked for it.
    """
    made = _made(file)
    found = [
        At(call.line, f"The session {_FAULTS[entry]}", anchor=entry)
        for call in made
        if not _holds(call, entry)
    ]
    return Sites(len(made), found) if made else Skip("no session is made here")


@once
def _made(file: File) -> tuple[Call, ...]:
    """The calls that make a session which ends here."""
    return tuple(call for call in file.calls if _constructs(call) and not _is_returned(call))


def _holds(call: Call, aspect: str) -> bool:
    opened = _is_opened(call)
    closed = _is_called(call, _CLOSES, {"finally"})
    match aspect:
        case "close":
            return opened or closed
        case "rollback":  # closing discards what was not committed
            undone = _is_called(call, frozenset({"rollback"}), {"except", "finally"})
            return opened or closed or undone
        case _:
            ended = _is_called(call, frozenset({"commit", "begin"}), None)
            return call.last == "begin" or ended or not _writes(call)


def _constructs(call: Call) -> bool:
    """A call of a session factory, or of a session class."""
    if call.fact.function < 0:
        return False
    if call.last == "begin":
        return call.file.type_of(call.receiver, call.function) in wellknown.INSTANCES
    name = call.file.resolve(call.fact.func, call.function)
    if name in SESSIONS and name.endswith("Session"):
        return True
    made = call.file.type_of(call.fact.func, call.function)
    return made in wellknown.INSTANCES and wellknown.INSTANCES[made] in SESSIONS


def _is_opened(call: Call) -> bool:
    """In the header of a with, directly, through a variable, or entered on an exit stack."""
    name = _variable(call)
    if call.index in call.file.tables.entered or (name and name in _entered_names(call)):
        return True
    return any(
        other.last in {"enter_context", "enter_async_context", "closing", "aclosing"}
        and other.fact.args[:1] == (tree.CallRef(call.index),)
        for other in (call.function.calls if call.function is not None else ())
    )


def _variable(call: Call) -> str:
    """The variable or attribute that the session is bound to."""
    row = call.file.tables.assign_of_call.get(call.index)
    return "" if row is None else tree.dotted(row.targets[0])


def _entered_names(call: Call) -> set[str]:
    """Variables that the ``with`` blocks of the function around a call enter."""
    if call.function is None:
        return set()
    key = f"entered in {call.fact.function}"
    known: set[str] | None = call.file.memo.get(key)
    if known is None:
        known = call.file.memo[key] = {
            tree.dotted(expr)
            for _, block in call.function.blocks
            if block.kind in {"with", "async with"}
            for expr in block.exprs
        }
    return known


def _is_returned(call: Call) -> bool:
    """Handed to the caller, or kept on an object that ends it in another method."""
    name = _variable(call)
    if "." in name or call.function is None:
        return True
    passed = {tree.CallRef(call.index), tree.Name(name)} if name else {tree.CallRef(call.index)}
    return any(value in passed for value in call.function.returned)


def _is_called(call: Call, names: frozenset[str], kinds: set[str] | None) -> bool:
    """Whether one of these methods of the session is called, in one of these blocks."""
    name = _bound_name(call)
    for other in call.function.calls if call.function is not None else ():
        if other.last in names and tree.dotted(other.receiver) == name:
            around = {block.kind for _, block in call.file.blocks_around(other.fact.block)}
            if kinds is None or kinds & around:
                return True
    return False


def _bound_name(call: Call) -> str:
    """The variable of the session: assigned, or bound by with."""
    entered = call.file.tables.entered.get(call.index)
    return _variable(call) if entered is None else tree.dotted(entered[1])


def _writes(call: Call) -> bool:
    """Whether rows are written through the session in the same function."""
    name, database = _bound_name(call), call.file.project.database
    return any(
        tree.dotted(other.receiver) == name
        and (other.last in _WRITES or (other.last == "execute" and database.changes_rows(other)))
        for other in (call.function.calls if call.function is not None else ())
    )
