"""Columns of ORM models: what they are, what they refer to, what indexes them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.classes import SQLMODEL
from checks.project.jointables import KeyColumn, key_columns
from checks.project.searches import searched
from checks.project.subjects import Call, Class, File

if TYPE_CHECKING:
    from checks.project.project import Project

_MOMENTS = frozenset({"datetime.datetime", "datetime"})
_MOMENT_TYPES = frozenset({"DateTime", "TIMESTAMP"})
_DECLARING = frozenset({"Column", "mapped_column", "Field"})
_COARSE_NAMES = frozenset({"status", "state", "type", "kind"})
_COARSE = frozenset({"Boolean", "Enum", "bool"})
_INDEXES = frozenset({"Index", "UniqueConstraint", "PrimaryKeyConstraint"})
_FOREIGN = frozenset({"ForeignKeyConstraint"})
_MYSQL = ("pymysql", "aiomysql", "mysqlclient", "mysql-connector-python", "asyncmy")


class Column:
    """One column of one model, seen through aliases of its annotation.

    Attributes:
        cls: The class whose body declares it.
        name: Attribute name.
        line: Line of the declaration.
    """

    def __init__(self, cls: Class, name: str, fact: Assign) -> None:
        self.cls = cls
        self.name = name
        self.line = fact.line
        self.fact = fact

    @cached_property
    def calls(self) -> list[Call]:
        """What declares it: its value, the one of its annotation's alias, a column inside."""
        found: list[Call] = []
        for file, expr in ((self.cls.file, self.fact.value), self._annotated):
            for node in tree.walk(expr, file.facts):
                if isinstance(node, tree.CallRef):
                    made = Call(file, node.index)
                    if made.last in _DECLARING:
                        found.append(made)
        return found

    def given(self, *names: str) -> tuple[File, Expr] | None:
        """The first of these keyword arguments that any of its calls gives, with its file."""
        for call in self.calls:
            for name in names:
                value = call.fact.keyword(name)
                if value is not None:
                    return call.file, value
        return None

    @cached_property
    def _annotated(self) -> tuple[File, Expr | None]:
        """The annotation inside ``Mapped[...]``, aliases followed, with its file."""
        file, expr = self.cls.file, self.fact.annotation
        for _ in range(4):
            if isinstance(expr, tree.Item) and file.resolve(expr) == "sqlalchemy.orm.Mapped":
                expr = expr.index
            if isinstance(expr, tree.Name):
                found = file.project.names.assignment_named(file.resolve(expr))
                if found is not None and found[1].value is not None:
                    file, expr = found[0], found[1].value
        return file, expr

    @cached_property
    def python_type(self) -> str:
        """Canonical name of the annotated type, optional and alias taken off."""
        file, expr = self._annotated
        return file.project.values.of_annotation(file, expr)

    @cached_property
    def _type(self) -> tuple[File, Expr] | None:
        """The column type that is given, by position or by keyword."""
        for call in self.calls:
            for expr in call.fact.args:
                name = call.file.resolve(expr).rpartition(".")[2]
                if name[:1].isupper() and name not in _NO_TYPES:
                    return call.file, expr
        return self.given("type_", "sa_type")

    @property
    def type_name(self) -> str:
        """Canonical name of the column type that is given, "" for none."""
        return "" if self._type is None else self._type[0].resolve(self._type[1])

    @property
    def type_call(self) -> Call | None:
        """The call that makes the type (``DateTime(timezone=True)``)."""
        if self._type is None or not isinstance(self._type[1], tree.CallRef):
            return None
        return Call(self._type[0], self._type[1].index)

    @property
    def is_datetime(self) -> bool:
        """Whether it holds points in time."""
        last = self.type_name.rpartition(".")[2]
        return last in _MOMENT_TYPES or self.python_type in _MOMENTS

    @property
    def is_coarse(self) -> bool:
        """Whether it has a handful of values: an index does not help."""
        kind = self.python_type
        cls = self.cls.file.project.classes.by_key.get(kind)
        enum = cls is not None and self.cls.file.project.classes.role(cls) == "enum"
        if self.name.rpartition("_")[2] in _COARSE_NAMES:
            return True
        return enum or kind == "builtins.bool" or self.type_name.rpartition(".")[2] in _COARSE

    @property
    def default(self) -> str:
        """Canonical name of a function that makes the default."""
        given = self.given("default", "default_factory", "insert_default", "onupdate")
        return given[0].resolve(given[1]) if given and isinstance(given[1], tree.Name) else ""

    def flag(self, name: str) -> bool:
        """Whether a keyword argument is True."""
        values = (call.fact.keyword(name) for call in self.calls)
        return any(isinstance(value, tree.Const) and value.value is True for value in values)

    @cached_property
    def foreign_key(self) -> str:
        """``table.column`` (or ``Model.column``) that it refers to, "" for none."""
        call = self.cls.file.project.classes.foreign_key(self.cls, self.name)
        if call is None:
            return ""
        target = call.fact.keyword("foreign_key") or call.arg(0, "column")
        return tree.text_of(target) or call.file.resolve(target) or "?"

    @property
    def foreign_table(self) -> str:
        """The table that it refers to."""
        return self.foreign_key.rpartition(".")[0].rpartition(".")[2]


