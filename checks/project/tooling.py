"""Tools of a project: whether one is used and where that shows, and how it is configured."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.utils import canonicalize_name

from checks.project.cisteps import ruff_codes, selects_security
from checks.project.declared import table_of

if TYPE_CHECKING:
    from checks.project.project import Project

_FILES: dict[str, tuple[str, ...]] = {
    "mypy": ("mypy.ini", ".mypy.ini"),
    "ruff": ("ruff.toml", ".ruff.toml"),
    "flake8": (".flake8",),
    "isort": (".isort.cfg",),
    "pylint": (".pylintrc", "pylintrc", "pylintrc.toml"),
    "pycodestyle": (".pycodestyle",),
    "pydocstyle": (".pydocstyle", ".pydocstyle.ini", ".pydocstylerc"),
    "pytest": ("pytest.ini", ".pytest.ini"),
    "coverage": (".coveragerc",),
    "bandit": (".bandit", "bandit.yaml", "bandit.yml"),
    "pyright": ("pyrightconfig.json",),
}
_SHARED_INI = ("setup.cfg", "tox.ini")
_INI_SECTIONS = {
    "pytest": ("tool:pytest", "pytest"),
    "coverage": ("coverage:run", "coverage:report"),
}


class Evidence(msgspec.Struct, frozen=True):
    """One place where the use of a tool shows.

    ``kind`` is ``dependency``, ``hook``, ``command`` or ``configuration``.
    """

    kind: str
    path: str
    line: int


class Tools:
    """The tools of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def evidence(self, name: str) -> list[Evidence]:
        """Where the use of a tool shows: declared, as hook, in CI, configured."""
        return list(self._evidence(canonicalize_name(name)))

    def _evidence(self, name: str) -> Iterator[Evidence]:
        for each in self.project.manifests.dependencies:
            if each.name == name:
                yield Evidence("dependency", each.path, each.line)
        for hook in self.project.ci.hooks.all:
            repository = hook.repo.rstrip("/").rpartition("/")[2].removesuffix(".git")
            ran = {str(canonicalize_name(words[0])) for words in hook.programs if words}
            if name in ran or (repository == name and hook.id.startswith(name) and name != "ruff"):
                yield Evidence("hook", hook.path, hook.line)
        for run in self.project.ci.runs:
            tool = run.words[0] if run.words else _action_of(run.action)
            if canonicalize_name(tool) == name:
                yield Evidence("command", run.path, run.line)
        for path, line, _ in self.configurations(name):
            yield Evidence("configuration", path, line)

    # Configuration --------------------------------------------------------------------------------

    def configurations(self, name: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """(path, line, settings) of every configuration of a tool, nearest to the root first.

        The settings of a section are a table; a file of its own gives its sections as they are.
        """
        documents = self.project.documents
        paths = sorted(self.project.entries, key=lambda path: (path.count("/"), path))
        for path in paths:
            base = path.rpartition("/")[2]
            document = documents.get(path)
            if base == "pyproject.toml" and document is not None:
                for key in _tool_keys(name):
                    table = table_of(document.data, "tool", key)
                    if table:
                        yield path, document.line_of(f"tool.{key}"), table
            elif base in _FILES.get(name, ()):
                yield path, 1 if document else 0, table_of(document.data if document else None)
            elif base in _SHARED_INI and document is not None:
                yield from self._sections(name, path)

    def _sections(self, name: str, path: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
        document = self.project.documents[path]
        wanted = _INI_SECTIONS.get(name, (name,))
        for section, table in table_of(document.data).items():
            if section in wanted or (name == "pylint" and section.lower().startswith("pylint")):
                yield path, document.lines.get(section, 0), table_of(table)

    @cached_property
    def pytest_options(self) -> list[tuple[str, int, list[str]]]:
        """(path, line, words) of the options that pytest is always given."""
        found: list[tuple[str, int, list[str]]] = []
        for path, line, settings in self.pytest:
            given = settings.get("addopts")
            if isinstance(given, list):
                found.append((path, line, [str(word) for word in given]))
            elif isinstance(given, str):
                found.append((path, line, _split(given)))
        return found

    @cached_property
    def pytest(self) -> list[tuple[str, int, dict[str, Any]]]:
        """(path, line, settings) of every configuration of pytest."""
        found = []
        for path, line, table in self.configurations("pytest"):
            settings = table
            for key in ("ini_options", "pytest"):
                settings = table_of(table, key) or settings
            found.append((path, line, settings))
        return found

    @cached_property
    def test_functions(self) -> tuple[str, ...]:
        """Patterns of the names that pytest collects functions by: ``test*`` unless configured."""
        for _, _, settings in self.pytest:
            given = settings.get("python_functions")
            words = given.split() if isinstance(given, str) else given
            if isinstance(words, list) and words:
                return tuple(f"{str(word).removesuffix('*')}*" for word in words)
        return ("test*",)

    @cached_property
    def pytest_measures(self) -> bool:
        """Whether pytest measures coverage each time it runs."""
        return any(
            word.startswith("--cov") for _, _, words in self.pytest_options for word in words
        )

    @cached_property
    def ruff_security(self) -> bool:
        """Whether the configuration of ruff selects the rules of bandit."""
        return any(
            selects_security(ruff_codes(table, "select", "extend-select"))
            and "S" not in ruff_codes(table, "ignore", "extend-ignore")
            for _, _, table in self.configurations("ruff")
        )


def _tool_keys(name: str) -> tuple[str, ...]:
    return (name, name.replace("-", "_")) if "-" in name else (name,)


def _action_of(action: str) -> str:
    """The tool that an action is called after: ``psf/black`` is black, ``x/ruff-action`` ruff."""
    name = action.partition("/.github/")[0].rpartition("/")[2]
    for part in ("gh-action-", "action-", "-action", "-check"):
        name = name.removeprefix(part) if part.endswith("-") else name.removesuffix(part)
    return canonicalize_name(name)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()
