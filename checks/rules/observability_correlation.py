"""Checks of correlation ids: one id from the first request to the last."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Skip, check
from checks.project.project import Project

_FAULTS = {
    "entry": "No middleware or dependency gives every request a correlation id",
    "logs": "Log records do not carry a correlation id",
    "outbound": "HTTP calls do not pass a correlation id on",
}


@check("correlation-id", each="stages")
def correlation_id(project: Project, stage: str, *, stages: Sequence[str] = ("entry",)) -> Answer:
    """A correlation id follows a request.

    With it, all records of one request are found together, also those of other services.

    Instead: add a correlation-id middleware, bind the id to the logging context and send it in
    outbound headers.

    Known problems: an id is told from the names of headers and variables. A client that sends
    the id on some of its calls only counts as passing it on.
    """
    web = project.entrypoints.web
    if not web:
        return Skip("no web application")
    ids = project.request_ids
    if stage == "outbound" and not ids.makes_calls:
        return Skip("no external HTTP call")
    there = {"entry": lambda: ids.enters, "logs": lambda: ids.logged, "outbound": lambda: ids.sent}
    if there[stage]():
        return None
    app = web[0]
    return At(app.line, f"{_FAULTS[stage]} ({stage})", path=app.path, anchor=stage)
