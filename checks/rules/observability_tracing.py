"""Checks of tracing with OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.project.layers import is_service_class
from checks.project.project import Project
from checks.project.subjects import File

COMMAND = "opentelemetry-instrument"
_SETUPS = (
    "opentelemetry.sdk.trace.TracerProvider", "logfire.configure",
    "azure.monitor.opentelemetry.configure_azure_monitor", "uptrace.configure_opentelemetry",
    "honeycomb.opentelemetry.configure_opentelemetry", "traceloop.sdk.Traceloop.init",
    "splunk_otel.init_splunk_otel", "splunk_otel.tracing.start_tracing",
    "opentelemetry.instrumentation.auto_instrumentation.initialize",
    "openinference.instrumentation.register", "phoenix.otel.register",
    "google.cloud.opentelemetry.configure", "microsoft.opentelemetry.use_microsoft_opentelemetry",
)  # fmt: skip
_BRIDGES = ("ddtrace.opentelemetry",)
_DATABASES: dict[str, tuple[str, ...]] = {
    "sqlalchemy": ("SQLAlchemyInstrumentor", "instrument_sqlalchemy"),
    "sqlmodel": ("SQLAlchemyInstrumentor", "instrument_sqlalchemy"),
    "tortoise": ("TortoiseORMInstrumentor",),
    "asyncpg": ("AsyncPGInstrumentor", "instrument_asyncpg"),
    "psycopg": ("PsycopgInstrumentor", "instrument_psycopg"),
    "psycopg2": ("Psycopg2Instrumentor", "instrument_psycopg"),
    "aiopg": ("AiopgInstrumentor",),
    "sqlite3": ("SQLite3Instrumentor", "instrument_sqlite3"),
    "pymysql": ("PyMySQLInstrumentor",),
    "mysql": ("MySQLInstrumentor", "instrument_mysql"),
    "MySQLdb": ("MySQLClientInstrumentor",),
    "pymongo": ("PymongoInstrumentor", "instrument_pymongo"),
    "motor": ("PymongoInstrumentor", "instrument_pymongo"),
    "beanie": ("PymongoInstrumentor", "instrument_pymongo"),
    "django.db": ("Psycopg2Instrumentor", "PsycopgInstrumentor", "instrument_psycopg"),
    "cassandra": ("CassandraInstrumentor",),
    "elasticsearch": ("ElasticsearchInstrumentor",),
}
_CLIENTS: dict[str, tuple[str, ...]] = {
    "httpx": ("HTTPXClientInstrumentor", "instrument_httpx"),
    "requests": ("RequestsInstrumentor", "instrument_requests"),
    "aiohttp": ("AioHttpClientInstrumentor", "create_trace_config", "instrument_aiohttp_client"),
    "urllib3": ("URLLib3Instrumentor",),
    "urllib.request": ("URLLibInstrumentor",),
}
_BUNDLED = {
    "configure_azure_monitor": frozenset(
        {"psycopg2", "django.db", "requests", "urllib3", "urllib.request"}
    )
}
"""What a distribution instruments by itself."""
_SPANS = ("start_as_current_span", "start_span", "start_active_span", "span")
_WEB = (
    "FastAPIInstrumentor", "OpenTelemetryMiddleware", "StarletteInstrumentor", "FlaskInstrumentor",
    "DjangoInstrumentor", "LoggingInstrumentor", "instrument_fastapi", "instrument_starlette",
    "instrument_flask", "instrument_django", "configure_azure_monitor", "LoggingHandler",
)  # fmt: skip


@check("otel-tracing", each="aspects")
def otel_tracing(project: Project, aspect: str, *, aspects: Sequence[str] = ("setup",)) -> Answer:
    """Requests are traced with OpenTelemetry.

    A trace shows where a slow or failed request spent its time, through all services.

    Instead: set up the OpenTelemetry SDK and the instrumentors, and open spans around business
    operations.

    Known problems: of several databases or HTTP clients, one that is instrumented is enough.
    What the operator of a cluster injects is not seen.
    """
    web = project.entrypoints.web
    if not web:
        return Skip("no web application")
    asks = _ASPECTS[aspect]
    there = asks(project)
    if there is None:
        return Skip(f"nothing to trace: {aspect}")
    if there or _by_agent(project, aspect):
        return None
    app = web[0]
    text = f"There is no tracing with OpenTelemetry: {aspect}"
    return At(app.line, text, path=app.path, anchor=aspect)


def _by_agent(project: Project, aspect: str) -> bool:
    """Whether Datadog's library with its OpenTelemetry bridge traces what is asked about."""
    return aspect != "custom-spans" and project.manifests.imports(*_BRIDGES)


