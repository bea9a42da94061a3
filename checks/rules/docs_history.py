"""Checks of what docstrings said earlier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from checks.check import Answer, At, Sites, Skip, check
from checks.project.project import Project
from checks.rules.applies import has_history

type Part = Literal["warning", "note", "args"]

_WORDS = {"warning": "the warning", "note": "the note"}


@check("docstring-semantics-kept", each="sections", applies=has_history, asks_source=True)
def docstring_semantics_kept(
    project: Project, part: Part, *, sections: Sequence[Part] = ("warning", "note", "args")
) -> Answer:
    """Docstrings keep the notes that carry meaning while the code stays as it is.

    Who shortens a docstring may throw away the one sentence that kept others from a mistake.

    Instead: restore the note, or change the behaviour it warned about.

    Known problems: of long histories the newest versions of files are read, and a note of which
    most words stand elsewhere in the file is taken for moved.
    """
    said = [note for note in project.trunk.notes if note.kind == part]
    found = []
    for note in said:
        if note.removed:
            what = _WORDS.get(part) or f"what it said of `{note.name}`"
            name = note.function.rpartition(".")[2]
            text = f"The docstring of `{name}` lost {what} in {note.removed[:10]}"
            anchor = f"{note.function} {part} {note.name}".strip()
            found.append(At(note.line, text, path=note.path, anchor=anchor))
    return Sites(len(said), found) if said else Skip("no docstring ever had one")
