"""What every log record carries beside its message: context that the whole application sets up.

A processor, filter, formatter or patcher that reads context variables gives it to all records of
its library; a logger that is bound gives it to its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, source

if TYPE_CHECKING:
    from checks.project.logs import LogCall
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

_BINDS = frozenset({"bind", "new", "contextualize", "LoggerAdapter"})
_FOR_ALL = ("bind_contextvars", "bound_contextvars", "clear_contextvars", "contextualize")
_RECORDS = ("logging.Filter", "logging.Formatter", "logging.Handler", "logging.LoggerAdapter")
_READERS = frozenset(
    "contextvars.ContextVar.get structlog.contextvars.get_contextvars "
    "structlog.contextvars.get_merged_contextvars asgi_correlation_id.correlation_id.get "
    "asgi_correlation_id.context.correlation_id.get starlette_context.context.get "
    "starlette_context.context.data opentelemetry.trace.get_current_span flask.request.headers.get "
    "flask.g.get celery.current_task".split()
)
_READS = frozenset(name.rpartition(".")[2] for name in _READERS)
_ID = re.compile(r"(request|correlation|trace|span)_?(trace_)?id", re.IGNORECASE)
"""Names of what tells one request from another."""
_LIBRARY = frozenset(
    "asgi_correlation_id.CorrelationIdFilter asgi_correlation_id.log_filters.CorrelationIdFilter "
    "opentelemetry.instrumentation.logging.LoggingInstrumentor "
    "django_guid.log_filters.CorrelationId log_request_id.filters.RequestIDFilter "
    "flask_log_request_id.RequestIDLogFilter".split()
)
_LIBRARY_NAMES = frozenset(name.rpartition(".")[2] for name in _LIBRARY)
_DEPTH = 8
_NODES = 4_000


class LogContext:
    """Which records carry context, of a whole project; computed once."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def libraries(self) -> frozenset[str]:
        """Libraries whose every record carries what context variables hold."""
        found = set()
        if self.merges and self.binds:
            found.add("structlog")
        for function in self.enrichers:
            found.add(self._enriched(function))
        if self.installs_filter:
            found.add("logging")
        if any(call.last == "contextualize" and self._wraps(call) for call in self.binds):
            found.add("loguru")
        if "structlog" in found and self._named("ProcessorFormatter"):
            found.add("logging")  # records of the standard library take the same way
        if "loguru" in found and self._intercepts:
            found.add("logging")
        return frozenset(found)

    @cached_property
    def merges(self) -> bool:
        """Whether ``merge_contextvars`` of structlog is among the processors."""
        return any(
            isinstance(node, tree.Name) and node.id.endswith("merge_contextvars")
            for file in self.project.production
            if any(row.module.partition(".")[0] == "structlog" for row in file.facts.imports)
            for node in _mentioned(file)
        )

    @cached_property
    def binds(self) -> list[Call]:
        """Calls that bind context for all records that follow."""
        return [
            call
            for file in self.project.production
            for call in file.calls_named(*_FOR_ALL)
            if call.last != "clear_contextvars"
        ]

    @cached_property
    def enrichers(self) -> list[Function]:
        """Processors, filters, formatters and patchers that read context variables."""
        return [
            function
            for file in self.project.production
            for function in file.functions
            if self._is_enricher(function) and self._reads_context(function)
        ]

    @cached_property
    def installs_filter(self) -> bool:
        """Whether a library's filter or instrumentation puts an id into records."""
        for file in self.project.production:
            if any(row.name in _LIBRARY_NAMES for row in file.facts.imports):
                return True
        texts = (fact for fact in self.project.documents.values() if fact.kind in {"yaml", "ini"})
        return any("CorrelationIdFilter" in str(fact.documents) for fact in texts) or any(
            (tree.text_of(node) or "") in _LIBRARY
            for file in self.project.production
            if file.calls_named("dictConfig")
            for node in _mentioned(file)
        )

    def _is_enricher(self, function: Function) -> bool:
        names = {param.name for param in function.fact.params}
        if names & {"event_dict", "record"}:
            return True
        cls = function.cls
        if cls is not None and function.name in {"filter", "format", "process", "emit"}:
            return cls.inherits(*_RECORDS)
        return False

    def _reads_context(self, function: Function) -> bool:
        """Whether a function reads a context variable, itself or one call further."""
        for call in function.calls:
            if self._is_read(call):
                return True
        return any(
            self._is_read(inner)
            for _, target in self.project.calls.callees(function)
            for inner in target.calls
        )

    def _is_read(self, call: Call) -> bool:
        if _ID.search(call.last) or _ID.search(tree.dotted(call.receiver)):
            return True
        return call.last in _READS and call.name in _READERS

    def _enriched(self, function: Function) -> str:
        """The library whose records an enricher fills."""
        if function.param("event_dict") is not None:
            return "structlog"
        if function.cls is not None and function.cls.inherits(*_RECORDS):
            return "logging"
        items = any(
            isinstance(target, tree.Item) and tree.dotted(target.value).startswith("record")
            for assign in function.assigns
            for target in assign.targets
        )
        return "loguru" if items else "logging"

    def _wraps(self, call: Call) -> bool:
        """Whether a call stands in a middleware, so that it holds for a whole request."""
        function = call.function
        hooks = self.project.routes.hooks.functions
        return function is not None and (
            function.key in hooks or function.param("call_next") is not None
        )

    def _named(self, name: str) -> bool:
        return any(file.calls_named(name) for file in self.project.production)

    @cached_property
    def _intercepts(self) -> bool:
        """Whether records of the standard library are handed to another one."""
        return any(
            cls.inherits("logging.Handler")
            for file in self.project.production
            for cls in file.classes
            if "Intercept" in cls.name
        )

    # One logger -----------------------------------------------------------------------------------

    def is_bound(self, each: LogCall) -> bool:
        """Whether the logger of a call carries context of its own."""
        call = each.call
        if call.function is not None and self._binds_inside(call.function):
            return True
        for _, block in call.file.blocks_around(call.fact.block):
            for expr in block.exprs if block.kind in {"with", "async with"} else ():
                if isinstance(expr, tree.CallRef) and call.file.calls[expr.index].last in _FOR_ALL:
                    return True
        text = tree.dotted(call.receiver)
        if not text:
            return any(_gives_context(made) for made in self._made(call))
        inside = -2 if text.startswith("self.") else call.fact.function
        memo = f"bound logger {inside} {text}"
        known: bool | None = call.file.memo.get(memo)
        if known is None:
            known = any(_gives_context(made) for made in self._made(call))
            call.file.memo[memo] = known
        return known

    def _binds_inside(self, function: Function) -> bool:
        """Whether a function, or one around it, binds context variables; worked out once."""
        memo = f"binds context {function.index}"
        known: bool | None = function.file.memo.get(memo)
        if known is None:
            known = any(call.last in _FOR_ALL[:2] for call in function.calls)
            parent = function.parent
            known = known or (parent is not None and self._binds_inside(parent))
            function.file.memo[memo] = known
        return known

    def _made(self, call: Call) -> Iterator[Call]:
        """The calls that a logger comes from: ``get_logger``, ``bind`` and so on."""
        file, expr = call.file, call.receiver
        place = call.function
        for _ in range(_DEPTH):
            if isinstance(expr, tree.CallRef):
                made = file.calls[expr.index]
                yield made
                expr = made.receiver
                continue
            if expr is None:
                return
            rows, text = file.tables.assigns_in, tree.dotted(expr)
            for scope in (-2,) if text.startswith("self.") else (call.fact.function, -1):
                for assign in rows.get((text, scope), ()):
                    if isinstance(assign.value, tree.CallRef):
                        yield file.calls[assign.value.index]
            behind = source(Given(file, expr, place))
            if behind.expr == expr and behind.file is file:
                return
            file, expr, place = behind.file, behind.expr, behind.function


def _gives_context(made: Call) -> bool:
    """``bind(...)``, an adapter, or ``get_logger(name, key=value)`` of structlog."""
    if made.last in _BINDS:
        return bool(made.arguments)
    return (
        made.last in {"get_logger", "getLogger"}
        and bool(made.fact.keywords)
        and (made.name.startswith("structlog."))
    )


def _mentioned(file: File) -> Iterator[Expr]:
    """What a file assigns, returns and passes, without looking into calls twice."""
    left = _NODES
    exprs = [arg for call in file.facts.calls for arg in call.args]
    exprs += [item.value for call in file.facts.calls for item in call.keywords]
    exprs += [assign.value for assign in file.facts.assigns if assign.value is not None]
    exprs += [s.value for s in file.facts.statements if s.value is not None]
    for expr in exprs:
        for node in tree.walk(expr):
            yield node
            left -= 1
            if not left:
                return
