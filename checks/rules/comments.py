"""Checks of comments that silence a tool."""

from __future__ import annotations

from checks.check import Answer, At, One, Sites, Skip, check
from checks.project.subjects import File


@check("type-ignore-explained", scope="production+test")
def type_ignore_explained(
    file: File, *, require_code: bool = True, require_reason: bool = True
) -> Answer:
    """A type: ignore names the error and says why it may be ignored.

    A bare one also hides every other error of the line, and nobody dares to remove it.

    Instead: write ``# type: ignore[code] - reason``.

    Known problems: any two words in the line or in the comment above count as a reason.
    """
    comments = [each for each in file.facts.suppressions if each.explained is not None]
    found = []
    for each in comments:
        missing = [
            name
            for name, lacks in (
                ("error code", require_code and not each.codes),
                ("reason", require_reason and not each.explained),
            )
            if lacks
        ]
        if missing:
            found.append(At(each.line, f"The type: ignore gives no {' and no '.join(missing)}"))
    return Sites(len(comments), found) if comments else Skip("no type: ignore")


@check("main-guard-no-cover", scope="python")
def main_guard_no_cover(file: File, *, accept_config: bool = False) -> One:
    """A main guard is left out of the measured coverage.

    It runs only when the file is started by hand, so no test can reach it.

    Instead: append ``# pragma: no cover`` to its line.

    Known problems: of several guards in a file the last one is judged.
    """
    line = file.facts.main_guard[0]
    if not line or file.is_test:
        return Skip("no main guard")
    marked = any(each.kind == "no-cover" and each.line == line for each in file.facts.suppressions)
    if marked or (accept_config and _guard_is_configured(file)):
        return None
    return At(line, "The main guard is not excluded from coverage", anchor="__main__")


def _guard_is_configured(file: File) -> bool:
    """Whether the configuration of coverage excludes main guards."""
    tools = file.project.tools
    return any("__main__" in str(table) for _, _, table in tools.configurations("coverage"))
