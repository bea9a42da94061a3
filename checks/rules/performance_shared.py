"""Checks of the one HTTP client that a module shares: how it is got, guarded and closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.flows import flow
from checks.project.outgoing import ASYNC_CLIENT
from checks.project.project import Project
from checks.project.subjects import Call, File, Function

_CLOSES = frozenset({"aclose", "close"})
_LEVELS = 3
_FAULTS = {
    "getter": "no function that gives it matches `{getter}`",
    "lock": "it is made without an asyncio.Lock",
    "close": "no async function that matches `{close}` closes and resets it",
    "lifespan": "nothing closes it when the application ends",
}


class _Owned(msgspec.Struct, frozen=True):
    """An AsyncClient that a module keeps.

    Attributes:
        name: The global or attribute that holds it, as written.
        calls: Where it is constructed.
        state: It lives on the state of the application.
    """

    name: str
    line: int
    calls: tuple[Call, ...]
    state: bool


def builds_async_client(project: Project) -> str | None:
    """Production code builds an ``httpx.AsyncClient``."""
    built = any(
        call.name == ASYNC_CLIENT
        for file in project.production
        for call in file.calls_named("AsyncClient")
    )
    return None if built else "no httpx.AsyncClient is built"


@check("shared-http-client", each="aspects", applies=builds_async_client)
def shared_http_client(
    file: File,
    entry: str,
    *,
    aspects: Sequence[str] = ("getter", "lock", "close", "lifespan"),
    getter_pattern: str = "*get*client*",
    close_pattern: str = "close_*client*",
) -> Answer:
    """A shared HTTP client is made lazily under a lock, and closed by the lifespan.

    Two requests that come first make two clients; one that nobody closes leaks its connections.

    Instead: write ``_get_http_client()`` with a lock and ``close_http_client()``, and call the
    latter in lifespan.

    Known problems: a client on the state of the application is closed by the lifespan itself; one
    that is made on import needs no lock.
    """
    owned = list(_owned(file)) if file.calls_named("AsyncClient") else []
    if not owned:
        return Skip("the module owns no client")
    for each in owned:
        match entry:
            case "getter":
                holds = _has_getter(file, each, getter_pattern)
            case "lock":
                holds = _is_locked(each)
            case "close":
                holds = bool(_closers(file, each, close_pattern))
            case _:
                holds = _is_closed_at_end(file, each, close_pattern)
        if not holds:
            text = _FAULTS[entry].format(getter=getter_pattern, close=close_pattern)
            return At(each.line, f"`{each.name}`: {text}", anchor=f"{entry}:{each.name}")
    return None


def _owned(file: File) -> Iterator[_Owned]:
    """Clients in globals, in attributes that a method fills lazily, on the application's state."""
    found: dict[str, list[Call]] = {}
    for call in file.calls_named("AsyncClient"):
        name = _holder(call) if call.name == ASYNC_CLIENT else ""
        if name:
            found.setdefault(name, []).append(call)
    for name, calls in found.items():
        yield _Owned(name, calls[0].line, tuple(calls), ".state." in name)


def _holder(call: Call) -> str:
    """The name that keeps a client, "" where none does or it belongs to every object."""
    row = call.file.tables.assign_of_call.get(call.index)
    names: list[Expr] = [] if row is None else list(row.targets)
    entered = call.file.tables.entered.get(call.index)
    function = call.function
    if entered is not None and entered[1] is not None and function is not None:
        rows = flow(function).into.get(entered[1], ())
        names += [target for assign in rows for target in assign.targets]
    for target in names:
        text = tree.dotted(target)
        if function is None:
            return text if row is not None and row.cls < 0 and "." not in text else ""
        if ".state." in text or text in flow(function).outer_names:
            return text
        own = text.partition(".")[0] in {"self", "cls"} and "." in text
        if own and not function.name.startswith("__") and _gives(function, text):
            return text
    return ""


def _gives(function: Function, name: str) -> bool:
    """Whether a function returns what a name holds, itself or by a variable of it."""
    known: dict[tuple[int, str], bool] = function.file.memo.setdefault("gives", {})
    memo = (function.index, name)
    if memo not in known:
        known[memo] = _returns_held(function, name)
    return known[memo]


