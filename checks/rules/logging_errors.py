"""Checks of what a caught exception leaves behind in the log."""

from __future__ import annotations

import re

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.logs import LogCall
from checks.project.subjects import Call, Except, Function
from checks.rules.errors import BROAD, logs_traceback

_EXPECTED = frozenset(
    "KeyError IndexError LookupError AttributeError TypeError ValueError UnicodeError "
    "InvalidOperation StopIteration StopAsyncIteration ImportError ModuleNotFoundError "
    "FileNotFoundError FileExistsError CancelledError TimeoutError NoResultFound "
    "MultipleResultsFound IntegrityError UniqueViolationError UniqueViolation PyJWTError JWTError "
    "JOSEError InvalidTokenError WebSocketDisconnect HTTPException KeyboardInterrupt QueueEmpty "
    "Empty QueueFull Full GeneratorExit ZeroDivisionError OverflowError InvalidSignature "
    "InvalidSignatureError BadSignature NameError AssertionError NoSuchKey UserNotExists "
    "InvalidID".split()
)
"""Classes whose raising is control flow."""
_EXPECTED_KINDS = re.compile(
    r"(Decode|Encode|Parse|Parser|Validation|NotValid|NotFound|DoesNotExist|AlreadyExists|Expired"
    r"|DuplicateKey)(Error|Exception)?$|^Expired\w+(Error)?$|^(Duplicate|UnicodeEn|UnicodeDe)\w+$"
)
"""The same for what libraries call theirs: parsing and validation, what is not there, tokens."""
_OUTSIDE = (
    "sqlalchemy.", "redis.", "httpx.", "requests.", "aiohttp.", "botocore.", "boto3.", "psycopg",
    "asyncpg.", "urllib3.", "urllib.error.", "smtplib.", "aiosmtplib.", "pymongo.", "motor.",
    "tortoise.exceptions.", "elasticsearch.", "elastic_transport.", "opensearchpy.", "kafka.",
    "aiokafka.", "pika.", "grpc.", "socket.", "ssl.", "aio_pika.", "aiormq.", "kombu.", "nats.",
    "pymysql.", "asyncmy.", "aiomysql.", "MySQLdb.", "mysql.", "sqlite3.", "aiosqlite.", "pyodbc.",
    "oracledb.", "cx_Oracle.", "pymssql.", "peewee.", "django.db.", "neo4j.", "cassandra.",
    "clickhouse_connect.", "clickhouse_driver.", "google.api_core.", "azure.core.", "minio.",
    "http.client.", "ftplib.", "imaplib.", "paramiko.", "asyncssh.", "aiobotocore.", "aioredis.",
    "pymemcache.", "websockets.",
)  # fmt: skip
"""Libraries that speak to a database, to a driver or over the network."""
_NETWORK = frozenset(
    f"builtins.{name}"
    for name in "ConnectionError ConnectionResetError ConnectionRefusedError BrokenPipeError "
    "ConnectionAbortedError".split()
)
_KEEPERS = frozenset(
    {"append", "put", "put_nowait", "set_exception", "record_exception", "add", "send"}
)
_LEAVERS = frozenset(
    "sys.exit builtins.exit os._exit os.abort flask.abort quart.abort werkzeug.exceptions.abort "
    "builtins.quit".split()
)


@check("except-logs-traceback")
def except_logs_traceback(clause: Except, *, style: str = "any") -> Answer:
    """A swallowed error leaves its traceback in the log.

    Without it nobody can tell later where the error came from.

    Instead: ``logger.exception()`` (or ``exc_info=True``) in the except clause.

    Known problems: what counts as expected is told from the names of classes; a helper is
    followed one level.
    """
    if goes_on(clause):
        return Skip("the exception goes on")
    logs = _logged(clause)
    if style == "exception-method":
        return _by_exception_method(clause, logs)
    if logs_traceback(clause) or any(each.traceback for each in logs):
        return None
    caught = ", ".join(name.rpartition(".")[2] for name in clause.types) or "everything"
    if is_expected(clause):
        wrong = any(each.level >= 40 for each in logs)
        text = f"{caught} is logged as an error without its traceback"
    elif logs:
        wrong, text = True, f"{caught} is swallowed and logged without its traceback"
    else:
        wrong, text = _must_log(clause), f"{caught} is swallowed and not logged"
    return At(clause.line, text, anchor=caught) if wrong else None


def goes_on(clause: Except) -> bool:
    """Whether a clause does not swallow the exception: it raises, or hands the object on."""
    return bool(clause.raises) or _ends_raising(clause) or _hands_on(clause)


