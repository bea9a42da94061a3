"""Checks of log events: how they are called."""

from __future__ import annotations

import re

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given
from checks.project.logs import LogCall
from checks.project.subjects import File


@check("log-event-name-format")
def log_event_name_format(file: File, *, pattern: str = r"^[a-z0-9_]+(\.[a-z0-9_]+)+$") -> Answer:
    """A log event has a constant name in the agreed form.

    Events are counted and searched by their name; prose with values in it is another text each
    time.

    Instead: use a constant event name and move the prose into fields.

    Known problems: a name that a variable holds is left out when its value cannot be known.
    """
    logs, wanted = file.project.logs, re.compile(pattern)
    count, found = 0, []
    for each in logs.calls(file).values():
        function = each.call.function
        if each.library != "structlog" or (function is not None and logs.wrapper(function)):
            continue
        event = logs.message(each)
        text = _name(each, event)
        if text is None:
            continue
        count += 1
        if not wanted.search(text):
            shown = f"`{text}`" if text else "no constant"
            message = f"The event name is {shown}, not one of the agreed form"
            found.append(At(each.call.line, message, limit=pattern, anchor=text or each.method))
    return Sites(count, found) if count else Skip("no log call of structlog")


def _name(each: LogCall, event: Expr | None) -> str | None:
    """The name of an event, "" when it is computed, None when that cannot be known."""
    if event is None:
        return None
    value = Given(each.call.file, event, each.call.function).value
    if isinstance(value, str):
        return value if not isinstance(event, tree.Fmt) else ""
    return None if isinstance(event, (tree.Name, tree.Attr)) else ""
