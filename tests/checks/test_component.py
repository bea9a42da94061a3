"""What a component sees of the repository around it."""

from __future__ import annotations

import pytest

from checks.check import CATALOGUE
from checks.component import ComponentSource
from checks.errors import InputError
from checks.judge import answer
from checks.memorysource import MemorySource
from checks.project.project import Project
from checks.reading import read_project
from checks.rules import load
from checks.rules.specs import specs
from tests.checks.projects import STORE, TIME

WORKFLOW = (
    "on:\n  push:\n    paths: ['apps/api/**']\njobs:\n  a:\n    steps:\n"
    "      - run: make test\n      - run: poe lint\n"
)
FILES = {
    ".github/workflows/ci.yml": WORKFLOW,
    ".gitignore": "apps/api/.env\n",
    "Makefile": "test:\n\tcd apps/api && pytest\n",
    "README.md": "# All\n",
    "pyproject.toml": "[project]\nname = 'all'\ndependencies = ['flask']\n"
    "[tool.poe.tasks]\nlint = 'ruff check'\n",
    "apps/api/Makefile": "test:\n\techo nothing\n",
    "apps/api/README.md": "# API\n",
    "apps/api/pyproject.toml": "[project]\nname = 'api'\ndependencies = ['fastapi']\n",
    "apps/api/app/main.py": "from api.app.routes import router\n",
    "apps/api/app/routes.py": "router = 1\n",
    "apps/web/main.py": "X = 1\n",
}


def component(files: dict[str, str], folder: str = "apps/api") -> Project:
    """A component of a repository of these files."""
    source = ComponentSource(MemorySource.of(files, time=TIME), folder)
    return read_project(source, STORE).project


def test_paths_lose_the_folder_and_find_back_to_it() -> None:
    project = component(FILES)
    assert [file.path for file in project.files] == ["app/main.py", "app/routes.py"]
    assert project.real_path("app/main.py") == "apps/api/app/main.py"
    assert project.real_path(".github/workflows/ci.yml") == ".github/workflows/ci.yml"
    assert project.real_path("../README.md") == "README.md"


def test_ci_is_followed_from_the_root_of_the_repository() -> None:
    programs = [" ".join(run.words) for run in component(FILES).ci.runs]
    assert {"make test", "pytest", "ruff check"} <= set(programs)
    assert "echo nothing" not in programs


def test_own_manifests_decide_and_those_of_the_root_stand_in_for_them() -> None:
    assert [each.name for each in component(FILES).manifests.runtime] == ["fastapi"]
    bare = {path: text for path, text in FILES.items() if path != "apps/api/pyproject.toml"}
    assert [each.name for each in component(bare).manifests.runtime] == ["flask"]


def test_ignore_rules_of_the_root_reach_into_the_component() -> None:
    load()
    params = specs()["gitignore-covers"].merged({"patterns": [".env"]})
    check = CATALOGUE["gitignore-covers"]
    nested = {**FILES, "apps/api/.gitignore": "*.pyc\n"}
    assert not answer(check, component(FILES), params).observations
    assert not answer(check, component(nested), params).observations
    assert answer(
        check, component({**nested, ".gitignore": "apps/web/.env\n"}), params
    ).observations


def test_imports_may_name_the_folders_around_the_component() -> None:
    project = component(FILES)
    (row,) = project.by_path["app/main.py"].imports
    assert row.definer is project.by_path["app/routes.py"]


def test_a_folder_without_files_is_no_component() -> None:
    with pytest.raises(InputError, match="name another component"):
        component(FILES, "apps/none")
