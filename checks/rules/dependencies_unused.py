"""Check of whether what is declared is what is used."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.doctree import DocumentFact
from checks.project.declared import RUNTIME, Dependency, table_of
from checks.project.distributions import COMPANIONS, NAMESPACES, brought_by, modules_of, owners_of
from checks.project.manifests import is_auxiliary, project_name
from checks.project.project import Project
from checks.project.subjects import ImportedName
from checks.rules.applies import has_manifest
from checks.rules.dependencies import is_optional

_STANDARD = sys.stdlib_module_names | {
    "_typeshed",
    "__main__",
    "pip",
    "setuptools",
    "pkg_resources",
}
# Tools whose plugins are found by entry points or named in their settings.
_HOSTS = ("pytest-", "mkdocs-", "sphinx-", "sphinxcontrib-", "flake8-", "pylint-", "mypy-",
          "sqlalchemy-", "opentelemetry-", "jupyter", "fastapi-cli", "hatch-", "setuptools",
          "wheel", "pip", "poetry", "types-")  # fmt: skip
# Named like plugins, and imported like any library.
_LIBRARIES = frozenset({"sqlalchemy-utils", "sqlalchemy-mixins", "sqlalchemy-filters"})
_CONFIGURED = frozenset(
    """settings config conf configuration database db session engine celery worker app main env
    base logging log constants connection""".split()
)
_SILENT = frozenset({"lock", "requirements", "markdown", "rst", "gitignore"})
_DECLARING = frozenset({"poetry", "pdm", "uv", "hatch", "setuptools", "flit", "rye", "pixi"})
_TOKENS = re.compile(r"[a-z]{4,}")
_MAX_TEXT = 4 << 20


class _Import(msgspec.Struct, frozen=True):
    """The first place of production code that imports a third-party package."""

    package: str
    names: tuple[str, ...]
    row: ImportedName


@check("unused-dependencies", applies=has_manifest, asks_source=True)
def unused_dependencies(
    project: Project,
    *,
    assume_used: Sequence[str] = (
        "uvicorn", "gunicorn", "asyncpg", "psycopg", "psycopg2-binary", "aiosqlite",
        "python-multipart", "email-validator", "uvloop", "httptools", "orjson", "greenlet",
        "tzdata", "opentelemetry-*", "bcrypt", "argon2-cffi", "cryptography",
    ),
) -> Answer:  # fmt: skip
    """What the code imports is declared, and what is declared is used.

    What is only there by another package's grace is gone one day; what nobody uses is still
    installed, updated and attacked.

    Instead: remove the unused dependency or declare the missing one.

    Known problems: which distribution installs a module is known from a table and from names. An
    import by a computed name and a plugin that announces itself are not seen. Imports of tests and
    scripts count as use.
    """
    runtime = [each for each in project.manifests.dependencies if each.group == RUNTIME]
    if not runtime or not project.production:
        return Skip("no runtime dependency or no production file")
    uses = _Uses(project)
    judged = [each for each in runtime if not each.local and each.name not in uses.own]
    idle = [
        each for each in judged
        if not any(fnmatchcase(each.name, pattern) for pattern in assume_used)
        and not uses.imports(each)
    ]  # fmt: skip
    unknown = [each for each in uses.packages if not uses.declares(each)]
    # One may install the other under a name that nobody knows: neither is judged.
    missing = [
        each for each in unknown
        if uses.is_certain(each) and not any(uses.may_install(one, each) for one in idle)
    ]  # fmt: skip
    idle = [each for each in idle if not any(uses.may_install(each, one) for one in unknown)]
    found = [
        At(each.line, f"`{each.name}` is declared and used nowhere", path=each.path,
           anchor=each.name)
        for each in idle if not uses.mentions(each)
    ]  # fmt: skip
    found += [
        At(each.row.line, f"`{each.package}` is imported and not declared", path=each.row.path,
           anchor=each.package)
        for each in missing
    ]  # fmt: skip
    return Sites(len(judged) + len(uses.packages), found)


def _alike(distribution: str, module: str) -> bool:
    """Whether a distribution may install a module: they share a longer word."""
    names = (distribution.lower(), module.lower().replace("_", "-"))
    words = [set(_TOKENS.findall(name)) for name in names]
    return bool(words[0] & words[1]) or any(len(n) > 3 and n in names[0] for n in names[1:])


class _Uses:
    """Where packages are imported or mentioned, and where they are declared."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def own(self) -> frozenset[str]:
        """Distributions of the repository itself."""
        names = (project_name(data) for data in self.project.manifests.pyprojects.values())
        return frozenset(canonicalize_name(name) for name in names if name)

    # Declared and used ----------------------------------------------------------------------------

    @cached_property
    def _imported(self) -> Mapping[str, frozenset[str]]:
        """Folders below which a dotted name is imported by any file, "" standing for the root."""
        rows: dict[tuple[str, str], set[str]] = {}
        for file in self.project.analysed:
            folders = self._homes_of(file.path)
            for fact in file.facts.imports:
                rows.setdefault((fact.module, fact.name), set()).update(folders)
        found: dict[str, set[str]] = {}
        for (module, name), places in rows.items():
            for prefix in _prefixes(module, name):
                found.setdefault(prefix, set()).update(places)
        return {name: frozenset(folders) for name, folders in found.items()}

    @cached_property
    def _inhabited(self) -> frozenset[str]:
        """Folders of manifests with any Python file below them."""
        files = self.project.analysed
        return frozenset(folder for file in files for folder in self._homes_of(file.path))

    def imports(self, each: Dependency) -> bool:
        """Whether a file below the manifest imports what a dependency installs."""
        plugin = each.name.startswith(_HOSTS) and each.name not in _LIBRARIES
        if plugin or each.name.endswith("-stubs"):
            return True
        folder = _home(each) if _home(each) in self._inhabited else ""
        loading = COMPANIONS.get(each.name, ())
        return any(
            folder in self._imported.get(module, ())
            for module in (*modules_of(each.name), *loading)
        ) or (each.name.split("-")[0] in NAMESPACES and self._shares(each))

    def _shares(self, each: Dependency) -> bool:
        """Whether anything of a namespace is imported that may be of this distribution."""
        words = set(each.name.split("-")[1:])
        head = each.name.split("-")[0]
        return any(
            name.startswith(f"{head}.") and words & set(re.split(r"[._]", name))
            for name in self._imported
        )

    def mentions(self, each: Dependency) -> bool:
        """Whether a command or a setting names a dependency."""
        names = {each.name, each.name.replace("-", "_"), *modules_of(each.name)}
        pattern = "|".join(re.escape(name.lower()) for name in names)
        return re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", self._text) is not None

    @cached_property
    def _text(self) -> str:
        """All commands and settings, and the code that configures, in lower case."""
        parts = [_said(path, document) for path, document in self.project.documents.items()]
        entries = self.project.blobs
        wanted = [
            entries[file.path].oid for file in self.project.production
            if file.path in entries and file.name.removesuffix(".py") in _CONFIGURED
        ]  # fmt: skip
        for _, content in self.project.source.blobs(dict.fromkeys(wanted)):
            parts.append(content.decode("utf-8", "replace"))
        return "\n".join(parts)[:_MAX_TEXT].lower()

    # Imported and declared ------------------------------------------------------------------------

    @cached_property
    def packages(self) -> list[_Import]:
        """Third-party packages that production files import, each once per manifest."""
        found: dict[tuple[str, str], _Import] = {}
        for file in self.project.production:
            homes = self._homes_of(file.path)
            home = homes[-1]
            if home not in self._manifest_folders:
                continue
            for row in file.imports:
                top = row.fact.module.partition(".")[0]
                if row.fact.level or not top or top in _STANDARD or top.startswith("_"):
                    continue
                if (home, top) in found and top not in NAMESPACES:
                    continue
                package = _package(row)
                key = (home, package)
                if key not in found and self._is_foreign(row, top):
                    names = tuple(_prefixes(row.fact.module, row.fact.name))
                    found[key] = _Import(package, names, row)
        return list(found.values())

    def _is_foreign(self, row: ImportedName, top: str) -> bool:
        if canonicalize_name(top) in self.own:
            return False
        return self.project.layout.split(row.target) is None and not is_optional(row)

    def declares(self, each: _Import) -> bool:
        """Whether a manifest above a file declares what it imports."""
        folders = self._homes_of(each.row.path)
        modules = frozenset[str]().union(*(self._declared.get(folder, ()) for folder in folders))
        if not modules.isdisjoint(each.names):
            return True
        top = each.names[0]
        if top in NAMESPACES:
            return any(name == top or name.startswith((f"{top}_", f"{top}.")) for name in modules)
        return False

    def is_certain(self, each: _Import) -> bool:
        """Whether it is known that a package of others is imported, which nothing declares."""
        top = each.names[0]
        if canonicalize_name(top) in self._locked or owners_of(top) or top in NAMESPACES:
            return True
        return not self._locked and top not in self._own_names

    def may_install(self, each: Dependency, what: _Import) -> bool:
        """Whether a dependency of a manifest above a file may install what it imports."""
        return _home(each) in self._homes_of(what.row.path) and _alike(each.name, what.package)

    @cached_property
    def _declared(self) -> Mapping[str, frozenset[str]]:
        """Modules of everything that the manifests of a folder declare, by folder."""
        found: dict[str, set[str]] = {}
        for each in self.project.manifests.dependencies:
            place = found.setdefault(_home(each), set())
            for name in (each.name, *brought_by(each.name, each.extras)):
                place |= modules_of(name)
        return {folder: frozenset(modules) for folder, modules in found.items()}

    @cached_property
    def _locked(self) -> frozenset[str]:
        """Names of all locked packages."""
        return frozenset(
            name for lock in self.project.manifests.locks.all for name in lock.packages
        )

    @cached_property
    def _own_names(self) -> frozenset[str]:
        """Names of folders and modules of the repository, which an odd path may make importable."""
        stems = {file.name.removesuffix(".py") for file in self.project.files}
        return frozenset(stems | {f.rpartition("/")[2] for f in self.project.python_folders})

    @cached_property
    def _manifest_folders(self) -> frozenset[str]:
        return frozenset(
            _home(each) for each in self.project.manifests.dependencies
            if not is_auxiliary(each.path)
        )  # fmt: skip

    def _homes_of(self, path: str) -> list[str]:
        """Folders above a path that hold manifests, the root always among them."""
        parts = path.split("/")[:-1]
        folders = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        return ["", *(folder for folder in folders if folder in self._manifest_folders)]


