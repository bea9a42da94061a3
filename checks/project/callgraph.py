"""Which first-party functions a call reaches, n levels deep."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts.tree import CallRef, Expr, Name

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, File, Function

_ABSTRACT = frozenset({"abc.ABC", "typing.Protocol"})


_FROM_HANDLERS = 4


class CallGraph:
    """Resolves calls over all files of a project; remembers each answer.

    What cannot be resolved is not followed.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._targets: dict[str, list[Function]] = {}
        self._callers: dict[str, list[Call]] = {}
        self._callees: dict[str, list[tuple[Call, Function]]] = {}
        self._reachable: dict[tuple[str, int], dict[Function, int]] = {}

    def resolve(self, call: Call) -> list[Function]:
        """The first-party functions that a call may run.

        A class answers with its ``__init__``, an instance with ``__call__``; a method of a
        protocol or an abstract class with that of its only implementation.
        """
        name = call.name
        if not name:
            return []
        receiver = call.receiver
        if isinstance(receiver, CallRef) and call.file.facts.calls[receiver.index].last == "super":
            inherited = self.project.names.function_named(name)
            return [] if inherited is None else [inherited]
        known = self._targets.get(name)
        if known is None:
            known = self._targets[name] = self._resolve(name)
        return known or self._held(call)

    def _held(self, call: Call) -> list[Function]:
        """The ``__call__`` of an instance that a parameter or a local variable holds."""
        func, function = call.fact.func, call.function
        if function is None or not isinstance(func, Name) or "." in func.id:
            return []
        if self.project.names.binding(call.file, func.id, function)[1] is None:
            return []
        kind = self.project.values.type_of(call.file, func, function)
        return self._resolve(f"{kind}.__call__") if kind in self.project.classes.by_key else []

    def _resolve(self, name: str) -> list[Function]:
        classes = self.project.classes.by_key
        if name in classes:
            init = self.project.classes.method(classes[name], "__init__")
            return [] if init is None else [init]
        function = self.project.names.function_named(name)
        if function is None:
            called = self.project.names.function_named(
                f"{self.project.values.type_of_name(name)}.__call__"
            )
            return [] if called is None else [called]
        head, _, last = name.rpartition(".")
        owner = classes.get(head)
        if owner is not None and self._is_open(owner, function):
            implementations = self._implementations.get(owner.key, [])
            if len(implementations) == 1:
                method = self.project.classes.method(implementations[0], last)
                return [function if method is None else method]
        return [function]

    def _is_open(self, owner: Class, function: Function) -> bool:
        """Whether a method found on a class is only a promise."""
        if self.project.classes.role(owner) == "protocol":
            return True
        return function.fact.shape == "stub" or function.decorated_by("abc.abstractmethod")

    @cached_property
    def _implementations(self) -> dict[str, list[Class]]:
        """Concrete first-party subclasses of every first-party class, by its canonical name.

        A protocol that no class names as its base is implemented by the classes that define
        all of its public methods.
        """
        found: dict[str, list[Class]] = {}
        protocols: list[Class] = []
        candidates = [c for f in self.project.production for c in f.classes if c.methods]
        for cls in candidates:
            if self.project.classes.role(cls) == "protocol" and "typing.Protocol" in self._bases(
                cls
            ):
                protocols.append(cls)
                continue
            if any(method.decorated_by("abc.abstractmethod") for method in cls.methods.values()):
                continue
            for ancestor in cls.ancestors:
                found.setdefault(ancestor, []).append(cls)
        for protocol in protocols:
            if protocol.key not in found:
                found[protocol.key] = self._structural(protocol, candidates, protocols)
        return found

    def _bases(self, cls: Class) -> list[str]:
        return [cls.file.resolve(base) for base in cls.fact.bases]

    def _structural(
        self, protocol: Class, candidates: list[Class], protocols: list[Class]
    ) -> list[Class]:
        wanted = {name for name in protocol.methods if not name.startswith("_")}
        if not wanted:
            return []
        return [c for c in candidates if c not in protocols and wanted <= c.methods.keys()]

    @cached_property
    def coroutines(self) -> frozenset[str]:
        """Names of all async functions of production files, to sift calls before resolving them."""
        return frozenset(
            function.name
            for file in self.project.production
            for function in file.functions
            if function.is_async
        )

    @cached_property
    def from_handlers(self) -> frozenset[str]:
        """Canonical names of the functions that route handlers reach, a few levels deep."""
        return frozenset(
            each.key
            for route in self.project.routes.handlers
            for each in self.reachable(route.function, _FROM_HANDLERS)
        )

    @cached_property
    def _by_last_name(self) -> dict[str, list[Call]]:
        """Calls of all files but tests and migrations, by the last name of the callee."""
        found: dict[str, list[Call]] = {}
        for file in self.project.analysed:
            if not file.is_test and not file.is_migration:
                for last, calls in file.calls_by_name.items():
                    found.setdefault(last, []).extend(calls)
        return found

    @cached_property
    def _aliases(self) -> dict[str, set[str]]:
        """Names under which imports bind a name, where they rename it."""
        found: dict[str, set[str]] = {}
        for file in self.project.analysed:
            for row in file.facts.imports:
                if row.name and row.alias and row.alias != row.name:
                    found.setdefault(row.name, set()).add(row.alias)
        return found

    def callers(self, function: Function) -> list[Call]:
        """The calls that run a first-party function; for an ``__init__`` those of its class."""
        known = self._callers.get(function.key)
        if known is None:
            names = {function.key}
            last = function.name
            if function.name == "__init__" and function.cls is not None:
                names = {function.cls.key}
                last = function.cls.name
            spellings = {last, *self._aliases.get(last, ())}
            calls = [
                call for each in sorted(spellings) for call in self._by_last_name.get(each, ())
            ]
            known = [c for c in calls if c.name in names or function in self.resolve(c)]
            self._callers[function.key] = known
        return known

    @cached_property
    def decorators(self) -> frozenset[str]:
        """Canonical names of all that decorates a function or class, methods included."""
        return frozenset(
            name
            for file in self.project.analysed
            for decorators in (
                *(function.fact.decorators for function in file.functions),
                *(cls.fact.decorators for cls in file.classes),
            )
            for each in decorators
            for name in (file.resolve(each.value), self._method_of(file, each.value))
            if name
        )

    def _method_of(self, file: File, decorator: Expr) -> str:
        """``registry.register`` of an instance as the method of its class."""
        func = (
            file.calls[decorator.index].fact.func if isinstance(decorator, CallRef) else decorator
        )
        return self.project.values.callee_of(file, func)

    def callees(self, function: Function) -> list[tuple[Call, Function]]:
        """Each call in a function's body with the first-party functions that it reaches."""
        known = self._callees.get(function.key)
        if known is None:
            known = [(call, target) for call in function.calls for target in self.resolve(call)]
            self._callees[function.key] = known
        return known

    def reachable(self, function: Function, levels: int) -> dict[Function, int]:
        """The function itself (level 0) and all it calls, with the least number of levels."""
        memo = (function.key, levels)
        known = self._reachable.get(memo)
        if known is not None:
            return known
        found = {function: 0}
        front = [function]
        for level in range(1, levels + 1):
            reached: list[Function] = []
            for each in front:
                for _, target in self.callees(each):
                    if target not in found:
                        found[target] = level
                        reached.append(target)
            front = reached
        self._reachable[memo] = found
        return found
