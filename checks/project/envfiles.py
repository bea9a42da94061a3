"""Files of environment variables: ``.env``, its templates and its siblings per environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.facts.text import split_lines
from checks.project.composefile import Variable

if TYPE_CHECKING:
    from checks.project.project import Project

_FILE = re.compile(r"\.env(?:[._-].*)?|.*\.env|env[._-](?:example|sample|template|dist)|\.envrc")
_LINE = re.compile(r"\s*(?:export\s+)?([^\s=#'\"$;|&(){}<>]+?)\s*=\s*(.*)")
PLATFORM = re.compile(
    r"PATH|HOME|TZ|CI|USER|PWD|SHELL|LANG|TERM|COLUMNS|LINES|TMPDIR|HOSTNAME|PORT|EDITOR|NO_COLOR"
    r"|FORCE_COLOR|PYTEST_\w+|PYTHON\w*|XDG_\w+|GITHUB_\w+|VIRTUAL_ENV|KUBERNETES_\w+|DYNO"
    r"|AWS_LAMBDA_\w+|K_SERVICE|K_REVISION|COMPOSE_\w+"
)
"""Variables that the platform sets, or a tool, and no template has to name."""


def is_env_file(path: str) -> bool:
    """Whether a file holds environment variables, by its name."""
    return _FILE.fullmatch(path.rpartition("/")[2].lower()) is not None


def env_files(project: Project) -> list[str]:
    """The tracked files of environment variables that were read."""
    return [
        path
        for path, fact in project.documents.items()
        if fact.kind == "text" and is_env_file(path)
    ]


def env_variables(path: str, text: str) -> Iterator[Variable]:
    """The variables of one file; the lines inside a quoted value of several lines are none."""
    open_quote = ""
    for number, line in enumerate(split_lines(text), 1):
        if open_quote:
            open_quote = "" if line.count(open_quote) % 2 else open_quote
            continue
        match = _LINE.match(line)
        if match is None:
            continue
        name, value = match[1], match[2].strip()
        quote = value[:1]
        if quote in {'"', "'"} and value.count(quote) % 2:
            open_quote = quote
        yield Variable(path, number, name, _unquoted(value))


def _unquoted(value: str) -> str:
    """A value without its quotes and without a comment behind it."""
    quote = value[:1]
    if quote in {'"', "'"}:
        return value[1:].partition(quote)[0]
    return re.split(r"\s#", value, maxsplit=1)[0].strip()