def _returns_held(function: Function, name: str) -> bool:
    aliases = {name}
    for assign in function.assigns:
        targets = {tree.dotted(target) for target in assign.targets}
        if name in targets or tree.dotted(assign.value) in aliases:
            aliases |= targets
    return any(
        isinstance(node, tree.Name) and node.id in aliases
        for value in function.returned
        for node in tree.walk(value)
    )


def _has_getter(file: File, owned: _Owned, pattern: str) -> bool:
    if owned.state:
        return False
    wrapped = owned.name.partition(".")[0] in {"self", "cls"}
    return any(
        (fnmatchcase(function.name, pattern) or (wrapped and function.name == "get"))
        and _gives(function, owned.name)
        for function in file.functions
    )


def _is_locked(owned: _Owned) -> bool:
    """Under ``async with`` of a lock, wherever it is made lazily."""
    if owned.state:
        return True
    return all(
        any(
            block.kind == "async with" and any(_is_lock(call, expr) for expr in block.exprs)
            for _, block in call.file.blocks_around(call.fact.block)
        )
        for call in owned.calls
        if call.function is not None
    )


def _is_lock(call: Call, expr: Expr) -> bool:
    kind = call.file.type_of(expr, call.function)
    return kind == "asyncio.Lock" or (not kind and "lock" in tree.dotted(expr).lower())


def _closers(file: File, owned: _Owned, pattern: str) -> list[Function]:
    """Async functions that close a client and forget it; for one on the state, whatever closes."""
    if owned.state:
        return [f for f in file.project.lifetimes.lifespans if _closes(f, owned)]
    wrapped = owned.name.partition(".")[0] in {"self", "cls"}
    return [
        function
        for function in file.functions
        if function.is_async
        and (fnmatchcase(function.name, pattern) or (wrapped and function.name in _CLOSES))
        and _closes(function, owned)
        and _resets(function, owned)
    ]


def _closes(function: Function, owned: _Owned) -> bool:
    """``await client.aclose()``, by its name or a variable of it, or ``async with``."""
    aliases = {owned.name}
    for assign in function.assigns:
        if _reads(assign.value, owned.name):
            aliases |= _bound(assign)
    if any(
        call.last in _CLOSES and tree.dotted(call.receiver) in aliases for call in function.calls
    ):
        return True
    entered = function.file.tables.entered
    return owned.state and any(call.index in entered for call in owned.calls)


def _bound(assign: tree.Assign) -> set[str]:
    """Names that an assignment binds, those in tuples too."""
    return {
        tree.dotted(part)
        for target in assign.targets
        for part in (target.items if isinstance(target, tree.Seq) else (target,))
    }


def _reads(expr: Expr | None, name: str) -> bool:
    """Whether an expression gives what a name holds, in ``a, b = b, None`` too."""
    items = expr.items if isinstance(expr, tree.Seq) else (expr,)
    return any(tree.dotted(each) == name for each in items)


def _resets(function: Function, owned: _Owned) -> bool:
    """Whether the name is set to None, or deleted."""
    for assign in function.assigns:
        values = assign.value.items if isinstance(assign.value, tree.Seq) else (assign.value,)
        nothing = any(isinstance(e, tree.Const) and e.kind == "NoneType" for e in values)
        if nothing and owned.name in _bound(assign):
            return True
    return False


def _is_closed_at_end(file: File, owned: _Owned, pattern: str) -> bool:
    """Whether a lifespan or a shutdown hook leads to what closes the client."""
    project = file.project
    lifespans = project.lifetimes.lifespans
    if owned.state:
        return any(_closes(each, owned) for each in lifespans)
    closers = _closers(file, owned, pattern)
    closers += [f for f in file.functions if f.is_async and _closes(f, owned) and f not in closers]
    keys = {each.key for each in closers}
    handed = {
        call.file.resolve(arg, call.function)
        for closer in closers
        for call in project.lifetimes.handed.get(closer.name, ())
        for arg in call.arguments
    }
    return bool(keys & handed) or any(
        reached.key in keys
        for each in lifespans
        for reached in project.calls.reachable(each, _LEVELS)
    )
