"""Checks of error tracking: is it set up, and does it hear of what is swallowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.project import Project
from checks.project.subjects import Call, Except, File, Function
from checks.rules.logging_errors import goes_on, is_expected

_INITS = (
    "sentry_sdk.init", "rollbar.init", "bugsnag.configure", "honeybadger.honeybadger.configure",
    "honeybadger.configure", "raygun4py.raygunprovider.RaygunSender", "airbrake.notifier.Airbrake",
    "newrelic.agent.initialize", "ddtrace.patch_all", "ddtrace.patch", "ddtrace.auto",
    "elasticapm.Client", "elasticapm.contrib.starlette.make_apm_client",
    "elasticapm.contrib.flask.ElasticAPM", "logfire.configure", "scout_apm.api.install",
    "azure.monitor.opentelemetry.configure_azure_monitor", "appsignal.Appsignal",
    "opentelemetry.sdk.trace.TracerProvider", "google.cloud.error_reporting.Client",
    "aws_xray_sdk.core.patch_all", "rollbar.contrib.fastapi.add_to", "raven.Client",
    "uptrace.configure_opentelemetry", "honeycomb.opentelemetry.configure_opentelemetry",
    "opencensus.ext.azure.log_exporter.AzureLogHandler", "highlight_io.H", "glitchtip.init",
)  # fmt: skip
_POSTHOG = frozenset({"posthog.Posthog", "posthog.client.Client", "posthog.Client"})
_IMPORTED = ("ddtrace.auto", "raven.contrib", "rollbar.contrib", "elasticapm.contrib.django")
_AGENTS = ("ddtrace-run", "newrelic-admin", "opentelemetry-instrument", "elasticapm-run")
_DJANGO = ("rollbar.contrib", "elasticapm.contrib", "raven.contrib", "honeybadger.contrib")
_REPORTS = frozenset(
    "capture_exception record_exception report_exc_info report_exception notice_error "
    "send_exception capture_event exception_caught".split()
)
_TRACKERS = ("bugsnag.notify", "honeybadger.honeybadger.notify", "rollbar.report_message")
_EXTERNAL = (
    "httpx.", "requests.", "aiohttp.", "urllib3.", "urllib.request.", "boto3.", "aioboto3.",
    "aiobotocore.", "botocore.", "smtplib.", "aiosmtplib.", "redis.", "aioredis.", "kafka.",
    "aiokafka.", "confluent_kafka.", "pika.", "aio_pika.", "grpc.",
)  # fmt: skip
_DATA = (
    ".Response.", ".HTTPStatusError", ".exceptions.", ".Timeout", ".Limits", ".Request", ".URL",
    ".ClientTimeout", ".Retry",
)  # fmt: skip
_TASKS = frozenset({"task", "shared_task", "actor", "job", "periodic_task", "background"})


@check("error-tracker")
def error_tracker(project: Project, *, aspects: Sequence[str] = ("initialised",)) -> Answer:
    """Errors are reported to an error tracker.

    Nobody reads logs all day; a tracker groups errors, counts them and calls somebody.

    Instead: initialise the tracker at start-up and call `capture_exception()` for handled
    failures worth knowing.

    Known problems: a function that sets the tracker up counts when something calls it, however
    far from the entry point. External calls and queries are looked for in the try block itself,
    not behind the functions it calls. What counts as expected is told from the names of classes.
    """
    if not project.entrypoints.all:
        return Skip("no application")
    count, found = 0, []
    if "initialised" in aspects:
        count += 1
        if not _is_initialised(project):
            app = project.entrypoints.all[0]
            text = "No error tracker is initialised"
            found.append(At(app.line, text, path=app.path, anchor="initialised"))
    if "handled-failures" in aspects:
        for clause in _swallowing(project):
            count += 1
            if not _is_reported(clause) and not is_expected(clause):
                caught = ", ".join(name.rpartition(".")[2] for name in clause.types) or "everything"
                text = f"{caught} is swallowed and not reported to an error tracker"
                found.append(At(clause.line, text, path=clause.path, anchor=caught))
    return Sites(count, found)


def _is_initialised(project: Project) -> bool:
    entry = project.entrypoints
    if entry.calls(*_INITS) or any(_autocaptures(call) for call in entry.calls(*_POSTHOG)):
        return True
    if project.manifests.imports(*_IMPORTED):
        return True
    if any(each.name.startswith(_DJANGO) for each in project.routes.middleware):
        return True
    return entry.starts_with(*_AGENTS)


def _autocaptures(call: Call) -> bool:
    return call.fact.keyword("enable_exception_autocapture") is not None


def _swallowing(project: Project) -> Iterator[Except]:
    """Except clauses around an external call, a query or the body of a task that swallow."""
    for file in project.production:
        for clause in file.excepts:
            if (_is_task(clause.function) or _reaches_out(clause)) and not goes_on(clause):
                yield clause


def _reaches_out(clause: Except) -> bool:
    """Whether the try block of a clause makes an external call or a query."""
    file, peer = clause.file, clause.block.peer
    known: bool | None = file.memo.get(f"reaches out {peer}")
    if known is None:
        known = file.memo[f"reaches out {peer}"] = peer >= 0 and _tries_out(file, peer)
    return known


def _tries_out(file: File, block: int) -> bool:
    for index in file.tables.calls_inside(block):
        call = file.calls[index]
        if file.project.database.operation(call):
            return True
        if call.name.startswith(_EXTERNAL) and not any(each in call.name for each in _DATA):
            return True
    return False


def _is_task(function: Function | None) -> bool:
    """Whether a function is the body of a task of a queue."""
    if function is None:
        return False
    for each in function.fact.decorators:
        last = function.file.resolve(each.value).rpartition(".")[2]
        if last in _TASKS:
            return True
    return False


def _is_reported(clause: Except) -> bool:
    """Whether a tracker hears of it: told directly, or through its integration with logging."""
    logs = clause.file.project.logs
    if any(each.level >= 40 and each.traceback for each in logs.inside(clause)):
        return True
    if any(_reports(call) for call in clause.calls):
        return True
    names = clause.file.project.names
    for call in clause.calls:
        helper = names.function_named(call.name)
        if helper is not None and (
            any(_reports(inner) for inner in helper.calls)
            or any(each.level >= 40 and each.traceback for each in logs.of_function(helper))
        ):
            return True
    return False


def _reports(call: Call) -> bool:
    return call.last in _REPORTS or call.name in _TRACKERS
