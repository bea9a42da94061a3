"""What ruff has to know of a project to be right about it: its own packages and its Python.

Rules and limits are ours. Taken over from the repository is only what decides which order of
imports is the sorted one, and the oldest Python, which decides what syntax may be used. Both
belong to a subproject: in a repository of several, what is first-party to one is a library to
the others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from checks.facts.lint import LintContext, Option, selectable
from checks.rules.specs import specs

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact

_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile")
_RUFF_FILES = (".ruff.toml", "ruff.toml")
_ISORT_FILES = ((".isort.cfg", "settings"), ("setup.cfg", "isort"), ("tox.ini", "isort"))
_PROFILES: dict[str, dict[str, Option]] = {
    "google": {
        "force-single-line": True,
        "force-sort-within-sections": True,
        "order-by-type": False,
        "lines-between-types": 0,
    },
    "open_stack": {"force-single-line": True, "force-sort-within-sections": True},
    "appnexus": {"force-sort-within-sections": True, "order-by-type": False},
}
_FALLBACK = "3.13"
_MOST_SUBPROJECTS = 40


def lint_contexts(
    paths: Sequence[str], documents: Mapping[str, DocumentFact]
) -> dict[str, LintContext]:
    """The context of every file.

    Args:
        paths: Paths of the project's own Python files.
        documents: Facts of its configuration files, by path.

    Returns:
        One context per path; files of one subproject share theirs.
    """
    folders = sorted(_subprojects(documents), key=lambda each: (each.count("/"), each))
    members: dict[str, list[str]] = {"": [], **{each: [] for each in folders[:_MOST_SUBPROJECTS]}}
    for path in paths:
        members[next(each for each in _folders_around(path) if each in members)].append(path)
    contexts = {
        folder: _Context(folder, own if folder else paths, documents).context()
        for folder, own in members.items()
        if own
    }
    return {path: contexts[folder] for folder, own in members.items() for path in own}


def _subprojects(documents: Mapping[str, DocumentFact]) -> Iterator[str]:
    """Folders below the root that are packaged, or linted, by themselves."""
    for path, fact in documents.items():
        folder, _, name = path.rpartition("/")
        if name == "setup.py" and folder:
            yield folder
        elif name == "pyproject.toml" and folder:
            tool = _table(fact.data, "tool")
            if _table(fact.data, "project") or not tool.keys().isdisjoint({"poetry", "ruff"}):
                yield folder


def _folders_around(path: str) -> Iterator[str]:
    """The folders around a path, nearest first, the root ("") last."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _table(data: object, *names: str) -> dict[str, Any]:
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


