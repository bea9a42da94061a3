"""Checks of connections and transactions: pools, where commits stand, savepoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project import wellknown
from checks.project.given import Given, argument
from checks.project.layers import is_repository_class, is_service_class
from checks.project.subjects import Call, Class, Except, File, Function

_ENTRY_FOLDERS = frozenset(
    "tasks jobs workers worker commands cli cron scheduler schedulers consumers".split()
)
_ENTRY_STEMS = frozenset("tasks jobs worker workers cli __main__ main cron scheduler".split())
_ENTRY_DECORATORS = frozenset(
    "task shared_task periodic_task command actor job scheduled_job subscriber cron".split()
)
_UNITS = re.compile(r"(UnitOfWork|Uow|UOW)$")
_EXITS = frozenset({"__exit__", "__aexit__"})

# Where transactions end --------------------------------------------------------------------------


@check("commit-location")
def commit_location(
    file: File,
    *,
    allowed: Sequence[str] = ("services", "unit-of-work", "session-dependency"),
) -> Answer:
    """A transaction ends in one kind of place.

    Who reads the code then knows what belongs together, and nothing is half written.

    Instead: move the commit to one of the allowed places.

    Known problems: an entry point is known by its decorator, its folder or the name of its file.
    """
    count, found = 0, []
    for call in _boundaries(file):
        count += 1
        if not any(_stands_in(call, place) for place in allowed):
            text = f"`{call.last}` stands outside {', '.join(allowed)}"
            found.append(At(call.line, text, column=call.fact.column, anchor=call.last))
    return Sites(count, found) if count else Skip("no commit")


def _boundaries(file: File) -> Iterator[Call]:
    """Commits, and blocks that begin a transaction."""
    opened = {
        expr.index
        for block in file.facts.blocks
        if block.kind in {"with", "async with"}
        for expr in block.exprs
        if isinstance(expr, tree.CallRef)
    }
    database = file.project.database
    for call in file.calls_named("commit", "begin"):
        if call.last == "begin" and call.index not in opened:
            continue
        kind = file.type_of(call.receiver, call.function)
        if kind.endswith(("Engine", "Connection")) and call.last == "begin":
            continue
        begins = call.last == "begin" and kind in wellknown.INSTANCES
        if begins or database.operation(call) or _UNITS.search(kind):
            yield call


def _stands_in(call: Call, place: str) -> bool:
    file, function = call.file, call.function
    match place:
        case "routes":
            return file.path in file.project.routes.modules
        case "services":
            return file.layer == "services" or any(is_service_class(c) for c in _owners(function))
        case "repositories":
            return file.project.layers.in_repository(function, file)
        case "unit-of-work":
            return any(_is_unit(cls) for cls in _owners(function))
        case "session-dependency":
            return function is not None and _serves_sessions(function)
        case _:
            return _is_entry(file, function)


def _owners(function: Function | None) -> Iterator[Class]:
    while function is not None:
        if function.cls is not None:
            yield function.cls
        function = function.parent


def _is_unit(cls: Class) -> bool:
    """A unit of work: it ends a transaction when its block ends, or its name says so."""
    if is_repository_class(cls):
        return False
    methods = {*cls.methods, *(m for base in cls.ancestors for m in _methods_of(cls, base))}
    return bool(_EXITS & methods) or _UNITS.search(cls.name) is not None


def _methods_of(cls: Class, name: str) -> Sequence[str]:
    base = cls.file.project.classes.by_key.get(name)
    return [] if base is None else list(base.methods)


def _serves_sessions(function: Function) -> bool:
    """Hands out a session, or helps a function that does and nobody else."""
    if _hands_out(function):
        return True
    callers = [call.function for call in function.file.project.calls.callers(function)]
    return bool(callers) and all(each is not None and _hands_out(each) for each in callers)


def _hands_out(function: Function) -> bool:
    database = function.file.project.database
    if not function.fact.generator:
        return function.parent is not None and _hands_out(function.parent)
    return any(
        statement.kind == "yield" and database.is_session(function.file, statement.value, function)
        for statement in function.statements
    )


def _is_entry(file: File, function: Function | None) -> bool:
    """Main, tasks, commands and the lifespan."""
    if file.stem in _ENTRY_STEMS or not _ENTRY_FOLDERS.isdisjoint(file.segments):
        return True
    if file.path in file.project.routes.app_modules:
        return True
    while function is not None:
        names = [file.resolve(each.value, function) for each in function.fact.decorators]
        if any(name.rpartition(".")[2] in _ENTRY_DECORATORS for name in names):
            return True
        if function.name == "lifespan" or (function.parent is None and function.name == "main"):
            return True
        function = function.parent
    return False


@check("savepoint-for-integrity-error")
def savepoint_for_integrity_error(clause: Except) -> Answer:
    """What may violate a constraint runs in a savepoint.

    After an IntegrityError the transaction is over; a savepoint loses only the one statement.

    Instead: ``with session.begin_nested():`` around the statement, inside the try.

    Known problems: a savepoint is looked for in the try and one call below it.
    """
    if "sqlalchemy.exc.IntegrityError" not in clause.types:
        return Skip("no IntegrityError of SQLAlchemy")
    guarded = [
        call
        for call in (clause.function.calls if clause.function is not None else clause.file.calls)
        if clause.file.inside(call.fact.block, clause.block.peer)
    ]
    graph = clause.file.project.calls
    for call in guarded:
        inner = [each for target in graph.resolve(call) for each in target.calls]
        if any(each.last == "begin_nested" for each in (call, *inner)):
            return None
    if any(call.last == "rollback" for call in clause.calls) and clause.raises:
        return None
    line = clause.file.facts.blocks[clause.block.peer].line
    text = "The statement that may violate a constraint is in no savepoint"
    return At(line, text, anchor="IntegrityError")


# Pools ------------------------------------------------------------------------------------------

_ENGINES = frozenset(
    "sqlalchemy.create_engine sqlalchemy.ext.asyncio.create_async_engine "
    "sqlalchemy.engine_from_config sqlalchemy.ext.asyncio.async_engine_from_config".split()
)
_POOLS = frozenset(
    "asyncpg.create_pool psycopg_pool.ConnectionPool psycopg_pool.AsyncConnectionPool "
    "psycopg2.pool.SimpleConnectionPool psycopg2.pool.ThreadedConnectionPool aiomysql.create_pool "
    "databases.Database".split()
)
_OPTIONS = (
    "pool_size", "max_overflow", "pool_recycle", "pool_pre_ping", "pool_timeout", "poolclass",
    "min_size", "max_size", "minsize", "maxsize", "minconn", "maxconn",
)  # fmt: skip
_SIZES = ("pool_size", "max_size", "maxsize", "maxconn")
_MAKERS = tuple({name.rpartition(".")[2] for name in _ENGINES | _POOLS})


@check("connection-pool-configured")
def connection_pool_configured(file: File, *, explicit_size: bool = False) -> Answer:
    """The connection pool is configured.

    The defaults fit neither the number of workers nor a database that closes idle connections.

    Instead: ``create_async_engine(url, pool_size=..., pool_pre_ping=True)``.

    Known problems: options from a mapping that cannot be resolved are believed; engines of
    Tortoise are configured by data and left out.
    """
    count, found = 0, []
    for call in file.calls_named(*_MAKERS, *_aliases(file)):
        name = file.resolve(call.fact.func, call.function)
        if name not in _ENGINES | _POOLS or _is_embedded(call):
            continue
        count += 1
        if not _is_configured(call, _SIZES if explicit_size else _OPTIONS):
            wanted = "the size of its pool" if explicit_size else "its pool"
            text = f"`{name.rpartition('.')[2]}` does not configure {wanted}"
            found.append(At(call.line, text, column=call.fact.column, anchor=name))
    return Sites(count, found) if count else Skip("no engine of a server database")


def _aliases(file: File) -> set[str]:
    """Other names under which the constructors were imported."""
    names = _ENGINES | _POOLS
    return {r.fact.alias for r in file.imports if file.resolve(r.fact.alias) in names} - {*_MAKERS}


def _is_embedded(call: Call) -> bool:
    """SQLite, also by its address or its options."""
    url = call.arg(0, "url")
    text = None if url is None else Given(call.file, url, call.function).text
    if text is not None and text.startswith("sqlite"):
        return True
    return any(
        tree.text_of(node) == "check_same_thread"
        for item in call.fact.keywords
        for node in tree.walk(item.value)
    )


def _is_configured(call: Call, options: tuple[str, ...]) -> bool:
    if argument(call, options) is not None:
        return True
    for item in call.fact.keywords:
        if not item.name and not isinstance(
            Given(call.file, item.value, call.function).value, dict
        ):
            return True
    url = call.arg(0, "url")
    text = "" if url is None else Given(call.file, url, call.function).text or ""
    return any(f"{option}=" in text for option in options)
