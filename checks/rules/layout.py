"""Checks of the layout: what a repository has to hold, and where."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import At, check
from checks.globs import matcher
from checks.project.project import Project
from checks.rules.applies import has_python


@check("project-layout", each="expected", applies=has_python)
def project_layout(
    project: Project, entry: str, *, expected: Sequence[str] = ("README*", "pyproject.toml")
) -> At | None:
    """The files and folders that everybody looks for are where they look for them.

    Who knows one repository of the team then knows all of them, and so do their tools.

    Instead: add the missing file, or move the existing one to the expected place.

    Known problems: what the file says is not judged.
    """
    matches = matcher(
        tuple(part.strip().rstrip("/") for part in entry.split("|")), ignore_case=True
    )
    if any(matches(name) for name in project.manifests.places):
        return None
    return At(0, f"Nothing tracked matches `{entry}`", anchor=entry)
