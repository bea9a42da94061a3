"""Checks of comments that silence a tool."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
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
