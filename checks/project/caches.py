"""Caches of a project: the objects in the process, and the reads and writes of any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

_OBJECTS = frozenset(
    f"cachetools.{name}"
    for name in ("Cache", "TTLCache", "LRUCache", "LFUCache", "FIFOCache", "RRCache", "TLRUCache")
)
_OBJECT_NAMES = tuple(sorted(name.rpartition(".")[2] for name in _OBJECTS))
_MEMOISERS = frozenset({"functools.lru_cache", "functools.cache", "async_lru.alru_cache"})
_CACHETOOLS = frozenset({"cachetools.cached", "cachetools.cachedmethod", "asyncache.cached"})
_METHODS: dict[str, str] = {
    **dict.fromkeys(("get", "mget", "getex", "hget", "hgetall"), "read"),
    **dict.fromkeys(("set", "setex", "psetex", "mset", "hset", "getset", "add"), "write"),
    **dict.fromkeys(("delete", "unlink", "hdel", "pop", "popitem", "clear", "flushdb"), "delete"),
    "expire": "expire",
    "pexpire": "expire",
    "expireat": "expire",
    "setdefault": "write",
}
_IN_PROCESS = frozenset({"get", "pop", "clear", "setdefault", "popitem"})
_REDIS = frozenset({"redis", "aioredis", "valkey"})
_MEMCACHED = ("pymemcache.", "aiomcache.", "bmemcached.", "pylibmc.")
_AIOCACHE = ("aiocache.", "aiocache")
_OTHER_USE = re.compile(
    r"(?:lock|mutex|session|token|otp|captcha|code|nonce|state|jti|blacklist|blocklist|denylist"
    r"|revoked|attempt|failure|counter|count|quota|limit|ratelimit|limiter|queue|job|login"
    r"|logout|refresh|online|heartbeat|presence|pubsub|channel|verification|verify|idempotency"
    r"|stat|statistic|metric|uptime|start|ping|incident|progress|dlq)s?"
)
"""Words of keys under which redis is a lock, a counter, a queue, or keeps sessions or state."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_STEPS = 8


class Held(msgspec.Struct, frozen=True):
    """A cache object in the process.

    Attributes:
        file: Where it is made.
        line: Line of its construction.
        name: Name it is bound to, "" for one that is made in a decorator.
        kind: cachetools, dict or lru_cache.
        call: Its construction, None for a dict or a decorator without arguments.
        function: The memoised function, None for an object.
    """

    file: File
    line: int
    name: str
    kind: str
    call: Call | None
    function: Function | None = None


class Operation(msgspec.Struct, frozen=True):
    """One read, write or removal of a cache.

    Attributes:
        kind: read, write, delete or expire.
        backend: redis, memcached, aiocache, cachetools or dict.
        file: Where it stands.
        line: Its line.
        function: The function around it.
        key: The key, None where all of the cache is meant.
        call: The call, None for a subscript.
        holder: Name of the object in the process, "" for a client.
    """

    kind: str
    backend: str
    file: File
    line: int
    function: Function | None
    key: Expr | None
    call: Call | None
    holder: str = ""


def words(text: str) -> list[str]:
    """Words of a name or key in lower case."""
    return [word.lower() for word in _WORDS.findall(text)]


def calls_spelled(file: File, names: Sequence[str]) -> list[Call]:
    """Calls whose callee has one of these last names, or an alias that an import gives it."""
    aliases = {row.alias for row in file.facts.imports if row.name in names and row.alias}
    return file.calls_named(*sorted({*names, *aliases}))


