"""Checks of logging: with which library, how messages are made, what an error leaves behind."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.logs import OBTAINING, LogCall
from checks.project.subjects import Call, Except, File
from checks.rules.errors import BROAD, logs_traceback

CONFIGURING = frozenset(
    "logging.basicConfig logging.config.dictConfig logging.config.fileConfig structlog.configure "
    "logging.StreamHandler logging.FileHandler logging.setLoggerClass loguru.logger.configure "
    "loguru.Logger.add loguru.Logger.configure loguru.Logger.remove".split()
)
_EXPECTED = frozenset(
    "KeyError IndexError LookupError AttributeError TypeError ValueError JSONDecodeError "
    "UnicodeDecodeError UnicodeError UnicodeEncodeError ValidationError RequestValidationError "
    "InvalidOperation StopIteration StopAsyncIteration ImportError ModuleNotFoundError "
    "FileNotFoundError FileExistsError CancelledError TimeoutError NoResultFound DoesNotExist "
    "ObjectDoesNotExist MultipleResultsFound IntegrityError UniqueViolationError PyJWTError "
    "JWTError JOSEError InvalidTokenError ExpiredSignatureError DecodeError WebSocketDisconnect "
    "HTTPException KeyboardInterrupt QueueEmpty Empty QueueFull Full GeneratorExit "
    "ZeroDivisionError OverflowError InvalidSignature BadSignature SignatureExpired "
    "PackageNotFoundError NameError AssertionError ParserError binascii.Error".split()
)
_OUTSIDE = (
    "sqlalchemy.", "redis.", "httpx.", "requests.", "aiohttp.", "botocore.", "boto3.", "psycopg",
    "asyncpg.", "urllib3.", "urllib.error.", "smtplib.", "aiosmtplib.", "pymongo.", "motor.",
    "tortoise.exceptions.", "elasticsearch.", "opensearchpy.", "kafka.", "aiokafka.", "pika.",
    "grpc.", "socket.", "ssl.", "aio_pika.", "pymysql.", "asyncmy.", "aiomysql.",
)  # fmt: skip
_NETWORK = frozenset(
    "builtins.ConnectionError builtins.ConnectionResetError builtins.ConnectionRefusedError "
    "builtins.BrokenPipeError".split()
)
_ALWAYS_RAISES = frozenset({"retry", "exit", "_exit", "abort", "fail"})
_TEXT_ONLY = frozenset(
    {"str", "repr", "type", "isinstance", "format", "getattr", "print", "hasattr"}
)


@check("logger-library")
def logger_library(file: File, *, allowed: Sequence[str] = ("structlog",)) -> Answer:
    """All of a service logs through one library.

    Records of two libraries have two formats, two configurations and two places.

    Instead: obtain the logger from the agreed library.

    Known problems: a logger object imported from a library is taken for a standard one.
    """
    logs = list(file.project.logs.calls(file).values())
    obtained = [
        (call, OBTAINING[call.name])
        for call in file.calls_named("getLogger", "get_logger", "LoggerAdapter", "get_task_logger")
        if call.name in OBTAINING and not _only_configured(call)
    ]
    wrapped = [call for call in file.calls_named("get_logger", "getLogger", "get") if _made(call)]
    if not logs and not obtained and not wrapped:
        return Skip("no logger")
    if any(call.name in CONFIGURING for call in file.calls):
        logs = [each for each in logs if not _inside_wrapper(each)]
        obtained = [each for each in obtained if any(log.library == each[1] for log in logs)]
        if not logs:
            return Skip("the module that configures logging")
    for call, library in obtained:
        if library not in allowed:
            return _wrong(call.line, library, allowed)
    for call in wrapped:
        library = _made(call)
        if library not in allowed:
            return _wrong(call.line, library, allowed)
    for each in logs:
        if each.library and each.library not in allowed:
            return _wrong(_import_line(file, each), each.library, allowed)
    return None


def _wrong(line: int, library: str, allowed: Sequence[str]) -> At:
    wanted = " or ".join(allowed)
    return At(
        line, f"The logger is one of {library}, not of {wanted}", measured=library, limit=wanted
    )


def _only_configured(call: Call) -> bool:
    """``logging.getLogger("uvicorn").setLevel(...)``: the logger is made to be set up."""
    return any(
        isinstance(other.receiver, tree.CallRef)
        and other.receiver.index == call.index
        and (other.last.startswith("set") or other.last in {"addHandler", "removeHandler"})
        for other in call.file.calls
    )


def _made(call: Call) -> str:
    """Library of what a first-party ``get_logger`` returns, "" when it is none."""
    if call.name in OBTAINING or call.file.project.layout.split(call.name) is None:
        return ""
    kind = call.file.type_of(tree.CallRef(call.index), call.function)
    head = kind.partition(".")[0]
    return head if head in {"logging", "structlog", "loguru"} else ""


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
        position = 1 if each.call.last in {"log", "alog"} and each.wrapper is None else 0
        message = each.call.arg(position, "msg") or each.call.fact.keyword("event")
        how = _interpolated(file, message)
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
        case tree.Bin(op="Mod", items=items) if _is_text(items[0]):
            return "`%`"
        case tree.Bin(op="Add", items=items) if any(_is_text(item) for item in items):
            inner = [item for item in items if isinstance(item, tree.Fmt)]
            values = [i for i in items if not _is_text(i)]
            if not values and not any(_interpolated(file, item) for item in inner):
                return ""
            return "`+`"
        case tree.CallRef(index=index):
            call = file.facts.calls[index]
            receiver = Call(file, index).receiver
            return "`.format()`" if call.last == "format" and _is_text(receiver) else ""
    return ""


def _is_text(expr: Expr | None) -> bool:
    return tree.text_of(expr) is not None or isinstance(expr, tree.Fmt)


@check("except-logs-traceback")
def except_logs_traceback(clause: Except, *, style: str = "any") -> Answer:
    """A swallowed error leaves its traceback in the log.

    Without it nobody can tell later where the error came from.

    Instead: ``logger.exception()`` (or ``exc_info=True``) in the except clause.

    Known problems: what counts as expected is a list of classes; a helper is followed one level.
    """
    if clause.raises or _ends_raising(clause) or _hands_on(clause):
        return Skip("the exception goes on")
    logs = _logged(clause)
    if style == "exception-method":
        wrong = [e for e in logs if _is_other_way(e)]
        text = "The traceback is logged otherwise than by `exception()`"
        return At(clause.line, text, anchor=wrong[0].method) if wrong else None
    if logs_traceback(clause) or any(each.traceback for each in logs):
        return None
    caught = ", ".join(name.rpartition(".")[2] for name in clause.types) or "everything"
    if not _is_expected(clause):
        if logs:
            text = f"{caught} is swallowed and logged without its traceback"
            return At(clause.line, text, anchor=caught)
        if _must_log(clause):
            return At(clause.line, f"{caught} is swallowed and not logged", anchor=caught)
        return None
    if any(each.level >= 40 for each in logs):
        text = f"{caught} is logged as an error without its traceback"
        return At(clause.line, text, anchor=caught)
    return None


def _is_other_way(each: LogCall) -> bool:
    if each.traceback:
        return each.method != "exception"
    return each.method in {"error", "critical", "fatal"}


def _logged(clause: Except) -> list[LogCall]:
    """Log calls of a clause, and those of first-party functions it calls with the exception."""
    project = clause.file.project
    found = project.logs.inside(clause)
    own = {each.call.index for each in found}
    for call in clause.calls:
        if call.index in own:
            continue
        function = project.names.function_named(call.name)
        if function is not None and (_names(call, clause.bound) or not found):
            found += project.logs.of_function(function)
    return found


def _names(call: Call, name: str) -> bool:
    arguments = (*call.fact.args, *(item.value for item in call.fact.keywords))
    return bool(name) and any(
        isinstance(node, tree.Name) and node.id.partition(".")[0] == name
        for argument in arguments
        for node in tree.walk(argument, call.file.facts)
    )


def _ends_raising(clause: Except) -> bool:
    last = max(clause.statements, key=lambda each: each.line, default=None)
    if last is None or last.kind not in {"expr", "return"}:
        return False
    if not isinstance(last.value, tree.CallRef):
        return False
    call = Call(clause.file, last.value.index)
    if call.last == "exit":
        return call.name in {"sys.exit", "builtins.exit"}
    return call.last in _ALWAYS_RAISES and (
        call.last != "retry" or "self" in tree.dotted(call.receiver)
    )


def _hands_on(clause: Except) -> bool:
    """Whether the exception object itself is returned, stored, or given to somebody."""
    bound = clause.bound
    if not bound:
        return False
    for statement in clause.statements:
        if statement.kind in {"return", "yield"} and _is_object(statement.value, bound):
            return True
    for assign in clause.file.facts.assigns:
        inside = clause.line <= assign.line <= clause.end_line
        if inside and assign.function == clause.block.function and _is_object(assign.value, bound):
            return True
    logs = clause.file.project.logs.calls(clause.file)
    for call in clause.calls:
        if call.index in logs or call.last in _TEXT_ONLY:
            continue
        if call.last in {"append", "put", "put_nowait", "set_exception", "record_exception", "add"}:
            arguments = (*call.fact.args, *(item.value for item in call.fact.keywords))
            if any(_is_object(argument, bound) for argument in arguments):
                return True
    return False


def _is_object(expr: Expr | None, name: str) -> bool:
    """Whether an expression is the object, bare or inside a tuple, list or dict."""
    match expr:
        case tree.Name(id=text):
            return text == name
        case tree.Seq(items=items):
            return any(_is_object(item, name) for item in items)
        case tree.Map(values=values):
            return any(_is_object(item, name) for item in values)
    return False


def _is_expected(clause: Except) -> bool:
    project = clause.file.project
    if not clause.types:
        return False
    for name in clause.types:
        cls = project.classes.by_key.get(name)
        if cls is not None:
            if project.classes.role(cls) not in {"exception", "http-exception"}:
                return False
            continue
        if name.rpartition(".")[2] not in _EXPECTED:
            return False
    return True


def _must_log(clause: Except) -> bool:
    """Broad, or a failure of a database, a driver or the network."""
    if not clause.types or BROAD & set(clause.types):
        return True
    return any(
        name.startswith(_OUTSIDE) or name in _NETWORK
        for name in clause.types
        if name.rpartition(".")[2] not in _EXPECTED
    )
