"""Checks of loggers: where a module gets its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import At, One, Skip, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.logs import LogCall
from checks.project.subjects import Call, File

_SETUP = ("basicConfig", "dictConfig", "fileConfig", "addHandler", "removeHandler", "configure")
_CONFIGURES = re.compile(r"(configure|set_?up|init(ialize)?)_log(ging|gers?|s)?")
_DERIVES = frozenset({"bind", "new", "getChild", "LoggerAdapter"})
_DEPTH = 8


@check("module-logger-by-name")
def module_logger_by_name(
    file: File,
    *,
    factory: str = "logging.getLogger",
    names: Sequence[str] = ("logger", "log", "_logger", "LOGGER"),
) -> One:
    """Each module logs through one logger that bears its name.

    The name says where a record comes from, and lets one part of a service be made louder.

    Instead: write ``logger = factory(__name__)`` at module level.

    Known problems: a logger of unknown make is judged only under one of the customary names; a
    logger that is passed in as a parameter is not judged, nor are calls through a log wrapper.
    """
    calls = [
        each.call
        for each in file.project.logs.calls(file).values()
        if each.wrapper is None and _is_judged(each, names)
    ]
    if not calls or _is_exempt(file):
        return Skip("makes no log call of its own, or configures logging")
    loggers = [assign for assign in file.facts.assigns if _is_module_level(assign)]
    own = {
        target.id
        for assign in loggers
        if _by_name(file, assign.value, factory)
        for target in assign.targets
        if isinstance(target, tree.Name)
    }
    wrong = [call for call in calls if _root(call) not in own]
    rooted = [call for call in wrong if call.file.resolve(call.receiver) == "logging"]
    if not rooted and len(wrong) < len(calls):
        return None
    first = (rooted or wrong)[0]
    made = _assigned(file, _root(first))
    line = first.line if made is None else made.line
    return At(
        line, f"The module does not log through its own `{factory}(__name__)`", anchor="logger"
    )


def _is_judged(each: LogCall, names: Sequence[str]) -> bool:
    root = _root(each.call)
    function = each.call.function
    while function is not None:
        if function.param(root) is not None and root not in {"self", "cls"}:
            return False
        function = function.parent
    return bool(each.library) or root.rpartition(".")[2] in names


def _is_exempt(file: File) -> bool:
    """The module that configures logging, and the entry point."""
    if file.path in file.project.routes.app_modules or file.facts.main_guard[0]:
        return True
    if file.stem in {"main", "__main__"} or any(map(_CONFIGURES.fullmatch, file.calls_by_name)):
        return True
    return any(
        call.name.startswith(("logging.", "structlog.", "loguru.")) or "Handler" in call.last
        for call in file.calls_named(*_SETUP)
    )


def _is_module_level(assign: Assign) -> bool:
    return assign.function < 0 and assign.cls < 0


def _by_name(file: File, value: Expr | None, factory: str) -> bool:
    """Whether a value comes from the factory, called with the name of the module."""
    return any(
        isinstance(node, tree.CallRef)
        and f".{file.calls[node.index].name}".endswith(f".{factory}")
        and any(
            tree.Name("__name__") in tree.walk(item)
            for item in (
                *file.facts.calls[node.index].args,
                *(keyword.value for keyword in file.facts.calls[node.index].keywords),
            )
        )
        for node in tree.walk(value, file.facts)
    )


def _root(call: Call) -> str:
    """The name of the logger behind a log call: through ``bind`` and other names for it."""
    file, expr = call.file, call.receiver
    for _ in range(_DEPTH):
        while isinstance(expr, tree.CallRef):
            expr = Call(file, expr.index).receiver
        made = _made(call, tree.dotted(expr))
        value = None if made is None else made.value
        if isinstance(value, tree.CallRef) and Call(file, value.index).last not in _DERIVES:
            break
        if not isinstance(value, (tree.Name, tree.CallRef)):
            break
        expr = value
    return tree.dotted(expr)


def _made(call: Call, name: str) -> Assign | None:
    """The assignment that a name in a function stands for: there, on the object, in the module."""
    rows = call.file.tables.assigns_in
    if name.startswith("self."):
        return next(iter(rows.get((name, -2), ())), None)
    inside = -1 if call.function is None else call.function.index
    found = rows.get((name, inside)) or rows.get((name, -1)) or ()
    return next(iter(found), None)


def _assigned(file: File, name: str) -> Assign | None:
    """Where a logger is made in this file."""
    return next(iter(file.tables.assigns_to.get(name, ())), None)