_NO_TYPES = frozenset({"ForeignKey", "Identity", "Sequence", "Computed", "CheckConstraint"})


class Models:
    """Columns and relationships of all ORM models.

    Attributes:
        memo: What a check has worked out of all models and asks again for each of them.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.memo: dict[str, Any] = {}
        self._led: dict[str, frozenset[str]] = {}

    def bases(self, cls: Class) -> list[Class]:
        """First-party bases."""
        by_key = self.project.classes.by_key
        return [by_key[name] for name in cls.ancestors if name in by_key]

    def columns(self, cls: Class) -> list[Column]:
        """Columns that a model, a mixin or an abstract base declares itself."""
        classes = self.project.classes
        if classes.role(cls) not in {"orm", "orm-base"}:
            return []
        plain = SQLMODEL in cls.ancestors
        return [
            Column(cls, name, fact)
            for name, fact in cls.attributes.items()
            if (classes.is_column(cls, fact) and not _is_relationship(cls, fact))
            or (plain and fact.annotation is not None and not _is_relationship(cls, fact))
        ]

    def declared(self, cls: Class) -> list[Column]:
        """Columns that a class declares for itself or, as a base of SQLModel, for its tables.

        What all its tables declare anew is theirs.
        """
        if cls.key not in self._plain_bases:
            return self.columns(cls)
        return [
            Column(cls, name, fact)
            for name, fact in cls.attributes.items()
            if fact.annotation is not None and not _is_relationship(cls, fact)
            and not all(name in table.attributes for table in self._plain_bases[cls.key])
        ]  # fmt: skip

    @cached_property
    def _plain_bases(self) -> dict[str, list[Class]]:
        """Bases of SQLModel's tables that are no tables themselves, with the tables of each."""
        found: dict[str, list[Class]] = {}
        role = self.project.classes.role
        for cls in self.project.classes.with_role("orm"):
            for base in self.bases(cls) if SQLMODEL in cls.ancestors else ():
                if SQLMODEL in base.ancestors and role(base) == "schema":
                    found.setdefault(base.key, []).append(cls)
        return found

    def maps_datetime(self, cls: Class) -> bool:
        """Whether a base maps plain datetimes to a type with a time zone."""
        for each in (cls, *self.bases(cls)):
            fact = each.attributes.get("type_annotation_map")
            if fact is not None and isinstance(fact.value, tree.Map):
                for key, value in zip(fact.value.keys, fact.value.values, strict=True):
                    if each.file.resolve(key) in _MOMENTS:
                        zone = (
                            Call(each.file, value.index).arg(0, "timezone")
                            if isinstance(value, tree.CallRef)
                            else None
                        )
                        named = each.file.resolve(value).rpartition(".")[2]
                        return zone is not None or named not in _MOMENT_TYPES
        return False

    def is_join(self, cls: Class) -> bool:
        """A pure join model: two foreign keys and nothing but its own key and timestamps."""
        columns = self.columns(cls)
        keys = [column for column in columns if column.foreign_key]
        rest = [
            column
            for column in columns
            if column not in keys
            and column.name != "id"
            and not column.name.endswith(("_at", "_on"))
        ]
        return len(keys) == 2 and not rest

    @cached_property
    def by_table(self) -> dict[str, Class]:
        """Models by table name, and by their own name."""
        found: dict[str, Class] = {}
        for cls in self.project.classes.with_role("orm"):
            fact = cls.attributes.get("__tablename__")
            name = tree.text_of(fact.value) if fact is not None else None
            found.setdefault(cls.name, cls)
            found.setdefault(name or cls.name.lower(), cls)
        return found

    @cached_property
    def _relationships(self) -> frozenset[tuple[str, str]]:
        """Pairs of model names that a relationship names, with those of mixins and bases."""
        found: set[tuple[str, str]] = set()
        for cls in self.project.classes.with_role("orm", "orm-base"):
            for fact in cls.attributes.values():
                if _is_relationship(cls, fact):
                    found |= {(cls.name, other) for other in _named(cls, fact)}
        return frozenset(found)

    def related(self, one: Class, other: Class) -> bool:
        """Whether a relationship on either side names the two models."""
        ours = {one.name, *(base.name for base in self.bases(one))}
        theirs = {other.name, *(base.name for base in self.bases(other))}
        pairs = self._relationships
        return any((a, b) in pairs or (b, a) in pairs for a in ours for b in theirs)

    # Indexes --------------------------------------------------------------------------------------

    @cached_property
    def on_mysql(self) -> bool:
        """Whether the database indexes foreign keys by itself."""
        return any(self.project.manifests.depends_on(name) for name in _MYSQL)

    def is_indexed(self, column: Column) -> bool:
        """By its own arguments, first in a constraint or index, or by a migration."""
        if column.flag("primary_key") or column.flag("unique") or column.flag("index"):
            return True
        return column.name in self._leading(column.cls) or self._in_migration(column)

    def is_constrained(self, column: Column) -> bool:
        """Whether a ``ForeignKeyConstraint`` of ``__table_args__`` begins with the column."""
        return column.name in self._first(column.cls, _FOREIGN)

    def _leading(self, cls: Class) -> frozenset[str]:
        """First columns of the indexes and constraints of a model, and of its composite key."""
        known = self._led.get(cls.key)
        if known is None:
            keys = [column.name for column in self.columns(cls) if column.flag("primary_key")]
            first = self._first(cls, _INDEXES)
            known = self._led[cls.key] = first.union(keys[:1])
        return known

    def _first(self, cls: Class, kinds: frozenset[str]) -> frozenset[str]:
        """The column that each constraint of these kinds in ``__table_args__`` begins with."""
        found: set[str] = set()
        fact = cls.attributes.get("__table_args__")
        method = cls.methods.get("__table_args__")
        roots = [fact.value] if fact is not None else []
        roots += method.returned if method is not None else []
        for root in roots:
            for node in tree.walk(root, cls.file.facts):
                if isinstance(node, tree.CallRef):
                    call = Call(cls.file, node.index)
                    if call.last in kinds:
                        skip = 1 if call.last == "Index" else 0
                        found.update(_column_name(each) for each in call.fact.args[skip : skip + 1])
        return frozenset(found)

    def _in_migration(self, column: Column) -> bool:
        fact = column.cls.attributes.get("__tablename__")
        table = tree.text_of(fact.value) if fact is not None else None
        return (table or column.cls.name.lower(), column.name) in self._migrated

    @cached_property
    def unindexed_keys(self) -> list[KeyColumn]:
        """Foreign keys of tables without a class that nothing indexes."""
        return [
            each
            for each in self.table_keys
            if not each.leads and (each.table, each.name) not in self._migrated
        ]

    @cached_property
    def table_keys(self) -> list[KeyColumn]:
        """Foreign keys of tables without a class."""
        return key_columns(self.project)

    @cached_property
    def _migrated(self) -> frozenset[tuple[str, str]]:
        """(table, first column) of the indexes that migrations make."""
        found: set[tuple[str, str]] = set()
        for file in self.project.migrations:
            for call in file.calls_named("create_index", "create_unique_constraint"):
                table = tree.text_of(call.arg(1, "table_name")) or _altered(call)
                listed = (*call.fact.args[1:], call.fact.keyword("columns"))
                columns = next((each for each in listed if isinstance(each, tree.Seq)), None)
                if table and columns is not None and columns.items:
                    found.add((table, _column_name(columns.items[0])))
        return frozenset(found)

    @cached_property
    def filtered(self) -> dict[str, int]:
        """How often production queries filter, order or join by ``<class key>.<column>``."""
        return searched(self.project)


