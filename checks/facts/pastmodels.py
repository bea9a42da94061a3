"""Tables of ORM models in one file as it was at some time, in a form that can be compared.

Only what the database knows is kept: names, types, nullability, keys, constraints and indexes.
So a change of style (``Column`` to ``mapped_column``, ``Optional`` to ``| None``) changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from checks.facts import tree
from checks.facts.tree import Assign, Expr, PyFacts

_COLUMNS = frozenset({"Column", "mapped_column", "Field"})
_OTHER = frozenset(
    "relationship Relationship dynamic_loader association_proxy column_property composite synonym "
    "hybrid_property object_session".split()
)
_PYTHON = frozenset(
    "default default_factory insert_default onupdate init repr kw_only compare hash doc info key "
    "deferred deferred_group deferred_raiseload sort_order active_history "
    "autoincrement min_length description title alias examples ge gt le lt regex pattern exclude "
    "schema_extra "
    "sa_column_kwargs nullable primary_key name type_ sa_type sa_column".split()
)
_FLAGS = frozenset({"unique", "index"})
_TYPES = {
    "int": "Integer", "str": "String", "bool": "Boolean", "float": "Float", "Decimal": "Numeric",
    "datetime": "DateTime", "date": "Date", "time": "Time", "timedelta": "Interval",
    "bytes": "LargeBinary", "UUID": "Uuid", "AutoString": "String", "EmailStr": "String",
}  # fmt: skip
_NO_TYPES = ("ForeignKey", "Identity", "Sequence", "Computed", "CheckConstraint", "Column")
_NO_COLUMN = ("use_existing_column", "system")
_DEPTH = 40
_MOST = 2_000


COMPUTED = "computed"


class Table(msgspec.Struct, array_like=True):
    """One table.

    Attributes:
        name: Name of its class.
        table: Its own name, where that is written.
        line: Line of its class in its part of the file.
        columns: What each column is, with its line there, by its name in the database.
        extra: Its name and its constraints; :data:`COMPUTED` where a method makes them.
        sure: It names its table itself; without a name it may be a mixin.
    """

    name: str
    table: str
    line: int
    columns: dict[str, tuple[str, int]]
    extra: str
    sure: bool


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """A table, and the number of lines above the part of the file that holds it."""

    table: Table
    above: int


class Part:
    """A part of a file that is parsed by itself; versions of a file share most of theirs."""

    def __init__(self, facts: PyFacts) -> None:
        self.facts = facts

    @cached_property
    def rows(self) -> dict[int, dict[str, Assign]]:
        """What each class assigns in its body, by name."""
        return _rows(self.facts)


type _Place = tuple[Part, int]
"""A class: its part, and its index there."""
type Memo = dict[tuple[_Place, ...], Table | None]
"""Tables by their classes with their bases."""


def tables(parts: Sequence[tuple[Part, int]], memo: Memo) -> dict[str, Placed]:
    """Tables that a file declares, by their names, else by those of their classes.

    Columns of bases in the same file count in.

    Args:
        parts: The parts of the file, each with the number of lines above it.
        memo: What was made of the same classes in other versions of the file.
    """
    found: dict[str, Placed] = {}
    classes = [
        ((part, index), above) for part, above in parts for index in range(len(part.facts.classes))
    ]
    by_name = {part.facts.classes[index].name: (part, index) for (part, index), _ in classes}
    for place, above in classes:
        lineage = tuple(_lineage(place, by_name))
        if lineage not in memo:
            memo[lineage] = _table(lineage)
        table = memo[lineage]
        if table is not None:
            found[table.table or table.name] = Placed(table, above)
    return found


def _table(lineage: Sequence[_Place]) -> Table | None:
    part, index = lineage[0]
    facts, cls = part.facts, part.facts.classes[index]
    named = part.rows.get(index, {})
    plain = any(k.name == "table" and _is_true(k.value) for k in cls.keywords)
    abstract = named.get("__abstract__")
    if abstract is not None and _is_true(abstract.value):
        return None
    columns: dict[str, tuple[str, int]] = {}
    for owner, each in reversed(lineage):
        for name, row in owner.rows.get(each, {}).items():
            if name.startswith("__"):
                continue
            column = _column(owner.facts, name, row, plain=plain)
            if column is not None:
                line = row.line if (owner, each) == lineage[0] else cls.line
                columns[column[0]] = (column[1], line)
    sure = plain or not named.keys().isdisjoint({"__tablename__", "__table__"})
    if not columns and not sure:
        return None
    extra = [
        _text(facts, named[name].value)
        for name in ("__tablename__", "__table__", "__table_args__")
        if name in named
    ]
    if any(f.cls == index and f.name == "__table_args__" for f in facts.functions):
        extra = [COMPUTED]
    given = named.get("__tablename__")
    table = tree.text_of(given.value) if given is not None else None
    return Table(cls.name, table or "", cls.line, columns, " ".join(extra), sure)


def _rows(facts: PyFacts) -> dict[int, dict[str, Assign]]:
    """What each class assigns in its body, by name."""
    found: dict[int, dict[str, Assign]] = {}
    for row in facts.assigns:
        if row.cls >= 0 and row.function < 0 and not _for_checkers(facts, row):
            for target in row.targets:
                if isinstance(target, tree.Name) and "." not in target.id:
                    found.setdefault(row.cls, {})[target.id] = row
    return found


def _for_checkers(facts: PyFacts, row: Assign) -> bool:
    """Below ``if TYPE_CHECKING:``, where types are narrowed and nothing is mapped."""
    tests = facts.blocks[row.block].exprs if row.block >= 0 else ()
    return any(tree.dotted(test).endswith("TYPE_CHECKING") for test in tests)


def _lineage(place: _Place, by_name: Mapping[str, _Place]) -> list[_Place]:
    """A class and its bases in the same file, the class first."""
    found = [place]
    for part, index in found:
        for base in part.facts.classes[index].bases:
            other = by_name.get(tree.dotted(base))
            if other is not None and other not in found:
                found.append(other)
    return found


def _is_true(expr: Expr | None) -> bool:
    return isinstance(expr, tree.Const) and expr.value is True


def _calls(facts: PyFacts, expr: Expr | None, *, plain: bool) -> Iterator[tree.Call]:
    """Calls that declare a column; a ``Field`` does so in tables of SQLModel only."""
    for node in tree.walk(expr, facts):
        last = facts.calls[node.index].last if isinstance(node, tree.CallRef) else ""
        if isinstance(node, tree.CallRef) and last in _COLUMNS and (plain or last != "Field"):
            yield facts.calls[node.index]


def _column(facts: PyFacts, name: str, row: Assign, *, plain: bool) -> tuple[str, str] | None:
    """A column's name in the database, and what it is."""
    value, annotation = row.value, row.annotation
    if isinstance(value, tree.CallRef) and facts.calls[value.index].last in _OTHER:
        return None
    calls = [*_calls(facts, value, plain=plain), *_calls(facts, annotation, plain=plain)]
    mapped = _inside_mapped(annotation)
    if not calls and mapped is None and not (plain and annotation is not None):
        return None
    if not calls and mapped is not None and _names_model(mapped, value):
        return None
    if any(_is_true(call.keyword(flag)) for call in calls for flag in _NO_COLUMN):
        return None
    given = [argument for call in calls for argument in call.args]
    names = [*given[:1], *(call.keyword("name") for call in calls)]
    own = next(filter(None, map(tree.text_of, names)), name)
    return own, _described(facts, calls, given, mapped or annotation)


