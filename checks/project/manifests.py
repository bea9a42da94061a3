"""What a project declares: dependencies, entry points, Python versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from checks.globs import matcher
from checks.project.declared import (
    AUXILIARY,
    DEV,
    RUNTIME,
    Dependency,
    Reader,
    group_named,
    lowest_python,
    requirement_list,
    table_of,
    texts_of,
)
from checks.project.layout import TEST_SEGMENTS, excluded_path
from checks.project.locks import Locks, is_compiled
from checks.project.setuppy import setup_arguments

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

IMPORT_NAMES = {
    "pyjwt": "jwt",
    "python-jose": "jose",
    "pyyaml": "yaml",
    "python-dotenv": "dotenv",
    "python-multipart": "multipart",
    "tortoise-orm": "tortoise",
    "psycopg2-binary": "psycopg2",
    "psycopg-binary": "psycopg",
    "beautifulsoup4": "bs4",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "google-cloud-bigquery": "google.cloud.bigquery",
    "opentelemetry-api": "opentelemetry",
    "argon2-cffi": "argon2",
    "djangorestframework": "rest_framework",
    "python-decouple": "decouple",
    "python-dateutil": "dateutil",
    "attrs": "attr",
    "sentry-sdk": "sentry_sdk",
    "factory-boy": "factory",
    "mysqlclient": "MySQLdb",
}
"""Import names of distributions that are not called like what they install."""

_AUXILIARY = frozenset(
    "docs doc documentation examples example samples scripts script tools hack benchmarks "
    "notebooks .github .devcontainer ..".split()
)
_REQUIREMENTS = re.compile(r"requirements", re.IGNORECASE)


class Manifests:
    """All manifests of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.locks = Locks(project)

    # Files ----------------------------------------------------------------------------------------

    def _documents(self, name: str) -> dict[str, DocumentFact]:
        """Documents of this base name, the one nearest to the root first."""
        found = {
            path: document
            for path, document in self.project.documents.items()
            if path.rpartition("/")[2] == name
        }
        return dict(sorted(found.items(), key=lambda item: (item[0].count("/"), item[0])))

    @cached_property
    def pyprojects(self) -> dict[str, dict[str, Any]]:
        """Data of every pyproject.toml by path, the one nearest to the root first."""
        return {
            path: document.data
            for path, document in self._documents("pyproject.toml").items()
            if isinstance(document.data, dict)
        }

    @cached_property
    def setup_scripts(self) -> dict[str, tuple[dict[str, Any], dict[str, int]]]:
        """Arguments of ``setup()`` and their lines, for every setup.py that calls it."""
        found = {
            file.path: setup_arguments(file.facts)
            for file in self.project.files
            if file.name == "setup.py" and file.parsed and not excluded_path(file.path)
        }
        return {path: arguments for path, arguments in found.items() if arguments[0]}

    @cached_property
    def requirements(self) -> dict[str, str]:
        """Group of every requirements file that declares something, by path.

        Constraints, and files that were compiled from another one, declare nothing.
        """
        documents = self.project.documents
        files = [path for path, document in documents.items() if document.kind == "requirements"]
        constraints = {
            _beside(path, include.path)
            for path in files
            for include in documents[path].includes
            if include.constraint
        }
        named = self._named_by_setuptools
        return {
            path: named.get(path) or self._group_by_includes(path) or _group_of(path)
            for path in sorted(files, key=lambda path: (path.count("/"), path))
            if path not in constraints
            and "constraint" not in path.rpartition("/")[2].lower()
            and not self._compiled_from(path)
        }

    def _group_by_includes(self, path: str) -> str:
        """The group of a file that takes in the requirements of the tests, "" for others."""
        inner = (_beside(path, include.path) for include in self.project.documents[path].includes)
        return DEV if any(_group_of(each) == DEV for each in inner) else ""

    def _compiled_from(self, path: str) -> bool:
        """Whether a requirements file is the lock of a manifest beside it."""
        if not path.endswith(".txt"):
            return path.endswith(".lock")
        folder = path.rpartition("/")[0]
        if f"{path[:-4]}.in" in self.project.documents:
            return True
        if not is_compiled(self.project.documents[path]):
            return False
        prefix = f"{_home(folder)}/" if _home(folder) else ""
        return any(
            f"{prefix}{name}" in self.project.entries
            for name in ("pyproject.toml", "setup.cfg", "setup.py")
        )

    @cached_property
    def _named_by_setuptools(self) -> dict[str, str]:
        """Group of every requirements file that a pyproject.toml takes its dependencies from."""
        found: dict[str, str] = {}
        for path, data in self.pyprojects.items():
            dynamic = table_of(data, "tool", "setuptools", "dynamic")
            for name in texts_of(table_of(dynamic, "dependencies").get("file")):
                found[_beside(path, name)] = RUNTIME
            for group, given in table_of(dynamic, "optional-dependencies").items():
                for name in texts_of(table_of(given).get("file")):
                    found[_beside(path, name)] = group_named(group)
        return found

    @cached_property
    def paths(self) -> list[str]:
        """Manifests that declare a project or dependencies, nearest to the root first."""
        found = {
            *(path for path, data in self.pyprojects.items() if declares_project(data)),
            *(path for path in self._documents("setup.cfg") if self._is_setup(path)),
            *self.setup_scripts,
            *self._documents("Pipfile"),
            *self.requirements,
        }
        return sorted(found, key=lambda path: (path.count("/"), path))

    def _is_setup(self, path: str) -> bool:
        data = self.project.documents[path].data
        return bool(table_of(data, "options") or table_of(data, "metadata"))

    @cached_property
    def folders(self) -> list[str]:
        """Folders of manifests that are not auxiliary, nearest to the root first."""
        found = {_home(path.rpartition("/")[0]) for path in self.paths if not is_auxiliary(path)}
        return sorted(found, key=lambda path: (path.count("/"), path))

    @cached_property
    def places(self) -> frozenset[str]:
        """Names of all files and folders, from the root and from the folder of each service."""
        found: set[str] = set()
        for folder in {"", *self.homes}:
            prefix = f"{folder}/" if folder else ""
            for path, entry in self.project.entries.items():
                if entry.kind == "submodule" or not path.startswith(prefix) or excluded_path(path):
                    continue
                name = path[len(prefix) :]
                while name and name not in found:
                    found.add(name)
                    name = name.rpartition("/")[0]
        return frozenset(found)

    @cached_property
    def members(self) -> dict[str, str]:
        """Folder of the workspace of uv for every pyproject.toml that is a member of one."""
        found: dict[str, str] = {}
        for root, data in self.pyprojects.items():
            workspace = table_of(data, "tool", "uv", "workspace")
            wanted = _folders(root, workspace.get("members"))
            hidden = _folders(root, workspace.get("exclude"))
            for path in self.pyprojects:
                folder = path.rpartition("/")[0]
                if path != root and wanted(folder) and not hidden(folder):
                    found[path] = root.rpartition("/")[0]
        return found

    # Dependencies ---------------------------------------------------------------------------------

    @cached_property
    def dependencies(self) -> list[Dependency]:
        """Every declared dependency of every manifest."""
        return list(self._declared())

    def _declared(self) -> Iterator[Dependency]:
        documents = self.project.documents
        for path in self.pyprojects:
            yield from self._reader(path, documents[path]).pyproject()
        for path, document in self._documents("setup.cfg").items():
            yield from self._reader(path, document).setup_cfg()
        for path, document in self._documents("Pipfile").items():
            yield from self._reader(path, document).pipfile()
        for path, group in self.requirements.items():
            yield from self._reader(path, documents[path]).requirements(group)
        for path, (values, lines) in self.setup_scripts.items():
            yield from _of_setup(path, values, lines)

    def _reader(self, path: str, document: DocumentFact) -> Reader:
        return Reader(path, document, auxiliary=is_auxiliary(path))

    @cached_property
    def homes(self) -> frozenset[str]:
        """Folders of the manifests nearest to the applications (else to the production files).

        The manifests of first-party packages that those depend on count with them.
        """
        paths = sorted(self.project.routes.app_modules)
        paths = paths or [file.path for file in self.project.production]
        declaring = {_home(each.folder) for each in self.dependencies if each.group == RUNTIME}
        found = {home for path in paths if (home := _nearest(path, declaring)) is not None}
        if not found:
            return frozenset(declaring or self.folders)
        return frozenset(self._with_members(found))

    def _with_members(self, homes: set[str]) -> set[str]:
        own: dict[str, str] = {
            canonicalize_name(name): path.rpartition("/")[0]
            for path, data in self.pyprojects.items()
            if (name := project_name(data))
        }
        found, queue = set(homes), list(homes)
        while queue:
            home = queue.pop()
            for each in self.dependencies:
                folder = own.get(each.name)
                if _home(each.folder) == home and folder is not None and folder not in found:
                    found.add(folder)
                    queue.append(folder)
        return found

    @cached_property
    def runtime(self) -> list[Dependency]:
        """Runtime dependencies of the applications, see :attr:`homes`."""
        return [
            each
            for each in self.dependencies
            if each.group == RUNTIME and _home(each.folder) in self.homes
        ]

    def depends_on(self, package: str) -> bool:
        """Runtime dependency in a manifest, or imported by a production file."""
        name = canonicalize_name(package)
        if name in self._runtime_names:
            return True
        return self.imports(import_name(name))

    @cached_property
    def declared_modules(self) -> frozenset[str]:
        """Top-level modules that declared dependencies install."""
        return frozenset(import_name(each.name).partition(".")[0] for each in self.dependencies)

    @cached_property
    def _runtime_names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.dependencies if each.group == RUNTIME)

    def imports(self, *modules: str) -> bool:
        """Whether a production file imports one of these modules, or one below it."""
        return any(
            each == module or each.startswith(f"{module}.")
            for each in self.imported
            for module in modules
        )

    @cached_property
    def imported(self) -> frozenset[str]:
        """Absolute third-party modules that production files import."""
        layout = self.project.layout
        return frozenset(
            row.fact.module
            for file in self.project.production
            for row in file.imports
            if not row.fact.level and layout.split(row.target) is None
        )

    @cached_property
    def imported_names(self) -> frozenset[str]:
        """Third-party names that production files import, each with its module in front."""
        layout = self.project.layout
        return frozenset(
            f"{row.fact.module}.{row.fact.name}"
            for file in self.project.production
            for row in file.imports
            if row.fact.name and not row.fact.level and layout.split(row.target) is None
        )

    # Entry points and Python ----------------------------------------------------------------------

    @cached_property
    def script_modules(self) -> frozenset[str]:
        """Modules that are targets of console scripts."""
        return frozenset(target.partition(":")[0].strip() for target in self.scripts.values())

    @cached_property
    def scripts(self) -> dict[str, str]:
        """Targets (``module:function``) of console scripts by the name of the command."""
        found: dict[str, str] = {}
        for data in self.pyprojects.values():
            for table in (
                table_of(data, "project", "scripts"),
                table_of(data, "tool", "poetry", "scripts"),
            ):
                for name, target in table.items():
                    given = target.get("reference") if isinstance(target, dict) else target
                    found.setdefault(name, str(given))
        for document in self._documents("setup.cfg").values():
            text = table_of(document.data, "options.entry_points").get("console_scripts")
            found.update(_entry_points(text))
        for values, _ in self.setup_scripts.values():
            found.update(_entry_points(table_of(values, "entry_points").get("console_scripts")))
        return found

    @cached_property
    def python_specs(self) -> list[tuple[str, int, str]]:
        """(path, line, specifier) of every requires-python, the one nearest to the root first."""
        found: list[tuple[str, int, str]] = []
        for path, data in self.pyprojects.items():
            for key, text in (
                ("project.requires-python", table_of(data, "project").get("requires-python")),
                ("tool.poetry.dependencies.python",
                 table_of(data, "tool", "poetry", "dependencies").get("python")),
            ):  # fmt: skip
                if isinstance(text, str):
                    found.append((path, self.project.documents[path].line_of(key), text))
        for path, document in self._documents("setup.cfg").items():
            text = table_of(document.data, "options").get("python_requires")
            if isinstance(text, str):
                found.append((path, document.line_of("options.python_requires"), text))
        for path, (values, lines) in self.setup_scripts.items():
            if isinstance(values.get("python_requires"), str):
                found.append((path, lines["python_requires"], values["python_requires"]))
        return [each for each in found if not is_auxiliary(each[0])]

    @cached_property
    def classifiers(self) -> list[tuple[str, int, list[str]]]:
        """(path, line, classifiers) of every manifest that has any."""
        found: list[tuple[str, int, list[str]]] = []
        for path, data in self.pyprojects.items():
            for keys in (("project",), ("tool", "poetry")):
                key = ".".join((*keys, "classifiers"))
                items = texts_of(table_of(data, *keys).get("classifiers"))
                found.append((path, self.project.documents[path].line_of(key), items))
        for path, document in self._documents("setup.cfg").items():
            text = str(table_of(document.data, "metadata").get("classifiers") or "")
            found.append((path, document.line_of("metadata.classifiers"), text.split("\n")))
        for path, (values, lines) in self.setup_scripts.items():
            items = texts_of(values.get("classifiers"))
            found.append((path, lines.get("classifiers", 0), items))
        return [each for each in found if each[2] and not is_auxiliary(each[0])]

    @cached_property
    def min_python(self) -> tuple[int, int] | None:
        """Oldest Python that requires-python admits, None when nothing says."""
        return next(
            (low for *_, text in self.python_specs if (low := lowest_python(text)) is not None),
            None,
        )


