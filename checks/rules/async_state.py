"""Checks of async code: state that several tasks change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import Class, File, Function
from checks.rules.async_ import has_async

_LOCKS = frozenset(
    f"{library}.{name}"
    for library in ("asyncio", "anyio", "trio", "aiorwlock", "redis.asyncio.lock")
    for name in (
        "Lock", "Semaphore", "BoundedSemaphore", "Condition", "CapacityLimiter", "RWLock",
    )
)  # fmt: skip
_SAFE = ("asyncio.", "anyio.", "contextvars.", "queue.", "threading.")
_CHANGES = frozenset(
    "append appendleft extend insert remove update setdefault pop popleft popitem add discard "
    "clear".split()
)
_READS = frozenset({"get", "keys", "values", "items", "copy"})
_TAKES = frozenset({"pop", "setdefault", "popleft", "popitem"})
"""Changes that give what was there."""
_TEARDOWN = frozenset(
    "close aclose stop shutdown disconnect cleanup teardown __aexit__ __aenter__ lifespan "
    "startup".split()
)
"""Coroutines that run once, when nobody else runs."""
_ENDS = frozenset("close aclose dispose stop shutdown disconnect cleanup teardown".split())
"""First words of coroutines that end what the process holds."""
_DATA = frozenset({"schema", "orm", "orm-base", "document", "settings", "exception", "enum"})


class _Access(msgspec.Struct, frozen=True):
    """One read or change of shared state, or an await, in source order."""

    kind: str
    key: str
    line: int
    block: int


@check("async-lock-for-shared-state", each="kinds", applies=has_async)
def async_lock_for_shared_state(
    file: File, kind: str, *, kinds: Sequence[str] = ("state", "ttlcache")
) -> Answer:
    """State that tasks share is changed under an async lock.

    Between a read and the change that follows from it every await lets another task in, which
    reads the same old value.

    Instead: hold one ``asyncio.Lock`` around reading and writing.

    Known problems: awaits and accesses are ordered by line. An object that is only ever made
    inside of functions is taken for local to its task; a helper counts as locked when all its
    first-party callers hold a lock. Of kind ``state`` the line is that of the change.
    """
    sites, found = 0, []
    for function in file.functions:
        if not function.is_async:
            continue
        places = list(_state(function) if kind == "state" else _cached(function))
        if kind == "state" and "ttlcache" in kinds:
            places = [each for each in places if not _is_cache(function, each.key)]
        for access in places:
            sites += 1
            if not _is_guarded(function, access.block):
                message = f"`{access.key}` is {access.kind} without an async lock"
                found.append(At(access.line, message, symbol=function.symbol, anchor=access.key))
    return Sites(sites, found) if sites else Skip("no state is shared")


def _is_guarded(function: Function, block: int) -> bool:
    """Whether a lock is held here, or by all first-party callers."""
    if _holds_lock(function.file, block, function):
        return True
    known: dict[int, bool] = function.file.memo.setdefault("called with a lock", {})
    if function.index not in known:
        callers = function.file.project.calls.callers(function)
        known[function.index] = bool(callers) and all(
            _holds_lock(call.file, call.fact.block, call.function) for call in callers
        )
    return known[function.index]


def _holds_lock(file: File, block: int, function: Function | None) -> bool:
    return any(
        _is_lock(file, expr, function)
        for _, each in file.blocks_around(block)
        if each.kind == "async with"
        for expr in each.exprs
    )


def _is_lock(file: File, expr: Expr, function: Function | None) -> bool:
    """An async lock by its class, or by its name where the class is not known."""
    kind = file.type_of(expr, function)
    if kind.startswith(("threading.", "multiprocessing.")):
        return False
    if kind and not kind.startswith("builtins."):
        return kind in _LOCKS or kind.rpartition(".")[2].endswith("Lock")
    name = file.resolve(expr, function).rpartition(".")[2].lower()
    return "lock" in name or "semaphore" in name or "mutex" in name


# Caches of cachetools -----------------------------------------------------------------------------


def _cached(function: Function) -> Iterator[_Access]:
    """Each access of a cachetools cache, once per line."""
    file = function.file
    if not file.project.manifests.imports("cachetools"):
        return
    for each in function.fact.decorators:
        if file.resolve(each.value) in {"cachetools.cached", "cachetools.cachedmethod"}:
            yield _Access("used by a coroutine", function.name, each.line, -1)
    seen: set[tuple[int, str]] = set()
    for access in sorted(_accesses(function), key=lambda each: each.line):
        place = (access.line, access.key)
        if access.kind != "await" and place not in seen and _is_cache(function, access.key):
            seen.add(place)
            yield access


def _is_cache(function: Function, key: str) -> bool:
    return function.file.type_of(tree.Name(key), function).startswith("cachetools.")


# State --------------------------------------------------------------------------------------------


def _state(function: Function) -> Iterator[_Access]:
    """Changes of shared state that follow from a read before an await, one per name."""
    if function.name in _TEARDOWN or function.name.strip("_").split("_")[0] in _ENDS:
        return
    changed = {each.key for each in _changes(function)}
    changed = {key for key in changed if _is_shared(function, key)}
    accesses = list(_accesses(function)) if changed else []
    awaits = sorted(each.line for each in accesses if each.kind == "await") if changed else []
    if not awaits:
        return
    reads: dict[tuple[str, int], int] = {}
    for each in accesses:
        if each.kind == "read" and each.key in changed:
            place = (each.key, each.block)
            reads[place] = min(each.line, reads.get(place, each.line))
    racing: dict[str, list[_Access]] = {}
    for each in sorted(accesses, key=lambda access: access.line):
        if (
            each.kind == "changed"
            and each.key in changed
            and _follows(function, each, reads, awaits)
        ):
            racing.setdefault(each.key, []).append(each)
    for changes in racing.values():
        unguarded = (each for each in changes if not _is_guarded(function, each.block))
        yield next(unguarded, changes[0])


def _follows(
    function: Function, change: _Access, reads: dict[tuple[str, int], int], awaits: list[int]
) -> bool:
    """Whether an await parts a change from a read on the way to it."""
    path = [-1, *(index for index, _ in function.file.blocks_around(change.block))]
    lines = (reads.get((change.key, block)) for block in path)
    return any(
        line is not None
        and line <= change.line
        and bisect_left(awaits, line) < bisect_right(awaits, change.line)
        for line in lines
    )


def _is_shared(function: Function, key: str) -> bool:
    """A module-level name, or an attribute of an object that lives longer than the call."""
    file = function.file
    head, dot, rest = key.partition(".")
    kind = file.type_of(tree.Name(key), function)
    if kind.startswith(_SAFE):
        return False
    if not dot:
        if head in _globals(function):
            return True
        binding, owner = file.project.names.binding(file, head, function)
        return owner is None and isinstance(binding, tree.Assign)
    outer = function
    while outer.parent is not None and outer.cls is None:
        outer = outer.parent
    first = outer.fact.params[0].name if outer.cls is not None and outer.fact.params else ""
    return head == first and "." not in rest and outer.cls is not None and _lives(outer.cls)


def _lives(cls: Class) -> bool:
    """Whether objects of a class may be shared: not only made inside of functions."""
    project = cls.file.project
    if project.classes.role(cls) in _DATA:
        return False
    known: bool | None = cls.file.memo.setdefault("lives", {}).get(cls.index)
    if known is None:
        made = list(_constructions(cls))
        known = not made or any(made)
        cls.file.memo["lives"][cls.index] = known
    return known


def _constructions(cls: Class) -> Iterator[bool]:
    """Of each construction of a class, whether its object outlives the function around it."""
    project = cls.file.project
    for file in project.production:
        for call in file.calls_named(cls.name):
            if call.name != cls.key:
                continue
            function = call.function
            assign = file.tables.assign_of_call.get(call.index)
            targets = () if assign is None else assign.targets
            kept = any(isinstance(each, tree.Name) and "." in each.id for each in targets)
            once = function is not None and (
                function.name in _TEARDOWN
                or function.decorated_by("functools.lru_cache", "functools.cache")
                or _is_global(function, targets)
            )
            yield function is None or kept or once


def _is_global(function: Function, targets: tuple[Expr, ...]) -> bool:
    return any(isinstance(each, tree.Name) and each.id in _globals(function) for each in targets)


def _globals(function: Function) -> set[str]:
    return {name for row in function.statements if row.kind == "global" for name in row.names}


# Accesses -----------------------------------------------------------------------------------------


def _accesses(function: Function) -> Iterator[_Access]:
    """Reads and changes of module-level names and attributes, and awaits."""
    yield from _changes(function)
    for call in function.calls:
        if call.fact.awaited:
            yield _Access("await", "", call.line, call.fact.block)
        receiver = tree.dotted(call.receiver)
        if receiver and call.last in _READS | _TAKES:
            yield _Access("read", receiver, call.line, call.fact.block)
    for _, block in function.blocks:
        if block.kind in {"async with", "async for"}:
            yield _Access("await", "", block.line, block.parent)
    rebound = _globals(function)
    for assign in function.assigns:
        key = _changed(assign.targets[0], rebound) if assign.op not in {"", ":="} else ""
        if key:
            yield _Access("read", key, assign.line, assign.block)
    yield from _read(function, function.file)


def _changes(function: Function) -> Iterator[_Access]:
    """Assignments, deletions and changing methods."""
    rebound = _globals(function)
    for assign in function.assigns:
        for target in assign.targets:
            key = _changed(target, rebound)
            if key:
                yield _Access("changed", key, assign.line, assign.block)
    for statement in function.statements:
        if statement.kind == "delete":
            for node in tree.walk(statement.value):
                key = _changed(node, set())
                if key:
                    yield _Access("changed", key, statement.line, statement.block)
    for call in function.calls:
        receiver = tree.dotted(call.receiver)
        if receiver and call.last in _CHANGES and not call.fact.awaited:
            yield _Access("changed", receiver, call.line, call.fact.block)


def _changed(target: Expr, rebound: set[str]) -> str:
    """The state that an assignment to a target changes."""
    item = isinstance(target, tree.Item)
    while isinstance(target, tree.Item):
        target = target.value
    text = tree.dotted(target)
    return text if item or "." in text or text in rebound else ""


def _read(function: Function, file: File) -> Iterator[_Access]:
    """Names that expressions read."""
    for place in file.tables.expressions.get(function.index, ()):
        for node in tree.walk(place.expr, file.facts):
            if isinstance(node, tree.Name):
                yield _Access("read", node.id, place.line, place.block)
            elif isinstance(node, tree.Op) and node.kind == "Await":
                yield _Access("await", "", place.line, place.block)
