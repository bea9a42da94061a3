"""Checks of what a schema leaves to the database: constraints, normal form, its own features."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.models import Column
from checks.project.project import Project
from checks.project.sqltext import literal_text
from checks.project.subjects import Call, Class, File


def has_models(project: Project) -> str | None:
    """ORM models of SQLAlchemy or SQLModel in production code."""
    return None if project.classes.with_role("orm") else "no ORM model of SQLAlchemy or SQLModel"


def column_at(column: Column, text: str, anchor: str = "") -> At:
    """A finding about a column."""
    symbol = f"{column.cls.symbol}.{column.name}"
    return At(column.line, f"`{column.cls.name}.{column.name}` {text}", symbol=symbol,
              anchor=f"{anchor} {column.name}".strip())  # fmt: skip


# Constraints -------------------------------------------------------------------------------------

_NATURAL = frozenset("email username slug sku code isbn external_id uuid phone".split())
_BOUNDED = frozenset("price amount quantity age percent rating score status".split())
_NUMBERS = frozenset("Integer SmallInteger BigInteger Numeric Float Double DECIMAL REAL".split())
_STRINGS = frozenset({"String", "Text", "Unicode", "UnicodeText", "VARCHAR", "TEXT", "AutoString"})
_PYTHON_NUMBERS = frozenset({"builtins.int", "builtins.float", "decimal.Decimal"})
_COMPUTED = "*"
"""Stands for every column where a method computes the constraints."""
_ROLES = re.compile(r"(_model|_orm|_table|_entity|_db|_record)$|^(db_|orm_)")


@check("db-constraints", each="kinds", applies=has_models)
def db_constraints(
    cls: Class,
    entry: str,
    *,
    kinds: Sequence[str] = ("foreign-key", "unique", "nullability", "check"),
) -> Answer:
    """The database itself refuses rows that make no sense.

    What only code checks is broken by the next script, the next service and every race.

    Instead: add the constraint to the column or to ``__table_args__``.

    Known problems: natural keys are known by their whole name, or by the name of their own model
    in front (``product_code`` of ``Product``); bounded values by the last word of the name;
    constraints that a method computes are believed to name every column; a text named like a
    model whose keys are no texts is taken for the id of another system.
    """
    columns = cls.file.project.models.declared(cls)
    if not columns:
        return Skip("no ORM model with columns")
    judge = {"foreign-key": _refers, "unique": _unique, "nullability": _empty, "check": _bounded}
    answers = [(column, judge[entry](column)) for column in columns]
    sites = [(column, fault) for column, fault in answers if fault is not None]
    found = [column_at(column, fault, entry) for column, fault in sites if fault]
    return Sites(len(sites), found) if sites else Skip("no such column")


def snake(name: str) -> str:
    """A name of a class in the form of a column's name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _called(project: Project, name: str) -> list[Class]:
    """The models that a column may call by a name: their words, without what says model."""
    memo = project.models.memo
    if "called" not in memo:
        memo["called"] = {}
        for cls in project.classes.with_role("orm"):
            for word in _words(cls):
                memo["called"].setdefault(word, []).append(cls)
    found: list[Class] = memo["called"].get(name, [])
    return found


def _is_foreign_text(column: Column) -> bool:
    """A text that is named like a model whose keys are no texts: an id of another system."""
    if column.foreign_key or not is_string(column):
        return False
    models = _called(column.cls.file.project, column.name[:-3])
    keys = [key for cls in models for key in _keys(cls)]
    return bool(keys) and not any(map(is_string, keys))


def _keys(cls: Class) -> list[Column]:
    models = cls.file.project.models
    columns = (c for each in (cls, *models.bases(cls)) for c in models.declared(each))
    return [column for column in columns if column.flag("primary_key")]


def is_string(column: Column) -> bool:
    """Whether a column holds text."""
    if column.type_name:
        return column.type_name.rpartition(".")[2] in _STRINGS
    return column.python_type == "builtins.str"


