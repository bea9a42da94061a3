"""Checks of large answers: sent while they are made."""

from __future__ import annotations

import re

from checks.check import At, One, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, source
from checks.project.routes import Route
from checks.project.subjects import Call, Function
from checks.rules.applies import has_routes

_FILES = re.compile(
    r"text/csv|text/tab-separated-values|text/calendar"
    r"|application/(csv|pdf|zip|gzip|x-tar|x-zip\w*|octet-stream|(x-)?ndjson|jsonl|x-jsonlines"
    r"|vnd\.\S+|msword|x-gzip|xlsx?|epub\+zip)|(image|audio|video)/\S+",
    re.I,
)
_SYNC = frozenset("Iterator Generator Iterable list List tuple Sequence BytesIO StringIO".split())
_CHUNKED = frozenset({"iter_chunked", "iter_any", "iter_chunks", "receive_bytes"})
_WHOLE = frozenset("read getvalue getbuffer join dumps encode to_csv save tobytes".split())
_BUFFERS = frozenset({"io.BytesIO", "io.StringIO", "builtins.open", "builtins.iter"})
_SMALL = frozenset("qr qrcode thumbnail favicon icon badge pixel captcha logo robots".split())


@check("stream-large-responses", applies=has_routes)
def stream_large_responses(route: Route) -> One:
    """A file leaves in chunks, from an async generator.

    Content that is built first takes the memory of the whole file for each download.

    Instead: yield the content in chunks into StreamingResponse, or answer with FileResponse.

    Known problems: content whose origin cannot be told holds; what its path or handler calls a QR
    code, a thumbnail or an icon is taken for small; a literal is.
    """
    found = list(_responses(route))
    if not found:
        return Skip("no file and no stream")
    for call in found:
        fault = _fault(route, call)
        if fault:
            return At(
                call.line, f"`{route.name}` {fault}", path=call.path, anchor=call.last,
                symbol=route.symbol,
            )  # fmt: skip
    return None


def _responses(route: Route) -> list[Call]:
    """The streams and files that a handler answers with, helpers of its own followed."""
    found: list[Call] = []
    queue = [(route.function, 0)]
    seen = {route.function.key}
    for function, depth in queue:
        for value in function.returned:
            made = source(Given(function.file, value, function))
            expr = made.expr
            if isinstance(expr, tree.Op) and expr.kind == "Await":
                made = made.at(expr.items[0])
            if not isinstance(made.expr, tree.CallRef):
                continue
            call = made.file.calls[made.expr.index]
            kind = function.file.project.routes.responses.kind_of(call.name)
            if kind == "StreamingResponse" or (
                kind in {"Response", "HTMLResponse"} and _is_file(call)
            ):
                found.append(call)
            elif not kind and depth < 2:
                for target in function.file.project.calls.resolve(call):
                    if target.key not in seen:
                        seen.add(target.key)
                        queue.append((target, depth + 1))
    return found


def _is_file(call: Call) -> bool:
    """Whether a response says that it is a file."""
    media = call.arg(3, "media_type")
    text = None if media is None else Given(call.file, media, call.function).text
    if text and _FILES.fullmatch(text.partition(";")[0].strip()):
        return True
    headers = call.arg(2, "headers")
    if headers is not None:
        given = source(Given(call.file, headers, call.function))
        if isinstance(given.expr, tree.Map):
            keys = (given.at(key).text or "" for key in given.expr.keys if key is not None)
            return any(key.lower() == "content-disposition" for key in keys)
    return _is_disposed_later(call)


def _is_disposed_later(call: Call) -> bool:
    """``response.headers["Content-Disposition"] = ...`` after it was made."""
    row = call.file.tables.assign_of_call.get(call.index)
    name = tree.dotted(row.targets[0]) if row is not None else ""
    return bool(name) and any(
        isinstance(target, tree.Item)
        and tree.dotted(target.value) == f"{name}.headers"
        and (tree.text_of(target.index) or "").lower() == "content-disposition"
        for assign in (call.function.assigns if call.function is not None else ())
        for target in assign.targets
    )


def _fault(route: Route, call: Call) -> str:
    content = call.arg(0, "content")
    if content is None:
        return ""
    given = Given(call.file, content, call.function)
    if call.file.project.routes.responses.kind_of(call.name) == "StreamingResponse":
        return "streams what was built as a whole" if _is_built(given) else _sync(given)
    said = {*words(route.name), *(word for path in route.paths for word in words(path))}
    if isinstance(source(given).expr, (tree.Const, tree.Fmt)) or said & _SMALL:
        return ""
    return "builds the whole file before it answers"


def _is_built(given: Given) -> bool:
    """A buffer, a list, ``iter([...])``, joined or read content."""
    given = source(given)
    match given.expr:
        case tree.Seq() | tree.Const(kind="str" | "bytes") | tree.Fmt():
            return True
        case tree.Op(kind="Await", items=(inner,)):
            return _is_built(given.at(inner))
        case tree.Op(kind=kind):
            return kind == "ListComp"
        case tree.CallRef(index=index):
            call = given.file.calls[index]
            if call.last in _WHOLE and not given.file.project.calls.resolve(call):
                return True
            name = given.file.resolve(call.fact.func, given.function)
            if name == "builtins.iter" and call.fact.args:
                return _is_built(given.at(call.fact.args[0]))
            if name in _BUFFERS:
                return name != "builtins.iter"
    return given.file.type_of(given.expr, given.function) in _BUFFERS


def _sync(given: Given) -> str:
    """What is wrong with an iterator: that it is no asynchronous one."""
    given = source(given)
    fault = "streams from a synchronous iterator"
    match given.expr:
        case tree.Op(kind="GeneratorExp"):
            return fault
        case tree.Op(kind="Await", items=(inner,)):
            return _sync(given.at(inner))
        case tree.CallRef(index=index):
            return fault if _is_sync_call(given, given.file.calls[index]) else ""
    kind = given.file.type_of(given.expr, given.function).rpartition(".")[2]
    return fault if kind in _SYNC else ""


def _is_sync_call(given: Given, call: Call) -> bool:
    if call.last.startswith("aiter") or call.last in _CHUNKED:
        return False
    if call.last in {"iter_content", "iter_bytes", "iter_lines", "iter_raw"}:
        return True
    if given.file.resolve(call.fact.func, given.function) == "builtins.iter":
        return True
    return any(_is_sync_iterator(target) for target in call.file.project.calls.resolve(call))


def _is_sync_iterator(function: Function) -> bool:
    """Whether calling a function gives an iterator that is not asynchronous."""
    if function.name == "__init__":
        cls = function.cls
        return cls is not None and "__iter__" in cls.methods and "__aiter__" not in cls.methods
    if function.fact.generator:
        return not function.is_async
    returns: Expr | None = function.fact.returns
    kind = function.file.resolve(returns, function).rpartition(".")[2]
    return kind in _SYNC
