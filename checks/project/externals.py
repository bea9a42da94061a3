"""External calls: where production code talks to another process, and by which library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.facts import tree
from checks.project.conditions import words
from checks.project.names import Target
from checks.project.reach import Reach
from checks.project.subjects import Call

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import File, Function

_VERBS = frozenset("get post put patch delete head options request stream send".split())
_FUNCTIONS = {
    **{f"{lib}.{verb}": lib for lib in ("httpx", "requests") for verb in _VERBS - {"send"}},
    "aiohttp.request": "aiohttp",
    "urllib.request.urlopen": "urllib",
    "urllib.request.urlretrieve": "urllib",
    "urllib3.request": "urllib3",
    "smtplib.SMTP": "smtplib",
    "smtplib.SMTP_SSL": "smtplib",
    "aiosmtplib.send": "aiosmtplib",
}
_CLIENTS = {
    "httpx.Client": "httpx",
    "httpx.AsyncClient": "httpx",
    "requests.Session": "requests",
    "requests.session": "requests",
    "requests.sessions.Session": "requests",
    "aiohttp.ClientSession": "aiohttp",
    "urllib3.PoolManager": "urllib3",
}
_METHODS = _VERBS | {"ws_connect", "urlopen"}
_REACHED = {
    "redis": "redis",
    "aioredis": "redis",
    "valkey": "redis",
    "boto3": "boto3",
    "aioboto3": "boto3",
    "aiobotocore": "boto3",
    "botocore": "boto3",
    "smtplib": "smtplib",
    "aiosmtplib": "aiosmtplib",
    "kafka": "kafka",
    "aiokafka": "kafka",
    "pika": "pika",
    "aio_pika": "pika",
}
_PROBES = frozenset("health healthz healthcheck healthy ping ready readiness live liveness".split())


class External(msgspec.Struct, frozen=True):
    """One external call, with the library that makes it and the class of its client."""

    call: Call
    library: str
    client: str


class Externals:
    """Finds the external calls of a project, health probes left out."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._memo: dict[str, Any] = {}

    def remembered[Answer](self, key: str, find: Callable[[], Answer]) -> Answer:
        """What a check asks again for many calls: of a function, a client, the whole project."""
        if key not in self._memo:
            self._memo[key] = find()
        answer: Answer = self._memo[key]
        return answer

    @cached_property
    def all(self) -> list[External]:
        """Every external call of production files, in order of path and place."""
        return [
            found
            for file in self.project.production
            for call in file.calls
            if (found := self.of(call)) is not None and not _is_probe(file, call.function)
        ]

    def of(self, call: Call) -> External | None:
        """The external call that a call is, None for any other."""
        last = call.last
        if last.startswith("__"):
            return None
        if call.receiver is None:
            return self._by_function(call)
        if last in _METHODS:
            found = self._by_function(call) or self._by_client(call)
            if found is not None:
                return found
        elif last in {"urlretrieve", "SMTP", "SMTP_SSL"}:
            return self._by_function(call)
        return self._by_reach(call)

    def _by_function(self, call: Call) -> External | None:
        if not isinstance(call.fact.func, tree.Name):
            return None
        name = call.file.resolve(call.fact.func, call.function)
        library = _FUNCTIONS.get(name, "")
        if not library or (library == "smtplib" and not (call.fact.args or call.fact.keywords)):
            return None
        return External(call, library, "")

    def _by_client(self, call: Call) -> External | None:
        kind = call.file.type_of(call.receiver, call.function)
        library = _CLIENTS.get(kind, "")
        cls = self.project.classes.by_key.get(kind)
        if cls is not None and self.project.classes.method(cls, call.last) is None:
            library = next((_CLIENTS[name] for name in cls.ancestors if name in _CLIENTS), "")
        return External(call, library, kind) if library else None

    @cached_property
    def _reach(self) -> Reach | None:
        """What traces clients of caches, queues, clouds and mail, where any is imported."""
        used = self.project.manifests.imports(*_REACHED)
        return self.project.reach if used else None

    def _by_reach(self, call: Call) -> External | None:
        reached = None if self._reach is None else self._reach.reached(call)
        if reached is not None:
            if self.project.names.function_named(call.name) is not None:
                return None  # a method of our own, whose body makes the call
            library = self._library(reached.client)
            if reached.client.startswith(("mypy_boto3_", "types_boto3_", "types_aiobotocore_")):
                library = "boto3"
            return External(call, library, reached.client) if library else None
        if call.receiver is None or not self._has_stubs:
            return None
        kind = call.file.type_of(call.receiver, call.function)
        if kind.endswith("Stub") and "_pb2_grpc." in kind:
            return External(call, "grpc", kind)
        return None

    def _library(self, client: str) -> str:
        """The library of a client's class, by its module or that of a base of it."""
        cls = self.project.classes.by_key.get(client)
        names = [client] if cls is None else cls.ancestors
        heads = (name.partition(".")[0] for name in names)
        return next((_REACHED[head] for head in heads if head in _REACHED), "")

    @cached_property
    def _has_stubs(self) -> bool:
        return any("_pb2_grpc" in name for name in self.project.layout.modules)

    # Clients --------------------------------------------------------------------------------------

    @cached_property
    def made(self) -> dict[str, list[Call]]:
        """Where clients are constructed, by the class."""
        found: dict[str, list[Call]] = {}
        for file in self.project.production:
            for last in ("Client", "AsyncClient", "ClientSession", "Session", "session"):
                for call in file.calls_by_name.get(last, ()):
                    name = file.resolve(call.fact.func, call.function)
                    if name in _CLIENTS:
                        found.setdefault(name, []).append(call)
        return found

    def constructions(self, each: External) -> list[Call]:
        """The constructions a client may come from: its own, else all of its class."""
        call = each.call
        head = tree.dotted(call.receiver)
        binding, _ = self.project.names.binding(call.file, head, call.function)
        value = None
        if isinstance(binding, tree.Assign):
            value = binding.value
        elif isinstance(binding, Target):
            value = binding.expr
        if isinstance(value, tree.Op) and value.kind == "Await":
            value = value.items[0]
        if isinstance(value, tree.CallRef):
            own = call.file.calls[value.index]
            if call.file.resolve(own.fact.func, own.function) in _CLIENTS:
                return [own]
        return self.made.get(each.client, [])

    def service_functions(self) -> Iterator[Function]:
        """The functions of services, whose rows and files are asked about too."""
        for file in self.project.production:
            for function in file.functions:
                if self.project.layers.in_service(function, file):
                    yield function


def _is_probe(file: File, function: Function | None) -> bool:
    """Part of a health probe, by the name of the function, its class or its module."""
    if not _PROBES.isdisjoint(words(file.stem)):
        return True
    while function is not None:
        owner = function.cls.name if function.cls is not None else ""
        if not _PROBES.isdisjoint((*words(function.name), *words(owner))):
            return True
        function = function.parent
    return False
