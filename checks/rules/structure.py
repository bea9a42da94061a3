"""Checks of structure: how large things are and where they lie."""

from __future__ import annotations

from checks.check import At, One, Skip, check
from checks.project.subjects import File


@check("module-size")
def module_size(file: File, *, max_lines: int = 500, max_definitions: int = 0) -> One:
    """A module tells one story.

    Instead: split the module by responsibility.

    Known problems: a long module of a few literals is taken for data and left out; many small
    constants are a module like any other.
    """
    facts = file.facts
    if facts.lines > max_lines:
        if facts.data_only and len(facts.assigns) <= max_lines // 2:
            return Skip("a table of literals")
        message = f"The module has {facts.lines} lines"
        # The function that happens to lie at the limit is no part of what is found.
        return At(
            max_lines + 1,
            message,
            symbol=file.module,
            measured=str(facts.lines),
            limit=str(max_lines),
        )
    functions = sum(1 for each in facts.functions if each.parent < 0 and each.cls < 0)
    classes = sum(1 for each in facts.classes if each.parent < 0 and each.function < 0)
    if max_definitions and functions + classes > max_definitions:
        message = f"The module defines {functions + classes} functions and classes"
        limit = str(max_definitions)
        return At(1, message, measured=str(functions + classes), limit=limit)
    return None
