"""Loggers and log calls: of which library, at which level, with or without a traceback."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project import wellknown
from checks.project.subjects import Call, Except

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import File, Function

LEVELS: dict[str, int] = {
    "trace": 5, "debug": 10, "info": 20, "msg": 20, "success": 25, "warning": 30, "warn": 30,
    "error": 40, "exception": 40, "critical": 50, "fatal": 50, "log": 20,
    "adebug": 10, "ainfo": 20, "awarning": 30, "aerror": 40, "aexception": 40, "acritical": 50,
    "alog": 20,
}  # fmt: skip
"""Level of every method that logs."""
MODULES = {"logging": "logging", "loguru.logger": "loguru", "structlog": "structlog"}
OBTAINING = frozenset({*wellknown.LOGGER_MAKERS, "LoggerAdapter", "wrap_logger"})
"""Last names of the calls that obtain a logger."""
LIBRARIES = ("logging", "structlog", "loguru")
_TWINS = frozenset(name for name in LEVELS if name.startswith("a"))
"""Methods that of all loggers only those of structlog have."""
_NAMES = frozenset({"logger", "log", "_logger", "_log", "LOGGER", "LOG", "slogger"})
_CAPTURE = frozenset({"capture_exception", "format_exc", "format_exception", "exc_info"})
_PLAIN = ("builtins.", "json.", "datetime.", "time.", "str.", "traceback.", "typing.")
_FALSE = (None, False)


class LogCall(msgspec.Struct, frozen=True):
    """One log call.

    Attributes:
        call: The call as written.
        library: ``logging``, ``structlog``, ``loguru``, or "" for a logger of unknown make.
        level: 10 debug to 50 critical.
        method: Name of the method of the logger (``exception`` for a wrapper that calls it).
        traceback: Whether the traceback is logged.
        wrapper: The first-party function it goes through, None for a direct call.
        levelled: Whether the level is known: not where ``log()`` is given a variable.
    """

    call: Call
    library: str
    level: int
    method: str
    traceback: bool
    wrapper: Function | None = None
    levelled: bool = True


class Logs:
    """All log calls of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._calls: dict[str, dict[int, LogCall]] = {}
        self._wrappers: dict[str, LogCall | None] = {}

    def calls(self, file: File) -> dict[int, LogCall]:
        """Log calls of a file by index of the call, in source order."""
        known = self._calls.get(file.path)
        if known is None:
            known = self._calls[file.path] = {}
            for call in file.calls:
                found = self._direct(call) or self._through_wrapper(call)
                if found is not None:
                    known[call.index] = found
        return known

    def inside(self, clause: Except) -> list[LogCall]:
        """Log calls in the body of an except clause, without those of clauses nested in it."""
        own = self.calls(clause.file)
        return [
            own[call.index]
            for call in clause.calls
            if call.index in own and _nearest(call) == clause.index
        ]

    def of_function(self, function: Function) -> list[LogCall]:
        """Log calls in the body of a function."""
        own = self.calls(function.file)
        return [own[call.index] for call in function.calls if call.index in own]

    def captures(self, clause: Except) -> bool:
        """Whether a clause hands the traceback to an error tracker; printing it is no log."""
        return any(call.last == "capture_exception" for call in clause.calls)

    def message(self, each: LogCall) -> Expr | None:
        """The message that a log call is given; of a wrapper's call what becomes its message."""
        if each.wrapper is None:
            return _message(each.call)
        inner = self.wrapper(each.wrapper)
        given = None if inner is None else _message(inner.call)
        if not isinstance(given, tree.Name):
            return None
        params = [param.name for param in each.wrapper.fact.params if param.kind in {"pos", "arg"}]
        if each.wrapper.cls is not None and not each.wrapper.decorated_by("builtins.staticmethod"):
            params = params[1:]
        position = params.index(given.id) if given.id in params else -1
        return each.call.arg(position, given.id)

    def obtained(self, call: Call) -> str:
        """Library of the logger that a call of ``getLogger`` or of a wrapper of it obtains."""
        if call.last not in OBTAINING:
            return ""
        kind = call.file.type_of(tree.CallRef(call.index), call.function)
        head = kind.partition(".")[0]
        if head == "logging" and call.name.partition(".")[0] in self._structured:
            return "structlog"
        return head if head in LIBRARIES else ""

    # Loggers --------------------------------------------------------------------------------------

    def library(self, file: File, expr: Expr | None, function: Function | None) -> str | None:
        """Library of a logger, "" when it is one of unknown make, None when it is no logger."""
        if expr is None:
            return None
        kind = file.type_of(expr, function)
        head = kind.partition(".")[0]
        if head in LIBRARIES and head != kind:
            structured = head == "logging" and file.path in self._structured_files
            return "structlog" if structured else head
        name = file.resolve(expr, function)
        if name in MODULES:
            return MODULES[name]
        if isinstance(expr, tree.Name):
            return self._by_name(file, expr.id, name, kind)
        return None

    @cached_property
    def _structured(self) -> frozenset[str]:
        """Packages that make loggers of structlog, told from what is called on these."""
        return frozenset(
            package
            for file in self.project.production
            if file.calls_named(*_TWINS)
            for package in _makers(file)
            if package not in LIBRARIES
        )

    @cached_property
    def _structured_files(self) -> frozenset[str]:
        """Files that import their loggers from one of these packages."""
        if not self._structured:
            return frozenset()
        files = self.project.production
        return frozenset(f.path for f in files if not self._structured.isdisjoint(_makers(f)))

    def _by_name(self, file: File, text: str, name: str, kind: str) -> str | None:
        last = text.rpartition(".")[2]
        if last not in _NAMES or (kind and not kind.endswith(("Logger", "LoggerAdapter"))):
            return None
        head = text.partition(".")[0]
        foreign = self.project.layout.split(name) is None
        if head == text and foreign:
            # an object of a library that we do not read: nearly all make a standard logger
            return "logging" if any(row.fact.alias == head for row in file.imports) else None
        return ""

    # Calls ----------------------------------------------------------------------------------------

    def _direct(self, call: Call) -> LogCall | None:
        method = call.last
        if method not in LEVELS:
            return None
        library = self.library(call.file, call.receiver, call.function)
        if library is None or call.name in {"math.log", "numpy.log"}:
            return None
        return LogCall(
            call=call,
            library=library,
            level=self._level(call),
            method=method.removeprefix("a") if method.startswith("a") else method,
            traceback=self._carries(call),
            levelled=_is_levelled(call),
        )

    def _level(self, call: Call) -> int:
        if call.last in {"log", "alog"} and call.fact.args:
            return LEVELS.get(_named_level(call), LEVELS["log"])
        return LEVELS[call.last]

    def _carries(self, call: Call) -> bool:
        if call.last in {"exception", "aexception"}:
            return True
        for item in call.fact.keywords:
            if item.name in {"exc_info", "stack_info"} and not _is_false(item.value):
                return True
        facts = call.file.facts
        for argument in call.arguments:
            for node in tree.walk(argument, facts):
                made = self._behind(call, node)
                if isinstance(made, tree.CallRef) and facts.calls[made.index].last in _CAPTURE:
                    return True
        return self._opted(call)

    def _behind(self, call: Call, node: Expr) -> Expr | None:
        """What a local variable was made by; any other expression itself."""
        if not isinstance(node, tree.Name):
            return node
        binding, owner = self.project.names.binding(call.file, node.id, call.function)
        return binding.value if owner is not None and isinstance(binding, tree.Assign) else None

    def _opted(self, call: Call) -> bool:
        """``logger.opt(exception=True).error(...)`` of loguru."""
        receiver = call.receiver
        while isinstance(receiver, tree.CallRef):
            inner = Call(call.file, receiver.index)
            value = inner.fact.keyword("exception")
            if inner.last == "opt" and value is not None and not _is_false(value):
                return True
            receiver = inner.receiver
        return False

    # Wrappers -------------------------------------------------------------------------------------

    def _through_wrapper(self, call: Call) -> LogCall | None:
        function = self.project.names.function_named(call.name)
        if function is None:
            return None
        inner = self.wrapper(function)
        if inner is None:
            return None
        passed = call.fact.keyword("exc_info")
        return LogCall(
            call=call,
            library=inner.library,
            level=inner.level,
            method=inner.method,
            traceback=inner.traceback or (passed is not None and not _is_false(passed)),
            wrapper=function,
            levelled=inner.levelled,
        )

    def wrapper(self, function: Function) -> LogCall | None:
        """The log call inside a function that, apart from preparing arguments, only logs."""
        if function.key not in self._wrappers:
            self._wrappers[function.key] = None
            self._wrappers[function.key] = self._inner(function)
        return self._wrappers[function.key]

    def _inner(self, function: Function) -> LogCall | None:
        if function.fact.shape or function.raises or function.fact.generator:
            return None
        logged = [found for call in function.calls if (found := self._direct(call)) is not None]
        params = {param.name for param in function.fact.params if param.name not in {"self", "cls"}}
        if not logged or not params or not all(_passes(found.call, params) for found in logged):
            return None
        indices = {found.call.index for found in logged}
        for statement in function.statements:
            if statement.kind not in {"expr", "return", "pass"}:
                return None
            value = statement.value
            plain = value is None or isinstance(value, tree.Const)
            if not plain and not (isinstance(value, tree.CallRef) and value.index in indices):
                return None
        for call in function.calls:
            if call.index in indices or _prepares(call) or self._opens_log(call, logged):
                continue
            return None
        return max(logged, key=lambda found: (found.traceback, found.level))

    def _opens_log(self, call: Call, logged: list[LogCall]) -> bool:
        """Whether a call only makes the logger of a log call (``logger.bind(...)``)."""
        if call.last in {"bind", "opt", "new"} or self.obtained(call):
            return True
        return any(
            isinstance(node, tree.CallRef) and node.index == call.index
            for found in logged
            for argument in found.call.arguments
            for node in tree.walk(argument)
        )


