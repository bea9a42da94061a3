"""Checks of dependencies: which packages are used and which are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.utils import canonicalize_name

from checks.check import Answer, At, Skip, check
from checks.project.declared import AUXILIARY, DEV, RUNTIME, Dependency
from checks.project.manifests import Manifests, import_name
from checks.project.project import Project
from checks.project.subjects import File, ImportedName
from checks.project.uses import OCCASIONS
from checks.rules.applies import has_manifest_or_python

_IMPLIED = {"pydantic": "fastapi", "starlette": "fastapi"}
_OPTIONAL = frozenset(
    {"ImportError", "ModuleNotFoundError", "builtins.ImportError", "builtins.ModuleNotFoundError"}
)


@check("required-dependency")
def required_dependency(
    project: Project,
    *,
    any_of: Sequence[str] = ("pydantic",),
    scope: str = "runtime",
    when: str = "",
) -> Answer:
    """The project declares the package that the standard names, or one of several.

    One tool for one purpose keeps the projects of a team alike.

    Instead: add the package to the manifest.

    Known problems: whether the package is used is for other checks.
    """
    if when and not OCCASIONS[when](project):
        return Skip(f"the project is none that {when}")
    if not when and not project.manifests.paths:
        return Skip("no manifest")
    if any(_is_declared(project, entry, scope) for entry in any_of):
        return None
    path, line = _manifest(project)
    names = " or ".join(f"`{entry}`" for entry in any_of)
    where = {RUNTIME: "as a dependency", DEV: "as a development dependency",
             "tooling": "or used as a tool"}.get(scope, "")  # fmt: skip
    text = f"{names} is not declared {where}".rstrip()
    return At(line, text, path=path, anchor=",".join(any_of))


def _is_declared(project: Project, entry: str, scope: str) -> bool:
    """Whether an entry such as ``fastapi[standard]`` is met in a scope."""
    head, _, extra = entry.rstrip("]").partition("[")
    name = canonicalize_name(head)
    manifests = project.manifests
    if scope == "tooling":
        return bool(project.tools.evidence(name))
    if any(
        each.name == name and (not extra or extra.lower() in each.extras)
        for each in _in_scope(manifests, scope)
    ):
        return True
    parent = _IMPLIED.get(name)
    return (
        parent is not None
        and scope in {RUNTIME, "any"}
        and any(each.name == parent for each in manifests.runtime)
        and not manifests.imports(import_name(name))
    )


def _in_scope(manifests: Manifests, scope: str) -> list[Dependency]:
    if scope == RUNTIME:
        return manifests.runtime
    groups = [each for each in manifests.dependencies if each.group != AUXILIARY]
    return groups if scope == "any" else [each for each in groups if each.group != RUNTIME]


def _manifest(project: Project) -> tuple[str, int]:
    """The manifest nearest to the application, and the line of its dependencies."""
    manifests = project.manifests
    near = [each.path for each in manifests.runtime] or manifests.paths
    if not near:
        return "", 0
    path = near[0]
    document = project.documents.get(path)
    for key in ("project.dependencies", "tool.poetry.dependencies", "packages"):
        if document is not None and key in document.lines:
            return path, document.lines[key]
    return path, 0


@check("forbidden-dependency", each="packages", applies=has_manifest_or_python)
def forbidden_dependency(
    project: Project,
    package: str,
    *,
    packages: Sequence[str] = ("requests",),
    scope: str = "runtime",
) -> Answer:
    """A package that the standard rules out is neither declared nor used.

    Instead: replace the package and remove it from the manifest.

    Known problems: an import through a computed name is not seen.
    """
    name = canonicalize_name(package)
    if scope == "tooling":
        for found in project.tools.evidence(name):
            text = f"`{name}` is used as a tool here ({found.kind})"
            return At(found.line, text, path=found.path, anchor=name)
        return None
    for each in project.manifests.dependencies:
        if each.name == name and _matches_scope(each, scope):
            return At(each.line, f"`{name}` is declared", path=each.path, anchor=name)
    if scope in {RUNTIME, "any"}:
        rows = list(_imports(project, import_name(name)))
        firm = [row for row in rows if not is_optional(row)]
        for row in firm or rows:
            text, weight = f"`{name}` is imported", 1.0 if firm else 0.5
            return At(row.line, text, path=row.path, weight=weight, anchor=name)
    return None


def _matches_scope(each: Dependency, scope: str) -> bool:
    if scope == "any":
        return each.group != AUXILIARY
    if scope == RUNTIME:
        return each.group == RUNTIME
    return each.group not in {RUNTIME, AUXILIARY}


def _imports(project: Project, module: str) -> Iterator[ImportedName]:
    if not project.manifests.imports(module):
        return
    for file in project.production:
        for row in file.imports:
            if row.fact.level or not _names(row, module):
                continue
            if project.layout.split(row.target) is None:
                yield row


def _names(row: ImportedName, module: str) -> bool:
    found = row.fact.module
    if found == module or found.startswith(f"{module}."):
        return True
    return f"{found}.{row.fact.name}" == module


def is_optional(row: ImportedName) -> bool:
    """Under TYPE_CHECKING, or in a try that expects the package to be missing."""
    if row.fact.type_checking:
        return True
    return any(
        block.kind == "try" and _expects_absence(row.file, index)
        for index, block in row.file.blocks_around(row.fact.block)
    )


def _expects_absence(file: File, index: int) -> bool:
    return any(
        clause.block.peer == index and not _OPTIONAL.isdisjoint(clause.types)
        for clause in file.excepts
    )
