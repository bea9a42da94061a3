"""Alembic revisions: what their upgrades do, as operations on schema and on data, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.statements import Statement, read_sql, statement_of

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

SCHEMA = frozenset(
    "create_table drop_table rename_table add_column drop_column alter_column create_index "
    "drop_index create_unique_constraint create_foreign_key create_check_constraint "
    "create_primary_key create_exclude_constraint drop_constraint create_table_comment "
    "drop_table_comment".split()
)
"""Alembic's operations on the schema."""
_TABLE_AT = {
    "create_index": 1, "drop_index": 1, "create_unique_constraint": 1, "create_foreign_key": 1,
    "create_check_constraint": 1, "create_primary_key": 1, "create_exclude_constraint": 1,
    "drop_constraint": 1,
}  # fmt: skip
_EXECUTE = frozenset({"execute", "exec_driver_sql", "scalar", "scalars", "exec"})
_OBJECTS = frozenset(
    "add add_all delete merge bulk_save_objects bulk_insert_mappings bulk_update_mappings".split()
)
_SESSION = re.compile(r"(^|_)(session|db|sess)$", re.IGNORECASE)
_LEVELS = 3
_MOST = 2_000


class Operation(msgspec.Struct, frozen=True):
    """One thing that an upgrade does.

    Attributes:
        kind: ``schema``, ``data`` or ``commit``.
        verb: Name of the operation, or the word of SQL it begins with, in lower case.
        table: The table it works on, "" when that is unknown.
        limited: A WHERE or LIMIT restricts it, or it touches given rows only.
        line: Its line.
        call: The call; None for an attribute of a row that is set.
        batch: It stands in a ``batch_alter_table``.
    """

    kind: str
    verb: str
    table: str
    limited: bool
    line: int
    call: Call | None = None
    batch: bool = False


class Revision:
    """One Alembic revision file."""

    def __init__(self, file: File) -> None:
        self.file = file

    @cached_property
    def values(self) -> dict[str, Expr | None]:
        """What the module assigns to plain names."""
        return {
            target.id: row.value
            for row in self.file.facts.assigns
            if row.function < 0 and row.cls < 0
            for target in row.targets
            if isinstance(target, tree.Name)
        }

    @property
    def is_merge(self) -> bool:
        """Whether it joins several revisions."""
        down = self.values.get("down_revision")
        return isinstance(down, tree.Seq) and len(down.items) > 1

    def function(self, name: str) -> Function | None:
        """A function of the module."""
        index = self.file.tables.functions_named.get(name)
        return None if index is None else self.file.functions[index]

    @cached_property
    def operations(self) -> list[Operation]:
        """What upgrade does, helpers of the same file included, in order."""
        upgrade = self.function("upgrade")
        return [] if upgrade is None else list(self._of(upgrade))

    @cached_property
    def created(self) -> frozenset[str]:
        """Tables that upgrade creates."""
        return frozenset(
            each.table
            for each in self.operations
            if each.table and each.verb in {"create_table", "create table"}
        )

    def _of(self, upgrade: Function) -> Iterator[Operation]:
        """Operations in the order in which they run; each helper is entered once."""
        entered = {upgrade.index}
        waiting: list[tuple[int, Iterator[Call | tree.Assign]]] = [(0, _steps(upgrade))]
        for _ in range(_MOST):
            if not waiting:
                return
            level, steps = waiting[-1]
            step = next(steps, None)
            if step is None:
                waiting.pop()
                continue
            if isinstance(step, tree.Assign):
                yield Operation("data", "update", "", limited=True, line=step.line)
                continue
            helper = self._helper(step)
            if helper is not None and helper.index not in entered and level < _LEVELS:
                entered.add(helper.index)
                waiting.append((level + 1, _steps(helper)))
                continue
            yield from _operations(step)

    def _helper(self, call: Call) -> Function | None:
        name = tree.dotted(call.fact.func)
        return self.function(name) if name and "." not in name else None