def _setup(project: Project) -> bool:
    return bool(project.entrypoints.calls(*_SETUPS)) or project.entrypoints.starts_with(COMMAND)


def _database(project: Project) -> bool | None:
    return _instrumented(project, _DATABASES)


def _http(project: Project) -> bool | None:
    return _instrumented(project, _CLIENTS)


def _instrumented(project: Project, libraries: dict[str, tuple[str, ...]]) -> bool | None:
    """Whether one of the libraries in use is instrumented; None when none is in use."""
    used = [name for name in libraries if project.manifests.imports(name)]
    if not used:
        return None
    wanted = {each for name in used for each in libraries[name]}
    wanted |= {last for last, bundled in _BUNDLED.items() if bundled & set(used)}
    if project.entrypoints.uses(*wanted):
        return True
    return project.entrypoints.starts_with(COMMAND) and any(
        project.manifests.depends_on(f"opentelemetry-instrumentation-{_package(name)}")
        for name in used
    )


def _package(module: str) -> str:
    """``opentelemetry-instrumentation-...`` for a module."""
    known = {"aiohttp": "aiohttp-client", "sqlmodel": "sqlalchemy", "tortoise": "tortoiseorm",
             "urllib.request": "urllib", "django.db": "psycopg2", "motor": "pymongo",
             "beanie": "pymongo", "MySQLdb": "mysqlclient"}  # fmt: skip
    return known.get(module, module)


def _custom_spans(project: Project) -> bool | None:
    """Whether a service module opens a span; None without a service layer."""
    services = [file for file in project.production if _is_service(file)]
    return any(_opens_span(file) for file in services) if services else None


def _is_service(file: File) -> bool:
    if not file.functions:
        return False
    layers = file.project.layers
    return layers.is_service_module(file) or any(is_service_class(cls) for cls in file.classes)


def _opens_span(file: File) -> bool:
    if file.calls_named(*_SPANS[:3]) or any(
        call.name.startswith("logfire.") for call in file.calls_named("span", "instrument")
    ):
        return True
    for function in file.functions:
        for each in function.fact.decorators:
            name = file.resolve(each.value, function.parent)
            last = name.rpartition(".")[2].lower()
            if "trace" in last or "span" in last or name == "logfire.instrument":
                return True
    # a helper of our own that opens one
    for call in file.calls:
        if "span" in call.last.lower() or "trace" in call.last.lower():
            helper = file.project.names.function_named(call.name)
            if helper is not None and any(inner.last in _SPANS for inner in helper.calls):
                return True
    return False


def _error_records(project: Project) -> bool:
    """Whether errors are recorded on spans, or log records carry the id of the trace."""
    if project.entrypoints.uses("record_exception", *_WEB):
        return True
    for file in project.production:
        if any(len(call.fact.args) for call in file.calls_named("set_status")) and any(
            row.module.startswith("opentelemetry") for row in file.facts.imports
        ):
            return True
    if any(
        each.name.endswith("OpenTelemetryMiddleware") for each in project.routes.middleware
    ) or any("trace_id" in str(_texts(each.file)) for each in project.log_context.enrichers):
        return True
    return project.entrypoints.starts_with(COMMAND)


def _texts(file: File) -> list[str]:
    """Keys that a file assigns to."""
    return [
        tree.text_of(target.index) or ""
        for assign in file.facts.assigns
        for target in assign.targets
        if isinstance(target, tree.Item)
    ]


_ASPECTS: dict[str, Callable[[Project], bool | None]] = {
    "setup": _setup,
    "database": _database,
    "http": _http,
    "custom-spans": _custom_spans,
    "error-records": _error_records,
}
