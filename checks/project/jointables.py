"""Foreign keys of tables that are made without a class, as associations are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.project.subjects import Call, File

if TYPE_CHECKING:
    from checks.project.project import Project

_LEADING = frozenset({"PrimaryKeyConstraint", "UniqueConstraint", "Index"})


class KeyColumn(msgspec.Struct, frozen=True):
    """A foreign-key column of a ``Table(...)``; ``leads`` when the table itself indexes it."""

    file: File
    line: int
    table: str
    name: str
    leads: bool


def key_columns(project: Project) -> list[KeyColumn]:
    """Foreign-key columns of all tables that production files make by ``sqlalchemy.Table``."""
    return [
        column
        for file in project.production
        for call in file.calls_named("Table")
        if call.name.startswith("sqlalchemy.")
        for column in _of_table(call)
    ]


def _of_table(table: Call) -> Iterator[KeyColumn]:
    parts = [
        Call(table.file, each.index) for each in table.fact.args if isinstance(each, tree.CallRef)
    ]
    leading, foreign = set[str](), set[str]()
    for part in parts:
        if part.last in _LEADING:
            leading.add(_first(part, 1 if part.last == "Index" else 0))
        elif part.last == "ForeignKeyConstraint":
            foreign.add(_first(part, 0))
    columns = [part for part in parts if part.last == "Column"]
    keys = [_first(part, 0) for part in columns if _flag(part, "primary_key")]
    leading.update(keys[:1])
    for part in columns:
        name = _first(part, 0)
        if name in foreign or _refers(part):
            leads = name in leading or _flag(part, "index") or _flag(part, "unique")
            yield KeyColumn(part.file, part.line, _first(table, 0), name, leads)


def _first(call: Call, place: int) -> str:
    """The name that stands at a place of the arguments, or first in a list there."""
    given = call.fact.args[place] if len(call.fact.args) > place else None
    if isinstance(given, tree.Seq) and given.items:
        given = given.items[0]
    return tree.text_of(given) or ""


def _flag(call: Call, name: str) -> bool:
    value = call.fact.keyword(name)
    return isinstance(value, tree.Const) and value.value is True


def _refers(column: Call) -> bool:
    return any(
        isinstance(each, tree.CallRef) and Call(column.file, each.index).last == "ForeignKey"
        for each in column.fact.args
    )