def _described(
    facts: PyFacts, calls: list[tree.Call], given: list[Expr], annotation: Expr | None
) -> str:
    """Type, nullability, keys and options of a column."""
    typed, optional = _annotated(facts, annotation)
    rest = [_text(facts, each) for each in given if not isinstance(each, tree.Const)]
    for call in calls:
        rest += [_text(facts, v) for k in ("type_", "sa_type") if (v := call.keyword(k))]
    kinds = [each for each in rest if not each.startswith(_NO_TYPES)]
    keys = sorted(each for each in rest if each.startswith(_NO_TYPES))
    primary = any(_is_true(call.keyword("primary_key")) for call in calls)
    empty = optional if annotation is not None else True
    for call in calls:
        said = call.keyword("nullable")
        if isinstance(said, tree.Const):
            empty = said.value is True
    null = "null" if empty and not primary else "not null"
    options = sorted(_options(facts, calls))
    return " ".join([*(kinds[:1] or [typed]), null, "primary" * primary, *keys, *options])


def _options(facts: PyFacts, calls: list[tree.Call]) -> Iterator[str]:
    for call in calls:
        for item in call.keywords:
            if not item.name or item.name in _PYTHON:
                continue
            off = isinstance(item.value, tree.Const) and item.value.value in {False, None}
            if item.name not in _FLAGS or not off:
                yield f"{item.name}={_text(facts, item.value)}"


