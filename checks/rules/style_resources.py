"""Checks of style: what is opened is closed, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import Call, File

type Kind = Literal["sync", "async"]

_OPENERS: dict[str, frozenset[str]] = {
    "sync": frozenset(
        "builtins.open io.open codecs.open os.fdopen gzip.open bz2.open lzma.open tarfile.open "
        "pathlib.Path.open socket.socket socket.create_connection tempfile.TemporaryFile "
        "tempfile.NamedTemporaryFile tempfile.TemporaryDirectory tempfile.SpooledTemporaryFile "
        "zipfile.ZipFile sqlite3.connect psycopg.connect psycopg.Connection.connect "
        "psycopg2.connect concurrent.futures.ThreadPoolExecutor "
        "concurrent.futures.ProcessPoolExecutor concurrent.futures.thread.ThreadPoolExecutor "
        "sqlalchemy.Engine.connect threading.Lock.acquire threading.RLock.acquire "
        "threading.Semaphore.acquire threading.BoundedSemaphore.acquire "
        "threading.Condition.acquire multiprocessing.Lock.acquire".split()
    ),
    "async": frozenset(
        "httpx.AsyncClient aiohttp.ClientSession aiofiles.open aiofiles.threadpool.open "
        "sqlalchemy.ext.asyncio.AsyncSession sqlalchemy.ext.asyncio.AsyncEngine.connect "
        "asyncio.Lock.acquire asyncio.Semaphore.acquire asyncio.BoundedSemaphore.acquire "
        "asyncio.Condition.acquire psycopg.AsyncConnection.connect aiosqlite.connect "
        "asyncpg.connect anyio.open_file".split()
    ),
}
_NAMES = {
    kind: frozenset(name.rpartition(".")[2] for name in names) for kind, names in _OPENERS.items()
}
_MAKERS = frozenset({"sqlalchemy.ext.asyncio.async_sessionmaker"})
_CLOSERS = frozenset(
    "close aclose shutdown release cleanup terminate disconnect stop wait_closed unlink".split()
)
_STACKS = frozenset(
    "enter_context enter_async_context push push_async_exit callback push_async_callback".split()
)
_OWN_LOCK = frozenset({"acquire", "__enter__", "__aenter__", "lock"})


@check("resources-in-with", each="kinds")
def resources_in_with(
    file: File, kind: Kind, *, kinds: Sequence[Kind] = ("sync", "async")
) -> Answer:
    """What is opened is the item of a ``with``.

    What is closed by a line further down stays open when something fails before that line.

    Instead: open it in a ``with`` or ``async with`` block.

    Known problems: what is stored on an object is taken to be closed by its owner. A resource
    that is handed to a function is not followed, so its opener has to close it.
    """
    count, found = 0, []
    for call in _constructions(file, kind):
        count += 1
        if not _is_closed(call):
            what = call.last
            if what == "acquire":
                message = "The lock is acquired outside a `with` and not released in a `finally`"
            else:
                message = f"What `{what}` opens is not closed by a `with` or a `finally`"
            found.append(At(call.line, message, column=call.fact.column, anchor=what))
    return Sites(count, found) if count else Skip("no resource is opened")


def _constructions(file: File, kind: Kind) -> Iterator[Call]:
    """Calls in functions that open a resource of a kind."""
    names = [name for name in file.calls_by_name if name in _NAMES[kind]]
    for call in file.calls_named(*names) if names else ():
        if call.fact.function >= 0 and call.name in _OPENERS[kind]:
            yield call
    if kind == "async":
        for name in file.calls_by_name:
            if "session" in name.lower() or "maker" in name.lower():
                for call in file.calls_named(name):
                    if call.fact.function >= 0 and _makes_session(call):
                        yield call


def _makes_session(call: Call) -> bool:
    """Whether a session maker of asyncio is called."""
    file = call.file
    if call.name in _OPENERS["async"]:
        return False
    if file.type_of(call.fact.func, call.function) in _MAKERS:
        return True
    made = file.project.names.assignment_named(file.resolve(call.fact.func, call.function))
    if made is None or not isinstance(made[1].value, tree.CallRef):
        return False
    maker = Call(made[0], made[1].value.index)
    given = maker.fact.keyword("class_")
    return maker.name.endswith("sessionmaker") and (
        maker.name in _MAKERS or made[0].resolve(given).endswith(".AsyncSession")
    )


class _Uses(msgspec.Struct):
    """What one function does with what it opens: with results of calls, and with names.

    Attributes:
        entered: Calls whose results are items of a ``with``, or are passed to one.
        given: Calls whose results are returned or yielded.
        stacked: Calls whose results an ``ExitStack`` is given.
        bound: Calls whose results are bound, with the first assignment that does so.
        declared: Names that are global or nonlocal.
        kept: Names that are entered, closed in a ``finally``, given on or stored elsewhere.
        released: What is released in a ``finally``.
    """

    entered: set[int] = msgspec.field(default_factory=set)
    given: set[int] = msgspec.field(default_factory=set)
    stacked: set[int] = msgspec.field(default_factory=set)
    bound: dict[int, tree.Assign] = msgspec.field(default_factory=dict)
    declared: set[str] = msgspec.field(default_factory=set)
    kept: set[str] = msgspec.field(default_factory=set)
    released: set[Expr] = msgspec.field(default_factory=set)


def _is_closed(call: Call) -> bool:
    """Whether somebody closes what a call opens on every path, by the definition's means."""
    if call.last == "acquire":
        return _is_released(call)
    uses = _uses(call.file, call.fact.function)
    if call.index in uses.entered or call.index in uses.given:
        return True
    assign = uses.bound.get(call.index)
    if assign is not None:
        return all(_is_kept(call, target, assign.value) for target in assign.targets)
    return call.index in uses.stacked


