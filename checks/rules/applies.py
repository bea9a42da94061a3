"""When a check applies at all: predicates over the project that answer a reason or None."""

from __future__ import annotations

from checks.check import Applies
from checks.project.project import Project


def has_python(project: Project) -> str | None:
    """Any Python file that is not vendored or generated."""
    return None if project.analysed else "no Python file"


def has_history(project: Project) -> str | None:
    """A complete history."""
    if project.source.shallow:
        return "the clone is shallow: its history is not complete"
    return None if project.source.commit else "no commit"


def has_tests(project: Project) -> str | None:
    """Any test file."""
    return None if project.tests else "no test file"


def has_routes(project: Project) -> str | None:
    """Any FastAPI route handler."""
    return None if project.routes.handlers else "no FastAPI route handler"


def has_application(project: Project) -> str | None:
    """Any FastAPI application, or a route handler of one."""
    served = project.routes.applications or project.routes.handlers
    return None if served else "no FastAPI application"


def depends_on(*packages: str) -> Applies:
    """A runtime dependency on, or an import by production code of, one of the packages."""

    def applies(project: Project) -> str | None:
        if any(project.manifests.depends_on(package) for package in packages):
            return None
        return f"the project does not depend on {' or '.join(packages)}"

    return applies


def has_manifest(project: Project) -> str | None:
    """Any manifest."""
    return None if project.manifests.paths else "no manifest"


def has_manifest_or_python(project: Project) -> str | None:
    """Any manifest, or any Python file."""
    return None if project.manifests.paths or project.analysed else "no manifest, no Python file"


def has_services(project: Project) -> str | None:
    """Any service module or service class."""
    return None if project.layers.has_services else "no service module"


def has_repositories(project: Project) -> str | None:
    """Any repository module or repository class."""
    return None if project.layers.has_repositories else "no repository module"