class _Context:
    """Makes the context of one subproject."""

    def __init__(
        self, folder: str, paths: Sequence[str], documents: Mapping[str, DocumentFact]
    ) -> None:
        self.folder = folder
        self.paths = paths
        self.documents = documents
        self.around = (folder, *_folders_around(folder))
        self.ruff, self.ruff_folder = self._ruff()

    def context(self) -> LintContext:
        """The context."""
        options = self._isort_options()
        # What a project calls its own goes before everything in ruff, the standard library too.
        foreign = _words(options.get("known-third-party", ()))
        names = set(self._packages()) - sys.stdlib_module_names - set(foreign)
        for option in ("known-first-party", "src-paths"):
            names.update(_words(options.pop(option, ())))
        return LintContext(
            rules=selectable(code for spec in specs().values() for code in spec.ruff),
            target_version=self._target(),
            first_party=tuple(sorted(names)),
            line_length=self._width(options),
            isort=tuple(sorted(options.items(), key=lambda item: item[0])),
        )

    # Configuration --------------------------------------------------------------------------------

    def _data(self, folder: str, name: str) -> object:
        fact = self.documents.get(f"{folder}/{name}" if folder else name)
        return None if fact is None else fact.data

    def _ruff(self) -> tuple[dict[str, Any], str]:
        """Options of ruff and the folder they hold for; the nearest ones hold alone."""
        for folder in self.around:
            for name in _RUFF_FILES:
                table = _table(self._data(folder, name))
                if table:
                    return table, folder
            table = _table(self._data(folder, "pyproject.toml"), "tool", "ruff")
            if table:
                return table, folder
        return {}, self.folder

    def _isort_options(self) -> dict[str, Option]:
        """Options in ruff's spelling: those of the tool that sorts the imports."""
        raw = _table(self.ruff, "lint", "isort") or _table(self.ruff, "isort")
        if not raw and not self._ruff_sorts():
            raw = self._isort()
        options: dict[str, Option] = dict(_PROFILES.get(str(raw.get("profile", "")), {}))
        options.update((name.replace("_", "-"), _option(value)) for name, value in raw.items())
        return options

    def _ruff_sorts(self) -> bool:
        selected: list[Any] = []
        for table in (self.ruff, _table(self.ruff, "lint")):
            for name in ("select", "extend-select"):
                found = table.get(name)
                selected += found if isinstance(found, list) else []
        return any(code in {"I", "I0", "I00", "I001", "ALL"} for code in selected)

    def _isort(self) -> dict[str, Any]:
        for folder in self.around:
            for name, section in _ISORT_FILES:
                table = _table(self._data(folder, name), section)
                if table:
                    return table
            table = _table(self._data(folder, "pyproject.toml"), "tool", "isort")
            if table:
                return table
        return {}

    def _width(self, options: Mapping[str, Option]) -> int:
        black = (
            _table(self._data(folder, "pyproject.toml"), "tool", "black") for folder in self.around
        )
        candidates = (
            options.get("line-length"),
            self.ruff.get("line-length"),
            *(table.get("line-length") for table in black),
        )
        fitting = (each for each in candidates if isinstance(each, int) and 20 <= each <= 320)
        return next(fitting, 88)

    def _target(self) -> str:
        """``py312`` for the oldest Python that the nearest ``requires-python`` admits."""
        for folder in self.around:
            data = self._data(folder, "pyproject.toml")
            text = _table(data, "project").get("requires-python")
            if not isinstance(text, str):
                text = str(_table(data, "tool", "poetry", "dependencies").get("python", ""))
                text = text.replace("^", ">=").replace("~3", ">=3")
            if text:
                return _oldest(text)
        return f"py{_FALLBACK.replace('.', '')}"

    # Packages -------------------------------------------------------------------------------------

    def _packages(self) -> Iterator[str]:
        """Top-level names: in the folders that imports start from, and outermost packages."""
        folders = {path.rpartition("/")[0] for path in self.paths if path.endswith("/__init__.py")}
        for folder in folders:
            parent, _, name = folder.rpartition("/")
            if parent not in folders:
                yield name
        for path in self._from_roots:
            name, slash, _ = path.partition("/")
            if slash or name.endswith(".py"):
                yield name.removesuffix(".py")

    @cached_property
    def _from_roots(self) -> frozenset[str]:
        """Paths of the modules as they are imported: relative to each folder imports start from."""
        roots = self._import_roots()
        return frozenset(
            path[len(root) + 1 :] if root else path
            for root in roots
            for path in self.paths
            if not root or path.startswith(f"{root}/")
        )

    def _import_roots(self) -> set[str]:
        roots = {self.folder}
        if not self.folder:
            files = (path.rpartition("/") for path in self.documents)
            roots |= {folder for folder, _, name in files if name in _MANIFESTS}
        roots |= {f"{root}/src" if root else "src" for root in roots}
        for word in _words(_option(self.ruff.get("src", []))):
            given = word.strip("./")
            roots.add(f"{self.ruff_folder}/{given}".strip("/"))
        return roots


def _words(option: Option) -> tuple[str, ...]:
    return option if isinstance(option, tuple) else (str(option),)


def _option(value: object) -> Option:
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    text = str(value).strip()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if text.isdigit():
        return int(text)
    return tuple(text.replace(",", " ").split()) if "," in text or "\n" in text else text


def _oldest(text: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        spec = SpecifierSet(text)
    except InvalidSpecifier:
        spec = SpecifierSet()
    for minor in range(7, 16):
        if f"3.{minor}" in spec or f"3.{minor}.99" in spec:
            return f"py3{minor}"
    return f"py{_FALLBACK.replace('.', '')}"
