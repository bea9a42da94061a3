"""Checks of HTTP clients: made once, shared, and closed when the application ends."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.flows import flow
from checks.project.subjects import Call, File, Function

_OBJECT = frozenset({"__init__", "__post_init__", "model_post_init"})
_DEPTH = 8


@check("http-client-reused")
def http_client_reused(file: File) -> Answer:
    """An HTTP client is made once and used by all requests.

    A client per call is a new connection, and a TLS handshake, per call.

    Instead: create one client at start-up (lifespan or a lazy getter) and reuse it.

    Known problems: a function that nobody is seen to call is taken for one that requests come to,
    unless it stands with tasks or commands; an object that nobody is seen to make is taken for one
    that is made once; of SDKs only well-known ones are recognised.
    """
    outgoing = file.project.outgoing
    count, found = 0, []
    for call in sorted(outgoing.candidates(file), key=lambda each: each.index):
        single = outgoing.is_one_shot(call)
        if single or outgoing.makes_client(call):
            count += 1
            fault = _fault(call, single=single)
            if fault:
                symbol = file.symbol_at(call.line)
                found.append(At(call.line, fault, anchor=call.name, symbol=symbol))
    return Sites(count, found) if count else Skip("no HTTP client")


def _fault(call: Call, *, single: bool) -> str:
    if call.function is None:
        return ""
    if single:
        often = call.file.project.lifetimes.per_request(call.function)
        return f"`{call.name}` opens a connection for this call alone" if often else ""
    return f"`{call.last}` is made for every call" if _is_made_often(call) else ""


def _is_made_often(call: Call, depth: int = 0) -> bool:
    """Whether an object is made again and again: not kept, in a function that runs per request."""
    function = call.function
    if function is None or depth > _DEPTH:
        return False
    lifetimes = call.file.project.lifetimes
    kept = _kept_as(call)
    if kept.startswith("request."):
        return lifetimes.per_request(function)
    if kept:
        own = function.fact.params[0].name if function.fact.params else ""
        if function.name in _OBJECT and kept.startswith(f"{own}."):
            return _is_object_made_often(function, depth)
        return False
    if lifetimes.is_cached(function):
        return False
    if function.cls is not None and function.name in _OBJECT:
        return _is_object_made_often(function, depth)
    if function.key not in lifetimes.providers and _is_returned(call):
        callers = call.file.project.calls.callers(function)
        if callers:
            return any(_is_made_often(each, depth + 1) for each in callers)
    return lifetimes.per_request(function)


def _is_object_made_often(init: Function, depth: int) -> bool:
    """Whether an object that makes the client in its ``__init__`` is made per request."""
    cls = init.cls
    if cls is None:
        return False
    project = init.file.project
    if cls.key in project.lifetimes.providers:
        return True
    return any(_is_made_often(each, depth + 1) for each in project.calls.callers(init))


def _kept_as(call: Call) -> str:
    """The global, attribute or item that keeps what a call makes, "" where nothing does."""
    function = call.function
    if function is None:
        return ""
    way = flow(function)
    forms = way.forms(call)
    for each in forms:
        for assign in way.into.get(each, ()):
            for target in assign.targets:
                if isinstance(target, (tree.Item, tree.Attr)):
                    return "item"
                text = tree.dotted(target)
                if "." in text or text in way.outer_names:
                    return text
    return "item" if any(each in way.defaults for each in forms) else ""


def _is_returned(call: Call) -> bool:
    """Whether a function gives its caller what a call makes."""
    function = call.function
    if function is None:
        return False
    way = flow(function)
    return any(each in way.returned for each in way.forms(call))
