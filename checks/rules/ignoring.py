"""Checks of ``.gitignore``: what is made by working never reaches a commit by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pathspec import GitIgnoreSpec

from checks.check import Answer, At, check
from checks.project.project import Project
from checks.rules.applies import has_python

_CLASS = re.compile(r"\[(.)[^\]]*\]")


@check("gitignore-covers", each="patterns", applies=has_python)
def gitignore_covers(
    project: Project, pattern: str, *, patterns: Sequence[str] = ("__pycache__/",)
) -> Answer:
    """What tools and people leave behind in a working folder is ignored.

    What is not ignored is committed sooner or later, by somebody in a hurry.

    Instead: add the pattern to ``.gitignore``.

    Known problems: ignore rules of a person's own machine are not in the repository.
    """
    rules = list(_ignore_files(project))
    for folder in dict.fromkeys(["", *project.manifests.folders]):
        samples = [project.real_path(path) for path in _samples(project, folder, pattern)]
        if samples and all(_is_ignored(rules, sample) for sample in samples):
            return None
    path = ".gitignore" if ".gitignore" in project.documents else ""
    return At(0, f"`{pattern}` is not ignored", path=path, anchor=pattern)


def _ignore_files(project: Project) -> Iterator[tuple[str, GitIgnoreSpec]]:
    """Every ``.gitignore`` with its folder, outer ones first."""
    paths = [path for path in project.documents if path.rpartition("/")[2] == ".gitignore"]
    for path in sorted(paths, key=lambda path: (project.real_path(path).count("/"), path)):
        lines = project.documents[path].text.splitlines()
        # Rules of the root reach into a component by its full path.
        real = project.real_path(path).removesuffix(".gitignore")
        yield real, GitIgnoreSpec.from_lines(lines)


def _samples(project: Project, folder: str, pattern: str) -> Iterator[str]:
    """Paths that the pattern stands for, below a folder."""
    text = _CLASS.sub(r"\1", pattern.removeprefix("**/").lstrip("/")).replace("*", "sample")
    name = text.rstrip("/")
    inside = text.endswith("/") or name in {".venv", "venv", "node_modules", "build", "dist"}
    base = f"{folder}/" if folder else ""
    yield f"{base}{name}/sample" if inside else f"{base}{name}"
    if "/" not in name and name == "__pycache__":
        packages = [f for f in project.python_folders if not base or f.startswith(base)]
        for package in sorted(packages)[:1]:
            yield f"{package}/{name}/sample"


def _is_ignored(rules: Sequence[tuple[str, GitIgnoreSpec]], path: str) -> bool:
    """As git decides: the innermost file that says something about the path decides."""
    ignored = False
    for folder, spec in rules:
        if path.startswith(folder):
            said = spec.check_file(path[len(folder) :]).include
            ignored = ignored if said is None else said
    return ignored