class Caches:
    """Finds caches and what is done with them, once per project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    # Objects in the process -----------------------------------------------------------------------

    @cached_property
    def held(self) -> list[Held]:
        """All caches in the process, in order of path and line."""
        return [each for file in self.project.production for each in self._held(file)]

    def _held(self, file: File) -> Iterator[Held]:
        for call in calls_spelled(file, _OBJECT_NAMES):
            if call.name in _OBJECTS:
                assign = file.tables.assign_of_call.get(call.index)
                target = "" if assign is None else tree.dotted(assign.targets[0])
                yield Held(file, call.line, target, "cachetools", call)
        for assign in file.facts.assigns:
            name = tree.dotted(assign.targets[0]).rpartition(".")[2]
            if _is_mapping(file, assign.value) and _is_store(file, assign, name):
                yield Held(file, assign.line, tree.dotted(assign.targets[0]), "dict", None)
        for function in file.functions:
            for each in function.fact.decorators:
                if file.resolve(each.value) in _MEMOISERS:
                    yield Held(file, each.line, function.name, "lru_cache", None, function)

    # Operations -----------------------------------------------------------------------------------

    @cached_property
    def operations(self) -> list[Operation]:
        """Reads and writes of caches in production files, in order of path and line."""
        found = [each for file in self.project.production for each in self._operations(file)]
        return [each for each in found if not self._is_other_use(each)]

    @cached_property
    def by_function(self) -> dict[Function, list[Operation]]:
        """Operations by the function they stand in."""
        found: dict[Function, list[Operation]] = {}
        for each in self.operations:
            if each.function is not None:
                found.setdefault(each.function, []).append(each)
        return found

    @cached_property
    def expiries(self) -> dict[tuple[Function, Expr | None], int]:
        """The last line on which a function sets the expiry of a key."""
        return {
            (each.function, each.key): each.line
            for each in self.operations
            if each.kind == "expire" and each.function is not None
        }

    @cached_property
    def by_name(self) -> dict[str, list[Held]]:
        """Caches in the process by the last part of their name."""
        found: dict[str, list[Held]] = {}
        for each in self.held:
            found.setdefault(each.name.rpartition(".")[2], []).append(each)
        return found

    def _operations(self, file: File) -> Iterator[Operation]:
        for call in file.calls_named(*_METHODS):
            backend, holder = self._backend(call)
            if backend and not (backend in {"cachetools", "dict"} and call.last not in _IN_PROCESS):
                whole = call.last in {"clear", "flushdb", "popitem"}
                key = None if whole else call.arg(0, "key") or call.arg(-1, "name")
                yield Operation(_METHODS[call.last], backend, file, call.line, call.function, key,
                                call, holder)  # fmt: skip
        near = self._is_near(file)
        deleted = {
            (row.function, row.line, row.value)
            for row in file.facts.statements
            if row.kind == "delete"
        }
        for assign in file.facts.assigns:
            for target in assign.targets:
                if isinstance(target, tree.Item) and assign.function >= 0:
                    yield from self._subscript("write", file, assign.line, assign.function, target)
        for index, places in file.tables.expressions.items():
            for place in places if index >= 0 and near else ():
                for node in tree.walk(place.expr, file.facts):
                    if isinstance(node, tree.Item) and (index, place.line, node) not in deleted:
                        yield from self._subscript("read", file, place.line, index, node)
        for statement in file.facts.statements:
            if statement.kind == "delete" and isinstance(statement.value, tree.Item):
                line, index = statement.line, statement.function
                yield from self._subscript("delete", file, line, index, statement.value)

    def _is_near(self, file: File) -> bool:
        """Whether a file makes or imports a cache in the process."""
        if file.path in self._makers:
            return True
        return any(row.name in self._names for row in file.facts.imports)

    @cached_property
    def _makers(self) -> frozenset[str]:
        return frozenset(each.file.path for each in self.held if each.function is None)

    def _subscript(
        self, kind: str, file: File, line: int, index: int, item: tree.Item
    ) -> Iterator[Operation]:
        name = tree.dotted(item.value)
        function = file.function_of(index)
        if name.rpartition(".")[2] in self._names:
            backend = self._in_process(file, item.value, function)
            if backend:
                yield Operation(kind, backend, file, line, function, item.index, None, name)

    def _backend(self, call: Call) -> tuple[str, str]:
        """Backend of the cache that a method is called on, and its name in the process."""
        receiver = call.receiver
        if receiver is None:
            return "", ""
        name = tree.dotted(receiver)
        if name.rpartition(".")[2] in self._names:
            backend = self._in_process(call.file, receiver, call.function)
            if backend:
                return backend, name
        reached = self.project.reach.reached(call)
        if reached is not None:
            return ("redis" if reached.library.kind == "cache" else ""), ""
        kind = call.file.type_of(receiver, call.function)
        if kind.startswith(_MEMCACHED):
            return "memcached", ""
        if kind.startswith(_AIOCACHE):
            return "aiocache", ""
        return ("redis" if not kind and self._named_like_one(call.file, name) else ""), ""

    def _named_like_one(self, file: File, name: str) -> bool:
        """A client without a known type, in a file that imports redis."""
        last = name.rpartition(".")[2].lower()
        if "redis" not in last and "cache" not in last and last != "client":
            return False
        return any(row.module.partition(".")[0] in _REDIS for row in file.facts.imports)

    def _in_process(self, file: File, expr: Expr, function: Function | None) -> str:
        kind = file.type_of(expr, function)
        if kind in _OBJECTS:
            return "cachetools"
        found = file.resolve(expr, function)
        return "dict" if found in self._dicts or self._own_dict(file, expr, function) else ""

    def _own_dict(self, file: File, expr: Expr, function: Function | None) -> bool:
        """``self._cache`` of a class that binds a dict to it."""
        name = tree.dotted(expr)
        return name.startswith(("self.", "cls.")) and (file.path, name) in self._own_dicts

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(each.name.rpartition(".")[2] for each in self.held if not each.function)

    @cached_property
    def _dicts(self) -> frozenset[str]:
        return frozenset(
            f"{each.file.key}.{each.name}" for each in self.held if each.kind == "dict"
        )

    @cached_property
    def _own_dicts(self) -> frozenset[tuple[str, str]]:
        return frozenset(
            (each.file.path, f"self.{each.name.rpartition('.')[2]}")
            for each in self.held
            if each.kind == "dict"
        )

    # Keys -----------------------------------------------------------------------------------------

    def _is_other_use(self, operation: Operation) -> bool:
        """Redis as lock, counter, queue, session store."""
        if operation.backend not in {"redis", "memcached"}:
            return False
        call = operation.call
        if call is not None and call.fact.keyword("nx") is not None:
            return True
        named = [tree.dotted(operation.key), "" if call is None else tree.dotted(call.receiver)]
        found = [word for name in named for word in words(name.rpartition(".")[2])]
        return any(_OTHER_USE.fullmatch(word) for word in (*found, *self.key_words(operation)))

    def key_words(self, operation: Operation) -> list[str]:
        """Words of what a key is made of: literals, constants, names of what is filled in."""
        expr = self.key(operation)
        found: list[str] = []
        for node in tree.walk(expr, operation.file.facts):
            match node:
                case tree.Const(kind="str", value=str(text)):
                    found += words(text)
                case tree.Name(id=text):
                    given = Given(operation.file, node, operation.function)
                    value = given.text
                    last = text.rpartition(".")[2]
                    constant = last.isupper()
                    found += words(value) if value is not None else words(last) if constant else []
        return found

    def key(self, operation: Operation) -> Expr | None:
        """The key as it is built: behind the local name that it has."""
        expr, function = operation.key, operation.function
        names = self.project.names
        for _ in range(_STEPS):
            if not isinstance(expr, tree.Name) or "." in expr.id:
                break
            binding, owner = names.binding(operation.file, expr.id, function)
            if owner is None or not isinstance(binding, tree.Assign) or binding.value is None:
                break
            expr = binding.value
        return expr


def _is_mapping(file: File, value: Expr | None) -> bool:
    if isinstance(value, tree.Map):
        return not value.keys
    return isinstance(value, tree.CallRef) and file.resolve(value) in {
        "builtins.dict",
        "collections.OrderedDict",
    }


def _is_store(file: File, assign: tree.Assign, name: str) -> bool:
    """Whether an empty dict is kept to be filled: a name of the module, class or object."""
    last = words(name)
    if not {"cache", "cached", "caches"} & set(last):
        return False
    return assign.function < 0 or tree.dotted(assign.targets[0]).startswith("self.")