def import_name(package: str) -> str:
    """The module that a distribution installs."""
    name = canonicalize_name(package)
    return IMPORT_NAMES.get(name, name.replace("-", "_"))


def declares_project(data: dict[str, Any]) -> bool:
    """Whether a pyproject.toml is a manifest, not only a place for the settings of tools."""
    tool = table_of(data, "tool")
    return (
        "project" in data
        or "dependency-groups" in data
        or "poetry" in tool
        or bool({"dev-dependencies", "workspace"} & set(table_of(tool, "uv")))
    )


def project_name(data: dict[str, Any]) -> str:
    """Name of the project that a pyproject.toml declares, "" for none."""
    name = table_of(data, "project").get("name") or table_of(data, "tool", "poetry").get("name")
    return name if isinstance(name, str) else ""


def is_auxiliary(path: str) -> bool:
    """Whether a manifest serves documentation, examples, scripts or tests only."""
    folders = set(path.lower().split("/")[:-1])
    return not folders.isdisjoint(_AUXILIARY | TEST_SEGMENTS)


def _group_of(path: str) -> str:
    """Group of a requirements file by its name and folder."""
    *folders, name = path.split("/")
    words = name.rpartition(".")[0]
    if folders and _REQUIREMENTS.fullmatch(folders[-1]) is None:
        if not TEST_SEGMENTS.isdisjoint(folders):
            return DEV
        if is_auxiliary(path):
            return AUXILIARY
    return group_named(_REQUIREMENTS.sub("", words), RUNTIME)


