"""Every command that files of a repository write out, with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from checks.project.ciruns import block_of
from checks.project.commands import read_commands

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

type Place = Literal["ci", "make", "docker", "shell", "tox", "docs"]

_CI = re.compile(
    r"(?:\.\./)?(?:\.github/(?:workflows|actions)/.+|\.gitlab-ci.*|.*\.gitlab-ci\.ya?ml|\.gitlab/.+"
    r"|\.circleci/.+|(?:.*/)?azure-pipelines.*|\.azure.*/.+|bitbucket-pipelines\.yml"
    r"|\.drone\.ya?ml|\.woodpecker.*|action\.ya?ml)"
)
_SCRIPT_KEYS = frozenset(
    "run script before_script after_script command commands bash pwsh powershell".split()
)
_DOCS = re.compile(r"(?:.*/)?(?:readme|contributing)[^/]*", re.IGNORECASE)
_MANUAL = re.compile(r"(?:.*/)?docs?/.*", re.IGNORECASE)
_SHELLS = frozenset({"", "bash", "sh", "shell", "console", "zsh", "text", "shell-session", "cmd",
                     "powershell", "shellsession", "terminal", "bat", "ps1", "fish"})  # fmt: skip
_PROMPT = re.compile(r"^(\s*)(?:\([\w.-]+\)\s*)?(?:[$%>]|PS>|C:\\>)\s+", re.MULTILINE)
_REFERENCE = re.compile(r"\$[({](?P<name>[\w.-]+)[)}]|\{\{\s*(?P<other>[\w-]+)\s*\}\}")
_FLAGS = re.compile(r"^(?:--\S+\s+)+")
_COMMENT = re.compile(r"(?m)^\s*#.*$")


class Written(msgspec.Struct, frozen=True):
    """One command as it stands in a file.

    Attributes:
        words: Its words, wrappers included.
        path: The file.
        line: Its line.
        place: Kind of the file.
        readme: The file is a README or a guide to contributing, or no documentation at all.
    """

    words: tuple[str, ...]
    path: str
    line: int
    place: Place
    readme: bool = True


class Scripts:
    """All commands that are written out in a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def commands(self) -> list[Written]:
        """Commands of CI, recipes, images, shell scripts, tox and documents, by path."""
        found: list[Written] = []
        for path, document in sorted(self.project.documents.items()):
            found += self._of(path, document)
        return found

    def _of(self, path: str, document: DocumentFact) -> Iterator[Written]:
        match document.kind:
            case "dockerfile":
                yield from _of_image(path, document)
            case "makefile" | "justfile":
                yield from _of_recipes(path, document)
            case "shell":
                yield from _commands(document.text, path, 1, "shell")
            case "yaml" if _CI.fullmatch(path):
                yield from _of_pipeline(path, document)
            case "ini" | "toml" if path.rpartition("/")[2] in {"tox.ini", "tox.toml"}:
                yield from _of_tox(path, document)
            case "markdown" | "rst" if _DOCS.fullmatch(path) or _MANUAL.fullmatch(path):
                yield from _of_prose(path, document)


def _commands(
    text: str, path: str, line: int, place: Place, *, readme: bool = True
) -> Iterator[Written]:
    """Commands of a text whose first line is ``line``."""
    for command in read_commands(text):
        yield Written(command.words, path, line + command.offset, place, readme)


def _raw(document: DocumentFact, first: int, last: int) -> str:
    """Lines of a file as they stand, so that lines within a command can be told."""
    return "\n".join(document.text.split("\n")[first - 1 : last])


def _of_image(path: str, document: DocumentFact) -> Iterator[Written]:
    for instruction in document.instructions:
        if instruction.name != "RUN":
            continue
        text = _raw(document, instruction.line, instruction.end_line)
        # A comment within a continued command is dropped by Docker; its line stays.
        text = _COMMENT.sub("\\\\", text)
        text = re.sub(r"^\s*RUN\s+", "", text, flags=re.IGNORECASE)
        text = re.sub(r"<<-?\s*(['\"]?)\w+\1[^\n]*", "", text)
        yield from _commands(_FLAGS.sub("", text), path, instruction.line, "docker")


def _of_recipes(path: str, document: DocumentFact) -> Iterator[Written]:
    lines = document.text.split("\n")
    seen: set[int] = set()
    for target in document.targets:
        for command in target.commands:
            if command.line in seen:
                continue
            seen.add(command.line)
            last = command.line
            while last < len(lines) and lines[last - 1].rstrip().endswith("\\"):
                last += 1
            text = "\n".join(lines[command.line - 1 : last]).lstrip("\t @-+")
            filled = _filled(text, document.variables)
            yield from _commands(filled, path, command.line, "make")


def _filled(text: str, variables: dict[str, str]) -> str:
    for _ in range(3):
        filled = _REFERENCE.sub(
            lambda match: variables.get(match["name"] or match["other"], match[0]), text
        )
        if filled == text or len(filled) > 20_000:
            break
        text = filled
    return text.replace("$$", "$")


def _of_pipeline(path: str, document: DocumentFact) -> Iterator[Written]:
    """Commands behind the keys under which pipelines hold scripts."""
    for number, data in enumerate(document.documents):
        waiting: list[tuple[str, str, Any]] = [(f"{number}#" if number else "", "", data)]
        while waiting:
            at, key, value = waiting.pop()
            if isinstance(value, dict):
                waiting += [(_joined(at, name), str(name), each) for name, each in value.items()]
            elif isinstance(value, list):
                waiting += [(_joined(at, n), key, each) for n, each in enumerate(value)]
            elif isinstance(value, str) and key in _SCRIPT_KEYS:
                line = document.line_of(at) + block_of(value)
                yield from _commands(value, path, line, "ci")


def _joined(at: str, name: object) -> str:
    return f"{at}.{name}" if at and not at.endswith("#") else f"{at}{name}"


def _of_tox(path: str, document: DocumentFact) -> Iterator[Written]:
    if not isinstance(document.data, dict):
        return
    for section, table in document.data.items():
        for key in ("commands", "commands_pre", "commands_post"):
            value = table.get(key) if isinstance(table, dict) else None
            if isinstance(value, str):
                line = document.line_of(f"{section}.{key}")
                yield from _commands(value, path, line, "tox")


def _of_prose(path: str, document: DocumentFact) -> Iterator[Written]:
    """Commands of code blocks."""
    readme = _DOCS.fullmatch(path) is not None
    for section in document.sections:
        for code in section.code:
            if code.language.lower() in _SHELLS:
                text = _PROMPT.sub(r"\1", code.text)
                yield from _commands(text, path, code.line, "docs", readme=readme)