def _altered(call: Call) -> str:
    """Table of the ``with op.batch_alter_table("users") as batch:`` around a call."""
    for _, block in call.file.blocks_around(call.fact.block):
        for expr in block.exprs if block.kind == "with" else ():
            if isinstance(expr, tree.CallRef):
                opened = Call(call.file, expr.index)
                if opened.last == "batch_alter_table":
                    return tree.text_of(opened.arg(0, "table_name")) or ""
    return ""


def _is_relationship(cls: Class, fact: Assign) -> bool:
    last = cls.file.resolve(fact.value).rpartition(".")[2]
    return last in {"relationship", "Relationship", "dynamic_loader", "association_proxy"}


def _named(cls: Class, fact: Assign) -> set[str]:
    """Names of the models that a relationship names: by argument or by annotation."""
    words: set[str] = set()
    for root in (fact.annotation, fact.value):
        for node in tree.walk(root, cls.file.facts):
            text = node.id if isinstance(node, tree.Name) else tree.text_of(node)
            if text:
                words.update(part for part in _split(text) if part[:1].isupper())
    return words


def _split(text: str) -> list[str]:
    for mark in "[]|, '\"().":
        text = text.replace(mark, " ")
    return text.split()


def _column_name(expr: Expr) -> str:
    """Name of a column given as text or as an attribute; the first one of a list."""
    if isinstance(expr, tree.Seq) and expr.items:
        expr = expr.items[0]
    return tree.text_of(expr) or tree.dotted(expr).rpartition(".")[2]
