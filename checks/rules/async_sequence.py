"""Checks of async code: awaits that need not wait for one another."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import Call, File, Function
from checks.rules.async_ import has_async

_KINDS = frozenset({"http", "cache", "queue", "cloud", "mail"})
_ORDERED = tuple(
    "connect close aclose start stop disconnect login logout quit auth open init setup shutdown "
    "commit flush begin rollback subscribe unsubscribe publish select ping wait acquire release "
    "initialize finalize".split()
)
"""First words of methods whose order matters."""
_READS = tuple(
    "get mget hget hgetall hmget head options exists ttl pttl keys scan smembers sismember lrange "
    "llen zrange zscore zcard hlen hkeys hvals strlen type list read fetch load find search query "
    "check describe download count lookup resolve".split()
)
_KEYS = ("Key", "key", "name", "url", "path", "topic", "queue", "channel", "Name", "QueueUrl")
_IMMUTABLE = frozenset(
    "builtins.str builtins.int builtins.float builtins.bool builtins.bytes uuid.UUID "
    "datetime.datetime datetime.date datetime.timedelta decimal.Decimal pydantic.UUID4".split()
)
_BLOCKS = frozenset("if for while with try match".split()) | {"async for", "async with"}
_LEVELS = 2
_NEAR = 50
"""Calls of a run that are compared with one another."""


class _Step(msgspec.Struct, frozen=True):
    """One statement of a run: the await, the name it binds and the call it awaits."""

    line: int
    name: str
    call: Call


@check("sequential-awaits", applies=has_async)
def sequential_awaits(function: Function, *, min_calls: int = 2) -> Answer:
    """Awaits that do not need one another run together.

    One after the other they take the sum of their times instead of the longest of them.

    Instead: ``await asyncio.gather(...)`` or a task group.

    Known problems: whether the order of two writes matters can only be told by their keys and
    by the names of the methods; an argument of unknown type that two calls share is taken for
    mutable. First-party coroutines are judged where they read, or where they send.
    """
    if not function.is_async:
        return Skip("not an async function")
    runs = [run for run in _runs(function) if len(run) > 1]
    found = [
        At(run[0].line, f"{len(run)} independent calls are awaited one after the other",
           anchor=run[0].call.last, measured=str(len(run)), limit=str(min_calls - 1))
        for run in runs
        if len(run) >= min_calls and _is_independent(run)
    ]  # fmt: skip
    return Sites(len(runs), found) if runs else Skip("no consecutive awaits of external calls")


def _runs(function: Function) -> Iterator[list[_Step]]:
    """Consecutive awaits of external calls in one block."""
    candidates = [call for call in function.calls if call.fact.awaited and _is_external(call)]
    if len(candidates) < 2:
        return
    calls = {call.index: call for call in candidates}
    blocks = {call.fact.block for call in candidates}
    statements = _statements(function)
    for block in sorted(blocks):
        if _is_guarded(function, block):
            continue
        run: list[_Step] = []
        for row in statements.get(block, ()):
            step = _step(row, calls)
            if step is None:
                yield run
                run = []
            else:
                run.append(step)
        yield run


type _Row = tree.Assign | tree.Statement | None


def _statements(function: Function) -> dict[int, list[_Row]]:
    """Statements by the block they stand in, in order; None for what is no simple statement."""
    rows: list[tuple[int, int, _Row]] = [
        (row.line, row.block, row) for row in function.assigns if row.op != ":="
    ]
    rows += [(row.line, row.block, row) for row in function.statements if row.kind != "yield"]
    rows += [(row.line, row.fact.block, None) for row in function.raises]
    rows += [(row.line, row.parent, None) for _, row in function.blocks if row.kind in _BLOCKS]
    rows += _definitions(function.file).get(function.index, [])
    rows.sort(key=lambda row: row[0])
    found: dict[int, list[_Row]] = {}
    for _, block, row in rows:
        found.setdefault(block, []).append(row)
    return found


def _definitions(file: File) -> dict[int, list[tuple[int, int, _Row]]]:
    """Line and block of nested functions and classes by the function around them."""
    known: dict[int, list[tuple[int, int, _Row]]] | None = file.memo.get("definitions")
    if known is None:
        known = file.memo["definitions"] = {}
        for function in file.facts.functions:
            row = (function.line, function.block, None)
            known.setdefault(function.parent, []).append(row)
        for cls in file.facts.classes:
            known.setdefault(cls.function, []).append((cls.line, cls.block, None))
    return known


def _step(row: _Row, calls: dict[int, Call]) -> _Step | None:
    """The await that a statement is: bare, or assigned to a name."""
    name = ""
    value: Expr | None = None
    if isinstance(row, tree.Assign):
        if len(row.targets) == 1 and isinstance(row.targets[0], tree.Name) and not row.op:
            name, value = row.targets[0].id, row.value
        if isinstance(value, tree.Op) and value.kind == "Await":
            value = value.items[0]
    elif row is not None and row.kind == "expr":
        value = row.value
    call = calls.get(value.index) if isinstance(value, tree.CallRef) else None
    return None if call is None or row is None else _Step(row.line, name, call)


def _is_guarded(function: Function, block: int) -> bool:
    """Whether a lock is held around a block."""
    for _, each in function.file.blocks_around(block):
        if each.kind == "async with":
            for expr in each.exprs:
                name = function.file.resolve(expr, function).rpartition(".")[2].lower()
                if "lock" in name or "sem" in name or "mutex" in name:
                    return True
    return False


# External calls -----------------------------------------------------------------------------------


def _is_external(call: Call) -> bool:
    """A call of an asynchronous client, or of a first-party coroutine that makes such calls."""
    project = call.file.project
    reached = project.reach.reached(call)
    if reached is not None:
        return reached.library.is_async and reached.library.kind in _KINDS and reached.plain
    if call.name == "aiosmtplib.send":
        return True
    if call.last not in project.calls.coroutines or not _is_plain_name(call.last):
        return False
    targets = project.calls.resolve(call)
    return bool(targets) and all(_goes_out(target) for target in targets)


def _is_plain_name(name: str) -> bool:
    """Whether a first-party coroutine says that it reads or sends."""
    return name.lstrip("_").split("_")[0] in {*_READS, "send", "notify"}


def _goes_out(function: Function) -> bool:
    """Whether a coroutine makes external calls and touches no session."""
    known: dict[int, bool] = function.file.memo.setdefault("goes out", {})
    if function.index not in known:
        known[function.index] = function.is_async and _reaches_out(function)
    return known[function.index]


def _reaches_out(function: Function) -> bool:
    project = function.file.project
    out = False
    for each in project.calls.reachable(function, _LEVELS):
        if project.database.of_function(each):
            return False
        for call in each.calls if not out else ():
            reached = project.reach.reached(call)
            if reached is not None and reached.library.kind in _KINDS and call.fact.awaited:
                out = True
    return out


# Independence -------------------------------------------------------------------------------------


def _is_independent(run: list[_Step]) -> bool:
    names: set[str] = set()
    for step in run:
        if names & _names(step.call):
            return False
        names |= {step.name} - {""}
    pairs = [(a, b) for i, a in enumerate(run) for b in run[i + 1 : i + _NEAR]]
    return not any(_is_ordered(a.call, b.call) or _shares(a.call, b.call) for a, b in pairs)


def _names(call: Call) -> set[str]:
    """First parts of all names in a call."""
    nodes = tree.walk(tree.CallRef(call.index), call.file.facts)
    return {node.id.partition(".")[0] for node in nodes if isinstance(node, tree.Name)}


def _is_ordered(first: Call, second: Call) -> bool:
    """Whether the order of two calls matters by what they are."""
    if any(_word(call) in _ORDERED for call in (first, second)):
        return True
    if not _is_read(first) and _is_read(second):
        return True
    if first.receiver != second.receiver:
        return False
    if _is_read(first) and _is_read(second) and first.last != second.last and not _caches(first):
        return False
    one, other = _key(first), _key(second)
    return one is not None and other is not None and _same(first.file, one, other)


def _same(file: File, one: Expr, other: Expr) -> bool:
    """Whether two keys are written alike, calls that build them included."""
    if not isinstance(one, tree.CallRef) or not isinstance(other, tree.CallRef):
        return one == other
    first, second = file.calls[one.index].fact, file.calls[other.index].fact
    parts = (first.func, *first.args), (second.func, *second.args)
    names = [[item.name for item in each.keywords] for each in (first, second)]
    values = [[item.value for item in each.keywords] for each in (first, second)]
    return parts[0] == parts[1] and names[0] == names[1] and values[0] == values[1]


def _caches(call: Call) -> bool:
    """Whether a call is of a cache, where two questions about one key belong together."""
    reached = call.file.project.reach.reached(call)
    return reached is not None and reached.library.kind == "cache"


def _word(call: Call) -> str:
    return call.last.lstrip("_").split("_")[0].lower()


def _is_read(call: Call) -> bool:
    return _word(call) in _READS


def _key(call: Call) -> Expr | None:
    """The key, address or topic that a call is about."""
    named = [value for name in _KEYS if (value := call.fact.keyword(name)) is not None]
    return named[0] if named else next(iter(call.fact.args), None)


def _shares(first: Call, second: Call) -> bool:
    """Whether both take one argument that they might change."""
    return any(each in second.arguments and _is_mutable(first, each) for each in first.arguments)


def _is_mutable(call: Call, argument: Expr) -> bool:
    if not isinstance(argument, tree.Name):
        return False
    text = argument.id
    if "." in text or text.isupper():
        return False
    file: File = call.file
    kind = file.type_of(argument, call.function)
    if kind in _IMMUTABLE or file.project.reach.library(kind) is not None:
        return False
    cls = file.project.classes.by_key.get(kind)
    return cls is None or file.project.classes.role(cls) != "enum"
