"""Checks of async code: that the database is reached asynchronously."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.layers import is_listener
from checks.project.project import Project
from checks.project.subjects import Call, File, Function
from checks.rules.applies import depends_on

_SYNC = frozenset(
    "sqlalchemy.create_engine sqlalchemy.engine_from_config sqlalchemy.orm.sessionmaker "
    "sqlalchemy.orm.scoped_session sqlalchemy.orm.Session".split()
)
_ASYNC = frozenset(
    "sqlalchemy.ext.asyncio.create_async_engine sqlalchemy.ext.asyncio.async_sessionmaker "
    "sqlalchemy.ext.asyncio.async_scoped_session sqlalchemy.ext.asyncio.AsyncSession "
    "sqlalchemy.ext.asyncio.async_engine_from_config sqlalchemy.ext.asyncio.AsyncEngine".split()
)
_LASTS = frozenset(name.rpartition(".")[2] for name in _SYNC | _ASYNC)
_FACTORIES = frozenset({"sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.scoped_session"})
_MADE_BY = {
    "sqlalchemy.orm.sessionmaker": False,
    "sqlalchemy.orm.scoped_session": False,
    "sqlalchemy.ext.asyncio.async_sessionmaker": True,
    "sqlalchemy.ext.asyncio.async_scoped_session": True,
}
_ASYNC_SESSION = "sqlalchemy.ext.asyncio.AsyncSession"
_STORED = frozenset({"add", "add_all"})
"""Operations of a session that only remember an object: plain methods of an AsyncSession too."""
_WORKERS = ("celery", "rq", "dramatiq", "huey")
_DRIVERS = tuple(
    "sqlalchemy sqlmodel tortoise-orm asyncpg psycopg psycopg2 psycopg2-binary aiosqlite pymysql "
    "aiomysql asyncmy databases".split()
)
_FRAMEWORKS = ("fastapi", "starlette", "litestar", "quart", "sanic", "blacksheep")


@check("async-database-access", applies=(depends_on(*_DRIVERS), depends_on(*_FRAMEWORKS)))
def async_database_access(project: Project) -> Answer:
    """The database is reached asynchronously.

    A synchronous engine blocks the event loop, or needs a thread per request.

    Instead: use ``create_async_engine``, ``async_sessionmaker`` and ``AsyncSession``.

    Known problems: sync engines of Celery workers are told by who imports them; those of an
    admin view are findings. A repository function counts where it executes something itself; a
    plain one that only calls ``add`` on an AsyncSession awaits nothing and holds.
    """
    sites, found = 0, []
    made = _Made(project)
    for file in project.production:
        excused = _is_worker(file) or made.serves_workers(file)
        for call, is_async in made.of(file):
            sites += not (excused and not is_async)
            if not is_async and not excused:
                message = f"`{call.last}` makes a synchronous {_what(call)}"
                found.append(At(call.line, message, path=file.path, anchor=call.last))
        for function, is_async in () if excused else _methods(file):
            sites += 1
            if not is_async:
                message = f"`{function.name}` uses the session in a plain def"
                found.append(At(function.line, message, path=file.path, symbol=function.symbol,
                                anchor="method"))  # fmt: skip
    return Sites(sites, found) if sites else Skip("no engine, session or repository")


def _what(call: Call) -> str:
    if "engine" in call.name:
        return "engine"
    return "session factory" if call.name in _FACTORIES else "session"


# Constructions ------------------------------------------------------------------------------------


class _Made:
    """Constructions of engines, factories and sessions in all files."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, list[tuple[Call, bool]]] = {}

    def of(self, file: File) -> list[tuple[Call, bool]]:
        """Constructions of a file, and whether they are asynchronous."""
        if file.path not in self._known:
            self._known[file.path] = list(_read(file, self._names))
        return self._known[file.path]

    @cached_property
    def _names(self) -> frozenset[str]:
        """Last names that a construction may be called by: those of factories among them."""
        factories = {
            target.id.rpartition(".")[2]
            for file in self.project.production
            for call in file.calls_named(*_LASTS)
            for target in _targets(file, call)
        }
        return _LASTS | factories

    def serves_workers(self, file: File) -> bool:
        """Whether what is made synchronously in a file is imported by workers alone."""
        names = {
            target.id
            for call, is_async in self.of(file)
            if not is_async
            for target in _targets(file, call)
        }
        users = self._importers.get(file.key, {}) if names else {}
        paths = {path for name in names for path in users.get(name, ())}
        return bool(paths) and all(_is_worker(self.project.by_path[path]) for path in paths)

    @cached_property
    def _importers(self) -> dict[str, dict[str, set[str]]]:
        """Paths of the production files that import a name, by its module and by the name."""
        found: dict[str, dict[str, set[str]]] = {}
        for file in self.project.production:
            for row in file.imports:
                if row.fact.name:
                    module, _, name = row.target.rpartition(".")
                    found.setdefault(module, {}).setdefault(name, set()).add(file.path)
        return found


