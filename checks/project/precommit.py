"""Hooks that run before a commit: pre-commit (and prek), lefthook, husky."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.commands import read_commands
from checks.project.declared import table_of, texts_of
from checks.project.wrappers import Words, programs

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

COMMIT_STAGES = frozenset({"pre-commit", "commit"})
MESSAGE_STAGES = frozenset({"commit-msg", "prepare-commit-msg"})
_NAMES = frozenset({".pre-commit-config.yaml", ".pre-commit-config.yml", "prek.toml"})
_LEFTHOOK = frozenset(
    {"lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", "lefthook.toml"}
)
_MESSAGE_TOOLS = ("commitlint", "gitlint", "commitizen", "conventional")
_STAGES = {"commit": "pre-commit", "push": "pre-push", "merge-commit": "pre-merge-commit"}
# Programs of well-known hooks whose id is not the command they run.
_COMMANDS: dict[str, Words] = {
    "ruff": ("ruff", "check"),
    "ruff-check": ("ruff", "check"),
    "ruff-format": ("ruff", "format"),
    "black-jupyter": ("black",),
    "python-safety-dependencies-check": ("safety", "check"),
    "python-bandit-vulnerability-check": ("bandit",),
}


class Hook(msgspec.Struct, frozen=True):
    """One hook.

    Attributes:
        id: Its id.
        path: The file that configures it.
        line: Its line there.
        repo: Address of the repository it comes from; "local", "meta" or "" for none.
        stages: When it runs.
        programs: What it runs.
        args: Arguments given to it.
    """

    id: str
    path: str
    line: int
    repo: str
    stages: frozenset[str]
    programs: tuple[Words, ...]
    args: tuple[str, ...] = ()

    @property
    def on_commit(self) -> bool:
        """Whether it runs on every commit."""
        return bool(self.stages & COMMIT_STAGES)

    @property
    def on_message(self) -> bool:
        """Whether it sees the message of a commit."""
        return bool(self.stages & MESSAGE_STAGES)


class Hooks:
    """All hooks of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def paths(self) -> list[str]:
        """Files that configure hooks, nearest to the root first."""
        found = [path for path in self.project.documents if _configures(path)]
        return sorted(found, key=lambda path: (path.count("/"), path))

    @cached_property
    def all(self) -> list[Hook]:
        """All hooks, in the order of their files."""
        return [hook for path in self.paths for hook in self._hooks(path)]

    def _hooks(self, path: str) -> Iterator[Hook]:
        document = self.project.documents[path]
        name = path.rpartition("/")[2]
        if name in _NAMES:
            yield from _pre_commit(path, document)
        elif name in _LEFTHOOK:
            yield from _lefthook(path, document)
        else:
            yield from self._husky(path, document)

    def _husky(self, path: str, document: DocumentFact) -> Iterator[Hook]:
        """The commands of a hook file, and what lint-staged runs for it."""
        stage = path.rpartition("/")[2]
        for number, line in enumerate(document.text.split("\n"), 1):
            for command in read_commands(line):
                ran = list(programs(command.words))
                if any("lint-staged" in words for words in ran):
                    ran += self._staged(path)
                if ran:
                    yield Hook(ran[0][0], path, number, "local", frozenset({stage}), tuple(ran))

    def _staged(self, path: str) -> Iterator[Words]:
        """What the ``lint-staged`` table of the package.json beside ``.husky`` runs."""
        home = path.rpartition(".husky/")[0]
        document = self.project.documents.get(f"{home}package.json")
        table = table_of({} if document is None else document.data, "lint-staged")
        for given in table.values():
            for text in [given] if isinstance(given, str) else texts_of(given):
                for command in read_commands(text):
                    yield from programs(command.words)


def _configures(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name in _NAMES or name in _LEFTHOOK or folder.rpartition("/")[2] == ".husky"


def _pre_commit(path: str, document: DocumentFact) -> Iterator[Hook]:
    data = document.data
    installed = _stages(texts_of(table_of(data).get("default_install_hook_types")))
    default = _stages(texts_of(table_of(data).get("default_stages")))
    repos = table_of(data).get("repos")
    for number, repo in enumerate(repos if isinstance(repos, list) else []):
        address = str(table_of(repo).get("repo", ""))
        hooks = table_of(repo).get("hooks")
        for position, hook in enumerate(hooks if isinstance(hooks, list) else []):
            identifier = table_of(hook).get("id")
            if not isinstance(identifier, str):
                continue
            line = document.line_of(f"repos.{number}.hooks.{position}")
            stages = _stages(texts_of(hook.get("stages"))) or default
            if not stages:
                stages = _usual(identifier, address, installed)
            args = tuple(texts_of(hook.get("args")))
            ran = tuple(_ran(identifier, hook.get("entry"), args))
            yield Hook(identifier, path, line, address, stages, ran, args)


def _stages(names: list[str]) -> frozenset[str]:
    return frozenset(_STAGES.get(name, name) for name in names)


def _usual(identifier: str, address: str, installed: frozenset[str]) -> frozenset[str]:
    """When a hook runs that does not say so itself.

    A hook made for messages brings its stage along, but git calls it only where that stage is
    installed; any other hook runs at every stage that is.
    """
    text = f"{identifier} {address}".lower()
    if any(word in text for word in _MESSAGE_TOOLS):
        return installed & MESSAGE_STAGES
    return frozenset({"pre-commit"}) | (installed - MESSAGE_STAGES)


def _ran(identifier: str, entry: object, args: tuple[str, ...]) -> Iterator[Words]:
    if not isinstance(entry, str):
        yield (*_COMMANDS.get(identifier, (identifier,)), *args)
        return
    for command in read_commands(entry):
        for words in programs(command.words):
            yield (*words, *args)
            if words[0] == "bash" and "-c" in words:
                yield from _inline(words[words.index("-c") + 1 :])


def _inline(rest: Words) -> Iterator[Words]:
    for command in read_commands(rest[0] if rest else ""):
        yield from programs(command.words)


def _lefthook(path: str, document: DocumentFact) -> Iterator[Hook]:
    for stage, table in table_of(document.data).items():
        if not isinstance(table, dict) or "-" not in stage:
            continue
        for name, run, key in _lefthook_jobs(table, stage):
            ran = tuple(_ran(name, run, ()))
            line = document.line_of(key)
            yield Hook(name, path, line, "local", frozenset({stage}), ran)


def _lefthook_jobs(table: dict[str, Any], stage: str) -> Iterator[tuple[str, str, str]]:
    for kind in ("commands", "scripts"):
        for name, job in table_of(table, kind).items():
            run = table_of(job).get("run") or table_of(job).get("runner") or name
            yield str(name), str(run), f"{stage}.{kind}.{name}"
    jobs = table.get("jobs")
    for number, job in enumerate(jobs if isinstance(jobs, list) else []):
        run = table_of(job).get("run")
        if isinstance(run, str):
            yield str(table_of(job).get("name", run)), run, f"{stage}.jobs.{number}"
