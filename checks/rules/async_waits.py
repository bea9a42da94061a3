"""Checks of async code: awaits that come to an end."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.subjects import Call, File, Function
from checks.rules.async_ import has_async

_READS = frozenset("read readline readexactly readuntil".split())
_WAITS: dict[str, frozenset[str]] = {
    **{
        f"asyncio.{name}": frozenset({"get", "join"})
        for name in ("Queue", "PriorityQueue", "LifoQueue", "JoinableQueue")
    },
    **{f"{library}.Event": frozenset({"wait"}) for library in ("asyncio", "anyio", "trio")},
    **{
        f"{library}.Condition": frozenset({"wait", "wait_for", "acquire"})
        for library in ("asyncio", "anyio", "trio")
    },
    **{
        f"{library}.{name}": frozenset({"acquire"})
        for library in ("asyncio", "anyio", "trio")
        for name in ("Lock", "Semaphore", "BoundedSemaphore", "CapacityLimiter")
    },
    "asyncio.StreamReader": _READS,
    "asyncio.subprocess.Process": frozenset({"wait", "communicate"}),
    "fastapi.WebSocket": frozenset("receive receive_text receive_json receive_bytes".split()),
    **{
        f"websockets.{name}": frozenset({"recv"})
        for name in ("ClientConnection", "ServerConnection", "WebSocketClientProtocol")
    },
    "aiohttp.ClientWebSocketResponse": frozenset(
        "receive receive_str receive_json receive_bytes".split()
    ),
}
"""Open-ended methods by the class they wait for."""
_CONNECTS = frozenset({"asyncio.open_connection", "asyncio.open_unix_connection"})
_METHODS = tuple(
    sorted(frozenset().union(*_WAITS.values()) | {"open_connection", "open_unix_connection"})
)
_LIMITS = frozenset(
    "asyncio.timeout asyncio.timeout_at async_timeout.timeout async_timeout.timeout_at "
    "anyio.fail_after anyio.move_on_after trio.fail_after trio.move_on_after".split()
)
_WAIT_FOR = frozenset({"asyncio.wait_for", "asyncio.wait"})
_FUTURES = frozenset({"asyncio.Future", "asyncio.futures.Future"})
_JOBS = frozenset({"get", "wait"})
"""Waits of a worker for its next job."""


@check("await-with-timeout", applies=has_async)
def await_with_timeout(file: File) -> Answer:
    """An await of something that may never come has a limit.

    Without one a lost message or a dead peer holds the task, and all that waits for it, for ever.

    Instead: ``await asyncio.wait_for(..., timeout)`` or ``async with asyncio.timeout(...)``.

    Known problems: a stream, queue or event whose type cannot be told is not judged. A limit in
    all first-party callers, one level up, counts. An endless loop that waits for its next job or
    message is meant to wait.
    """
    sites, found = 0, []
    for call in file.calls_named(*_METHODS):
        what = _open_ended(call)
        if not what or _is_meant_to_wait(call, what):
            continue
        if not call.fact.awaited and not _is_wrapped(call):
            continue
        sites += 1
        if call.fact.awaited and not _is_limited(call):
            found.append(At(call.line, f"`{what}` is awaited without a limit", anchor=what))
    for line, name, block, function in _futures(file):
        sites += 1
        if not _in_limit(file, block, function) and not _callers_limit(function):
            found.append(At(line, f"The future `{name}` is awaited without a limit", anchor=name))
    return Sites(sites, found) if sites else Skip("no open-ended await")


def _open_ended(call: Call) -> str:
    """What is waited for: ``Event.wait``; "" for a call that ends by itself."""
    if call.last.startswith("open_"):
        return call.last if call.name in _CONNECTS else ""
    function = call.function
    if call.receiver is None or function is None or not function.is_async:
        return ""
    kind = _kind(call.file, call.receiver, function)
    return f"{kind.rpartition('.')[2]}.{call.last}" if call.last in _WAITS.get(kind, ()) else ""


def _kind(file: File, receiver: tree.Expr, function: Function) -> str:
    """Class of what is waited for, by itself or by a base; pipes of a process are streams."""
    text = tree.dotted(receiver)
    head, dot, last = text.rpartition(".")
    if dot and last in {"stdout", "stderr"}:
        process = file.type_of(tree.Name(head), function)
        return "asyncio.StreamReader" if process == "asyncio.subprocess.Process" else ""
    kind = file.type_of(receiver, function)
    cls = file.project.classes.by_key.get(kind)
    return kind if cls is None else next((each for each in cls.ancestors if each in _WAITS), "")


def _is_meant_to_wait(call: Call, what: str) -> bool:
    """A worker that waits for its next job, a socket that waits for its next message."""
    around = [block for _, block in call.file.blocks_around(call.fact.block)]
    if call.last.startswith("rec"):
        return _loops(around) or any(
            _loops([block for _, block in outer.file.blocks_around(outer.fact.block)])
            for outer in (call.file.project.calls.callers(call.function) if call.function else ())
        )
    if call.last not in _JOBS or what.startswith(("Condition.", "Process.")):
        return False
    return any(block.kind == "while" and _is_endless(block.exprs[0]) for block in around)


def _loops(around: list[tree.Block]) -> bool:
    return any(block.kind in {"while", "for", "async for"} for block in around)


def _is_endless(test: tree.Expr) -> bool:
    """``while True``, ``while self.running``, ``while not self._stopped.is_set()``."""
    if isinstance(test, tree.Op) and test.kind == "Not":
        test = test.items[0]
    return isinstance(test, (tree.Const, tree.Name, tree.CallRef))


def _is_limited(call: Call) -> bool:
    names = {keyword.name for keyword in call.fact.keywords}
    if "timeout" in names or call.spreads or "blocking" in names:
        return True
    function = call.function
    return _in_limit(call.file, call.fact.block, function) or _callers_limit(function)


def _in_limit(file: File, block: int, function: Function | None) -> bool:
    """Whether a block stands below ``async with asyncio.timeout(...)`` or its kin."""
    return any(
        file.resolve(expr, function) in _LIMITS
        for _, each in file.blocks_around(block)
        if each.kind in {"with", "async with"}
        for expr in each.exprs
    )


def _is_wrapped(call: Call) -> bool:
    """Whether a call is what ``wait_for`` waits for."""
    wrapped: set[int] | None = call.file.memo.get("waited for")
    if wrapped is None:
        wrapped = call.file.memo["waited for"] = {
            argument.index
            for each in call.file.calls_named("wait_for")
            if each.name in _WAIT_FOR
            for argument in each.arguments
            if isinstance(argument, tree.CallRef)
        }
    return call.index in wrapped


def _callers_limit(function: Function | None) -> bool:
    """Whether all first-party callers set a limit."""
    if function is None:
        return False
    known: dict[int, bool] = function.file.memo.setdefault("called with a limit", {})
    if function.index not in known:
        callers = function.file.project.calls.callers(function)
        known[function.index] = bool(callers) and all(
            _is_wrapped(each) or _in_limit(each.file, each.fact.block, each.function)
            for each in callers
        )
    return known[function.index]


def _futures(file: File) -> list[tuple[int, str, int, Function]]:
    """Awaited names of futures: line, name, block and function."""
    found = []
    for index, function in enumerate(file.facts.functions):
        if function.is_async:
            owner = file.functions[index]
            for place in file.tables.expressions.get(index, ()):
                for node in tree.walk(place.expr, file.facts):
                    if isinstance(node, tree.Op) and node.kind == "Await":
                        name = tree.dotted(node.items[0])
                        if name and file.type_of(node.items[0], owner) in _FUTURES:
                            found.append((place.line, name, place.block, owner))
    return found
