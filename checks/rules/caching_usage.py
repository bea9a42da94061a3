"""Checks of caches: how entries are written, read and removed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.caches import Caches, Operation
from checks.project.given import Given
from checks.project.project import Project
from checks.project.subjects import Call, Function

_EXPIRIES = {"ex": 1.0, "px": 0.001, "ttl": 1.0, "expire": 1.0, "timeout": 1.0, "time": 1.0,
             "exat": 0.0, "pxat": 0.0, "exptime": 1.0}  # fmt: skip
"""Keyword arguments that set an expiry, and how many seconds one of them is; 0 for a date."""
_UNITS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1,
          "milliseconds": 0.001}  # fmt: skip
_SEPARATOR = re.compile(r"[:./\-]")
_LEVELS = 2
_END = re.compile(r"ttl|expir|max_age|valid_until|deadline")


@check("cache-usage", each="aspects")
def cache_usage(
    project: Project,
    aspect: str,
    *,
    aspects: Sequence[str] = ("aside", "namespace", "ttl"),
    max_ttl_seconds: int = 0,
) -> Answer:
    """Cache entries expire, have a namespace, and are filled where they are missed.

    An entry without an end serves stale data for ever, and a bare key meets another feature's.

    Instead: prefix the key, set a ttl and fill the cache on a miss.

    Known problems: a key or expiry that a caller passes in is followed one level. An accessor
    that only reads counts as filled where a caller, two levels up, writes the same cache. Calls
    of a wrapper's own methods are not judged: the wrapper is.
    """
    caches = project.caches
    if aspect == "aside":
        return _aside(caches)
    writes = [each for each in caches.operations if each.kind == "write"]
    found = []
    for each in writes:
        message = (
            _without_expiry(caches, each, max_ttl_seconds)
            if aspect == "ttl"
            else _without_namespace(caches, each)
        )
        if message:
            symbol = each.function.symbol if each.function is not None else ""
            found.append(At(each.line, message, path=each.file.path, symbol=symbol, anchor=aspect))
    return Sites(len(writes), found) if writes else Skip("no cache is written")


# Expiry -------------------------------------------------------------------------------------------


def _without_expiry(caches: Caches, write: Operation, most: int) -> str:
    """What is wrong with the expiry of a write, "" for nothing."""
    if write.holder:
        expiry, seconds = _of_object(caches, write)
    else:
        expiry, seconds = _of_write(caches, write)
    if not expiry:
        return "The entry is written without an expiry"
    if most and seconds is not None and seconds > most:
        return f"The entry lives {seconds:g} seconds, longer than {most}"
    return ""


def _of_object(caches: Caches, write: Operation) -> tuple[bool, float | None]:
    """Whether the object in the process lets entries expire, and after how many seconds."""
    name = write.holder.rpartition(".")[2]
    named = caches.by_name.get(name, [])
    own = [each for each in named if each.file is write.file] or named
    for held in own:
        call = held.call
        if call is not None and call.name in {"cachetools.TTLCache", "cachetools.TLRUCache"}:
            return True, _seconds(call, call.arg(1, "ttl"))
    return _carries_end(write), None


def _carries_end(write: Operation) -> bool:
    """``CACHE[key] = (value, now + TTL)``: the entry itself says until when it holds."""
    for row in write.file.facts.assigns:
        if row.line == write.line and row.value is not None:
            nodes = tree.walk(row.value, write.file.facts)
            if any(isinstance(n, tree.Name) and _END.search(n.id.lower()) for n in nodes):
                return True
    return False


def _of_write(caches: Caches, write: Operation) -> tuple[bool, float | None]:
    call = write.call
    if call is None or call.last in {"mset", "hset", "getset", "add"}:
        return call is not None and _expires_after(caches, write), None
    if call.last in {"setex", "psetex"}:
        unit = 0.001 if call.last == "psetex" else 1.0
        seconds = _seconds(call, call.arg(1, "time"))
        return True, None if seconds is None else seconds * unit
    for item in call.fact.keywords:
        if item.name in _EXPIRIES or not item.name:
            unit = _EXPIRIES.get(item.name, 0.0)
            seconds = _seconds(call, item.value) if unit else None
            return not _is_none(item.value), None if seconds is None else seconds * unit
    if write.backend != "redis" or len(call.fact.args) > 2:
        third = call.fact.args[2] if len(call.fact.args) > 2 else None
        return third is not None, _seconds(call, third)
    return _expires_after(caches, write), None


def _is_none(expr: tree.Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"


def _expires_after(caches: Caches, write: Operation) -> bool:
    """Whether the function sets the expiry of the key behind the write."""
    if write.function is None:
        return False
    return caches.expiries.get((write.function, write.key), -1) >= write.line


def _seconds(call: Call, expr: tree.Expr | None) -> float | None:
    """A length of time in seconds, None where it cannot be known."""
    if isinstance(expr, tree.CallRef):
        made = call.file.calls[expr.index]
        if made.name == "datetime.timedelta" and not made.fact.args:
            parts = [(_UNITS.get(each.name), _number(made, each.value))
                     for each in made.fact.keywords]  # fmt: skip
            if all(unit is not None and number is not None for unit, number in parts):
                return sum((unit or 0) * (number or 0) for unit, number in parts)
        return None
    return _number(call, expr)


def _number(call: Call, expr: tree.Expr | None) -> float | None:
    if expr is None:
        return None
    if isinstance(expr, tree.Bin) and expr.op == "Mult":
        product = 1.0
        for item in expr.items:
            factor = _number(call, item)
            if factor is None:
                return None
            product *= factor
        return product
    value = Given(call.file, expr, call.function).value
    return float(value) if isinstance(value, (int, float)) else None


# Namespace ----------------------------------------------------------------------------------------


def _without_namespace(caches: Caches, write: Operation) -> str:
    key = caches.key(write)
    if key is None or (write.call is not None and write.call.fact.keyword("namespace") is not None):
        return ""
    if _is_namespaced(write, key) or _callers_name(write, key):
        return ""
    return "The key of the entry has no namespace"


def _is_namespaced(write: Operation, key: tree.Expr) -> bool:
    """Built from parts, by a function, or a text with a separator."""
    match key:
        case tree.Const(kind="str", value=str(text)):
            return bool(_SEPARATOR.search(text))
        case tree.Fmt(parts=parts) | tree.Bin(op="Add", items=parts):
            return any(_separates(write, part) for part in parts)
        case tree.Name():
            value = Given(write.file, key, write.function).text
            return value is not None and bool(_SEPARATOR.search(value))
        case tree.CallRef() | tree.Bin():
            return True
        case tree.Seq(items=items):
            return len(items) > 1
    return False


def _separates(write: Operation, part: tree.Expr) -> bool:
    """A literal part with a separator, or a constant, which may hold one."""
    if isinstance(part, tree.Const):
        return isinstance(part.value, str) and bool(_SEPARATOR.search(part.value))
    if isinstance(part, tree.Name):
        value = Given(write.file, part, write.function).text
        if value is not None:
            return bool(_SEPARATOR.search(value))
        return "prefix" in part.id.lower() or part.id.rpartition(".")[2].isupper()
    return False


def _callers_name(write: Operation, key: tree.Expr) -> bool:
    """Whether the key is a parameter that all known callers give a namespace."""
    function = write.function
    if function is None or not isinstance(key, tree.Name):
        return False
    place = next((i for i, each in enumerate(function.fact.params) if each.name == key.id), -1)
    if place < 0:
        return False
    place -= function.cls is not None
    given = [(call, call.arg(place, key.id))
             for call in function.file.project.calls.callers(function)]  # fmt: skip
    return bool(given) and all(
        value is not None and _is_namespaced(_passed(write, call, value), _behind(call, value))
        for call, value in given
    )


def _passed(write: Operation, call: Call, value: tree.Expr) -> Operation:
    """The write as the caller sees it."""
    return Operation(write.kind, write.backend, call.file, call.line, call.function, value, call)


def _behind(call: Call, value: tree.Expr) -> tree.Expr:
    passed = Operation("write", "", call.file, call.line, call.function, value, call)
    return call.file.project.caches.key(passed) or value


# Aside --------------------------------------------------------------------------------------------


def _aside(caches: Caches) -> Answer:
    """Functions that read a cache, and those of them that never fill it."""
    sites, found = 0, []
    for function, operations in caches.by_function.items():
        reads = [each for each in operations if each.kind == "read"]
        if not reads:
            continue
        sites += 1
        if not _fills(caches, function, reads[0]):
            message = f"`{function.name}` reads the cache and does not fill it on a miss"
            found.append(At(min(each.line for each in reads), message, path=function.path,
                            symbol=function.symbol, anchor="aside"))  # fmt: skip
    return Sites(sites, found) if sites else Skip("no cache is read")


def _fills(caches: Caches, function: Function, read: Operation) -> bool:
    """Whether the function, what it calls or who calls it writes the same cache."""
    graph = function.file.project.calls
    asked, front = [function], [function]
    for _ in range(_LEVELS):
        front = [
            call.function
            for each in front
            for call in graph.callers(each)
            if call.function is not None and call.function not in asked
        ]
        asked += front
    return any(
        operation.kind == "write"
        and operation.backend == read.backend
        and operation.holder.rpartition(".")[2] == read.holder.rpartition(".")[2]
        for each in asked
        for reached in graph.reachable(each, _LEVELS)
        for operation in caches.by_function.get(reached, ())
    )
