"""How functions become route handlers: decorators, ``add_api_route``, decorators of our own.

A first-party decorator is resolved one level: the registering call in its body is read with the
decorator's arguments in place of its parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, argument, bound, turns
from checks.project.routers import Hop, Router

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

VERBS = frozenset("get post put patch delete head options trace".split())
DECORATORS = VERBS | {"api_route", "route"}
SOCKETS = frozenset({"websocket", "websocket_route", "add_api_websocket_route"})
ADDERS = frozenset({"add_api_route", "add_route", "add_api_websocket_route"})


class Registration:
    """One function entered under one path of one router.

    Attributes:
        function: The handler.
        router: What it is registered on.
        call: The call that holds path and options.
        verb: Name of the registering method (``get``, ``api_route``, ``add_api_route``).
        known: What parameters of a first-party decorator (or loop variables) stand for.
        outer: The call of the first-party decorator, None for a direct registration.
    """

    def __init__(
        self,
        function: Function,
        router: Router,
        call: Call,
        verb: str,
        known: Mapping[str, Given],
        outer: Call | None = None,
    ) -> None:
        self.function = function
        self.router = router
        self.call = call
        self.verb = verb
        self.known = known
        self.outer = outer

    @property
    def file(self) -> File:
        """The file that registers it: of our own decorator, where that is what it uses."""
        return (self.outer or self.call).file

    @cached_property
    def written_path(self) -> Given | None:
        """The path argument."""
        args = self.call.fact.args
        if args and not _starred(args[0]):
            return Given(self.call.file, args[0], self.call.function, self.known)
        given = argument(self.call, ("path",), self.known)
        if given is None and self.outer is not None:
            value = self.outer.arg(0, "path")
            given = None if value is None else Given(self.outer.file, value, self.outer.function)
        return given

    @property
    def own_path(self) -> str | None:
        """Its path as written, None when it cannot be known."""
        return None if self.written_path is None else self.written_path.text

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """HTTP methods in capitals, sorted; GET where none are named."""
        if self.verb in VERBS:
            return (self.verb.upper(),)
        given = self.argument("methods", "method")
        value = None if given is None else given.value
        names = value if isinstance(value, list) else [value]
        return tuple(sorted({name.upper() for name in names if isinstance(name, str)})) or ("GET",)

    @property
    def is_socket(self) -> bool:
        """Whether it is a WebSocket."""
        return self.verb in SOCKETS

    def argument(self, *names: str) -> Given | None:
        """The first of these arguments of the registering call, or of our own decorator."""
        found = argument(self.call, names, self.known)
        if found is None and self.outer is not None:
            found = argument(self.outer, names)
        return found

    def levels(self, chain: tuple[Hop, ...]) -> Iterator[Registration | Router | Hop]:
        """Who may give an option, in the order in which FastAPI asks them."""
        yield self
        yield self.router
        for hop in chain:
            if hop.kind == "mount":
                return
            yield hop
            yield hop.parent

    def option(self, chain: tuple[Hop, ...], *names: str) -> Given | None:
        """The nearest value of an option on the way from the decorator to the application."""
        for level in self.levels(chain):
            found = (
                level.argument(*names) if isinstance(level, Registration) else level.option(*names)
            )
            if found is not None:
                return found
        return None

    def options(self, chain: tuple[Hop, ...], *names: str) -> list[Given]:
        """The values of an option at all levels, nearest first."""
        found = []
        for level in self.levels(chain):
            given = (
                level.argument(*names) if isinstance(level, Registration) else level.option(*names)
            )
            if given is not None:
                found.append(given)
        return found


def _starred(expr: Expr) -> bool:
    return isinstance(expr, tree.Op) and expr.kind == "Starred"


class Registrations:
    """Finds every registration of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.graph = project.routers
        self.unknown: set[str] = set()
        self.registrars: set[str] = set()

    @cached_property
    def all(self) -> list[Registration]:
        """All registrations, direct ones and through first-party decorators.

        What a registering decorator does inside belongs to the functions it decorates.
        """
        _ = self.graph.all
        found: list[Registration] = []
        for file in self.graph.files:
            for function in file.functions:
                for decorator in function.fact.decorators:
                    if isinstance(decorator.value, tree.CallRef):
                        call = file.calls[decorator.value.index]
                        found += self._decorated(file, function, call)
            for call in file.calls_named(*ADDERS):
                found += self._added(call)
            found += self._applied(file)
        return [each for each in found if not self._inside_registrar(each)]

    def _inside_registrar(self, registration: Registration) -> bool:
        if registration.outer is not None:
            return False
        function = registration.call.function
        if registration.function.parent is not None and function is None:
            function = registration.function.parent
        while function is not None:
            if function.key in self.registrars:
                return True
            function = function.parent
        return False

    # Direct ---------------------------------------------------------------------------------------

    def _decorated(self, file: File, function: Function, call: Call) -> list[Registration]:
        if call.last in DECORATORS or call.last in SOCKETS:
            routers = self._receivers(call, {}, function.parent)
            if routers:
                return [Registration(function, each, call, call.last, {}) for each in routers]
        return self._by_own_decorator(file, function, call)

    def _receivers(
        self, call: Call, known: Mapping[str, Given], function: Function | None
    ) -> list[Router]:
        """The routers that a registering call is made on."""
        receiver = call.receiver
        if receiver is None:
            return []
        found = self.graph.of(Given(call.file, receiver, function, known))
        if found:
            return found
        kind = self.graph.kind_of(call.file.type_of(receiver, function))
        if not kind:
            return []
        key = call.file.resolve(receiver, function) or f"{call.file.key}:{call.line}"
        return [Router(key, kind, call.file, call.line, function, None)]

    def _added(self, call: Call) -> list[Registration]:
        """``add_api_route(path, endpoint)`` on a router."""
        endpoint = call.arg(1, "endpoint") or call.arg(1, "route")
        if endpoint is None:
            return []
        routers = self._receivers(call, {}, call.function)
        found = []
        for known in turns(call) if routers else ():
            function = self._endpoint(Given(call.file, endpoint, call.function, known))
            if function is not None:
                found += [Registration(function, r, call, call.last, known) for r in routers]
        return found

    def _applied(self, file: File) -> list[Registration]:
        """``router.get(path)(function)``."""
        found = []
        for call in file.calls_named(""):
            func = call.fact.func
            if not isinstance(func, tree.CallRef) or not call.fact.args:
                continue
            inner = file.calls[func.index]
            if inner.last in DECORATORS:
                function = self._endpoint(Given(file, call.fact.args[0], call.function))
                routers = self._receivers(inner, {}, call.function) if function is not None else []
                if function is not None:
                    found += [Registration(function, r, inner, inner.last, {}) for r in routers]
        return found

    def _endpoint(self, given: Given, depth: int = 0) -> Function | None:
        """The function that an endpoint argument names, through wrappers of libraries."""
        given = given.behind
        file, expr = given.file, given.expr
        if isinstance(expr, tree.CallRef):
            args = file.calls[expr.index].fact.args
            return self._endpoint(given.at(args[0]), depth + 1) if args and depth < 4 else None
        name = self.project.values.callee_of(file, expr, given.function)
        found = self.project.names.function_named(name) if name else None
        if found is None and name in self.project.classes.by_key:
            found = self.project.names.function_named(f"{name}.__call__")
        return found

    # Decorators of our own ------------------------------------------------------------------------

    def _by_own_decorator(self, file: File, function: Function, call: Call) -> list[Registration]:
        name = self.project.values.callee_of(file, call.fact.func, function.parent)
        decorator = self.project.names.function_named(name) if name else None
        found: list[Registration] = []
        if decorator is not None and decorator.file in self._registering:
            known = bound(decorator, call, function.parent)
            for inner, verb, place in self._inner_calls(decorator):
                routers = self._inner_receivers(inner, place, known)
                found += [
                    Registration(function, r, inner, self._verb(verb, inner, known), known, call)
                    for r in routers
                ]
        if found and decorator is not None:
            self.registrars.add(decorator.key)
        elif call.fact.args and self._takes_router(file, function, call):
            self.unknown.add(function.key)
        return found[:8]

    def _takes_router(self, file: File, function: Function, call: Call) -> bool:
        values = (*call.fact.args, *(item.value for item in call.fact.keywords))
        names = [value for value in values if isinstance(value, tree.Name)]
        return any(self.graph.of(Given(file, value, function.parent)) for value in names)

    @cached_property
    def _registering(self) -> set[File]:
        """Files with a function that makes a registering call inside."""
        names = (*DECORATORS, *ADDERS, "getattr")
        return {
            file
            for file in self.graph.files
            if any(call.fact.function >= 0 for call in file.calls_named(*names))
            or any(f.parent >= 0 and f.decorators for f in file.facts.functions)
        }

    def _inner_calls(self, decorator: Function) -> Iterator[tuple[Call, str, Function]]:
        """Registering calls in the body of a decorator and of the functions inside it."""
        file = decorator.file
        returned = {value.index for value in decorator.returned if isinstance(value, tree.CallRef)}
        for inner in file.functions:
            if inner != decorator and not _nested(inner, decorator):
                continue
            for call in inner.calls:
                func = call.fact.func
                if isinstance(func, tree.CallRef):
                    yield from self._inner_applied(file.calls[func.index], inner)
                elif call.last in ADDERS or (call.index in returned and call.last in DECORATORS):
                    yield call, call.last, inner
            for each in inner.fact.decorators if inner != decorator else ():
                if isinstance(each.value, tree.CallRef):
                    call = file.calls[each.value.index]
                    if call.last in DECORATORS and inner.parent is not None:
                        yield call, call.last, inner.parent

    def _inner_applied(self, made: Call, place: Function) -> Iterator[tuple[Call, str, Function]]:
        """``router.post(path)`` and ``getattr(router, method)(path)``, called with the function."""
        func = made.fact.func
        if made.last in DECORATORS:
            yield made, made.last, place
        elif isinstance(func, tree.CallRef) and made.file.calls[func.index].last == "getattr":
            yield made, "getattr", place

    def _inner_receivers(
        self, inner: Call, place: Function, known: Mapping[str, Given]
    ) -> list[Router]:
        func = inner.fact.func
        if isinstance(func, tree.CallRef):  # getattr(router, method)(path)
            args = inner.file.calls[func.index].fact.args
            return self.graph.of(Given(inner.file, args[0], place, known)) if args else []
        receiver = inner.receiver
        if isinstance(receiver, tree.CallRef):
            called = inner.file.calls[receiver.index]
            first = place.fact.params[0].name if place.fact.params else ""
            if called.last == "super" and first in known:
                return self.graph.of(known[first])
        text = tree.dotted(receiver)
        if receiver is not None and text in known:
            return self.graph.of(known[text])
        return self._receivers(inner, known, place)

    def _verb(self, verb: str, inner: Call, known: Mapping[str, Given]) -> str:
        """The method that ``getattr`` asks for, from the decorator's own argument."""
        if verb != "getattr" or not isinstance(inner.fact.func, tree.CallRef):
            return verb
        args = inner.file.calls[inner.fact.func.index].fact.args
        value = Given(inner.file, args[1], inner.function, known).value if len(args) > 1 else None
        return value.lower() if isinstance(value, str) and value.lower() in VERBS else "api_route"


def _nested(inner: Function, outer: Function) -> bool:
    function = inner.parent
    while function is not None:
        if function == outer:
            return True
        function = function.parent
    return False
