"""Check of whether what only developers need stays out of what is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from checks.check import Answer, At, Sites, Skip, check
from checks.project.declared import DEV, RUNTIME, Dependency
from checks.project.manifests import import_name, project_name
from checks.project.project import Project
from checks.rules.applies import has_manifest

_TOOLS = (
    "pytest*", "black", "ruff", "mypy", "isort", "flake8", "pylint", "pre-commit", "coverage",
    "tox", "nox", "factory-boy", "faker", "ipython", "ipdb", "debugpy", "types-*", "*-stubs",
    "mkdocs*", "sphinx*", "bandit", "pip-audit", "safety", "freezegun", "respx", "responses",
    "testcontainers",
)  # fmt: skip
_MODULES = {"ipython": "IPython", "factory-boy": "factory"}
_HOSTS = ("pytest", "mkdocs", "sphinx", "flake8", "pylint", "mypy", "tox", "nox", "ruff", "black",
          "coverage", "ipython", "faker")  # fmt: skip


@check("dev-dependencies-separated", applies=has_manifest)
def dev_dependencies_separated(project: Project) -> Answer:
    """Development tools are declared apart from what the service needs to run.

    What is not deployed cannot break or be attacked in production.

    Instead: move the package to ``[dependency-groups] dev`` (``uv add --dev``).

    Known problems: tools are known by name. One that production code imports is no mere tool, and
    a plugin of a tool needs it to run.
    """
    manifests = project.manifests
    runtime = [each for each in manifests.dependencies if each.group == RUNTIME]
    if not runtime:
        return Skip("no runtime dependency")
    tools = [each for each in runtime if _is_tool(each.name)]
    found = [each for each in tools if not _is_needed(project, each)]
    if tools:
        rows = _once_per_list(project, found)
        return Sites(len(tools) - len(found) + len(rows), rows)
    if not project.tests or _separates(project):
        return None
    return At(0, "There are tests, and no group, extra or file of development dependencies",
              path=runtime[0].path, anchor="dev")  # fmt: skip


def _is_tool(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _TOOLS)


def _is_needed(project: Project, each: Dependency) -> bool:
    """Whether production code imports a tool, or the project itself is a plugin of it."""
    if project.manifests.imports(_MODULES.get(each.name, import_name(each.name))):
        return True
    names = {
        project_name(data).lower().replace("_", "-")
        for path, data in project.manifests.pyprojects.items()
        if path.rpartition("/")[0] == each.folder
    }
    return any(
        each.name.startswith(host) and host in name.split("-") for name in names for host in _HOSTS
    )


def _separates(project: Project) -> bool:
    return any(each.group == DEV for each in project.manifests.dependencies) or (
        DEV in project.manifests.requirements.values()
    )


def _once_per_list(project: Project, found: Sequence[Dependency]) -> list[At]:
    """One place per tool; one for the whole of a single requirements file that holds all."""
    alone = project.manifests.paths == [each.path for each in found[:1]] and (
        found[0].path in project.manifests.requirements
    )
    rows = [
        At(each.line, f"The development tool `{each.name}` stands among the runtime dependencies",
           path=each.path, anchor=each.name)
        for each in found
    ]  # fmt: skip
    return rows[:1] if alone else rows
