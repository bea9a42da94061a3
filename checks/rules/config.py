"""Checks of configuration as files: templates of the environment."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import At, check
from checks.project.declared import table_of
from checks.project.envfiles import PLATFORM
from checks.project.project import Project

_READERS = ("environs", "environ", "decouple", "dynaconf", "starlette.config", "dotenv")
_READ_NAME = re.compile(r"\.(?:env_\w+|getenv\w*)$")


def _reads_environment(project: Project) -> str | None:
    """Environment variables of the project's own are read, by code or by compose."""
    if project.classes.with_role("settings") or project.manifests.imports(*_READERS):
        return None
    if any(_READ_NAME.search(name) for name in project.manifests.imported_names - {"os.getenv"}):
        return None
    for file in project.production:
        if any(not PLATFORM.fullmatch(each.name) for each in project.environment.reads(file)):
            return None
    for document in project.documents.values():
        services = table_of(document.data, "services")
        if any("env_file" in table_of(service) for service in services.values()):
            return None
    return "no environment variable is read"


@check("env-example-present", applies=_reads_environment)
def env_example_present(
    project: Project,
    *,
    names: Sequence[str] = (
        ".env.example", ".env.sample", ".env.template", "env.example", ".env.dist", "example.env",
    ),
) -> At | None:  # fmt: skip
    """A template names every environment variable that is needed to start.

    Without it a new colleague, or a new server, learns of them one failure at a time.

    Instead: commit a .env.example with every variable and no secret.

    Known problems: whether the template is complete is for another check.
    """
    wanted = {name.lower() for name in names}
    folders = {"", *project.manifests.folders, *project.manifests.homes}
    for path in project.entries:
        folder, _, name = path.rpartition("/")
        if folder in folders and name.lower() in wanted:
            return None
    return At(0, f"No template of the environment (`{names[0]}`) is tracked", anchor="env")