def _words(cls: Class) -> frozenset[str]:
    name = snake(cls.name)
    return frozenset({name, _ROLES.sub("", name)})


def _refers(column: Column) -> str | None:
    if not column.name.endswith("_id") or not _called(column.cls.file.project, column.name[:-3]):
        return None
    if column.name[:-3] in _words(column.cls):
        return None
    siblings = column.cls.attributes
    if f"{column.name[:-3]}_type" in siblings or _is_foreign_text(column):
        return None
    if column.foreign_key or _named_in(column, "ForeignKeyConstraint"):
        return ""
    return "has no ForeignKey"


def _unique(column: Column) -> str | None:
    own = f"{_ROLES.sub('', snake(column.cls.name))}_"
    if column.name.removeprefix(own) not in _NATURAL or column.foreign_key:
        return None
    if column.flag("unique") or column.flag("primary_key"):
        return ""
    if _named_in(column, "UniqueConstraint", "PrimaryKeyConstraint"):
        return ""
    if _named_in(column, "Index", having="unique") or _migrated(column):
        return ""
    return "reads like a natural key and is not unique"


def _empty(column: Column) -> str | None:
    file, annotation = column.cls.file, column.fact.annotation
    if column.flag("primary_key"):
        return ""
    said = column.given("nullable")
    flag = said[1].value if said and isinstance(said[1], tree.Const) else None
    declared = any(call.last == "Column" for call in column.calls)
    mapped = annotation is not None and file.resolve(annotation) == "sqlalchemy.orm.Mapped"
    if declared and not mapped:
        return "" if said else "does not say whether it may be NULL"
    if annotation is None or not isinstance(flag, bool):
        return ""
    optional = _is_optional(annotation, file)
    if flag == optional:
        return ""
    return (
        "is annotated as optional and says nullable=False"
        if optional
        else ("is annotated as never None and says nullable=True")
    )


def _is_optional(annotation: Expr, file: File) -> bool:
    """Whether ``Mapped[...]``, or what else is annotated, may be None as a whole."""
    waiting = [annotation]
    for expr in waiting:
        match expr:
            case tree.Const(kind="NoneType"):
                return True
            case tree.Const(kind="str", value=str(text)):
                if re.search(r"\|\s*None\b|\bNone\s*\||^(typing\.)?Optional\b", text):
                    return True
            case tree.Bin(op="BitOr", items=items):
                waiting += items
            case tree.Item(value=value, index=index):
                name = file.resolve(value)
                if name == "typing.Optional":
                    return True
                inner = index.items if isinstance(index, tree.Seq) else (index,)
                if name in {"typing.Union", "sqlalchemy.orm.Mapped"}:
                    waiting += inner
                elif name == "typing.Annotated":
                    waiting += inner[:1]
    return False


def _bounded(column: Column) -> str | None:
    last = column.name.lower().rpartition("_")[2]
    if last not in _BOUNDED or column.python_type == "builtins.bool":
        return None
    if last != "status" and not _is_number(column):
        return None
    if column.type_name.endswith("Boolean") or "JSON" in column.type_name:
        return None
    if column.foreign_key or _is_enumerated(column) or _named_in(column, "CheckConstraint"):
        return ""
    if any(isinstance(node, tree.CallRef) and Call(call.file, node.index).last == "CheckConstraint"
           for call in column.calls for arg in call.arguments
           for node in tree.walk(arg, call.file.facts)):  # fmt: skip
        return ""
    return "reads like a bounded value and has no CheckConstraint"


def _is_number(column: Column) -> bool:
    if column.type_name:
        return column.type_name.rpartition(".")[2] in _NUMBERS
    return column.python_type in _PYTHON_NUMBERS


def _is_enumerated(column: Column) -> bool:
    """An enum, a literal, or a type whose name says that it has one or is unsigned."""
    last = column.type_name.rpartition(".")[2].lower()
    if "enum" in last or "unsigned" in last or "choice" in last or "positive" in last:
        return True
    made = column.type_call
    if made is not None and made.fact.keyword("unsigned") is not None:
        return True
    project = column.cls.file.project
    cls = project.classes.by_key.get(column.python_type)
    if cls is not None and project.classes.role(cls) == "enum":
        return not column.type_name
    return column.python_type == "typing.Literal"


