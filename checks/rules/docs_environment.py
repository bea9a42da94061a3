"""Checks of what the template of the environment says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from checks.check import Answer, At, Sites, Skip, check
from checks.project.project import Project
from checks.project.secretnames import holds_secret
from checks.project.variables import Entry, Needed, Variables

type Part = Literal["listed", "commented", "values", "grouped"]


def _has_both(project: Project) -> str | None:
    """A template of the environment, and variables that are read."""
    if not project.environment.variables.templates:
        return "no template of the environment"
    return None if project.environment.variables.needed else "no environment variable is read"


@check("env-example-complete", each="require", applies=_has_both)
def env_example_complete(
    project: Project,
    part: Part,
    *,
    require: Sequence[Part] = ("listed",),
    max_ungrouped: int = 6,
) -> Answer:
    """The template names every environment variable, says what it is for and how it looks.

    It is the first file that a new colleague copies, and what it leaves out he finds by failure.

    Instead: add the variable with a comment and an example value to .env.example.

    Known problems: names that are computed are not seen, nor what is read by other means than
    settings classes, os.environ and compose. A setting with a default counts like one without.
    Comments and values are judged of variables that a template lists.
    """
    variables = project.environment.variables
    if part == "grouped":
        return _grouped(variables, max_ungrouped)
    count, found = 0, []
    for each in variables.needed:
        entry = _entry(variables, each)
        if part == "listed":
            count += 1
            if entry is None:
                found.append(_unlisted(each, variables))
        elif entry is not None:
            count += 1
            fault = _uncommented(entry) if part == "commented" else _empty(entry)
            if fault:
                found.append(At(entry.line, fault, path=entry.path, anchor=f"{part} {entry.name}"))
    return Sites(count, found) if count else Skip("the template lists none of the variables")


def _entry(variables: Variables, needed: Needed) -> Entry | None:
    """Where a template lists a variable; all of a group at once is enough."""
    names = {name.lower() for name in needed.names}
    for template in variables.templates:
        for entry in template.entries:
            if entry.name.lower() in names:
                return entry
    return None


def _unlisted(needed: Needed, variables: Variables) -> At:
    text = f"`{needed.names[0]}` is not in `{variables.templates[0].path}`"
    return At(needed.line, text, path=needed.path, anchor=needed.names[0])


def _uncommented(entry: Entry) -> str:
    return "" if entry.explained else f"No comment explains `{entry.name}`"


def _empty(entry: Entry) -> str:
    if entry.value is None or entry.value or holds_secret(entry.name):
        return ""
    return f"`{entry.name}` shows no value"


def _grouped(variables: Variables, most: int) -> Sites:
    found = []
    for template in variables.templates:
        line, size = template.longest
        if size > most:
            text = f"{size} variables follow one another without a comment or a blank line"
            found.append(At(line, text, path=template.path, measured=str(size), limit=str(most),
                            anchor="grouped"))  # fmt: skip
    return Sites(len(variables.templates), found)
