"""How coverage is measured, and which figure has to be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.declared import table_of, texts_of
from checks.project.pyruns import session_runs

if TYPE_CHECKING:
    from checks.project.project import Project

_OPTION = "--cov-fail-under"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MEASURES = re.compile(r"--cov\b|--cov=|\bcoverage\s+run\b|-m\s+coverage\b")
_RECIPES = frozenset({"makefile", "justfile", "shell"})


class Threshold(msgspec.Struct, frozen=True):
    """A figure that has to be reached, in percent, and where it is set."""

    percent: float
    path: str
    line: int


class Omission(msgspec.Struct, frozen=True):
    """A pattern that takes files out of the measurement, and where it is set."""

    pattern: str
    path: str
    line: int


class Coverage:
    """The measurement of coverage of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def _settings(self) -> list[tuple[str, str, dict[str, Any], str]]:
        """(path, section, settings, key of the section) of every configuration."""
        found: list[tuple[str, str, dict[str, Any], str]] = []
        for path, document in self.project.documents.items():
            name = path.rpartition("/")[2]
            for section in ("run", "report"):
                if name in {"pyproject.toml", ".coveragerc.toml"}:
                    key = f"tool.coverage.{section}"
                    table = table_of(document.data, "tool", "coverage", section)
                elif name == ".coveragerc":
                    key, table = section, table_of(document.data, section)
                elif name in {"setup.cfg", "tox.ini"}:
                    key = f"coverage:{section}"
                    table = table_of(document.data, key)
                else:
                    continue
                if table:
                    found.append((path, section, table, key))
        return found

    @cached_property
    def measured(self) -> bool:
        """Whether anything measures coverage: configuration, options, CI or a recipe."""
        if self._settings or ".coveragerc" in self.project.entries:
            return True
        if self.project.tools.pytest_measures:
            return True
        if any(_measures(run.words) for run in self.project.ci.runs):
            return True
        return any(_MEASURES.search(text) for text in self._recipes())

    def _recipes(self) -> Iterator[str]:
        """Texts that may hold commands: recipes, scripts, tables of task runners."""
        for path, document in self.project.documents.items():
            name = path.rpartition("/")[2]
            if document.kind in _RECIPES:
                yield document.text
            elif name in {"pyproject.toml", "tox.ini", "Pipfile", "Taskfile.yml", "package.json"}:
                yield from _strings(document.data)
        for file in self.project.files:
            if file.name == "noxfile.py" and file.parsed:
                yield from session_runs(file.facts, ())

    @cached_property
    def thresholds(self) -> list[Threshold]:
        """Every figure that fails a run."""
        return list(self._thresholds())

    def _thresholds(self) -> Iterator[Threshold]:
        for path, section, table, key in self._settings:
            percent = _percent(table.get("fail_under"))
            if section == "report" and percent is not None:
                line = self.project.documents[path].line_of(f"{key}.fail_under")
                yield Threshold(percent, path, line)
        for path, line, words in self.project.tools.pytest_options:
            yield from _given(words, (_OPTION,), path, line)
        for run in self.project.ci.runs:
            if run.words[:1] in {("pytest",), ("py.test",)}:
                yield from _given(run.words, (_OPTION,), run.path, run.line)
            elif run.words[:1] == ("coverage",):
                yield from _given(run.words, ("--fail-under",), run.path, run.line)
        if any("codecov" in (run.action or "".join(run.words[:1])) for run in self.project.ci.runs):
            yield from self._codecov()

    def _codecov(self) -> Iterator[Threshold]:
        for path, document in self.project.documents.items():
            if path.rpartition("/")[2].lstrip(".") in {"codecov.yml", "codecov.yaml"}:
                key = "coverage.status.project.default"
                table = table_of(document.data, *key.split("."))
                percent = _percent(table.get("target"))
                if percent is not None and not _informational(table):
                    yield Threshold(percent, path, document.line_of(f"{key}.target"))

    def omitted(self, files: Sequence[str]) -> Omission | None:
        """The pattern that takes most of these files out of the measurement, None without one."""
        if not files:
            return None
        for path, _, table, key in self._settings:
            folder = path.rpartition("/")[0]
            for pattern in _patterns(table.get("omit")):
                cut = sum(1 for file in files if _matches(file, pattern, folder))
                if cut * 2 > len(files):
                    line = self.project.documents[path].line_of(f"{key}.omit")
                    return Omission(pattern, path, line)
        return None


def _measures(words: Sequence[str]) -> bool:
    if words[:2] == ("coverage", "run"):
        return True
    return bool(words) and words[0].startswith("py") and any(w.startswith("--cov") for w in words)


def _given(words: Sequence[str], names: Sequence[str], path: str, line: int) -> Iterator[Threshold]:
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            given = value if equals else " ".join(words[index + 1 : index + 2])
            percent = _percent(given)
            if percent is not None:
                yield Threshold(percent, path, line)


def _percent(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    match = _NUMBER.match(str(value).strip())
    return float(match[0]) if match else None


def _informational(table: dict[str, Any]) -> bool:
    return table.get("informational") in {True, "true"}


def _patterns(value: object) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()]
    return texts_of(value)


def _matches(file: str, pattern: str, folder: str) -> bool:
    """Whether coverage leaves a file out: its stars cross slashes."""
    plain = pattern.removeprefix("./")
    base = f"{folder}/{plain}" if folder else plain
    wanted = (base, plain) if plain.startswith("*") else (base,)
    return any(
        fnmatchcase(file, each) or fnmatchcase(f"/{file}", each) or fnmatchcase(file, f"{each}/*")
        for each in wanted
    )


def _strings(data: object) -> Iterator[str]:
    """Every text in parsed data."""
    queue = [data]
    while queue:
        item = queue.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            queue.extend(item.values())
        elif isinstance(item, list):
            queue.extend(item)
