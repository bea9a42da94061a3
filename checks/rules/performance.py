"""Checks of performance: what costs a round trip per row."""

from __future__ import annotations

import re

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.project.subjects import Call, Function, Loop

_ON_PURPOSE = re.compile(
    r"batch|chunk|page|cursor|offset|attempt|retry|retries|tries|backoff|poll", re.IGNORECASE
)
_NO_QUERY = frozenset({"add", "add_all", "delete", "rollback", "begin", "begin_nested"})


@check("no-query-in-loop")
def no_query_in_loop(loop: Loop, *, max_depth: int = 2) -> Answer:
    """No query is made per element of a loop.

    A hundred elements are a hundred round trips.

    Instead: fetch or write all rows in one statement before or after the loop.

    Known problems: a call through a table of functions or a dynamic attribute is not followed.
    """
    if not loop.calls:
        return Skip("the loop calls nothing")
    if not loop.file.project.production_uses_database:
        return Skip("no database is used")
    if _opens_session(loop) or _on_purpose(loop) or _is_short(loop):
        return None
    for call in loop.calls:
        if _innermost(call) != loop.index or _in_header(loop, call):
            continue
        what = _query(call, max_depth)
        if what:
            return At(call.line, f"`{what}` runs once per element of the loop", anchor=what)
    return None


def _innermost(call: Call) -> int:
    """Index of the innermost loop around a call that is no loop over one session."""
    for index, block in call.file.blocks_around(call.fact.block):
        if block.kind in {"for", "async for", "while", "comp"}:
            loop = Loop(call.file, index)
            if not _opens_session(loop):
                return index
    return -1


def _in_header(loop: Loop, call: Call) -> bool:
    """Part of the iterable of a nested comprehension is evaluated once; so is a while's test."""
    return loop.block.kind == "while" and call.line == loop.line and loop.line != loop.end_line


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
    for each in project.calls.reachable(function, max(depth - 1, 0)):
        if any(
            project.database.operation(call) not in _NO_QUERY | {"commit", "flush"}
            for call in project.database.of_function(each)
        ):
            return True
    return False


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
        if isinstance(test, tree.Const):
            return True
        return any(_says(node) for node in tree.walk(test, loop.file.facts))
    return any(_says(node) for expr in block.exprs for node in tree.walk(expr, loop.file.facts))


def _says(node: tree.Expr) -> bool:
    return isinstance(node, tree.Name) and bool(_ON_PURPOSE.search(node.id.rpartition(".")[2]))


def _is_short(loop: Loop) -> bool:
    """A loop over one or two literal elements."""
    block = loop.block
    if block.kind == "while":
        return False
    items = block.exprs[1]
    return isinstance(items, tree.Seq) and len(items.items) <= 2