class Revisions:
    """All Alembic revisions of a project, in order of path."""

    def __init__(self, project: Project) -> None:
        files = [file for file in project.migrations if file.name != "env.py"]
        self.all = [each for each in map(Revision, files) if _is_revision(each)]


def _is_revision(revision: Revision) -> bool:
    return {"revision", "down_revision"} <= revision.values.keys()


def _steps(function: Function) -> Iterator[Call | tree.Assign]:
    """Calls of a function, and attributes of rows that it sets, in order of line."""
    rows = [each for each in function.assigns if each.cls < 0 and _sets_attribute(each)]
    loads = rows and any(call.last in {"query", "scalars", "scalar"} for call in function.calls)
    steps: list[Call | tree.Assign] = list(function.calls)
    return iter(sorted([*steps, *(rows if loads else ())], key=lambda each: each.line))


def _sets_attribute(row: tree.Assign) -> bool:
    names = [each.id for each in row.targets if isinstance(each, tree.Name)]
    return any("." in name and not name.startswith(("self.", "op.")) for name in names)


def _operations(call: Call) -> Iterator[Operation]:
    """What one call does; a text of SQL may hold several statements."""
    last, receiver = call.last, call.receiver
    if receiver is None:
        return
    if last in SCHEMA:
        batch = _batch(call)
        name = batch or tree.text_of(call.arg(_TABLE_AT.get(last, 0), _table_keyword(last))) or ""
        yield Operation("schema", last, name, limited=True, line=call.line, call=call,
                        batch=batch is not None)  # fmt: skip
    elif last in {"create", "drop", "create_all", "drop_all"} and _is_bound(call):
        yield Operation("schema", last, "", limited=True, line=call.line, call=call)
    elif last == "bulk_insert":
        yield Operation("data", "insert", "", limited=True, line=call.line, call=call)
    elif last == "commit":
        yield Operation("commit", last, "", limited=True, line=call.line, call=call)
    elif last in _EXECUTE:
        yield from (_executed(call, each) for each in _statements(call))
    elif last in _OBJECTS and _SESSION.search(tree.dotted(receiver)):
        yield Operation("data", last, "", limited=True, line=call.line, call=call)
    elif last in {"update", "delete"} and isinstance(receiver, tree.CallRef):
        made = statement_of(call)
        if made is not None and made.queried:
            yield _executed(call, made)


def _table_keyword(name: str) -> str:
    return {"create_foreign_key": "source_table", "rename_table": "old_table_name"}.get(
        name, "table_name"
    )


def _statements(call: Call) -> list[Statement]:
    argument = next(iter(call.arguments), None)
    if argument is None:
        return []
    made = statement_of(call, argument)
    return [made] if made is not None else read_sql(call, argument)


def _executed(call: Call, made: Statement) -> Operation:
    return Operation(made.kind, made.verb, made.table, limited=made.limited, line=call.line,
                     call=call)  # fmt: skip


def _is_bound(call: Call) -> bool:
    """``status.create(op.get_bind())``: a type or table that is made by itself."""
    if call.fact.keyword("checkfirst") is not None or call.fact.keyword("bind") is not None:
        return True
    for argument in call.fact.args:
        name = tree.dotted(argument)
        if isinstance(argument, tree.CallRef):
            name = call.file.facts.calls[argument.index].last
        if name.rpartition(".")[2] in {"get_bind", "bind", "conn", "connection", "engine"}:
            return True
    return False


def _batch(call: Call) -> str | None:
    """The table of the ``batch_alter_table`` around a call, None outside of one."""
    for _, block in call.file.blocks_around(call.fact.block):
        for expr in block.exprs if block.kind == "with" else ():
            if isinstance(expr, tree.CallRef):
                opened = call.file.calls[expr.index]
                if opened.last == "batch_alter_table":
                    return tree.text_of(opened.arg(0, "table_name")) or ""
    return None