def _read(file: File, names: frozenset[str]) -> Iterator[tuple[Call, bool]]:
    wrapped: set[int] = set()
    for call in _candidates(file, names):
        name = call.name
        if name == "sqlalchemy.ext.asyncio.AsyncEngine":
            wrapped |= {each.index for each in call.arguments if isinstance(each, tree.CallRef)}
            yield call, True
        elif name in _ASYNC:
            yield call, True
        elif name in _SYNC and call.index not in wrapped:
            yield call, _of_async_class(call)
        else:
            made = _MADE_BY.get(_instance(call))
            if made is not None:
                yield call, made or _makes_async(call)


def _candidates(file: File, names: frozenset[str]) -> list[Call]:
    """Calls whose callee's name may be that of a construction, cheaply."""
    renamed = {
        row.alias for row in file.facts.imports if row.alias != row.name and row.name in names
    }
    asked = [
        name
        for name in file.calls_by_name
        if name in names or name in renamed or "session" in name.lower() or name == "begin"
    ]
    return file.calls_named(*asked) if asked else []


def _instance(call: Call) -> str:
    """The factory whose instance is called: ``SessionLocal()``, ``SessionLocal.begin()``."""
    func = call.fact.func
    if call.last == "begin":
        return call.file.type_of(call.receiver, call.function)
    return call.file.type_of(func, call.function) if isinstance(func, tree.Name) else ""


def _of_async_class(call: Call) -> bool:
    """``sessionmaker(class_=AsyncSession)``, and a scoped session of such a factory."""
    cls = call.fact.keyword("class_")
    if cls is not None and _is_async_session(call.file, cls, call.function):
        return True
    if call.last != "scoped_session" or not call.fact.args:
        return False
    return _factory_is_async(call.file, call.fact.args[0], call.function)


def _makes_async(call: Call) -> bool:
    """Whether the factory that is called was made for async sessions."""
    expr = call.receiver if call.last == "begin" else call.fact.func
    return expr is not None and _factory_is_async(call.file, expr, call.function)


def _factory_is_async(file: File, expr: tree.Expr, function: Function | None) -> bool:
    """Whether a name stands for a ``sessionmaker(class_=AsyncSession)``."""
    made = file.project.names.assignment_named(file.resolve(expr, function))
    if made is None and isinstance(expr, tree.Name):
        binding, _ = file.project.names.binding(file, expr.id, function)
        made = (file, binding) if isinstance(binding, tree.Assign) else None
    if made is None or not isinstance(made[1].value, tree.CallRef):
        return False
    maker = made[0].calls[made[1].value.index]
    return maker.name in _SYNC and maker.last != "scoped_session" and _of_async_class(maker)


def _is_async_session(file: File, expr: tree.Expr, function: Function | None) -> bool:
    name = file.resolve(expr, function)
    cls = file.project.classes.by_key.get(name)
    return name == _ASYNC_SESSION or (cls is not None and cls.inherits(_ASYNC_SESSION))


# Workers ------------------------------------------------------------------------------------------


def _is_worker(file: File) -> bool:
    """A module of a worker, which is synchronous by nature."""
    heads = {row.distribution for row in file.imports}
    if heads.intersection(_WORKERS):
        return True
    return any(
        file.resolve(each.value).rpartition(".")[2] in {"task", "shared_task", "actor"}
        for function in file.functions
        for each in function.fact.decorators
    )


def _targets(file: File, call: Call) -> list[tree.Name]:
    """Names that a construction is bound to, or the function that makes it."""
    assign = file.tables.assign_of_call.get(call.index)
    if call.function is not None:
        return [tree.Name(call.function.name)]
    targets = () if assign is None else assign.targets
    return [each for each in targets if isinstance(each, tree.Name)]


# Repositories -------------------------------------------------------------------------------------


def _methods(file: File) -> Iterator[tuple[Function, bool]]:
    """Functions of repositories that use a session, and whether they do so asynchronously."""
    database, layers = file.project.database, file.project.layers
    users = {file.calls[index].fact.function for index in database.operations(file)} - {-1}
    for index in sorted(users):
        function = file.functions[index]
        if layers.in_repository(function, file) and not _is_of_model(function):
            yield function, function.is_async or _only_stores(function)


def _is_of_model(function: Function) -> bool:
    """Whether the mapper runs a function: a listener, a method of a model."""
    cls = function.cls
    if cls is not None and function.file.project.classes.role(cls) in {"orm", "orm-base"}:
        return True
    return is_listener(function)


def _only_stores(function: Function) -> bool:
    """Whether a function only adds objects to an AsyncSession."""
    calls = function.file.project.database.of_function(function)
    kinds = {function.file.type_of(call.receiver, function) for call in calls}
    return all(call.last in _STORED for call in calls) and kinds <= {_ASYNC_SESSION}
