"""Whether an id follows a request: into the service, into its log records, and out again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, elements, source

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, File, Function

_HEADER = re.compile(r"(x-)?(amzn-)?(request|correlation|trace)-id|traceparent", re.IGNORECASE)
_NAME = re.compile(r"(^|_)(request|correlation|trace|req)_?id($|_)|(Request|Correlation|Trace)Id")
_HEADER_NAME = re.compile(r"(request|correlation|trace)_id", re.IGNORECASE)
_MIDDLEWARE = (
    "asgi_correlation_id.", "starlette_context.", "starlette_request_id.", "fastapi_request_id.",
    "django_guid.", "log_request_id.", "request_id.", "flask_request_id.", "flask_log_request_id.",
    "opentelemetry.instrumentation.", "elasticapm.", "ddtrace.", "fastapi_structlog.",
    "request_id_helper.", "django_structlog.",
)  # fmt: skip
_INSTRUMENTS = frozenset(
    "FastAPIInstrumentor StarletteInstrumentor FlaskInstrumentor DjangoInstrumentor "
    "OpenTelemetryMiddleware instrument_fastapi instrument_starlette instrument_flask "
    "instrument_django configure_azure_monitor CorrelationIdMiddleware FlaskRequestID "
    "RequestIDMiddleware".split()
)
_LOGGED = frozenset(
    "LoggingInstrumentor configure_azure_monitor CorrelationIdFilter RequestIDFilter "
    "RequestIDLogFilter LoggingHandler".split()
)
_SENDING = frozenset(
    "HTTPXClientInstrumentor RequestsInstrumentor AioHttpClientInstrumentor URLLib3Instrumentor "
    "URLLibInstrumentor instrument_httpx instrument_requests instrument_aiohttp_client "
    "configure_azure_monitor create_trace_config".split()
)
_CLIENTS = ("httpx", "requests", "aiohttp", "urllib3", "urllib.request", "niquests")
_CLASSES = ("dispatch", "__call__", "process_request", "__init__", "before_request")


class RequestIds:
    """Follows the id of a request through a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    # Entry ----------------------------------------------------------------------------------------

    @cached_property
    def enters(self) -> bool:
        """Whether every request is given an id, or brings one that is read."""
        if self.project.entrypoints.uses(*_INSTRUMENTS) or self._by_command:
            return True
        if any(each.name.startswith(_MIDDLEWARE) for each in self.project.routes.middleware):
            return True
        return self._in_django or any(self._tells(each) for each in self._around)

    @cached_property
    def _by_command(self) -> bool:
        return self.project.entrypoints.starts_with("opentelemetry-instrument")

    @cached_property
    def _in_django(self) -> bool:
        """Whether the MIDDLEWARE of Django's settings names one of a library."""
        wanted = tuple(name.rstrip(".") for name in _MIDDLEWARE)
        return any(
            (tree.text_of(node) or "").startswith(wanted)
            for file in self.project.production
            for assign in file.tables.assigns_to.get("MIDDLEWARE", ())
            for node in tree.walk(assign.value)
        )

    @cached_property
    def _around(self) -> list[Function]:
        """What runs for every request: middleware, hooks, dependencies of the application."""
        found: dict[str, Function] = {}
        for each in self.project.routes.middleware:
            if each.function is not None:
                found[each.function.key] = each.function
        for file in self.project.production:
            for cls in file.classes:
                if self._is_middleware(cls):
                    found |= {m.key: m for n, m in cls.methods.items() if n in _CLASSES}
            for function in file.functions:
                if function.fact.decorators and any(
                    file.resolve(d.value, function.parent).endswith(".before_request")
                    for d in function.fact.decorators
                ):
                    found[function.key] = function
        for function in self._dependencies:
            found[function.key] = function
        return list(found.values())

    def _is_middleware(self, cls: Class) -> bool:
        return cls.name.endswith("Middleware") and bool({"__call__", "dispatch"} & set(cls.methods))

    @cached_property
    def _dependencies(self) -> list[Function]:
        """Dependencies that an application asks of all its routes."""
        found = []
        for app in self.project.routes.applications:
            given = app.option("dependencies")
            for each in elements(given) if given is not None else ():
                if isinstance(each.expr, tree.CallRef):
                    args = each.file.calls[each.expr.index].fact.args[:1]
                    names = (each.file.resolve(arg, each.function) for arg in args)
                    functions = (self.project.names.function_named(name) for name in names)
                    found += [function for function in functions if function is not None]
        return found

    def _tells(self, function: Function) -> bool:
        """Whether a function, its class, or what it calls, speaks of the id of the request."""
        if function.cls is not None:
            methods = list(function.cls.methods.values())
            values = [fact.value for fact in function.cls.attributes.values()]
            if any(_speaks(value) for value in values if value is not None):
                return True
        else:
            methods = [function]
        reached = [target for each in methods for _, target in self.project.calls.callees(each)]
        nested = [
            each
            for each in function.file.functions
            if each.parent is not None and each.parent in methods
        ]
        return any(self.names_id(each) for each in (*methods, *reached, *nested))

    def names_id(self, function: Function) -> bool:
        """Whether the code of a function names a request or correlation id."""
        return any(_speaks(expr) for expr in _exprs(function)) or any(
            self._constant(function.file, expr, function) for expr in _exprs(function)
        )

    def _constant(self, file: File, expr: Expr, function: Function) -> bool:
        """Whether a name in an expression stands for the name of such a header."""
        for node in tree.walk(expr):
            if isinstance(node, tree.Name) and node.id.rpartition(".")[2].isupper():
                text = Given(file, node, function).text
                if text is not None and _HEADER.fullmatch(text):
                    return True
        return False

    # Log records ----------------------------------------------------------------------------------

    @cached_property
    def logged(self) -> bool:
        """Whether every log record carries the id."""
        context = self.project.log_context
        if context.installs_filter or self.project.entrypoints.uses(*_LOGGED):
            return True
        if any(self.names_id(each) or self._reads_id(each) for each in context.enrichers):
            return True
        binds = [call for call in context.binds if self._binds_id(call)]
        merged = context.merges and any(call.last != "contextualize" for call in binds)
        return merged or any(call.last == "contextualize" for call in binds)

    def _reads_id(self, function: Function) -> bool:
        reached = (target for _, target in self.project.calls.callees(function))
        return any(self.names_id(each) for each in reached)

    def _binds_id(self, call: Call) -> bool:
        if any(_NAME.search(item.name) for item in call.fact.keywords):
            return True
        given = [item.value for item in call.fact.keywords if not item.name]
        behind = (source(Given(call.file, value, call.function)) for value in given)
        return any(_speaks(each.expr) for each in behind)

    # Outbound -------------------------------------------------------------------------------------

    @cached_property
    def makes_calls(self) -> bool:
        """Whether production code makes HTTP calls."""
        return self.project.manifests.imports(*_CLIENTS)

    @cached_property
    def sent(self) -> bool:
        """Whether the id goes out with HTTP calls."""
        if self.project.entrypoints.uses(*_SENDING) or self._by_command:
            return True
        return any(
            self._sends(file)
            for file in self.project.production
            if any(row.module.startswith(_CLIENTS) for row in file.facts.imports)
            or any("header" in function.name for function in file.functions)
        )

    def _sends(self, file: File) -> bool:
        """Whether a file puts the id into headers that are not those of a response."""
        for assign in file.facts.assigns:
            for target in assign.targets:
                if isinstance(target, tree.Item) and self._is_header(file, target.index):
                    root = tree.dotted(target.value)
                    if "response" not in root and "resp" not in root:
                        return True
            if self._maps(file, assign.value):
                return True
        values = [s.value for s in file.facts.statements if s.kind == "return"]
        values += [item.value for call in file.facts.calls for item in call.keywords]
        return any(self._maps(file, value) for value in values)

    def _maps(self, file: File, expr: Expr | None) -> bool:
        """A dict display with the header among its keys."""
        return any(
            isinstance(node, tree.Map)
            and any(key is not None and self._is_header(file, key) for key in node.keys)
            for node in tree.walk(expr)
        )

    def _is_header(self, file: File, key: Expr) -> bool:
        text = Given(file, key).text
        return text is not None and _HEADER.fullmatch(text) is not None


def _exprs(function: Function) -> Iterator[Expr]:
    """All expressions in the body of a function, calls taken apart."""
    for assign in function.assigns:
        yield from assign.targets
        if assign.value is not None:
            yield assign.value
    for call in function.calls:
        yield call.fact.func
        yield from call.fact.args
        for item in call.fact.keywords:
            yield tree.Name(item.name) if item.name else item.value
            yield item.value
    for statement in function.statements:
        if statement.value is not None:
            yield statement.value


def _speaks(expr: Expr) -> bool:
    """Whether an expression names the id, as a variable, an attribute, a key or a header."""
    for node in tree.walk(expr):
        text = tree.text_of(node)
        if text is not None and (_HEADER.fullmatch(text) or _HEADER_NAME.fullmatch(text)):
            return True
        if isinstance(node, tree.Name) and _NAME.search(node.id.rpartition(".")[2]):
            return True
        if isinstance(node, tree.Attr) and _NAME.search(node.attr):
            return True
    return False
