"""Lookups of one row: which statement they run, and what becomes of the row afterwards."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.statements import assigned
from checks.project.subjects import Call, File

if TYPE_CHECKING:
    from checks.project.subjects import Class, Function

_RUNS = frozenset({"execute", "exec", "scalars", "scalar", "stream", "stream_scalars"})
_OWN = frozenset({"scalar_one", "scalar_one_or_none", "one_or_none"})
_SELECTS = frozenset({"select", "query", "get", "with_only_columns"})
_ONE_ROW = frozenset(
    "count sum max min avg exists coalesce bool_or bool_and array_agg string_agg json_agg now "
    "literal nextval random version".split()
)
_COMBINED = frozenset({"And", "Or", "Not"})
_GUARD = re.compile(r"(^|_)(ensure|check|require|assert|validate|verify|raise|must|guard)(_|$)")
_DEPTH = 30


class Use(msgspec.Struct, frozen=True):
    """One use of a name or of a call's result in a function.

    ``kind``: ``none`` (compared with None), ``truth`` (asked whether it is true), ``given``
    (passed within a condition), ``part`` (an attribute or item of it is taken), ``unpacked``,
    ``returned``.
    """

    line: int
    kind: str


class Lookup:
    """A call that fetches a row: ``first``, ``one``, ``scalar_one_or_none`` and the like."""

    def __init__(self, call: Call) -> None:
        self.call = call

    @cached_property
    def links(self) -> list[Call]:
        """The calls behind it, outermost first, down to the statement that it runs."""
        return _links(self.call)

    @property
    def is_lookup(self) -> bool:
        """Whether it asks a result or a query of SQLAlchemy."""
        if self.call.last in _OWN:
            return True
        file, function = self.call.file, self.call.function
        database = file.project.database
        runs = (each for each in self.links if each.last in _RUNS or each.last == "query")
        if any(database.operation(each) for each in runs):
            return True
        last = self.links[-1] if self.links else self.call
        if ".query" in tree.dotted(last.receiver):
            return True
        return file.type_of(self.call.receiver, function).startswith("sqlalchemy.")

    @property
    def root(self) -> Call | None:
        """The ``select``, ``query`` or ``get`` that names what is looked up."""
        return next((each for each in self.links if each.last in _SELECTS), None)

    @property
    def always_finds(self) -> bool:
        """Aggregates, counts and EXISTS without groups give one row, always."""
        if any(each.last == "group_by" for each in self.links):
            return False
        for each in self.links:
            if each.last == "text" or each.last in _SELECTS - {"get"}:
                for argument in each.fact.args:
                    if any(map(_is_aggregate, _words(each, argument))):
                        return True
        return False

    @property
    def entity(self) -> Class | None:
        """The model of which a whole row is looked up."""
        root = self.root
        if root is None or len(root.fact.args) != 1 + (root.last == "get"):
            return None
        name = root.file.resolve(root.fact.args[0], root.function)
        cls = root.file.project.classes.by_key.get(name)
        return cls if cls is not None and root.file.project.classes.role(cls) == "orm" else None


def _words(call: Call, expr: Expr) -> Iterator[str]:
    for node in tree.walk(expr, call.file.facts):
        if isinstance(node, tree.Name):
            yield node.id
        elif (text := tree.text_of(node)) is not None:
            yield from (f"func.{word}" for word in text.lower().replace("(", " ( ").split())


def _is_aggregate(name: str) -> bool:
    head, _, last = name.rpartition(".")
    return last in _ONE_ROW and (head.endswith("func") or last in {"exists", "literal"})


def _links(call: Call) -> list[Call]:
    found: list[Call] = []
    expr: Expr | None = call.receiver
    for _ in range(_DEPTH):
        match expr:
            case tree.Op(kind="Await", items=(inner,)):
                expr = inner
            case tree.Attr(value=inner):
                expr = inner
            case tree.CallRef(index=index):
                made = Call(call.file, index)
                if made in found:
                    break
                found.append(made)
                runs = made.last in _RUNS and made.fact.args
                expr = made.fact.args[0] if runs else made.receiver
            case tree.Name(id=name) if "." not in name:
                rows = [each for each in assigned(call, name) if not _is_link(each, found)]
                expr = rows[-1] if rows else None
            case _:
                break
    return found


def _is_link(expr: Expr, found: list[Call]) -> bool:
    return isinstance(expr, tree.CallRef) and any(each.index == expr.index for each in found)


# What becomes of values --------------------------------------------------------------------------


class Uses:
    """How the names and calls of one file are used, function by function."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.names: dict[tuple[int, str], list[Use]] = {}
        self.calls: dict[int, list[Use]] = {}
        self.bound: dict[int, tree.Assign] = {}
        self.rebound: dict[tuple[int, str], list[int]] = {}
        for function, line, expr in _rows(file):
            self._read(function, line, expr)
        for block in file.facts.blocks:
            if block.kind in {"if", "while", "case", "match"}:
                for expr in block.exprs[:1]:
                    self._tested(block.function, block.line, expr)
        for row in file.facts.statements:
            if row.value is not None and row.kind == "assert":
                self._tested(row.function, row.line, row.value)
            elif row.value is not None and row.kind == "return":
                self._note(row.function, row.line, row.value, "returned")
        for assign in file.facts.assigns:
            self._bind(assign)
        for call in file.facts.calls:
            if _GUARD.search(call.last):
                for argument in call.args:
                    self._note(call.function, call.line, argument, "given")
        for uses in self.names.values():
            uses.sort(key=lambda use: use.line)
        for lines in self.rebound.values():
            lines.sort()

    def _bind(self, row: tree.Assign) -> None:
        for target in row.targets:
            if isinstance(target, tree.Name) and "." not in target.id:
                self.rebound.setdefault((row.function, target.id), []).append(row.line)
        if row.value is None:
            return
        value = bare(row.value)
        if isinstance(value, tree.CallRef):
            self.bound.setdefault(value.index, row)
        if isinstance(row.targets[0], tree.Seq):
            self._note(row.function, row.line, row.value, "unpacked")

    def _note(self, function: int, line: int, expr: Expr, kind: str) -> None:
        expr = bare(expr)
        if isinstance(expr, tree.CallRef):
            self.calls.setdefault(expr.index, []).append(Use(line, kind))
        elif isinstance(expr, tree.Name) and "." not in expr.id:
            self.names.setdefault((function, expr.id), []).append(Use(line, kind))

    def _tested(self, function: int, line: int, expr: Expr) -> None:
        """What a condition asks; what it passes on is given to something that may ask."""
        self._note(function, line, expr, "truth")
        for node in tree.walk(expr, self.file.facts):
            if isinstance(node, tree.Name) and node is not expr:
                self._note(function, line, node, "given")

    def _read(self, function: int, line: int, expr: Expr) -> None:
        for node in (expr,) if tree.is_leaf(expr) else tree.walk(expr):
            if type(node) is tree.Name:
                head, dot, _ = node.id.partition(".")
                if dot:
                    self._note(function, line, tree.Name(head), "part")
                continue
            match node:
                case tree.Attr(value=value) | tree.Item(value=value):
                    self._note(function, line, value, "part")
                case tree.Op(kind=kind, items=items) if kind in _COMBINED:
                    for item in items:
                        self._note(function, line, item, "truth")
                case tree.Op(kind="IfExp", items=(test, *_)):
                    self._tested(function, line, test)
                case tree.Op(kind=kind, items=items) if kind.startswith("Compare:"):
                    empty = any(_is_none(item) for item in items)
                    for item in items:
                        self._note(function, line, item, "none" if empty else "given")