def _home(folder: str) -> str:
    """The folder that a manifest belongs to: that of the project for a folder of requirements."""
    head, _, last = folder.rpartition("/")
    return head if _REQUIREMENTS.fullmatch(last) else folder


def _nearest(path: str, folders: set[str]) -> str | None:
    while path:
        path = path.rpartition("/")[0]
        if path in folders:
            return path
    return None


def _beside(path: str, name: str) -> str:
    """Path of a file that a manifest names relative to its own folder."""
    parts = path.split("/")[:-1]
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _folders(root: str, patterns: object) -> Callable[[str], bool]:
    """Whether a folder is among those that a workspace names."""
    return matcher(tuple(_beside(root, each) for each in texts_of(patterns)))


def _of_setup(path: str, values: dict[str, Any], lines: dict[str, int]) -> Iterator[Dependency]:
    runtime = AUXILIARY if is_auxiliary(path) else RUNTIME
    for name, group in (("install_requires", runtime), ("tests_require", DEV)):
        yield from requirement_list(texts_of(values.get(name)), path, lines.get(name, 0), group)
    for name, items in table_of(values, "extras_require").items():
        line = lines.get("extras_require", 0)
        yield from requirement_list(texts_of(items), path, line, group_named(name))


def _entry_points(value: object) -> dict[str, str]:
    """Name and target of console scripts as setuptools writes them."""
    texts = value.split("\n") if isinstance(value, str) else texts_of(value)
    pairs = (text.partition("=") for text in texts if "=" in text)
    return {name.strip(): target.strip() for name, _, target in pairs}