def _makers(file: File) -> set[str]:
    """Foreign packages from which a file imports a function that makes loggers."""
    return {
        row.fact.module.partition(".")[0]
        for row in file.imports
        if row.fact.name in wellknown.LOGGER_MAKERS
        and file.project.layout.split(row.target) is None
    }


def _message(call: Call) -> Expr | None:
    position = 1 if call.last in {"log", "alog"} else 0
    return call.arg(position, "msg") or call.fact.keyword("event")


def _is_levelled(call: Call) -> bool:
    """Whether the level of a log call stands there."""
    return call.last not in {"log", "alog"} or (bool(call.fact.args) and _named_level(call) != "")


def _named_level(call: Call) -> str:
    """The level that ``log(level, ...)`` names, "" for a variable."""
    first = call.fact.args[0]
    text = tree.dotted(first).rpartition(".")[2] or str(tree.text_of(first) or "")
    return text.lower() if text.lower() in LEVELS else ""


def _prepares(call: Call) -> bool:
    """Whether a call only makes arguments: nothing of an object or a class is changed."""
    if call.last == "pop":
        return tree.dotted(call.receiver).partition(".")[0] not in {"", "self", "cls"}
    return call.name.startswith(_PLAIN) or call.last in {"get", "copy", "format"}


def _nearest(call: Call) -> int:
    """Index of the innermost except clause around a call."""
    for index, block in call.file.blocks_around(call.fact.block):
        if block.kind == "except":
            return index
    return -1


def _is_false(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.value in _FALSE


def _passes(call: Call, params: set[str]) -> bool:
    """Whether a log call passes on something that its function was given."""
    facts = call.file.facts
    return any(
        isinstance(node, tree.Name) and node.id.partition(".")[0] in params
        for argument in call.arguments
        for node in tree.walk(argument, facts)
    )
