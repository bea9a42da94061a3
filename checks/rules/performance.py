"""Checks of performance: what costs a round trip per row."""

from __future__ import annotations

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.project.subjects import Call, Function, Loop

_BATCHES = frozenset("batch batches batched chunk chunks chunked".split())
_COUNTED = _BATCHES | frozenset(
    "page pages offset offsets attempt attempts retry retries tries backoff".split()
)
"""Words in the header of a loop over batches, pages or attempts."""
_UNTIL = _COUNTED | frozenset(
    "cursor more poll polling running stop stopped stopping shutdown closing alive".split()
)
"""Words in the test of a loop that goes on until something says stop."""
_NO_QUERY = frozenset({"add", "add_all", "delete", "rollback", "begin", "begin_nested"})
_PROVIDED = _NO_QUERY | {"commit", "flush"}
"""What a generator that hands out a session does on its way out is no query either."""
_RANGES = frozenset({"range", "count"})


@check("no-query-in-loop")
def no_query_in_loop(loop: Loop, *, max_depth: int = 2) -> Answer:
    """No query is made per element of a loop.

    A hundred elements are a hundred round trips.

    Instead: fetch or write all rows in one statement before or after the loop.

    Known problems: a call through a table of functions or a dynamic attribute is not followed.
    Loops that only the start of the application runs are left alone.
    """
    if not loop.calls:
        return Skip("the loop calls nothing")
    if not loop.file.project.production_uses_database:
        return Skip("no database is used")
    if _opens_session(loop) or _on_purpose(loop) or _is_short(loop):
        return None
    for call in loop.calls:
        if _innermost(call) != loop.index or _is_attempt(loop, call):
            continue
        what = _query(call, max_depth)
        if what and not _at_start(loop):
            return At(call.line, f"`{what}` runs once per element of the loop", anchor=what)
    return None


def _at_start(loop: Loop) -> bool:
    """Whether only the start of the application runs a loop."""
    function = loop.function
    return function is not None and loop.file.project.lifetimes.at_start(function)


def _innermost(call: Call) -> int:
    """Index of the innermost loop around a call that is no loop over one session."""
    for index, block in call.file.blocks_around(call.fact.block):
        if block.kind in {"for", "async for", "while", "comp"}:
            loop = Loop(call.file, index)
            if not _opens_session(loop):
                return index
    return -1


def _is_attempt(loop: Loop, call: Call) -> bool:
    """``for _ in range(3): try: return find() except ...`` tries again, it does not iterate."""
    if loop.block.kind != "for" or not _counts(loop):
        return False
    for index, block in call.file.blocks_around(call.fact.block):
        if index == loop.index:
            return False
        if block.kind == "try" and block.last in {"Return", "Break"}:
            return True
        if block.kind == "try":
            rest = [each for each in loop.file.facts.blocks if each.peer == index]
            return any(b.kind == "tryelse" and b.last in {"Return", "Break"} for b in rest)
    return False


def _counts(loop: Loop) -> bool:
    """Whether a loop runs over numbers."""
    items = loop.block.exprs[1]
    return isinstance(items, tree.CallRef) and Call(loop.file, items.index).last in _RANGES


def _query(call: Call, depth: int) -> str:
    """Name of what queries the database, directly or through first-party functions."""
    database = call.file.project.database
    operation = database.operation(call)
    if operation:
        return "" if operation in _NO_QUERY else call.last
    graph = call.file.project.calls
    for target in graph.resolve(call):
        if _queries(target, depth):
            return call.last or target.name
    return ""


def _queries(function: Function, depth: int) -> bool:
    project = function.file.project
    return any(
        project.database.operation(call) not in (_PROVIDED if each.fact.generator else _NO_QUERY)
        for each in project.calls.reachable(function, max(depth - 1, 0))
        for call in project.database.of_function(each)
    )


def _opens_session(loop: Loop) -> bool:
    """``async for session in get_session()`` opens one session."""
    block = loop.block
    if block.kind not in {"for", "async for"}:
        return False
    target = block.exprs[0]
    return loop.file.project.database.is_session(loop.file, target, loop.function)


def _on_purpose(loop: Loop) -> bool:
    """Loops over batches, pages, attempts, and endless loops of workers."""
    block = loop.block
    if block.kind == "while":
        test = block.exprs[0]
        return isinstance(test, tree.Const) or _says(loop, test, _UNTIL)
    words = _COUNTED if block.kind == "async for" or _counts(loop) else _BATCHES
    return any(_says(loop, expr, words) for expr in block.exprs[:2])


def _says(loop: Loop, expr: tree.Expr, words: frozenset[str]) -> bool:
    """Whether a name in an expression has one of these words.

    Of ``a.b`` the last name counts; in the test of a ``while`` all do (``stop_event.is_set()``).
    """
    whole = loop.block.kind == "while"
    for node in tree.walk(expr, loop.file.facts):
        if isinstance(node, (tree.Name, tree.Attr)):
            name = node.id if isinstance(node, tree.Name) else node.attr
            text = name.replace(".", "_") if whole else name.rpartition(".")[2]
            if not words.isdisjoint(text.lower().split("_")):
                return True
    return False


def _is_short(loop: Loop) -> bool:
    """A loop over one or two literal elements."""
    block = loop.block
    if block.kind == "while":
        return False
    items = block.exprs[1]
    return isinstance(items, tree.Seq) and len(items.items) <= 2


# Writes -----------------------------------------------------------------------------------------

_ONE_BY_ONE = frozenset({"add", "delete", "merge", "flush", "commit"})
_AT_ONCE = frozenset(
    {"add_all", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"}
)


@check("bulk-operations")
def bulk_operations(loop: Loop) -> Answer:
    """Many rows are written in one statement.

    A statement, a flush or a commit per row is a round trip per row.

    Instead: ``session.add_all(rows)``, ``insert(Model)`` with a list, or one UPDATE.

    Known problems: a write in a function that the loop calls is judged by no-query-in-loop.
    """
    database = loop.file.project.database
    own = [call for call in loop.calls if _innermost(call) == loop.index]
    writes = [call for call in own if database.operation(call) and _is_write(call)]
    if not writes:
        return Skip("the loop writes no row")
    if _on_purpose(loop) or _is_short(loop) or _needs_id(loop, writes):
        return None
    for call in writes:
        if call.last not in _AT_ONCE and not _is_attempt(loop, call):
            return At(call.line, f"`{call.last}` runs once per row", anchor=call.last)
    return None


def _is_write(call: Call) -> bool:
    """Adds, changes or deletes rows, or sends what was added."""
    if call.last in _ONE_BY_ONE | _AT_ONCE:
        return True
    return call.last in {"execute", "exec"} and call.file.project.database.changes_rows(call)


def _needs_id(loop: Loop, writes: list[Call]) -> bool:
    """A flush in the loop whose generated id is used afterwards."""
    if not any(call.last == "flush" for call in writes):
        return False
    added = {tree.dotted(a) for call in writes if call.last == "add" for a in call.fact.args}
    facts = loop.file.facts
    used = [arg for call in loop.calls for arg in call.fact.args]
    used += [item.value for call in loop.calls for item in call.fact.keywords]
    used += [a.value for a in facts.assigns if a.value and loop.line <= a.line <= loop.end_line]
    return any(
        isinstance(node, tree.Name) and node.id.partition(".")[0] in added and "." in node.id
        for expr in used
        for node in tree.walk(expr)
    )
