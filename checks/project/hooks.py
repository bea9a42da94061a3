"""What runs around handlers: middleware and exception handlers, as they are registered."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.facts import tree
from checks.project.given import Given, source, turns

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

_STARLETTE = frozenset({"starlette.middleware.Middleware", "fastapi.middleware.Middleware"})


class Middleware(msgspec.Struct, frozen=True):
    """One registration of a middleware.

    Attributes:
        name: Canonical name of its class; of the function for ``@app.middleware``.
        call: The registering call, which holds the options; for a decorator that call.
        function: The decorated function.
    """

    name: str
    call: Call
    function: Function | None = None


class ExceptionHandler(msgspec.Struct, frozen=True):
    """A function that answers for exceptions.

    Attributes:
        function: The handler.
        types: Canonical names of the exception classes, or status codes as text.
        call: The registering call.
    """

    function: Function
    types: tuple[str, ...]
    call: Call


class Hooks:
    """All middleware and exception handlers of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @property
    def _files(self) -> list[File]:
        return self.project.routers.files

    # Middleware -----------------------------------------------------------------------------------

    @cached_property
    def middleware(self) -> list[Middleware]:
        """Every registration: by call, in a list, by decorator or around the application."""
        found = [
            *self._by_call("add_middleware"),
            *self._by_call("Middleware"),
            *self._decorated(),
            *self._handed(),
            *self._wrapped(),
        ]
        return sorted(found, key=lambda each: (each.call.path, each.call.line))

    def _by_call(self, last: str) -> list[Middleware]:
        found = []
        for file in self._files:
            for call in file.calls_named(last):
                if last == "Middleware" and file.resolve(call.fact.func) not in _STARLETTE:
                    continue
                cls = call.arg(0, "middleware_class") or call.arg(0, "cls")
                if cls is None:
                    continue
                for known in turns(call):
                    given = Given(file, cls, call.function, known)
                    dispatch = call.fact.keyword("dispatch")
                    run = self._run_by(given.name)
                    if run is None and dispatch is not None:
                        run = self._function(Given(file, dispatch, call.function, known))
                    found.append(Middleware(given.name, call, run))
        return found

    def _run_by(self, name: str) -> Function | None:
        """The method of a first-party middleware class that sees the request."""
        names = self.project.names
        for method in ("dispatch", "__call__"):
            found = names.function_named(f"{name}.{method}") if name else None
            if found is not None:
                return found
        return None

    def _decorated(self) -> list[Middleware]:
        found = []
        for file in self._files:
            for function in file.functions:
                for decorator in function.fact.decorators:
                    if not isinstance(decorator.value, tree.CallRef):
                        continue
                    call = file.calls[decorator.value.index]
                    if call.last == "middleware" and call.receiver is not None:
                        found.append(Middleware(function.key, call, function))
        return found

    def _handed(self) -> list[Middleware]:
        """``app.middleware("http")(function)``."""
        found = []
        for file in self._files:
            for call in file.calls_named(""):
                func = call.fact.func
                made = file.calls[func.index] if isinstance(func, tree.CallRef) else None
                if made is None or made.last != "middleware" or not call.fact.args:
                    continue
                function = self._function(Given(file, call.fact.args[0], call.function))
                if function is not None:
                    found.append(Middleware(function.key, call, function))
        return found

    def _wrapped(self) -> list[Middleware]:
        """``CORSMiddleware(app, ...)``: a middleware class of a library around an application."""
        found = []
        for file in self._files:
            for last, calls in file.calls_by_name.items():
                if last in {"Middleware", "add_middleware"} or not last.endswith("Middleware"):
                    continue
                for call in calls:
                    given = call.arg(0, "app")
                    name = file.resolve(call.fact.func, call.function)
                    if given is not None and name not in self.project.classes.by_key:
                        found.append(Middleware(name, call))
        return found

    @cached_property
    def functions(self) -> frozenset[str]:
        """Keys of the first-party functions that run as middleware or as exception handler."""
        ran = [each.function for each in self.middleware]
        ran += [each.function for each in self.exception_handlers]
        return frozenset(function.key for function in ran if function is not None)

    # Exception handlers ---------------------------------------------------------------------------

    @cached_property
    def exception_handlers(self) -> list[ExceptionHandler]:
        """Every registered exception handler, one entry per function, in order of place."""
        rows: dict[tuple[str, int], tuple[Function, list[str], Call]] = {}
        for function, kind, call in (*self._decorated_handlers(), *self._added(), *self._mapped()):
            entry = rows.setdefault((function.path, function.index), (function, [], call))
            entry[1].extend(kind)
        handlers = [ExceptionHandler(f, tuple(types), call) for f, types, call in rows.values()]
        return sorted(handlers, key=lambda each: (each.function.path, each.function.line))

    @cached_property
    def handled(self) -> frozenset[str]:
        """All that handlers are registered for, whosever they are; "" for what cannot be told."""
        found = {name for each in self.exception_handlers for name in each.types}
        for file in self._files:
            for call in file.calls_named("add_exception_handler"):
                kind = call.arg(0, "exc_class_or_status_code")
                if kind is not None:
                    for known in turns(call):
                        found |= self._told(Given(file, kind, call.function, known))
            for assign in file.facts.assigns:
                for target in assign.targets:
                    if isinstance(target, tree.Item) and tree.dotted(target.value).endswith(
                        ".exception_handlers"
                    ):
                        scope = file.function_of(assign.function)
                        found |= self._told(Given(file, target.index, scope))
        for application in self.project.routers.applications:
            found |= self._keys(application.option("exception_handlers"))
        return frozenset(found)

    def _keys(self, given: Given | None) -> set[str]:
        """The keys of ``exception_handlers={...}``."""
        given = None if given is None else source(given)
        if given is None or (isinstance(given.expr, tree.Const) and not given.expr.value):
            return set()
        if not isinstance(given.expr, tree.Map):
            return {""}
        return {
            name
            for key in given.expr.keys
            for name in ({""} if key is None else self._told(given.at(key)))
        }

    def _told(self, given: Given) -> set[str]:
        """What an expression names, "" where it is neither a class nor a status."""
        names = self._types(given)
        known = [n for n in names if n.isdigit() or n.rpartition(".")[2][:1].isupper()]
        return set(known) or {""}

    def _decorated_handlers(self) -> list[tuple[Function, list[str], Call]]:
        found = []
        for file in self._files:
            for function in file.functions:
                for decorator in function.fact.decorators:
                    if isinstance(decorator.value, tree.CallRef):
                        call = file.calls[decorator.value.index]
                        if call.last == "exception_handler" and call.receiver is not None:
                            given = call.arg(0, "exc_class_or_status_code")
                            kind = self._types(Given(file, given, function.parent)) if given else []
                            found.append((function, kind, call))
        return found

    def _added(self) -> list[tuple[Function, list[str], Call]]:
        found = []
        for file in self._files:
            for call in file.calls_named("add_exception_handler"):
                kind, handler = call.arg(0, "exc_class_or_status_code"), call.arg(1, "handler")
                if kind is None or handler is None:
                    continue
                for known in turns(call):
                    function = self._function(Given(file, handler, call.function, known))
                    if function is not None:
                        types = self._types(Given(file, kind, call.function, known))
                        found.append((function, types, call))
        return found

    def _mapped(self) -> list[tuple[Function, list[str], Call]]:
        """``FastAPI(exception_handlers={Error: handler})``."""
        found = []
        for application in self.project.routers.applications:
            given = application.option("exception_handlers")
            given = None if given is None else source(given)
            if given is None or not isinstance(given.expr, tree.Map) or application.call is None:
                continue
            for key, value in zip(given.expr.keys, given.expr.values, strict=True):
                function = self._function(given.at(value))
                if key is not None and function is not None:
                    found.append((function, self._types(given.at(key)), application.call))
        return found

    def _types(self, given: Given) -> list[str]:
        given = given.behind
        value: Any = given.value
        if isinstance(value, int):
            return [str(value)]
        name = given.name
        return [name] if name else []

    def _function(self, given: Given) -> Function | None:
        given = given.behind
        expr = given.expr
        if isinstance(expr, tree.CallRef):  # a factory: the function that it returns
            made = self.project.names.function_named(given.file.calls[expr.index].name)
            for value in made.returned if made is not None else ():
                if made is not None and isinstance(value, tree.Name):
                    return self.project.names.function_named(made.file.resolve(value, made))
            return None
        name = self.project.values.callee_of(given.file, expr, given.function)
        found = self.project.names.function_named(name) if name else None
        return self._methods.get(name.rpartition(".")[2]) if found is None and name else found

    @cached_property
    def _methods(self) -> dict[str, Function]:
        """Methods that take a request and an exception, by a name that no other has.

        What a container hands out by a text has no type that we know.
        """
        found: dict[str, list[Function]] = {}
        for file in self._files:
            for function in file.functions:
                params = function.fact.params
                if function.fact.cls >= 0 and len(params) == 3:
                    kind = self.project.values.of_annotation(file, params[1].annotation, function)
                    if kind == "fastapi.Request":
                        found.setdefault(function.name, []).append(function)
        return {name: functions[0] for name, functions in found.items() if len(functions) == 1}
