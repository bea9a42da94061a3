"""What an application keeps open as long as it lives, and what closes it at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.flows import flow
from checks.project.given import Given, source

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, File, Function

_KINDS = {
    "engine": re.compile(
        r"sqlalchemy\.(ext\.asyncio\.)?(create_(async_)?engine|AsyncEngine)|sqlmodel\.create_engine"
        r"|asyncpg\.(pool\.)?create_pool|asyncpg\.connect|databases\.Database|psycopg_pool\.\w+Pool"
        r"|motor\.motor_asyncio\.AsyncIOMotorClient|pymongo\.(\w+\.)*(Async)?MongoClient"
        r"|(elasticsearch|opensearchpy)\.(Async)?(Elasticsearch|OpenSearch)|aiomysql\.create_pool"
        r"|neo4j\.(Async)?GraphDatabase\.driver"
    ),
    "redis client": re.compile(
        r"(redis|aioredis|valkey)\.(asyncio\.)?((client|cluster)\.)?"
        r"(Redis|StrictRedis|Valkey|RedisCluster|ConnectionPool|BlockingConnectionPool|from_url"
        r"|create_redis_pool|create_pool)(\.from_url)?"
        r"|arq\.(connections\.)?create_pool"
    ),
    "scheduler": re.compile(r"apscheduler\.schedulers\.[\w.]*Scheduler"),
    "consumer": re.compile(
        r"aiokafka\.AIOKafka(Consumer|Producer)|aio_pika\.connect(_robust)?"
        r"|(confluent_)?kafka\.(Kafka)?(Consumer|Producer)"
    ),
}
_LASTS = frozenset(
    "create_engine create_async_engine AsyncEngine create_pool connect connect_robust Database "
    "AsyncConnectionPool ConnectionPool AsyncIOMotorClient MongoClient AsyncMongoClient "
    "Elasticsearch AsyncElasticsearch OpenSearch AsyncOpenSearch driver Redis StrictRedis Valkey "
    "RedisCluster BlockingConnectionPool from_url create_redis_pool AsyncIOScheduler "
    "BackgroundScheduler AIOKafkaConsumer AIOKafkaProducer KafkaConsumer KafkaProducer Consumer "
    "Producer Client AsyncClient ClientSession Session AsyncSession".split()
)
_TASKS = frozenset({"asyncio.create_task", "asyncio.ensure_future"})
_CLOSING = frozenset(
    "dispose close aclose shutdown stop cancel disconnect wait_closed terminate quit cleanup "
    "teardown stop_scheduler close_pool aclose_pool".split()
)
_LEVELS = 4


class Resource(msgspec.Struct, frozen=True):
    """Something that stays open.

    Attributes:
        kind: ``engine``, ``redis client``, ``HTTP client``, ``scheduler``, ``consumer`` or
            ``background task``.
        key: What holds it, as a canonical name; ``state.<name>`` on the state of the application.
        name: As people call it.
        call: What makes it.
    """

    kind: str
    key: str
    name: str
    call: Call


class Resources:
    """Long-lived resources of production code and what disposes of them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._single: dict[str, bool] = {}

    @cached_property
    def all(self) -> list[Resource]:
        """Each resource that a module, the application or a singleton holds."""
        found: dict[str, Resource] = {}
        makers: dict[Function, str] = {}
        for file in self.project.production:
            for call in self._candidates(file):
                kind = self._kind(call)
                if kind and not self._keep(found, kind, call, -1) and call.function is not None:
                    makers.setdefault(call.function, kind)
        for function, kind in makers.items():  # ``engine = make_engine(url)``
            place = _returned_at(function, self)
            for call in self.project.calls.callers(function) if place is not None else ():
                if call.file.is_production:
                    self._keep(found, kind, call, place or 0)
        for task in self._tasks():
            found.setdefault(f"{task.key}:{task.call.line}", task)
        return list(found.values())

    def _keep(self, found: dict[str, Resource], kind: str, call: Call, place: int) -> bool:
        """Enter what a call makes where something keeps it; the part at a place of a tuple."""
        key = self._holder(call, place)
        if key:
            found.setdefault(key, Resource(kind, key, key.rpartition(".")[2], call))
        return bool(key)

    def is_made_by(self, call: Call) -> bool:
        """Whether a call makes a resource by itself."""
        return bool(self._kind(call))

    def _candidates(self, file: File) -> Iterator[Call]:
        known = _LASTS | self._own
        spelled = {row.alias for row in file.facts.imports if row.alias and row.name in known}
        for last in file.calls_by_name.keys() & (known | spelled):
            yield from file.calls_by_name[last]

    @cached_property
    def _own(self) -> frozenset[str]:
        """Names of first-party subclasses of clients."""
        classes = self.project.classes.by_key.values()
        return frozenset(
            cls.name
            for cls in classes
            if any(_kind_of(name) for name in cls.ancestors if "." in name)
            or any(self.project.outgoing.is_client_type(name) for name in cls.ancestors)
        )

    def _kind(self, call: Call) -> str:
        name = call.name
        cls = self.project.classes.by_key.get(name)
        names = (name,) if cls is None else (name, *cls.ancestors)
        kind = next((kind for each in names if (kind := _kind_of(each))), "")
        return kind or ("HTTP client" if self.project.outgoing.makes_http(call) else "")

    def _holder(self, call: Call, place: int = -1) -> str:
        """What keeps the result of a call for long, "" for what ends with its function."""
        file, function = call.file, call.function
        if call.index in file.tables.entered:
            return ""
        if function is None:
            row = self._row(call)
            target = _target(row, place)
            return f"{file.key}.{target}" if target and row is not None and row.cls < 0 else ""
        targets = _targets(function)
        for form in flow(function).forms(call):
            for text in targets.get(form, ()):
                held = self._kept(text, function)
                if held:
                    return held
        returned = any(form in flow(function).returned for form in flow(function).forms(call))
        return function.key if returned and self.project.lifetimes.is_cached(function) else ""

    def _row(self, call: Call) -> tree.Assign | None:
        """The assignment of a call at module level, made another object of or not."""
        rows = call.file.tables.assigns.get(-1, ())
        direct = call.file.tables.assign_of_call.get(call.index)
        if direct is not None:
            return direct
        return next((r for r in rows if _awaited(r.value) == _ref(call)), None)

    def _kept(self, text: str, function: Function) -> str:
        """What an assignment in a function binds that outlives the call of the function."""
        if ".state." in text:
            return f"state.{text.rpartition('.state.')[2]}"
        if text in flow(function).outer_names:
            return f"{function.file.key}.{text}"
        owner, dot, attr = text.partition(".")
        if dot and owner in {"self", "cls"} and function.cls is not None and "." not in attr:
            return f"{function.cls.key}.{attr}" if self._is_single(function.cls) else ""
        if dot and "." not in attr:  # a name of another module
            name = function.file.resolve(owner, function)
            return f"{name}.{attr}" if name in self._modules else ""
        if not dot and text and function in self.project.lifetimes.lifespans:
            return f"{function.key}.{text}"
        return ""

    @cached_property
    def _modules(self) -> frozenset[str]:
        return frozenset(file.key for file in self.project.production)

    def _is_single(self, cls: Class) -> bool:
        """Whether a module, the application or a cached function holds an instance of a class."""
        known = self._single.get(cls.key)
        if known is None:
            self._single[cls.key] = False
            init = self.project.classes.method(cls, "__init__")
            calls = [] if init is None else self.project.calls.callers(init)
            made = [each for each in calls if each.file.is_production and each.name == cls.key]
            known = any(each.function is None or self._holder(each) for each in made)
            self._single[cls.key] = known
        return known

    def _tasks(self) -> Iterator[Resource]:
        """Tasks that lifespans and start-up hooks begin."""
        for function in self.project.lifetimes.lifespans:
            for call in function.calls:
                if call.last in {"create_task", "ensure_future"} and call.name in _TASKS:
                    row = _listed_in(function, call)
                    target = tree.dotted(row.targets[0]) if row is not None else ""
                    held = self._kept(target, function) if target else ""
                    name = target or "create_task"
                    yield Resource("background task", held or function.key, name, call)

    # Endings --------------------------------------------------------------------------------------

    @cached_property
    def _ending(self) -> dict[str, Function]:
        """Functions that run when the application starts or ends, with all they call."""
        found: dict[str, Function] = {}
        for hook in self.project.lifetimes.lifespans:
            for function in self.project.calls.reachable(hook, _LEVELS):
                found[function.key] = function
        for file in self.project.production:
            for call in file.calls_named("register"):
                if call.name == "atexit.register" and call.fact.args:
                    name = file.resolve(call.fact.args[0], call.function)
                    function_named = self.project.names.function_named(name)
                    if function_named is not None:
                        found[function_named.key] = function_named
        return found

    @cached_property
    def _closed(self) -> frozenset[str]:
        """Canonical names, and names on the state, of all that is closed there."""
        return frozenset(
            name for function in self._ending.values() for name in self._closed_by(function)
        )

    def _closed_by(self, function: Function) -> Iterator[str]:
        file = function.file
        listed = dict(_loops(function))
        for call in function.calls:
            if call.last in _CLOSING and call.receiver is not None:
                yield from self._names(Given(file, call.receiver, function))
                items = listed.get(tree.dotted(call.receiver))
                if items is not None:  # ``for task in tasks: task.cancel()``
                    yield from self._names(Given(file, items, function))
            for arg in call.arguments:
                text = tree.dotted(arg)
                head, dot, last = text.rpartition(".")
                if dot and last in _CLOSING:  # handed to an exit stack, or to run in a thread
                    yield from self._names(Given(file, tree.Name(head), function))
                elif self._takes(call):
                    yield from self._names(Given(file, arg, function))
        for _, block in function.blocks:
            if block.kind in {"with", "async with"}:
                for expr in block.exprs:
                    yield from self._names(Given(file, expr, function))

    def _takes(self, call: Call) -> bool:
        """Whether a call closes what it is given: an exit stack, ``close_engine(engine)``."""
        if call.last in {"enter_async_context", "enter_context", "push_async_exit", "gather"}:
            return True
        said = call.last.lower()
        return any(word in said for word in ("close", "shutdown", "dispose", "cancel", "stop"))

    def _names(self, given: Given) -> Iterator[str]:
        """Everything that the closed object may be called."""
        text = tree.dotted(given.expr)
        if ".state." in text:
            yield f"state.{text.rpartition('.state.')[2]}"
        function = given.function
        owner, dot, attr = text.partition(".")
        if dot and owner in {"self", "cls"} and function is not None and function.cls is not None:
            yield f"{function.cls.key}.{attr}"
        if text and not dot and function is not None:
            yield f"{function.key}.{text}"
            if text in flow(function).outer_names:
                yield f"{function.file.key}.{text}"
        for each in (given, source(given)):
            expr = _awaited(each.expr)
            name = each.file.resolve(expr, each.function)
            yield name
            inner = tree.dotted(expr)
            if ".state." in inner:
                yield f"state.{inner.rpartition('.state.')[2]}"
            base, dotted, last = inner.rpartition(".")
            owned = each.file.type_of(tree.Name(base), each.function) if dotted else ""
            if owned:
                yield f"{owned}.{last}"
            made = each.file.project.names.function_named(name) if name else None
            if made is not None and isinstance(expr, tree.CallRef):
                yield made.key
                yield from (made.file.resolve(value, made) for value in made.returned)

    def is_closed(self, resource: Resource) -> bool:
        """Whether something that runs at the end disposes of a resource."""
        return resource.key in self._closed


