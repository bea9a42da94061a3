"""Checks of names: environment variables, wherever they are named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.doctree import DocumentFact, Instruction
from checks.facts.text import split_lines
from checks.project.composefile import compose_files, compose_variables
from checks.project.envfiles import env_files, env_variables
from checks.project.project import Project

_UPPER = re.compile(r"[A-Z_][A-Z0-9_]*")
_CUSTOM = re.compile(r"(?:https?|no|all|ftp)_proxy|npm_\w+")
"""Names that custom, or the tool that reads them, writes in lower case."""
_SET = re.compile(r"([^\s=\"'$]+)=")


@check("env-var-upper-case")
def env_var_upper_case(project: Project) -> Answer:
    """Environment variables are written in upper case.

    They share one table with those of the system and of all tools: what is written otherwise is
    looked for in vain on a system that tells cases apart.

    Instead: rename the variable to UPPER_SNAKE_CASE.

    Known problems: names that are put together at run time are not seen.
    """
    count, found = 0, dict[tuple[str, int, str], At]()
    for path, line, name in _named(project):
        if not name or any(mark in name for mark in "$%{}"):
            continue
        count += 1
        if not _UPPER.fullmatch(name) and not _CUSTOM.fullmatch(name):
            message = f"The environment variable `{name}` is not UPPER_SNAKE_CASE"
            found.setdefault((path, line, name), At(line, message, path=path, anchor=name))
    return Sites(count, list(found.values())) if count else Skip("no environment variable")


def _named(project: Project) -> Iterator[tuple[str, int, str]]:
    """Path, line and name of each variable that code, templates and containers name."""
    for file in project.analysed:
        for read in project.environment.reads(file):
            yield file.path, read.line, read.name
    for path in env_files(project):
        for each in env_variables(path, project.documents[path].text):
            yield path, each.line, each.name
    for path, fact in compose_files(project).items():
        for each in compose_variables(path, fact):
            yield path, each.line, each.name
    for path, fact in project.documents.items():
        if fact.kind == "dockerfile":
            for instruction in fact.instructions:
                if instruction.name in {"ENV", "ARG"}:
                    yield from _instructed(path, fact, instruction)


def _instructed(path: str, fact: DocumentFact, each: Instruction) -> Iterator[tuple[str, int, str]]:
    """Names that ``ENV A=1 B=2``, ``ENV A 1`` or ``ARG A=1`` sets, each at its own line."""
    names = _SET.findall(_without_quotes(each.value))
    if not names:
        names = each.value.split()[:1] if each.name == "ENV" else each.value.split()
    lines = split_lines(fact.text)[each.line - 1 : each.end_line]
    for name in names:
        at = next(
            (n for n, line in enumerate(lines) if re.search(rf"\b{re.escape(name)}\b", line)), 0
        )
        yield path, each.line + at, name


def _without_quotes(value: str) -> str:
    """A value with what stands in quotes taken out."""
    return re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", "", value)