def bare(expr: Expr) -> Expr:
    """An expression without ``await`` and without the name that a walrus gives it."""
    for _ in range(_DEPTH):
        if not (isinstance(expr, tree.Op) and expr.kind in {"Await", "NamedExpr"}):
            break
        expr = expr.items[0]
    return expr


def _is_none(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"


def _rows(file: File) -> Iterator[tuple[int, int, Expr]]:
    """Every expression of a file with its function and line."""
    facts = file.facts
    for call in facts.calls:
        for expr in (call.func, *call.args, *(item.value for item in call.keywords)):
            yield call.function, call.line, expr
    for assign in facts.assigns:
        for each in (*assign.targets, assign.value):
            if each is not None:
                yield assign.function, assign.line, each
    for row in facts.statements:
        if row.value is not None:
            yield row.function, row.line, row.value
    for block in facts.blocks:
        for expr in block.exprs:
            yield block.function, block.line, expr
    for raised in facts.raises:
        if raised.exc is not None:
            yield raised.function, raised.line, raised.exc


def uses_of(file: File) -> Uses:
    """The uses in a file, worked out once."""
    known: Uses | None = file.memo.get("uses of rows")
    if known is None:
        known = file.memo["uses of rows"] = Uses(file)
    return known


def uses_after(call: Call) -> list[Use]:
    """What becomes of a call's result: directly, and of the variable it is assigned to.

    A variable is followed up to its next assignment.
    """
    uses = uses_of(call.file)
    found = list(uses.calls.get(call.index, ()))
    row, name = bound_to(call)
    if row is not None and name:
        place = (call.fact.function, name)
        own, rows = uses.rebound.get(place, []), uses.names.get(place, [])
        later = bisect_right(own, row.line)
        end = own[later] if later < len(own) else 1 << 30
        first = row.line if row.op == ":=" else row.end_line + 1
        start = bisect_left(rows, first, key=lambda use: use.line)
        found += rows[start : bisect_right(rows, end, key=lambda use: use.line)]
    return found


def bound_to(call: Call) -> tuple[tree.Assign | None, str]:
    """The assignment that binds a call's result to a plain name, and the name."""
    row = uses_of(call.file).bound.get(call.index)
    target = row.targets[0] if row is not None else None
    name = target.id if isinstance(target, tree.Name) else ""
    return row, "" if "." in name else name


def is_optional(function: Function) -> bool:
    """Whether a function may say that it returns None, or says nothing."""
    expr, file = function.fact.returns, function.file
    if expr is None:
        return True
    for _ in range(3):
        for node in tree.walk(expr):
            text = tree.text_of(node)
            if _is_none(node) or (text and ("None" in text or "Optional" in text)):
                return True
            name = file.resolve(node, function) if isinstance(node, tree.Name) else ""
            if name in {"typing.Optional", "typing.Any", "builtins.object"}:
                return True
        name = file.resolve(expr, function) if isinstance(expr, tree.Name) else ""
        alias = file.project.names.assignment_named(name) if name else None
        if alias is None or alias[1].value is None:
            return False
        file, expr = alias[0], alias[1].value
    return False