def _home(each: Dependency) -> str:
    head, _, last = each.folder.rpartition("/")
    return head if last.lower() == "requirements" else each.folder


def _prefixes(module: str, name: str) -> list[str]:
    """``a``, ``a.b`` and ``a.b.c`` for what imports ``c`` from ``a.b``."""
    parts = [*module.split("."), *([name] if name else [])]
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _package(row: ImportedName) -> str:
    """What is installed as one: the first name, in shared namespaces the first two or three."""
    top = row.fact.module.partition(".")[0]
    if top not in NAMESPACES:
        return top
    names = _prefixes(row.fact.module, row.fact.name)[-1].split(".")
    if names[0] == "opentelemetry" and names[1:2] not in (
        ["sdk"],
        ["instrumentation"],
        ["exporter"],
    ):
        return names[0]
    deep = names[1:2] in (["cloud"], ["instrumentation"], ["exporter"])
    return ".".join(names[: 3 if deep else 2])


def _said(path: str, document: DocumentFact) -> str:
    """Commands and settings of one document; what it declares as dependency is none."""
    if document.sections:
        return "\n".join(code.text for section in document.sections for code in section.code)
    if document.kind in _SILENT:
        return ""
    if document.text:
        return document.text
    data: Any = document.data
    name = path.rpartition("/")[2]
    if name == "pyproject.toml":
        tools = table_of(data, "tool")
        data = {key: value for key, value in tools.items() if key not in _DECLARING}
    elif name == "setup.cfg":
        data = {key: v for key, v in table_of(data).items() if not key.startswith("options")}
    elif name == "Pipfile":
        data = table_of(data, "scripts")
    return "\n".join(_leaves(data))


def _leaves(data: Any) -> Iterator[str]:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from map(str, value)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield value
