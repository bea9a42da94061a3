"""Checks of style: what is opened is closed, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

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
        if not _Use(call).is_closed():
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


class _Use:
    """What one function does with a resource that it opens."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.file = call.file
        self.facts = call.file.facts

    def is_closed(self) -> bool:
        """Whether somebody closes it on every path, by the definition's means."""
        if self.call.last == "acquire":
            return self._is_released()
        if self._held(self._entered(), through=True):
            return True
        if any(self._held(statement.value) for statement in self._given_back()):
            return True
        for assign in self.file.tables.assigns.get(self.call.fact.function, ()):
            if self._held(assign.value):
                return all(self._is_kept(target, assign.value) for target in assign.targets)
        return self._in_stack()

    def _entered(self) -> Expr:
        """The items of the ``with`` around or of which it is one."""
        blocks = self.file.tables.blocks.get(self.call.fact.function, ())
        rows = (self.facts.blocks[index] for index in blocks)
        items = [e for row in rows if row.kind in {"with", "async with"} for e in row.exprs]
        return tree.Seq("tuple", tuple(items))

    def _given_back(self) -> list[tree.Statement]:
        rows = self.file.tables.statements.get(self.call.fact.function, ())
        return [row for row in rows if row.kind in {"return", "yield"}]

    def _held(self, expr: Expr | None, *, through: bool = False) -> bool:
        """Whether the result of the call is, or is wrapped in, the value of an expression."""
        return any(
            isinstance(node, tree.CallRef) and node.index == self.call.index
            for node in self._values(expr, through)
        )

    def _values(self, expr: Expr | None, through: bool = False) -> Iterator[Expr]:
        """The parts that an expression's value holds: arguments of classes, or of any call."""
        stack = [] if expr is None else [expr]
        while stack:
            node = stack.pop()
            yield node
            match node:
                case tree.CallRef(index=index):
                    call = self.facts.calls[index]
                    if through or call.last[:1].isupper():
                        stack += [*call.args, *(item.value for item in call.keywords)]
                case tree.Op(kind="Await" | "IfExp" | "Or" | "And" | "NamedExpr" | "Starred"):
                    stack += node.items
                case tree.Seq(items=items) | tree.Map(values=items):
                    stack += items

    def _is_kept(self, target: Expr, value: Expr | None) -> bool:
        """Whether the variable that holds it is closed, entered, given on or owned by another."""
        if isinstance(target, (tree.Attr, tree.Item)):
            return True
        if isinstance(target, tree.Seq) and isinstance(value, tree.Seq):
            return all(self._is_kept(item, None) for item in target.items)
        name = tree.dotted(target)
        if not name or "." in name:
            return True
        return self._is_global(name) if self._declares(name) else self._is_local(name)

    def _declares(self, name: str) -> bool:
        rows = self.file.tables.statements.get(self.call.fact.function, ())
        return any(row.kind in {"global", "nonlocal"} and name in row.names for row in rows)

    def _is_global(self, name: str) -> bool:
        """Whether some function of the file closes a global."""
        named = (call for last in _CLOSERS for call in self.file.calls_by_name.get(last, ()))
        return any(tree.dotted(call.receiver) == name for call in named)

    def _is_local(self, name: str) -> bool:
        return any(
            self._closes(index, name) or self._gives(index, name) for index in self._functions()
        )

    def _functions(self) -> list[int]:
        """The function and those nested in it."""
        found = [self.call.fact.function]
        last = self.facts.functions[found[0]].end_line
        for index in range(found[0] + 1, len(self.facts.functions)):
            if self.facts.functions[index].line > last:
                break
            found.append(index)
        return found

    def _closes(self, function: int, name: str) -> bool:
        """Whether a function enters it, closes it in a ``finally`` or gives it to a stack."""
        for call in self.file.functions[function].calls:
            fact = call.fact
            arguments = (*fact.args, *(item.value for item in fact.keywords))
            texts = [tree.dotted(argument) for argument in arguments]
            if any(t.startswith(f"{name}.") and t.rpartition(".")[2] in _CLOSERS for t in texts):
                return True
            head, _, last = tree.dotted(fact.func).rpartition(".")
            if last in _STACKS and name in texts:
                return True
            closes = (head == name and last in _CLOSERS) or name in texts
            if closes and self._in_finally(fact.block):
                return True
        for index in self.file.tables.blocks.get(function, ()):
            row = self.facts.blocks[index]
            if row.kind in {"with", "async with"}:
                items = tree.Seq("tuple", row.exprs)
                if any(tree.dotted(node) == name for node in self._values(items, through=True)):
                    return True
        return False

    def _in_finally(self, block: int) -> bool:
        return any(row.kind == "finally" for _, row in self.file.blocks_around(block))

    def _gives(self, function: int, name: str) -> bool:
        """Whether a function returns or yields it, or stores it elsewhere."""
        for row in self.file.tables.statements.get(function, ()):
            if row.kind in {"return", "yield"} and any(
                tree.dotted(node) == name for node in self._values(row.value)
            ):
                return True
        for assign in self.file.tables.assigns.get(function, ()):
            if any(tree.dotted(node) == name for node in self._values(assign.value)):
                stored = (isinstance(t, (tree.Attr, tree.Item)) for t in assign.targets)
                if any(stored) or any("." in tree.dotted(t) for t in assign.targets):
                    return True
        return False

    def _in_stack(self) -> bool:
        """Whether it is an argument of a method of an ``ExitStack``."""
        for last in _STACKS:
            for call in self.file.calls_by_name.get(last, ()):
                if call.fact.function == self.call.fact.function and any(
                    self._held(argument) for argument in call.arguments
                ):
                    return True
        return False

    def _is_released(self) -> bool:
        """Whether a lock is released in a ``finally``, or the function is one of a lock itself."""
        function = self.call.function
        if function is None or function.name in _OWN_LOCK:
            return True
        lock = self.call.receiver
        return any(
            call.receiver == lock and self._in_finally(call.fact.block)
            for call in self.file.calls_by_name.get("release", ())
            if call.fact.function in self._functions()
        )
