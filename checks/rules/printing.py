"""Checks of output: that a service speaks through its logger."""

from __future__ import annotations

from checks.check import Answer, At, check
from checks.facts import tree
from checks.project.subjects import Call, File
from checks.rules.style import reported


@check("no-print")
def no_print(file: File) -> Answer:
    """A service logs and does not print.

    What is printed has no level, no time and no context, and is lost where nobody reads standard
    output.

    Instead: use the logger.

    Known problems: a print behind another name (``echo = print``) is not seen.
    """
    if "management" in file.segments and "commands" in file.segments:
        return None
    first, last = file.facts.main_guard
    given = _to_given_streams(file)
    found: list[At] = []
    for each in file.lint("T201", "T203"):
        if first <= each.line <= last or each.line in given:
            continue
        name = "print" if each.code == "T201" else "pprint"
        found.append(reported(each, f"`{name}` is called; a service logs", anchor=name))
    return found


def _to_given_streams(file: File) -> set[int]:
    """Lines of the prints that go to a stream that the function was given."""
    return {
        line
        for call in file.calls_named("print")
        if _stream_is_parameter(call)
        for line in range(call.line, call.fact.end_line + 1)
    }


def _stream_is_parameter(call: Call) -> bool:
    stream = call.fact.keyword("file")
    function = call.function
    if not isinstance(stream, tree.Name) or function is None:
        return False
    return function.param(stream.id.partition(".")[0]) is not None