def _inside_mapped(annotation: Expr | None) -> Expr | None:
    """What stands in ``Mapped[...]``, None for another annotation."""
    if isinstance(annotation, tree.Item) and tree.dotted(annotation.value).endswith("Mapped"):
        return annotation.index
    return None


def _names_model(mapped: Expr, value: Expr | None) -> bool:
    """``Mapped["User"]`` without a column: a relationship that was declared elsewhere."""
    return value is None and tree.text_of(mapped) is not None and "None" not in str(mapped)


def _annotated(facts: PyFacts, expr: Expr | None) -> tuple[str, bool]:
    """The column type behind an annotation, and whether it may be None."""
    optional = False
    for _ in range(_DEPTH):
        match expr:
            case tree.Item(value=value, index=index) if _last(value) == "Optional":
                expr, optional = index, True
            case tree.Item(value=value, index=tree.Seq(items=items)) if _last(value) == "Annotated":
                expr = items[0]
            case (
                tree.Bin(op="BitOr", items=items)
                | tree.Item(
                    value=tree.Name(id="Union" | "typing.Union"), index=tree.Seq(items=items)
                )
            ):
                rest = [item for item in items if not _is_none(item)]
                optional |= len(rest) < len(items)
                if len(rest) != 1:
                    break
                expr = rest[0]
            case _:
                break
    name = _text(facts, expr)
    return _TYPES.get(name, name), optional


def _last(expr: Expr) -> str:
    return tree.dotted(expr).rpartition(".")[2]


def _is_none(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"


def _text(facts: PyFacts, expr: Expr | None) -> str:
    """An expression as text, modules left out: ``sa.String(20)`` and ``String(20)`` are one."""
    words: list[str] = []
    waiting: list[Expr | str] = [] if expr is None else [expr]
    for _ in range(_MOST):
        if not waiting:
            break
        node = waiting.pop()
        match node:
            case str():
                words.append(node)
            case tree.Name(id=name):
                words.append(name.rpartition(".")[2])
            case tree.Const(value=value):
                words.append(repr(value))
            case tree.CallRef(index=index):
                waiting += reversed(_call_parts(facts.calls[index]))
            case tree.Attr(value=value, attr=attr):
                waiting += [f".{attr}", value]
            case _:
                kind = getattr(node, "kind", "") or getattr(node, "op", "")
                parts = [part for child in tree.children(node) for part in (child, ",")]
                waiting += reversed([f"<{kind}", *parts, ">"])
    return "".join(words)


def _call_parts(call: tree.Call) -> list[Expr | str]:
    """A call as text and operands; ``String`` and ``String()`` are one."""
    parts: list[Expr | str] = [call.last]
    items = [item for item in call.keywords if item.name not in {"name", "comment", "doc", "info"}]
    if call.args or items:
        parts.append("(")
        for argument in call.args:
            parts += [argument, ","]
        for item in sorted(items, key=lambda each: each.name):
            parts += [f"{item.name}=", item.value, ","]
        parts.append(")")
    return parts