def _kind_of(name: str) -> str:
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(name)), "")


def _targets(function: Function) -> dict[Expr, dict[str, None]]:
    """What a function binds to each value, by the value, each name once."""
    known: dict[int, dict[Expr, dict[str, None]]] = function.file.memo.setdefault("targets", {})
    if function.index not in known:
        found: dict[Expr, dict[str, None]] = {}
        for value, rows in flow(function).into.items():
            texts = (tree.dotted(target) for row in rows for target in row.targets)
            found[value] = dict.fromkeys(text for text in texts if text)
        known[function.index] = found
    return known[function.index]


def _target(row: tree.Assign | None, place: int) -> str:
    """What an assignment binds: the name, or the part of a tuple at a place."""
    if row is None:
        return ""
    target = row.targets[0]
    if isinstance(target, tree.Seq) and 0 <= place < len(target.items):
        target = target.items[place]
    return tree.dotted(target)


def _returned_at(function: Function, resources: Resources) -> int | None:
    """Where in what a function returns the resource is that it makes, None for nowhere."""
    made: set[Expr] = set()
    for call in function.calls:
        if resources.is_made_by(call):
            made.update(flow(function).forms(call))
    for value in function.returned:
        parts = value.items if isinstance(value, tree.Seq) else (_awaited(value),)
        for place, part in enumerate(parts):
            if part in made:
                return place
    return None


def _listed_in(function: Function, call: Call) -> tree.Assign | None:
    """The assignment that keeps what a call makes, alone or in a list."""
    direct = call.file.tables.assign_of_call.get(call.index)
    if direct is not None:
        return direct
    return next(
        (
            r
            for r in function.assigns
            if isinstance(r.value, tree.Seq) and _ref(call) in r.value.items
        ),
        None,
    )


def _loops(function: Function) -> Iterator[tuple[str, Expr]]:
    """Variables of loops, with what these run over."""
    for _, block in function.blocks:
        if block.kind in {"for", "comp"} and len(block.exprs) > 1:
            yield tree.dotted(block.exprs[0]), block.exprs[1]


def _ref(call: Call) -> Expr:
    return tree.CallRef(call.index)


def _awaited(expr: Expr | None) -> Expr:
    if isinstance(expr, tree.Op) and expr.kind == "Await":
        return expr.items[0]
    return expr if expr is not None else tree.Const("NoneType")
