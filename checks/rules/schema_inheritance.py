"""Checks of schemas: that fields in common are written once."""

from __future__ import annotations

import re
from itertools import combinations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.tree import Expr
from checks.project.project import Project
from checks.project.subjects import Class

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|_+")
_ROLES = frozenset("Create Update Read Response Base In Out Public Patch Request".split())
_MOST = 50
_VERSION = re.compile(r"v\d+")


@check("schema-inheritance")
def schema_inheritance(project: Project, *, min_shared: int = 3) -> Answer:
    """Schemas of one resource inherit the fields they have in common.

    A field that is written twice is changed once and forgotten once.

    Instead: move the shared fields to a base schema.

    Known problems: fields count as the same when name and annotation are written alike; of more
    than 50 schemas with one stem the first ones are compared.
    """
    groups: dict[tuple[str, ...], list[Class]] = {}
    for cls in project.schemas.all:
        if stem := _stem(cls.name):
            file = cls.file
            versions = (part for part in file.segments if _VERSION.fullmatch(part))
            root = file.key.removesuffix(file.module)
            groups.setdefault((stem, root, *versions), []).append(cls)
    count, found = 0, []
    for group in groups.values():
        if len(group) < 2:
            continue
        count += 1
        pairs = combinations(group[:_MOST], 2)
        repeated = next(filter(None, (_repeats(*pair, min_shared) for pair in pairs)), None)
        if repeated is not None:
            found.append(repeated)
    return Sites(count, found) if count else Skip("no schemas with a common stem")


def _stem(name: str) -> str:
    """The resource that a schema's name begins with: ``UserCreate`` and ``UserIn`` are User."""
    return "".join(word for word in _WORD.findall(name) if word not in _ROLES)


def _fields(cls: Class) -> dict[str, Expr]:
    """The annotated fields that a class declares itself."""
    return {
        field.name: field.type.expr
        for field in cls.file.project.schemas.own_fields(cls)
        if field.type is not None
    }


def _repeats(first: Class, second: Class, least: int) -> At | None:
    if first.key in second.ancestors or second.key in first.ancestors:
        return None
    mine, yours = _fields(first), _fields(second)
    shared = [name for name, kind in mine.items() if yours.get(name) == kind]
    if len(shared) < least:
        return None
    later = second if first.path != second.path or second.line > first.line else first
    other = first if later is second else second
    return At(
        later.line,
        f"`{later.name}` declares {len(shared)} fields as `{other.name}` does",
        path=later.path,
        symbol=later.symbol,
        measured=str(len(shared)),
        limit=str(least),
        anchor=other.name,
    )
