"""Checks of what folders say of themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from checks.check import Answer, At, Sites, check
from checks.facts.doctree import DocumentFact
from checks.globs import matcher
from checks.project.layout import excluded_path
from checks.project.project import Project
from checks.rules.applies import has_python

type Topic = Literal["purpose", "files", "usage"]

_README = "readme.md"
_BARE = frozenset({"fixtures", "snapshots", "__snapshots__", "static", "__pycache__"})
_SENTENCE = 4
_USAGE = re.compile(
    r"\b(?:usage|use|uses|using|how to|extend|extending|extension|add|adding|run|running|start"
    r"|getting started|quick ?start|create|install|import)\b",
    re.IGNORECASE,
)


@check("readme-per-directory", applies=has_python)
def readme_per_directory(
    project: Project,
    *,
    min_words: int = 0,
    topics: Sequence[Topic] = (),
    exempt: Sequence[str] = (
        ".github", ".github/**", ".vscode", ".idea", "**/__pycache__", "**/versions",
        "**/fixtures/**", "**/static/**", "**/snapshots/**",
    ),
) -> Answer:  # fmt: skip
    """Each directory says in a README what it is for.

    Who comes to a folder for the first time learns what belongs there before adding to it.

    Instead: write a short README.md for the directory.

    Known problems: a directory counts also where only its subdirectories hold files. Whether a
    sentence tells the purpose is not judged, only that one opens the text.
    """
    folders = _folders(project)
    matches = matcher(tuple(exempt))
    judged = {path: names for path, names in folders.items() if not _is_exempt(path, matches)}
    found = []
    for path, names in sorted(judged.items()):
        readme = next((name for name in sorted(names) if name.lower() == _README), "")
        shown = path or "The root"
        if not readme:
            found.append(At(0, f"`{shown}` has no README.md", path=path, anchor=path or "."))
            continue
        full = f"{path}/{readme}" if path else readme
        fault = _fault(project.documents.get(full), names - {readme}, min_words, topics)
        if fault:
            found.append(At(1, f"The README of `{shown}` {fault}", path=full, anchor=path or "."))
    return Sites(len(judged), found)


def _folders(project: Project) -> dict[str, set[str]]:
    """The names in each folder that holds a file at any depth."""
    generated = {file.path for file in project.files if file.is_excluded}
    found: dict[str, set[str]] = {}
    for path in project.entries:
        if excluded_path(path) or path in generated:
            continue
        while path:
            folder, _, name = path.rpartition("/")
            names = found.setdefault(folder, set())
            if name in names:
                break
            names.add(name)
            path = folder
    return found


def _is_exempt(path: str, matches: Callable[[str], bool]) -> bool:
    parts = path.split("/") if path else []
    if any(part.startswith(".") or part in _BARE for part in parts):
        return True
    return any(matches("/".join(parts[: depth + 1])) for depth in range(len(parts)))


def _fault(
    document: DocumentFact | None, names: set[str], min_words: int, topics: Sequence[str]
) -> str:
    """What a README lacks, "" for nothing."""
    if document is None:
        return ""
    text = "\n".join(_texts(document))
    size = len(text.split())
    if size < min_words:
        return f"has {size} words, fewer than {min_words}"
    tests = {
        "purpose": lambda: _opens(document),
        "files": lambda: not names or any(_names(text, name) for name in names),
        "usage": lambda: _USAGE.search(text) is not None,
    }
    lacks = {
        "purpose": "does not say what the folder is for",
        "files": "names none of its files",
        "usage": "does not say how to use or extend it",
    }
    return next((lacks[topic] for topic in topics if not tests[topic]()), "")


def _texts(document: DocumentFact) -> Iterator[str]:
    for section in document.sections:
        yield section.title
        yield from (each.text for each in section.paragraphs)
        yield from (each.text for each in section.code)
        yield from (link.target for link in section.links if not link.image)


def _opens(document: DocumentFact) -> bool:
    """Whether a sentence stands before the second heading."""
    for section in document.sections:
        if any(len(each.text.split()) >= _SENTENCE for each in section.paragraphs):
            return True
        if section.title:
            return False
    return False


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