def _by_exception_method(clause: Except, logs: list[LogCall]) -> Answer:
    well = any(each.method == "exception" for each in logs)
    for each in logs:
        silent = not each.traceback and not well and each.method in {"error", "critical", "fatal"}
        if silent or (each.traceback and each.method != "exception"):
            text = "The traceback is not logged by `exception()`"
            return At(clause.line, text, anchor=each.method)
    return None


def _logged(clause: Except) -> list[LogCall]:
    """Log calls of a clause and of the first-party functions it calls, one level.

    What such a function logs counts where it is given the exception, or logs the traceback.
    """
    project = clause.file.project
    found = project.logs.inside(clause)
    own = {each.call.index for each in found}
    for call in clause.calls:
        function = None if call.index in own else project.names.function_named(call.name)
        if function is not None:
            given = _names(call, clause.bound)
            followed = project.logs.of_function(function)
            found += [e for e in followed if (given or e.traceback) and not _in_clause(e.call)]
    return found


def _in_clause(call: Call) -> bool:
    """Whether a call stands in an except clause: it speaks of what that clause caught."""
    around = call.file.blocks_around(call.fact.block)
    return any(block.kind == "except" for _, block in around)


def _names(call: Call, name: str) -> bool:
    return bool(name) and any(
        isinstance(node, tree.Name) and node.id.partition(".")[0] == name
        for argument in call.arguments
        for node in tree.walk(argument, call.file.facts)
    )


def _ends_raising(clause: Except) -> bool:
    """Whether the last thing that a clause does is a call that always raises."""
    own = [each for each in clause.statements if each.block == clause.index]
    last = max(own, key=lambda each: each.line, default=None)
    if last is None or last.kind not in {"expr", "return"} or last.end_line < clause.end_line:
        return False
    value = last.value
    if isinstance(value, tree.Op) and value.kind == "Await":
        value = value.items[0]
    if not isinstance(value, tree.CallRef):
        return False
    call = clause.file.calls[value.index]
    if call.last == "retry":
        return "self" in tree.dotted(call.receiver)
    if call.name in _LEAVERS or (call.last == "abort" and tree.dotted(call.receiver) == "context"):
        return True
    function = clause.file.project.names.function_named(call.name)
    return function is not None and _always_raises(function)


def _always_raises(function: Function) -> bool:
    if function.file.resolve(function.fact.returns) in {"typing.NoReturn", "typing.Never"}:
        return True
    kinds = {each.kind for each in function.statements}
    return function.fact.last == "Raise" and not kinds & {"return", "yield"}


def _hands_on(clause: Except) -> bool:
    """Whether the exception object itself is returned, stored, or given to somebody."""
    bound = clause.bound
    if not bound:
        return False
    kept = [each.value for each in clause.statements if each.kind in {"return", "yield"}]
    kept += [assign.value for assign in clause.file.tables.assigns_inside(clause.index)]
    for call in clause.calls:
        if call.last in _KEEPERS and call.index not in clause.file.project.logs.calls(clause.file):
            kept += call.arguments
    return any(_is_object(clause, value) for value in kept)


def _is_object(clause: Except, expr: Expr | None) -> bool:
    """Whether an expression is the exception, bare or inside a display or a new object."""
    match expr:
        case tree.Name(id=text):
            return text == clause.bound
        case tree.Seq(items=items) | tree.Map(values=items):
            return any(_is_object(clause, item) for item in items)
        case tree.CallRef(index=index):
            call = clause.file.calls[index]
            makes = call.last[:1].isupper() and not call.last.isupper()
            names = (item for item in call.arguments if isinstance(item, tree.Name))
            return makes and any(item.id == clause.bound for item in names)
    return False


def is_expected(clause: Except) -> bool:
    """Whether all that a clause catches is control flow: asked for, not gone wrong."""
    classes = clause.file.project.classes
    for name in clause.types:
        cls = classes.by_key.get(name)
        if cls is not None and classes.role(cls) not in {"exception", "http-exception"}:
            return False
        if cls is None and not _is_control_flow(name) and not _is_unknown(clause, name):
            return False
    return bool(clause.types)


def _is_control_flow(name: str) -> bool:
    last = name.rpartition(".")[2]
    known = last in _EXPECTED or name == "binascii.Error"
    return known or _EXPECTED_KINDS.search(last) is not None


def _is_unknown(clause: Except, name: str) -> bool:
    """Whether the classes are in a variable: nothing is known of them."""
    local = not name or clause.file.project.layout.split(name) is not None
    return local and not name.rpartition(".")[2][:1].isupper()


def _must_log(clause: Except) -> bool:
    """Broad, or a failure of a database, a driver or the network."""
    if not clause.types or BROAD & set(clause.types):
        return True
    unexpected = [name for name in clause.types if not _is_control_flow(name)]
    return any(name.startswith(_OUTSIDE) or name in _NETWORK for name in unexpected)
