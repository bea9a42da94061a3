"""Compose files: their services, and the environment that each is given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.declared import table_of

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

_NAME = re.compile(r"(?:.*compose.*|docker-stack.*)\.ya?ml", re.IGNORECASE)


class Variable(msgspec.Struct, frozen=True):
    """One environment variable that a file sets; ``value`` is None where it is only named."""

    path: str
    line: int
    name: str
    value: str | None


def compose_files(project: Project) -> dict[str, DocumentFact]:
    """Compose files by path."""
    return {
        path: fact
        for path, fact in project.documents.items()
        if fact.kind == "yaml" and _NAME.fullmatch(path.rpartition("/")[2])
        if table_of(fact.data, "services")
    }


def compose_variables(path: str, fact: DocumentFact) -> Iterator[Variable]:
    """The environment of each service, given as a mapping or as a list."""
    for service, table in table_of(fact.data, "services").items():
        given = table_of(table).get("environment")
        place = f"services.{service}.environment"
        if isinstance(given, dict):
            for name, value in given.items():
                line = fact.line_of(f"{place}.{name}")
                yield Variable(path, line, str(name), _text(value))
        elif isinstance(given, list):
            for position, item in enumerate(given):
                if isinstance(item, str):
                    name, equals, value = item.partition("=")
                    line = fact.line_of(f"{place}.{position}")
                    yield Variable(path, line, name.strip(), value if equals else None)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (dict, list)):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
