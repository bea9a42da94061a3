"""Checks of structure: how large things are and where they lie."""

from __future__ import annotations

from checks.check import Answer, At, Skip, check
from checks.project.subjects import File


@check("module-size")
def module_size(file: File, *, max_lines: int = 500, max_definitions: int = 0) -> Answer:
    """A module tells one story.

    Instead: split the module by responsibility.

    Known problems: a module that only assigns literals is taken for data and not counted,
    however long; one that mixes data and code is counted whole.
    """
    facts = file.facts
    if facts.data_only and max_definitions == 0 and not facts.functions and not facts.classes:
        return _data_module(file, max_lines)
    if facts.lines > max_lines:
        message = f"The module has {facts.lines} lines"
        return At(max_lines + 1, message, measured=str(facts.lines), limit=str(max_lines))
    functions = sum(1 for each in facts.functions if each.parent < 0 and each.cls < 0)
    classes = sum(1 for each in facts.classes if each.parent < 0 and each.function < 0)
    if max_definitions and functions + classes > max_definitions:
        message = f"The module defines {functions + classes} functions and classes"
        limit = str(max_definitions)
        return At(1, message, measured=str(functions + classes), limit=limit)
    return None


def _data_module(file: File, max_lines: int) -> Answer:
    """A table of literals is data; many small constants are a module like any other."""
    if len(file.facts.assigns) <= max_lines // 2:
        return Skip("a data module")
    lines = file.facts.lines
    if lines <= max_lines:
        return None
    message = f"The module has {lines} lines"
    return At(max_lines + 1, message, measured=str(lines), limit=str(max_lines))
