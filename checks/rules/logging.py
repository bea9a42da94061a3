"""Checks of logging: with which library, and how messages are made."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.logs import LEVELS, LIBRARIES, OBTAINING, LogCall
from checks.project.once import once
from checks.project.subjects import Call, File, ImportedName

CONFIGURING = frozenset(
    "logging.basicConfig logging.config.dictConfig logging.config.fileConfig structlog.configure "
    "logging.StreamHandler logging.FileHandler logging.setLoggerClass loguru.logger.configure "
    "loguru.Logger.add loguru.Logger.configure loguru.Logger.remove".split()
)
_SETTING_UP = ("set", "add", "remove", "clear", "extend", "append")


@check("logger-library")
def logger_library(file: File, *, allowed: Sequence[str] = ("structlog",)) -> One:
    """All of a service logs through one library.

    Records of two libraries have two formats, two configurations and two places.

    Instead: obtain the logger from the agreed library.

    Known problems: a logger that another library makes is taken for a standard one, unless
    something of structlog (`ainfo`) is called on its loggers.
    """
    used = _libraries(file)
    if isinstance(used, Skip):
        return used
    return next((_wrong(*each, allowed) for each in used if each[1] not in allowed), None)


@once
def _libraries(file: File) -> Skip | tuple[tuple[int, str], ...]:
    """The libraries that a file logs through, and the lines where that shows."""
    logs = [each for each in file.project.logs.calls(file).values() if not _hands_over(each)]
    obtained = [
        (call.line, library)
        for call in file.calls_named(*OBTAINING)
        if (library := file.project.logs.obtained(call)) and not _only_configured(call)
    ]
    rows = [] if file.is_package else file.imports  # a package hands on what it imports
    imported = [(row.line, library) for row in rows if (library := _logger_object(row))]
    if not logs and not obtained and not imported:
        return Skip("no logger")
    if configures(file):
        logs = [each for each in logs if not _inside_wrapper(each)]
        obtained = [each for each in obtained if any(log.library == each[1] for log in logs)]
        if not logs:
            return Skip("the module that configures logging")
    used = [(_import_line(file, each), each.library) for each in logs if each.library]
    return (*obtained, *used, *imported)


def configures(file: File) -> bool:
    """Whether a file sets up logging, or defines what a set-up is made of; worked out once."""
    known: bool | None = file.memo.get("configures logging")
    if known is None:
        handles = (name for cls in file.classes for name in cls.ancestors)
        known = any(name.startswith("logging.") for name in handles) or any(
            call.name in CONFIGURING for call in file.calls
        )
        file.memo["configures logging"] = known
    return known


def _wrong(line: int, library: str, allowed: Sequence[str]) -> At:
    wanted = " or ".join(allowed)
    return At(
        line, f"The logger is one of {library}, not of {wanted}", measured=library, limit=wanted
    )


def _only_configured(call: Call) -> bool:
    """``logging.getLogger("uvicorn").setLevel(...)``: the logger is made to be set up."""
    file = call.file
    made = tree.CallRef(call.index)
    holders: list[Expr] = [made]
    for assign in file.facts.assigns:
        if any(isinstance(each, tree.Attr) and made in tree.walk(each) for each in assign.targets):
            return True
        if assign.value == made and assign.function == call.fact.function:
            holders += assign.targets
    used = [other for other in file.calls if _root(other) in holders]
    if any(other.last in LEVELS for other in used):
        return False
    names = [f"{each.id}." for each in holders if isinstance(each, tree.Name)]
    changed = any(
        isinstance(target, tree.Name) and target.id.startswith(tuple(names))
        for assign in file.facts.assigns
        for target in assign.targets
        if names and assign.function == call.fact.function
    )
    return changed or any(other.last.startswith(_SETTING_UP) for other in used)


def _root(call: Call) -> Expr | None:
    """The logger that a method, or one of its handlers, is called on."""
    receiver = call.receiver
    if isinstance(receiver, tree.Attr):
        return receiver.value
    text = tree.dotted(receiver).removesuffix(".handlers")
    return tree.Name(text) if text else receiver


def _logger_object(row: ImportedName) -> str:
    """Library of a logger object that is imported, "" for any other import."""
    if not row.fact.name or row.fact.type_checking:
        return ""
    name = row.file.project.names.canonical(row.target)
    kind = row.file.project.values.type_of_name(name)
    head, _, last = kind.partition(".")
    made = head in LIBRARIES and last.endswith(("Logger", "LoggerAdapter"))
    return head if made else ""


def _hands_over(each: LogCall) -> bool:
    """Whether a handler of the standard library hands its records to another library."""
    function = each.call.function
    cls = function.cls if function is not None else None
    return cls is not None and any(name.startswith("logging.") for name in cls.ancestors)


def _inside_wrapper(each: LogCall) -> bool:
    function = each.call.function
    return function is not None and each.call.file.project.logs.wrapper(function) is not None


def _import_line(file: File, each: LogCall) -> int:
    """Line of the import that brings the logger, the module or the wrapper of a log call."""
    func = each.call.fact.func
    head = tree.dotted(func).partition(".")[0]
    for row in file.imports:
        if head and (row.fact.alias or row.fact.module.partition(".")[0]) == head:
            return row.line
    return each.call.line


@check("no-interpolated-log-messages")
def no_interpolated_log_messages(file: File) -> Answer:
    """The message of a log record is constant; values are arguments.

    A constant message can be counted and searched for, and costs nothing when its level is off.

    Instead: pass values as arguments or as key/value fields.

    Known problems: a message built into a variable before the call is not followed.
    """
    logs = file.project.logs.calls(file)
    found = []
    for each in logs.values():
        how = _interpolated(file, file.project.logs.message(each))
        if how:
            text = f"The log message is built by {how}"
            anchor = f"{each.method}:{how}"
            found.append(At(each.call.line, text, code=_CODES[how], anchor=anchor))
    return Sites(len(logs), found) if logs else Skip("no log call")


_CODES = {"an f-string": "G004", "`%`": "G002", "`+`": "G003", "`.format()`": "G001"}


def _interpolated(file: File, expr: Expr | None) -> str:
    """How a text is built from values, "" when it is constant or handed on."""
    match expr:
        case tree.Fmt(parts=parts):
            return "" if all(isinstance(part, tree.Const) for part in parts) else "an f-string"
        case tree.Bin(op="Mod" | "Add" as op, items=items):
            varies = any(not _is_constant(file, item) for item in items)
            return _OPERATORS[op] if varies else ""
        case tree.CallRef(index=index):
            return "`.format()`" if file.facts.calls[index].last == "format" else ""
    return ""


_OPERATORS = {"Mod": "`%`", "Add": "`+`"}


def _is_constant(file: File, expr: Expr) -> bool:
    if isinstance(expr, (tree.Fmt, tree.Bin)):
        return not _interpolated(file, expr)
    return isinstance(expr, tree.Const)
