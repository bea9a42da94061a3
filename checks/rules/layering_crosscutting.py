"""Checks of what handlers do for every request, which is the work of a middleware."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import At, One, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.routes import Route, is_infrastructure
from checks.project.subjects import Call, Function
from checks.rules.applies import has_routes

_CLOCKS = frozenset(
    "time.time time.perf_counter time.monotonic time.process_time time.time_ns "
    "time.perf_counter_ns time.monotonic_ns datetime.datetime.now datetime.datetime.utcnow "
    "timeit.default_timer".split()
)
_CLOCK_NAMES = frozenset(name.rpartition(".")[2] for name in _CLOCKS)
_HEADERS = re.compile(
    r"access-control-[a-z-]+|strict-transport-security|x-frame-options|x-content-type-options"
    r"|x-xss-protection|(x-)?content-security-policy(-report-only)?|referrer-policy"
    r"|permissions-policy|cross-origin-(opener|embedder|resource)-policy",
    re.I,
)
_REQUEST_ID = re.compile(r"x[-_](request|correlation|trace|transaction)[-_]id", re.I)
_ID_NAMES = frozenset({"request_id", "correlation_id", "req_id", "trace_id"})
_ID_MAKERS = frozenset({"uuid.uuid4", "uuid.uuid1", "uuid.uuid7", "secrets.token_hex", "ulid.ULID"})
_HEADER = frozenset({"fastapi.Header", "fastapi.param_functions.Header"})
_COMPRESSORS = frozenset(
    {"gzip.compress", "zlib.compress", "brotli.compress", "zstandard.compress", "lzma.compress"}
)
_BEGIN = frozenset("start started starting begin began beginning received incoming enter".split())
_END = frozenset(
    "end ended finish finished complete completed done processed returning exit success".split()
)
_WHOLE = frozenset("request requests endpoint route api handler call called".split())
_PROBES = ("/health*", "/ready*", "/live*", "/ping", "/metrics", "/status")


@check("cross-cutting-in-middleware", applies=has_routes)
def cross_cutting_in_middleware(route: Route) -> One:
    """A handler does only what its own request asks for.

    What every request needs is forgotten in the next handler and differs in each.

    Instead: move the work to a middleware or a shared dependency.

    Known problems: the clock of a probe measures what it probes; an Authorization header that is
    only handed on to another service is not checked here; work in a helper is not seen.
    """
    function = route.function
    found = [
        *_timing(route),
        *_headers(function),
        *_request_ids(function),
        *_request_logs(function),
        *_authorization(function),
        *_compression(function),
    ]
    if not found:
        return None
    line, what = min(found)
    return At(line, f"`{route.name}` {what}", anchor=what)


type _Found = Iterator[tuple[int, str]]


def _timing(route: Route) -> _Found:
    """``start = perf_counter()`` with a difference to it later."""
    function = route.function
    if not any(call.last in _CLOCK_NAMES for call in function.calls):
        return
    if any(is_infrastructure(path, _PROBES) for path in route.paths):
        return
    starts = {
        target.id: assign.line
        for assign in function.assigns
        if isinstance(assign.value, tree.CallRef) and _is_clock(function, assign.value)
        for target in assign.targets
        if isinstance(target, tree.Name)
    }
    for expr in _exprs(function):
        for node in tree.walk(expr):
            if not isinstance(node, tree.Bin) or node.op != "Sub" or len(node.items) != 2:
                continue
            now, start = node.items
            if tree.dotted(start) in starts and (
                _is_clock(function, now) or tree.dotted(now) in starts
            ):
                yield starts[tree.dotted(start)], "measures its own time"


def _is_clock(function: Function, expr: Expr) -> bool:
    return isinstance(expr, tree.CallRef) and function.file.resolve(expr, function) in _CLOCKS


def _exprs(function: Function) -> Iterator[Expr]:
    """Every expression of a body; those inside calls come with the arguments of the call."""
    for call in function.calls:
        yield from call.arguments
        yield call.fact.func
    for assign in function.assigns:
        yield from (expr for expr in (*assign.targets, assign.value) if expr is not None)
    for statement in function.statements:
        if statement.value is not None:
            yield statement.value
    for _, block in function.blocks:
        yield from block.exprs


def _headers(function: Function) -> _Found:
    """``response.headers["X-Frame-Options"] = ...``, ``headers={...}``, ``headers.update(...)``."""
    for line, name in _written(function):
        if _HEADERS.fullmatch(name):
            yield line, f"writes the header {name.title()}"
        elif _REQUEST_ID.fullmatch(name):
            yield line, f"writes the request id {name}"


def _written(function: Function) -> Iterator[tuple[int, str]]:
    """Names of the headers that a function writes to a response, with the lines."""
    for assign in function.assigns:
        for target in assign.targets:
            if isinstance(target, tree.Item) and _names_headers(target.value):
                yield assign.line, _text(function, target.index)
        if _names_headers(assign.targets[0]):
            yield from ((assign.line, name) for name in _keys(function, assign.value))
    for call in function.calls:
        headers = call.fact.keyword("headers")
        if headers is not None and _answers(call):
            yield from ((call.line, name) for name in _keys(function, headers))
        if call.receiver is not None and _names_headers(call.receiver):
            if call.last in {"setdefault", "append"} and call.fact.args:
                yield call.line, _text(function, call.fact.args[0])
            elif call.last == "update" and call.fact.args:
                yield from ((call.line, name) for name in _keys(function, call.fact.args[0]))


def _answers(call: Call) -> bool:
    """Whether a call makes a response or an error of HTTP."""
    name = call.name
    routes = call.file.project.routes
    return bool(routes.responses.kind_of(name)) or call.file.project.sending.is_http_error(name)


def _names_headers(expr: Expr) -> bool:
    """``response.headers``: of a response, not of what is sent elsewhere."""
    head, _, last = tree.dotted(expr).rpartition(".")
    return last == "headers" and bool(head) and "client" not in words(head)


def _keys(function: Function, expr: Expr | None) -> Iterator[str]:
    if isinstance(expr, tree.Map):
        yield from (_text(function, key) for key in expr.keys if key is not None)


def _text(function: Function, expr: Expr) -> str:
    return Given(function.file, expr, function).text or ""


def _request_ids(function: Function) -> _Found:
    """Reads the header of a request id, or makes one up."""
    for line, name in _read(function):
        if _REQUEST_ID.fullmatch(name):
            yield line, "reads the request id from its header"
    for assign in function.assigns:
        if _ID_NAMES.isdisjoint(tree.dotted(target) for target in assign.targets):
            continue
        for node in tree.walk(assign.value, function.file.facts):
            if (
                isinstance(node, tree.CallRef)
                and function.file.resolve(node, function) in _ID_MAKERS
            ):
                yield assign.line, "makes up a request id"


def _read(function: Function) -> Iterator[tuple[int, str]]:
    """Names of the request headers that a function reads, with the lines."""
    for call in function.calls:
        if call.last == "get" and call.fact.args and _is_request_headers(function, call.receiver):
            yield call.line, _text(function, call.fact.args[0])
    for line, node in _items(function):
        if _is_request_headers(function, node.value):
            yield line, _text(function, node.index)
    for param in function.fact.params:
        name = _header_of(function, param)
        if name:
            yield param.line, name


def _items(function: Function) -> Iterator[tuple[int, tree.Item]]:
    """Subscripts that are read, with the lines of what reads them."""
    places: list[tuple[int, Expr | None]] = [(a.line, a.value) for a in function.assigns]
    places += [(s.line, s.value) for s in function.statements]
    places += [(call.line, arg) for call in function.calls for arg in call.arguments]
    places += [(block.line, expr) for _, block in function.blocks for expr in block.exprs]
    for line, expr in places:
        for node in tree.walk(expr):
            if isinstance(node, tree.Item):
                yield line, node


def _is_request_headers(function: Function, expr: Expr | None) -> bool:
    head, _, last = tree.dotted(expr).rpartition(".")
    if last != "headers" or not head:
        return False
    kind = function.file.type_of(tree.Name(head), function)
    return kind == "fastapi.Request" or (not kind and head.rpartition(".")[2] in {"request", "req"})


def _header_of(function: Function, param: tree.Param) -> str:
    """Name of the header that a parameter takes with ``Header()``, "" for other parameters."""
    facts, file = function.file.facts, function.file
    for node in (*tree.walk(param.default), *tree.walk(param.annotation)):
        if isinstance(node, tree.CallRef) and file.resolve(node, function) in _HEADER:
            return tree.text_of(facts.calls[node.index].keyword("alias")) or param.name
    return ""


def _request_logs(function: Function) -> _Found:
    """A message when the request begins and another when it ends."""
    logged = function.file.project.logs.of_function(function)
    if len(logged) < 2:
        return
    names = {*words(function.name)} if "_" in function.name else set()
    begun = 0
    for each in logged:
        said = {
            word
            for node in tree.walk(function.file.project.logs.message(each), function.file.facts)
            for word in words(tree.text_of(node) or "")
        }
        if not (said & _WHOLE or (names and names <= said)):
            continue
        if begun and said & _END:
            yield begun, "logs the start and the end of the request"
            return
        if said & _BEGIN:
            begun = begun or each.call.line


def _authorization(function: Function) -> _Found:
    """Reads the Authorization header for more than to hand it on."""
    for line, name in _read(function):
        if name.lower() == "authorization":
            bound = _bound_at(function, line)
            if not bound or _is_examined(function, bound):
                yield line, "checks the Authorization header by hand"


def _bound_at(function: Function, line: int) -> str:
    """The name that the statement, or the parameter, of a line binds."""
    for param in function.fact.params:
        if param.line == line and _header_of(function, param):
            return param.name
    rows: list[Assign] = [row for row in function.assigns if row.line <= line <= row.end_line]
    return tree.dotted(rows[0].targets[0]) if rows else ""


def _is_examined(function: Function, name: str) -> bool:
    """Whether a value is tested, cut or passed to something, not only put into a mapping."""
    tests = [e for _, block in function.blocks if block.kind == "if" for e in block.exprs]
    used = [*tests, *(arg for call in function.calls for arg in call.fact.args)]
    used += [receiver for call in function.calls if (receiver := call.receiver) is not None]
    return any(
        isinstance(node, tree.Name) and node.id.partition(".")[0] == name
        for expr in used
        if not isinstance(expr, (tree.Map, tree.Fmt))
        for node in tree.walk(expr)
    )


def _compression(function: Function) -> _Found:
    """Compresses what it answers with."""
    for call in function.calls:
        if call.last == "compress" and call.file.resolve(call.fact.func, function) in _COMPRESSORS:
            encoded = any(name.lower() == "content-encoding" for _, name in _written(function))
            if encoded or _is_answered(function, call):
                yield call.line, "compresses its answer"


def _is_answered(function: Function, call: Call) -> bool:
    """Whether the result of a call is given to a response."""
    return any(
        tree.CallRef(call.index) in made.arguments and _answers(made) for made in function.calls
    )
