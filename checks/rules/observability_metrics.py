"""Checks of metrics: which signals a service records, and with which labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.given import Given
from checks.project.layers import is_service_class
from checks.project.metrics import Metric
from checks.project.project import Project
from checks.project.subjects import Call
from checks.rules.applies import has_routes

_INSTRUMENTS = (
    "Instrumentator", "PrometheusMiddleware", "MetricsMiddleware", "FastAPIInstrumentor",
    "OpenTelemetryMiddleware", "StarletteInstrumentor", "instrument_fastapi",
    "instrument_starlette", "configure_azure_monitor", "PrometheusInstrumentator",
    "PrometheusFastApiInstrumentator",
)  # fmt: skip
_MODULES = (
    "prometheus_fastapi_instrumentator", "starlette_exporter", "starlette_prometheus",
    "opentelemetry.instrumentation.fastapi", "opentelemetry.instrumentation.asgi",
    "opentelemetry.instrumentation.starlette", "logfire", "azure.monitor.opentelemetry",
    "aioprometheus.asgi", "starlette_prom", "fastapi_prometheus_middleware", "ddtrace",
)  # fmt: skip
_EXPOSING = ("start_http_server", "start_wsgi_server", "PrometheusMetricReader", "push_to_gateway",
             "start_prometheus_server")  # fmt: skip
_MOUNTS = ("mount", "add_route", "add_api_route", "Mount", "Route", "include_router")
_REQUESTS = frozenset({"request", "requests", "http", "response", "responses"})
_TIMES = frozenset("latency duration time seconds ms elapsed milliseconds cost timing".split())
_ERRORS = frozenset("error errors exception exceptions failure failures failed 5xx".split())
_POOL = frozenset({"pool", "pools", "connection", "connections"})
_DATA = frozenset({"db", "database", "sqlalchemy", "postgres", "pg", "sql", "pool", "pools"})
_CHECKED = ("checkedout", "checkedin")
_PROMETHEUS = ("prometheus_client", *_MODULES[:3])
_SLOW = re.compile(
    r"log_min_duration_statement|pg_stat_statements|auto_explain|slow_query|slow-query|"
    r"long_query_time", re.IGNORECASE,
)  # fmt: skip
_CURSOR = frozenset({"before_cursor_execute", "after_cursor_execute"})
_RELATIONAL = ("sqlalchemy", "sqlmodel", "asyncpg", "psycopg", "psycopg2", "tortoise", "databases")


@check("metrics-recorded", applies=has_routes)
def metrics_recorded(
    project: Project,
    *,
    signals: Sequence[str] = ("requests",),
    labels: Sequence[str] = ("endpoint|path|handler|route", "method", "status|status_code"),
) -> Answer:
    """A service records metrics.

    Dashboards and alerts live on them; without them load and errors are guessed from logs.

    Instead: expose /metrics and record the signal with prometheus_client, an instrumentator or
    OpenTelemetry metrics.

    Known problems: what a metric measures is told from its name. A gauge of requests in progress
    needs no status among its labels. Pools and slow queries are asked only where a relational
    database is used.
    """
    count, found = 0, []
    for signal in signals:
        if signal == "labels":
            for metric in _request_metrics(project):
                count += 1
                at = _unlabelled(metric, labels)
                found += [at] if at is not None else []
            continue
        if signal in {"db-pool", "slow-queries"} and not project.manifests.imports(*_RELATIONAL):
            continue
        count += 1
        if not _SIGNALS[signal](project):
            path, line = _place(project)
            found.append(At(line, f"Nothing records {signal}", path=path, anchor=signal))
    return Sites(count, found) if count else Skip("no metric of requests")


def _place(project: Project) -> tuple[str, int]:
    """The application, else the first handler."""
    web = project.entrypoints.web
    if web:
        return web[0].path, web[0].line
    return project.routes.handlers[0].path, project.routes.handlers[0].line


def _instrumented(project: Project) -> bool:
    """Whether a library measures every request by itself."""
    return project.manifests.imports(*_MODULES) and project.entrypoints.uses(*_INSTRUMENTS)


def _of_requests(project: Project, *kinds: str) -> list[Metric]:
    """Metrics of requests that something records: by their name, or since a middleware does it."""
    return [
        metric
        for metric in project.metrics.all
        if metric.used
        and metric.kind in kinds
        and (_REQUESTS & metric.words or _observed_around(project, metric))
    ]


def _observed_around(project: Project, metric: Metric) -> bool:
    """Whether a middleware or exception handler records a metric, itself or by a helper."""
    hooks = project.routes.hooks.functions
    for call in project.metrics.uses(metric):
        function = call.function
        if function is None:
            continue
        around = [function, *(each.function for each in project.calls.callers(function))]
        for each in around:
            if each is not None and (each.key in hooks or each.param("call_next") is not None):
                return True
    return False


# Signals ----------------------------------------------------------------------------------------


def _endpoint(project: Project) -> bool:
    """Whether metrics can be fetched, or are pushed."""
    if any(
        path.rstrip("/").endswith("metrics") for r in project.routes.handlers for path in r.paths
    ):
        return True
    if project.entrypoints.uses(*_EXPOSING):
        return True
    for file in project.routers.files:
        if any("instrument" in _chain(call) for call in file.calls_named("expose")):
            return True
        if any(_serves_metrics(call) for call in file.calls_named(*_MOUNTS)):
            return True
    return False


def _chain(call: Call) -> str:
    """What ``expose`` is called on, in lower case: ``instrumentator.instrument(app)``."""
    receiver = call.receiver
    if isinstance(receiver, tree.CallRef):
        return f"instrument {call.file.facts.calls[receiver.index].last}".lower()
    return tree.dotted(receiver).lower() + call.name.lower()


def _serves_metrics(call: Call) -> bool:
    texts = (Given(call.file, value, call.function).text for value in call.fact.args[:1])
    named = [*texts, tree.text_of(call.fact.keyword("path"))]
    return any(text is not None and text.rstrip("/").endswith("/metrics") for text in named)


def _requests(project: Project) -> bool:
    return _instrumented(project) or bool(_of_requests(project, "counter", "histogram", "summary"))


def _latency(project: Project) -> bool:
    timed = _of_requests(project, "histogram", "summary")
    return _instrumented(project) or any(_TIMES & metric.words for metric in timed)


def _errors(project: Project) -> bool:
    return _instrumented(project) or any(
        _ERRORS & metric.words or any(label.startswith("status") for label in metric.labels or ())
        for metric in _of_requests(project, "counter", "histogram")
    )


def _pool(project: Project) -> bool:
    """Whether the state of the connection pool is exported."""
    if project.entrypoints.uses("SQLAlchemyInstrumentor", "instrument_sqlalchemy"):
        return True
    if any(file.calls_named(*_CHECKED) for file in project.production):
        return bool(project.metrics.all) or project.entrypoints.uses("Collector")
    return any(
        metric.used and metric.kind in {"gauge", "counter"} and _POOL & metric.words
        for metric in project.metrics.all
        if metric.words & _DATA
    )


def _business(project: Project) -> bool:
    """Whether a service counts something."""
    layers = project.layers
    for metric in project.metrics.all:
        if metric.kind != "counter":
            continue
        for call in (*project.metrics.uses(metric), *([] if metric.holders else [metric.call])):
            cls = None if call.function is None else call.function.cls
            if layers.is_service_module(call.file) or (cls is not None and is_service_class(cls)):
                return True
    return False


def _process(project: Project) -> bool:
    """Whether the default registry of prometheus_client, with its process metrics, is served."""
    if not project.manifests.imports(*_PROMETHEUS):
        return project.entrypoints.uses("SystemMetricsInstrumentor", "instrument_system_metrics")
    if project.entrypoints.uses("ProcessCollector", "GCCollector"):
        return True
    if project.entrypoints.uses("MultiProcessCollector"):
        return False
    for file in project.production:
        for call in file.calls_named("unregister"):
            names = [file.resolve(arg, call.function) for arg in call.arguments]
            if any(name.endswith(("PROCESS_COLLECTOR", "GC_COLLECTOR")) for name in names):
                return False
        if any(
            call.name.startswith("prometheus_client.")
            for call in file.calls_named("CollectorRegistry")
        ):
            return False
    return True


def _slow_queries(project: Project) -> bool:
    for file in project.production:
        for call in file.calls_named("listens_for", "listen"):
            if any(tree.text_of(arg) in _CURSOR for arg in call.arguments):
                return True
        for cls in file.classes:
            if any(_SLOW.search(name) for name in cls.attributes):
                return True
    for fact in project.documents.values():
        parts = (fact.text, fact.documents, [each.value for each in fact.instructions])
        if fact.kind not in {"markdown", "rst", "lock"} and _SLOW.search(str(parts)):
            return True
    return False


_SIGNALS: dict[str, Callable[[Project], bool]] = {
    "endpoint": _endpoint,
    "requests": _requests,
    "latency": _latency,
    "errors": _errors,
    "db-pool": _pool,
    "business": _business,
    "process": _process,
    "slow-queries": _slow_queries,
}


# Labels -----------------------------------------------------------------------------------------


def _request_metrics(project: Project) -> list[Metric]:
    """Metrics of requests whose labels are declared."""
    wanted = frozenset({"request", "requests", "http"})
    return [m for m in project.metrics.all if m.labels is not None and m.words & wanted]


def _unlabelled(metric: Metric, labels: Sequence[str]) -> At | None:
    """Where a metric of requests is made without one of the labels."""
    given = set(metric.labels or ())
    missing = [
        each
        for each in labels
        if not given & set(each.split("|")) and not (metric.kind == "gauge" and "status" in each)
    ]
    if not missing:
        return None
    text = f"`{metric.name}` has no label {', '.join(missing)}"
    call = metric.call
    return At(call.line, text, path=call.path, anchor=metric.name, limit=", ".join(labels))
