"""Checks of ORM models: their columns, keys, relationships and how they show themselves."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.project.classes import SQLMODEL
from checks.project.jointables import KeyColumn
from checks.project.models import Column
from checks.project.project import Project
from checks.project.subjects import Class

_SHOWING = ("RepresentableBase", "ReprMixin", "PrettyRepr", "AllFeaturesMixin")
_AUDIT = frozenset(
    "created_by created_by_id updated_by updated_by_id deleted_by deleted_by_id modified_by "
    "modified_by_id tenant_id organization_id".split()
)
_ZONED = frozenset({"DateTime", "TIMESTAMP"})


@check("model-repr")
def model_repr(cls: Class) -> One:
    """Models show themselves in logs and in the debugger.

    ``<User object at 0x7f...>`` says nothing about which user it is.

    Instead: define ``__repr__`` on the declarative base, once for all models.

    Known problems: what a repr shows is not judged.
    """
    project = cls.file.project
    if project.classes.role(cls) != "orm":
        return Skip("not an ORM model")
    if project.classes.method(cls, "__repr__") is not None:
        return None
    if SQLMODEL in cls.ancestors or any(n.endswith(_SHOWING) for n in cls.ancestors):
        return None
    if any(_generates(each) for each in (cls, *project.models.bases(cls))):
        return None
    return At(cls.line, f"`{cls.name}` has no __repr__", anchor=cls.name)


def _generates(cls: Class) -> bool:
    """A dataclass, or a decorator that writes the repr."""
    quiet = any(
        item.name == "repr" and isinstance(item.value, tree.Const) and item.value.value is False
        for item in cls.fact.keywords
    )
    direct = {cls.file.resolve(base) for base in cls.fact.bases}
    if "sqlalchemy.orm.MappedAsDataclass" in direct and not quiet:
        return True
    names = [cls.file.resolve(each.value) for each in cls.fact.decorators]
    return any(name.rpartition(".")[2] in {"generic_repr", "dataclass"} for name in names)


@check("datetime-column-timezone")
def datetime_column_timezone(cls: Class) -> Answer:
    """Columns for points in time keep the time zone.

    Without it the database forgets which moment was meant.

    Instead: ``DateTime(timezone=True)``, once in the ``type_annotation_map`` of the base.

    Known problems: a type of a library that stores UTC is believed.
    """
    models = cls.file.project.models
    count, found = 0, []
    for column in models.columns(cls):
        if not column.is_datetime:
            continue
        count += 1
        fault = _naive(column)
        if fault:
            text = f"`{cls.name}.{column.name}` {fault}"
            symbol = f"{cls.symbol}.{column.name}"
            found.append(At(column.line, text, symbol=symbol, anchor=column.name))
    return Sites(count, found) if count else Skip("no datetime column")


def _naive(column: Column) -> str:
    """What is wrong with a datetime column."""
    name = column.default.rpartition(".")[2]
    if column.default.startswith("datetime.") and name in {"utcnow", "now", "today"}:
        return f"has the naive default `{name}`"
    given = column.type_call
    if given is not None or column.type_name:
        zone = None if given is None else given.arg(0, "timezone")
        zoned = isinstance(zone, tree.Const) and zone.value is True
        plain = column.type_name.rpartition(".")[2] in _ZONED
        return "" if zoned or not plain else "has no time zone"
    return "" if column.cls.file.project.models.maps_datetime(column.cls) else "has no time zone"


@check("relationship-declared")
def relationship_declared(cls: Class) -> Answer:
    """Foreign keys come with relationships.

    Without one every reader writes the join again.

    Instead: ``user: Mapped[User] = relationship(back_populates="posts")``.

    Known problems: a table is matched with its model by ``__tablename__``.
    """
    models = cls.file.project.models
    keys = [column for column in models.columns(cls) if column.foreign_key]
    if cls.file.project.classes.role(cls) != "orm" or models.is_join(cls):
        return Skip("no ORM model with foreign keys")
    count, found = 0, []
    for column in keys:
        other = models.by_table.get(column.foreign_table)
        if other is None or column.name in _AUDIT:
            continue
        count += 1
        if not models.related(cls, other):
            text = f"`{cls.name}.{column.name}` refers to `{other.name}` without a relationship"
            symbol = f"{cls.symbol}.{column.name}"
            found.append(At(column.line, text, symbol=symbol, anchor=column.name))
    return Sites(count, found) if count else Skip("no foreign key to a model")


@check("columns-indexed")
def columns_indexed(
    project: Project,
    *,
    kinds: Sequence[str] = ("foreign-key", "filtered"),
    min_uses: int = 1,
) -> Answer:
    """Columns that queries look for are indexed.

    Without an index the database reads the whole table for every lookup.

    Instead: ``mapped_column(index=True)``, or an ``Index`` in ``__table_args__``.

    Known problems: an index made outside models and migrations is not seen. Of a foreign key of
    several columns the first is judged. Of a table without a class the foreign keys are judged,
    which need an index unless its key begins with them. A column searched
    by ``ilike`` counts as searched.
    """
    count, found = 0, []
    for cls in project.classes.with_role("orm"):
        for column in project.models.columns(cls):
            kind = _why(project, column, kinds, min_uses)
            if not kind:
                continue
            count += 1
            if not project.models.is_indexed(column):
                text = f"`{cls.name}.{column.name}` ({kind}) has no index"
                symbol = f"{cls.symbol}.{column.name}"
                at = At(column.line, text, path=column.cls.path, symbol=symbol, anchor=column.name)
                found.append(at)
    if count and "foreign-key" in kinds and not project.models.on_mysql:
        count += len(project.models.table_keys)
        found += [_unindexed(each) for each in project.models.unindexed_keys]
    return Sites(count, found) if count else Skip("no such column")


def _unindexed(key: KeyColumn) -> At:
    text = f"`{key.table}.{key.name}` (foreign key) has no index"
    return At(key.line, text, path=key.file.path, anchor=f"{key.table}.{key.name}")


def _why(project: Project, column: Column, kinds: Sequence[str], min_uses: int) -> str:
    refers = column.foreign_key or project.models.is_constrained(column)
    if "foreign-key" in kinds and refers and not project.models.on_mysql:
        return "foreign key"
    if "filtered" not in kinds or column.is_coarse:
        return ""
    uses = project.models.filtered.get(f"{column.cls.key}.{column.name}", 0)
    return f"filtered {uses} times" if uses >= min_uses else ""
