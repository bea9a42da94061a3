"""Checks of what code works with: that it is given, not fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import At, One, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project import wellknown
from checks.project.database import SESSIONS
from checks.project.layers import is_service_class
from checks.project.once import once
from checks.project.project import Project
from checks.project.subjects import Call, Function

_MAKERS = re.compile(r"_*(get|make|create|build|new|provide|init|setup)_\w+|lifespan")
_CLIENT = re.compile(
    r"(redis|aioredis|valkey)\.(\w+\.)*(Redis|StrictRedis|RedisCluster|Valkey|from_url)"
    r"|arq\.(connections\.)?ArqRedis|smtplib\.SMTP(_SSL)?|aiosmtplib\.SMTP"
)
_WORDS = {
    "session": "the session", "client": "the client", "service": "the service",
    "settings": "the settings",
}  # fmt: skip


def has_handlers_or_services(project: Project) -> str | None:
    """Any route handler or service module."""
    if project.routes.handlers or project.layers.has_services:
        return None
    return "no route handler, no service module"


@check("dependencies-injected", applies=has_handlers_or_services)
def dependencies_injected(
    function: Function, *, kinds: Sequence[str] = ("session", "client", "service")
) -> One:
    """Sessions, clients and services are given to the code that uses them.

    What code makes or fetches itself cannot be replaced in a test, shared or configured.

    Instead: take the object as a parameter (``Depends`` in handlers, the constructor in services).

    Known problems: each method of a service is a site of its own; what a function of ours returns
    counts as made there, not at its caller; a session of a factory that was given, and a fallback
    for a parameter (``client or Client()``), are injection. A service that enters a provider of
    sessions is left alone, as a worker has nobody who gives it one; a handler is not.
    """
    if not _is_judged(function):
        return Skip("neither a handler nor a service")
    taken = [each for each in _taken(function) if each[1] in kinds]
    if "settings" in kinds:
        taken += _settings_read(function)
    found = sorted(taken)
    if found:
        line, kind, what = found[0]
        text = f"`{function.name}` {what} instead of being given {_WORDS[kind]}"
        return At(line, text, anchor=f"{kind}:{what}")
    given = not _given(function).isdisjoint(kinds)
    return None if given else Skip("uses nothing of these kinds")


@once
def _is_judged(function: Function) -> bool:
    project = function.file.project
    if project.routes.of(function) is not None:
        return True
    layers = project.layers
    if not _is_service(function) or layers.is_composition_root(function.file):
        return False
    lifetimes = project.lifetimes
    if function.key in lifetimes.providers or function in lifetimes.lifespans:
        return False
    return not (_MAKERS.fullmatch(function.name) and _returns_object(function))


def _is_service(function: Function) -> bool:
    """Whether a function stands in a service module, or in a service class."""
    file = function.file
    if "service module" not in file.memo:
        file.memo["service module"] = file.project.layers.is_service_module(file)
    if file.memo["service module"]:
        return True
    cls = function.cls
    return cls is not None and is_service_class(cls)


def _returns_object(function: Function) -> bool:
    """Whether a function hands out an object of one of the kinds."""
    file = function.file
    if function.fact.generator:
        return True
    named = file.project.values.of_annotation(file, function.fact.returns, function)
    if _kind_of_type(file.project, named):
        return True
    return any(
        _kind_of_type(file.project, file.type_of(each, function)) for each in function.returned
    )


def _kind_of_type(project: Project, name: str) -> str:
    """Which kind of object a class makes, "" for none."""
    if not name:
        return ""
    if project.database.is_session_type(name):
        return "session"
    cls = project.classes.by_key.get(name)
    if cls is None:
        return "client" if project.outgoing.is_client_type(name) or _CLIENT.match(name) else ""
    if project.classes.role(cls) == "settings":
        return "settings"
    if is_service_class(cls):
        return "service"
    if any(project.outgoing.is_client_type(each) or _CLIENT.match(each) for each in cls.ancestors):
        return "client"
    return ""


@once
def _taken(function: Function) -> tuple[tuple[int, str, str], ...]:
    return tuple(_taking(function))


def _taking(function: Function) -> Iterator[tuple[int, str, str]]:
    """What a function makes in its body or takes from a global: line, kind, words."""
    fallbacks = _fallbacks(function)
    for call in function.calls:
        if call.index in fallbacks:
            continue
        kind = _made_kind(call)
        if kind:
            yield call.line, kind, f"makes `{call.last}`"
            continue
        for expr in (call.receiver, *call.arguments):
            text, kind = _global_of(function, tree.dotted(expr))
            if kind:
                yield call.line, kind, f"takes the global `{text}`"
        kind = _handed_kind(call)
        if kind:
            yield call.line, kind, f"takes `{call.last}` of a global"


def _settings_read(function: Function) -> Iterator[tuple[int, str, str]]:
    """``settings.page_size`` where ``settings`` is a global."""
    held: list[tuple[int, Expr | None]] = [(row.line, row.value) for row in function.assigns]
    held += [(row.line, row.value) for row in function.statements]
    held += [(call.line, arg) for call in function.calls for arg in call.arguments]
    held += [(block.line, expr) for _, block in function.blocks for expr in block.exprs]
    for line, expr in held:
        for node in tree.walk(expr):
            head = node.id.rpartition(".")[0] if isinstance(node, tree.Name) else ""
            if head and _global_kind(function, head) == "settings":
                yield line, "settings", f"takes the global `{head}`"


def _made_kind(call: Call) -> str:
    """Which kind of object a call constructs, "" for none."""
    project = call.file.project
    name = call.file.resolve(call.fact.func, call.function)
    if name in SESSIONS and name.endswith("Session"):
        return "session"
    if _is_of_module(call):
        made = call.file.type_of(call.fact.func, call.function)
        if wellknown.INSTANCES.get(made, "") in SESSIONS:
            return "session"
    if project.outgoing.makes_client(call) or _CLIENT.fullmatch(call.name):
        return "client"
    cls = project.classes.by_key.get(name)
    if cls is not None:
        return _kind_of_type(project, name)
    if _opens_session(call, name):
        return "session"
    getter = project.names.function_named(name) if call.last.startswith("get_") else None
    if getter is not None and getter.file is not call.file:
        given = call.file.type_of(tree.CallRef(call.index), call.function)
        return "settings" if _kind_of_type(project, given) == "settings" else ""
    return ""


def _opens_session(call: Call, name: str) -> bool:
    """``async for session in get_db()`` in a handler, which could have been given it."""
    if call.function is None or call.file.project.routes.of(call.function) is None:
        return False
    provider = call.file.project.names.function_named(name)
    if provider is None or not provider.fact.generator or provider.cls is not None:
        return False
    made = call.file.type_of(tree.CallRef(call.index), call.function)
    return call.file.project.database.is_session_type(made)


def _is_of_module(call: Call) -> bool:
    """Whether a factory is a name of a module: no parameter, no variable, no attribute of self."""
    head = tree.dotted(call.fact.func).partition(".")[0]
    if head in {"", "self", "cls"}:
        return False
    return call.file.project.names.binding(call.file, head, call.function)[1] is None


def _handed_kind(call: Call) -> str:
    """Which kind a manager that is a global hands out: ``client = await pool.get_client()``."""
    file, function = call.file, call.function
    manager = tree.dotted(call.receiver)
    if function is None or not manager or not _is_global(function, manager):
        return ""
    made = _kind_of_type(file.project, file.type_of(tree.CallRef(call.index), function))
    return made if made in {"session", "client"} else ""


def _global_of(function: Function, text: str) -> tuple[str, str]:
    """The global of one of the kinds with which a dotted name begins, and its kind."""
    parts = text.split(".") if text else []
    for count in range(1, len(parts) + 1):
        begin = ".".join(parts[:count])
        kind = _global_kind(function, begin)
        if kind:
            return begin, kind
    return "", ""


def _is_global(function: Function, text: str) -> bool:
    """Whether a dotted name is an object that a module holds."""
    head = text.partition(".")[0]
    names = function.file.project.names
    if head in {"self", "cls"} or names.binding(function.file, head, function)[1] is not None:
        return False
    return names.assignment_named(function.file.resolve(text, function)) is not None


def _global_kind(function: Function, text: str) -> str:
    """Which kind of object a name of a module stands for, "" for locals and others."""
    if not _is_global(function, text):
        return ""
    project = function.file.project
    return _kind_of_type(
        project, project.values.type_of_name(function.file.resolve(text, function))
    )


def _fallbacks(function: Function) -> set[int]:
    """Calls that stand in for a parameter which was not given: ``client or Client()``."""
    params = {param.name for param in function.fact.params}
    found: set[int] = set()
    for assign in function.assigns:
        value = assign.value
        if isinstance(value, tree.Op) and value.kind in {"Or", "IfExp"}:
            nodes = list(tree.walk(value))
            if any(isinstance(node, tree.Name) and node.id in params for node in nodes):
                found |= {node.index for node in nodes if isinstance(node, tree.CallRef)}
    return found


@once
def _given(function: Function) -> frozenset[str]:
    """Of which kinds the objects are that a function receives, or uses of its own object."""
    project, file = function.file.project, function.file
    annotations = (param.annotation for param in function.fact.params)
    received = (
        project.values.of_annotation(file, annotation, function)
        for annotation in annotations
        if annotation is not None
    )
    receivers = {tree.dotted(call.receiver) for call in function.calls if call.receiver is not None}
    used = (
        file.type_of(tree.Name(text), function) for text in receivers if text.startswith("self.")
    )
    return frozenset(_kind_of_type(project, name) for name in (*received, *used))