def _is_kept(call: Call, target: Expr, value: Expr | None) -> bool:
    """Whether the variable that holds it is closed, entered, given on or owned by another."""
    if isinstance(target, (tree.Attr, tree.Item)):
        return True
    if isinstance(target, tree.Seq) and isinstance(value, tree.Seq):
        return all(_is_kept(call, item, None) for item in target.items)
    name = tree.dotted(target)
    if not name or "." in name:
        return True
    if name in _uses(call.file, call.fact.function).declared:
        return name in _closed_somewhere(call.file)
    return name in _family(call.file, call.fact.function).kept


def _is_released(call: Call) -> bool:
    """Whether a lock is released in a ``finally``, or the function is one of a lock itself."""
    function = call.function
    if function is None or function.name in _OWN_LOCK:
        return True
    return call.receiver in _family(call.file, call.fact.function).released


def _closed_somewhere(file: File) -> frozenset[str]:
    """Names that some function of a file closes."""
    known: frozenset[str] | None = file.memo.get("closed names")
    if known is None:
        named = (call for last in _CLOSERS for call in file.calls_by_name.get(last, ()))
        known = file.memo["closed names"] = frozenset(tree.dotted(call.receiver) for call in named)
    return known


def _family(file: File, function: int) -> _Uses:
    """What a function and those nested in it do with names; worked out once."""
    known: dict[int, _Uses] = file.memo.setdefault("uses of families", {})
    if function not in known:
        rows = file.facts.functions
        last, found = rows[function].end_line, _Uses()
        for index in range(function, len(rows)):
            if rows[index].line > last:
                break
            uses = _uses(file, index)
            found.kept |= uses.kept
            found.released |= uses.released
        known[function] = found
    return known[function]


def _uses(file: File, function: int) -> _Uses:
    """What a function does with what it opens; worked out once."""
    known: dict[int, _Uses] = file.memo.setdefault("uses of what is opened", {})
    if function not in known:
        found = known[function] = _Uses()
        for index in file.tables.blocks.get(function, ()):
            row = file.facts.blocks[index]
            if row.kind in {"with", "async with"}:
                _enter(file, row.exprs, found.entered, found.kept, through=True)
        for statement in file.tables.statements.get(function, ()):
            if statement.kind in {"return", "yield"} and statement.value is not None:
                _enter(file, (statement.value,), found.given, found.kept)
            elif statement.kind in {"global", "nonlocal"}:
                found.declared.update(statement.names)
        for assign in file.tables.assigns.get(function, ()):
            _bind(file, assign, found)
        for call in file.functions[function].calls:
            _use(call, found)
    return known[function]


def _enter(
    file: File, exprs: Iterable[Expr], calls: set[int], names: set[str], *, through: bool = False
) -> None:
    """Note the calls and names that the values of expressions hold."""
    for node in _values(file, exprs, through):
        if isinstance(node, tree.CallRef):
            calls.add(node.index)
        elif isinstance(node, tree.Name):
            names.add(node.id)


def _bind(file: File, assign: tree.Assign, uses: _Uses) -> None:
    """Note what an assignment binds, and the names that it stores elsewhere."""
    if assign.value is None:
        return
    calls, names = set[int](), set[str]()
    _enter(file, (assign.value,), calls, names)
    for index in calls:
        uses.bound.setdefault(index, assign)
    if any(
        isinstance(target, (tree.Attr, tree.Item)) or "." in tree.dotted(target)
        for target in assign.targets
    ):
        uses.kept |= names


def _use(call: Call, uses: _Uses) -> None:
    """Note what a call closes, gives to a stack or releases."""
    fact = call.fact
    arguments = (*fact.args, *(item.value for item in fact.keywords))
    texts = [text for argument in arguments if (text := tree.dotted(argument))]
    for text in texts:
        head, dot, _ = text.partition(".")
        if dot and text.rpartition(".")[2] in _CLOSERS:
            uses.kept.add(head)
    if call.last in _STACKS:
        uses.kept.update(texts)
        _enter(call.file, call.arguments, uses.stacked, set())
    closes = call.last in _CLOSERS
    if not (texts or closes or call.last == "release"):
        return
    if any(row.kind == "finally" for _, row in call.file.blocks_around(fact.block)):
        uses.kept.update(texts)
        if closes:
            uses.kept.add(tree.dotted(fact.func).rpartition(".")[0])
        if call.last == "release" and call.receiver is not None:
            uses.released.add(call.receiver)


def _values(file: File, exprs: Iterable[Expr], through: bool) -> Iterator[Expr]:
    """The parts that the values of expressions hold: arguments of classes, or of any call."""
    stack = list(exprs)
    while stack:
        node = stack.pop()
        yield node
        match node:
            case tree.CallRef(index=index):
                call = file.facts.calls[index]
                if through or call.last[:1].isupper():
                    stack += [*call.args, *(item.value for item in call.keywords)]
            case tree.Op(kind="Await" | "IfExp" | "Or" | "And" | "NamedExpr" | "Starred"):
                stack += node.items
            case tree.Seq(items=items) | tree.Map(values=items):
                stack += items
