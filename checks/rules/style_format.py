"""Checks of style: code is laid out by a formatter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import At, One, Skip, check
from checks.facts.lint import FORMAT_WIDTHS
from checks.project.declared import table_of
from checks.project.project import Project
from checks.project.subjects import File

_PLAIN_PATTERN = re.compile(r"[\w\s/.\\|()^$#:?-]*")


@check("code-formatted", scope="python")
def code_formatted(file: File, *, line_length: int = 88) -> One:
    """Code is laid out as Black lays it out.

    Who formats by machine reviews what the code does and not how it looks.

    Instead: run ``black`` or ``ruff format`` on the file.

    Known problems: ruff's formatter is asked, which follows Black but for strings that stand side
    by side and placeholders of f-strings; those are no difference. Under the default length the
    project's own one holds. Other lengths than 88, 100 and the project's own are not measured.
    """
    fact = file.project.lint.get(file.path)
    if fact is None or fact.reformatted is None or file.is_migration or _is_left_out(file):
        return Skip("not formatted")
    width = fact.width if line_length == FORMAT_WIDTHS[0] else line_length
    if width not in {*FORMAT_WIDTHS, fact.width}:
        return Skip(f"not measured in {width} columns")
    for measured, line in fact.reformatted:
        if measured == width:
            # The first line that would change is anywhere: it is the file that is found.
            return At(
                line,
                "The formatter would change the file",
                symbol=file.module,
                limit=str(width),
                anchor="format",
            )
    return None


def _is_left_out(file: File) -> bool:
    """Whether Black is configured not to look at a file."""
    return any(pattern.search(f"/{file.path}") for pattern in _patterns(file.project))


def _patterns(project: Project) -> Iterator[re.Pattern[str]]:
    """The patterns of files that Black leaves out; those that could be slow are not believed."""
    for data in project.manifests.pyprojects.values():
        table = table_of(data, "tool", "black")
        for name in ("exclude", "extend-exclude", "force-exclude"):
            text = table.get(name)
            if isinstance(text, str) and _PLAIN_PATTERN.fullmatch(text):
                try:
                    yield re.compile(text, re.VERBOSE if "\n" in text else 0)
                except re.error:
                    continue
