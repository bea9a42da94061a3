"""Checks of work that a request does not have to wait for."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.longwork import LongWork
from checks.project.project import Project
from checks.rules.applies import has_routes

_RUNNERS = (
    "celery", "rq", "arq", "dramatiq", "taskiq", "saq", "huey", "backgroundtasks",
)  # fmt: skip


@check("long-work-in-background", applies=has_routes)
def long_work_in_background(project: Project, *, runners: Sequence[str] = _RUNNERS) -> Answer:
    """What takes long is handed to a runner, and the request answered at once.

    Whoever waits for a mail server or a model holds a worker, a connection and their patience;
    what runs beside the request without a runner is lost with the next restart.

    Instead: enqueue the work in an allowed runner and answer 202.

    Known problems: long work is known by the libraries that do it, and mail also by the name of
    the function. It is reported where the handler begins it.
    """
    work = LongWork(project)
    found: dict[tuple[str, int], At] = {}
    count = 0
    for route in project.routes.handlers:
        if not route.file.is_production:
            continue
        for call, what in work.of(route):
            count += 1
            text = f"`{route.name}` {what} before it answers (`{call.last}`)"
            found[call.path, call.line] = At(call.line, text, path=call.path, anchor=call.last)
    for call, runner in work.dispatches():
        count += 1
        if runner not in runners:
            text = f"`{call.last}` hands work to {runner}, not to {' or '.join(runners)}"
            found[call.path, call.line] = At(call.line, text, path=call.path, anchor=call.last)
    for call in work.loose():
        count += 1
        text = f"`{call.last}` starts work that no runner keeps and nobody waits for"
        found[call.path, call.line] = At(call.line, text, path=call.path, anchor=call.last)
    return Sites(count, list(found.values())) if count else Skip("no long work")
