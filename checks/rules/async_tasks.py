"""Checks on tasks: that a coroutine which is started is also kept."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.subjects import Call, File, Function
from checks.rules.style import reported

_STARTS = ("create_task", "ensure_future")
_RUNNERS = frozenset({"asyncio.run", "anyio.run", "asyncio.runners.run"})
_WRAPPED = frozenset({"staticmethod", "classmethod", "override", "typing.override", "property"})


@check("fire-and-forget-tasks")
def fire_and_forget_tasks(file: File) -> Answer:
    """A task that is started is kept until it is done.

    The event loop holds tasks weakly: one that nobody keeps may vanish in the middle, and its
    error is never seen. A coroutine that is only called never runs.

    Instead: store the result of ``asyncio.create_task()``, or use a task group.

    Known problems: a coroutine function behind a decorator of its own is not followed.
    """
    reports = {each.line: each for each in file.lint("RUF006")}
    sites = {call.line for call in file.calls_named(*_STARTS) if _starts_task(call)} | set(reports)
    found = [reported(each, "The task is not kept", anchor="task") for each in reports.values()]
    for call, message in (*_never_awaited(file), *_threads(file)):
        sites.add(call.line)
        if message:
            found.append(At(call.line, message, column=call.fact.column, anchor=call.last))
    return Sites(len(sites), found) if sites else Skip("starts no coroutine")


def _starts_task(call: Call) -> bool:
    return call.last == "ensure_future" or "taskgroup" not in call.name.lower()


def _never_awaited(file: File) -> Iterator[tuple[Call, str]]:
    """Calls of first-party coroutine functions that are a whole statement."""
    names = file.project.calls.coroutines
    for call in file.calls:
        if not call.fact.statement or call.fact.awaited or call.last not in names:
            continue
        functions = file.project.calls.resolve(call)
        if functions and all(_is_coroutine(function) for function in functions):
            yield call, f"`{call.last}` is a coroutine function, and the call is not awaited"


def _is_coroutine(function: Function) -> bool:
    """Whether calling it makes a coroutine: async, no generator, nothing around it."""
    fact = function.fact
    plain = all(
        function.file.resolve(each.value).rpartition(".")[2] in _WRAPPED for each in fact.decorators
    )
    return fact.is_async and not fact.generator and plain


def _threads(file: File) -> Iterator[tuple[Call, str]]:
    """Threads that are started to run a coroutine."""
    for call in file.calls_named("Thread"):
        target = call.arg(1, "target")
        if call.name == "threading.Thread" and _runs_coroutine(call, target):
            yield call, "A thread is started to run a coroutine"


def _runs_coroutine(call: Call, target: tree.Expr | None) -> bool:
    name = call.file.resolve(target, call.function)
    if name in _RUNNERS:
        return True
    if isinstance(target, tree.Op) and target.kind == "Lambda":
        inner = (node for node in tree.walk(target) if isinstance(node, tree.CallRef))
        return any(call.file.calls[node.index].name in _RUNNERS for node in inner)
    function = call.file.project.names.function_named(name) if name else None
    if function is None:
        return False
    return function.is_async or any(each.name in _RUNNERS for each in function.calls)