def _named_in(column: Column, *makers: str, having: str = "") -> bool:
    """Whether a constraint of the model, its bases or its module names the column."""
    named = _named(column.cls)
    kinds = [f"{maker} {having}".strip() for maker in makers]
    return any(not named.get(kind, set()).isdisjoint({column.name, _COMPUTED}) for kind in kinds)


def _named(cls: Class) -> dict[str, set[str]]:
    """Words in the constraints of a class, by what makes them (``Index unique``)."""
    memo = cls.file.memo.setdefault("constraints", {})
    known: dict[str, set[str]] | None = memo.get(cls.index)
    if known is not None:
        return known
    found: dict[str, set[str]] = {}
    for call, computed in _constraints(cls):
        words = {_COMPUTED} if computed else _words_of(call)
        flag = call.fact.keyword("unique")
        kinds = [call.last, f"{call.last} unique"]
        for kind in kinds[: 1 + (isinstance(flag, tree.Const) and flag.value is True)]:
            found.setdefault(kind, set()).update(words)
    for kind, words in _of_module(cls.file).items():
        found.setdefault(kind, set()).update(words if cls.name in words else ())
    memo[cls.index] = found
    return found


def _words_of(call: Call) -> set[str]:
    texts = (
        literal_text(node) or tree.dotted(node)
        for arg in call.fact.args
        for node in tree.walk(arg, call.file.facts)
    )
    return {word for text in texts for word in re.findall(r"\w+", text)}


def _constraints(cls: Class) -> Iterator[tuple[Call, bool]]:
    """Constraints in ``__table_args__`` of a class and its bases; True where computed."""
    models = cls.file.project.models
    for each in (cls, *models.bases(cls)):
        fact, method = each.attributes.get("__table_args__"), each.methods.get("__table_args__")
        roots = [fact.value] if fact is not None else []
        roots += method.returned if method is not None else []
        for root in roots:
            for node in tree.walk(root, each.file.facts):
                if isinstance(node, tree.CallRef):
                    yield Call(each.file, node.index), False
        for call in method.calls if method is not None else ():
            yield call, True


def _of_module(file: File) -> dict[str, set[str]]:
    """Words of the constraints that a module adds to its models one by one, with theirs."""
    known: dict[str, set[str]] | None = file.memo.get("module constraints")
    if known is None:
        known = file.memo["module constraints"] = {}
        for call in file.calls_named("Index", "UniqueConstraint", "CheckConstraint"):
            if call.fact.function < 0 and call.fact.cls < 0:
                flag = call.fact.keyword("unique")
                unique = isinstance(flag, tree.Const) and flag.value is True
                for kind in (call.last, *([f"{call.last} unique"] if unique else ())):
                    known.setdefault(kind, set()).update(_words_of(call))
    return known


def _migrated(column: Column) -> bool:
    """Whether a migration makes the column unique."""
    fact = column.cls.attributes.get("__tablename__")
    table = (tree.text_of(fact.value) if fact is not None else None) or column.cls.name.lower()
    memo = column.cls.file.project.models.memo
    if "unique" not in memo:
        memo["unique"] = frozenset(_unique_by_migration(column.cls.file.project))
    return (table, column.name) in memo["unique"]


def _unique_by_migration(project: Project) -> Iterator[tuple[str, str]]:
    for file in project.migrations:
        for call in file.calls_named("create_unique_constraint", "create_index"):
            flag = call.fact.keyword("unique")
            unique = isinstance(flag, tree.Const) and flag.value is True
            table = tree.text_of(call.arg(1, "table_name"))
            if table and (unique or call.last == "create_unique_constraint"):
                for argument in call.arguments[2:]:
                    for node in tree.walk(argument, file.facts):
                        name = tree.text_of(node)
                        if name:
                            yield table, name
