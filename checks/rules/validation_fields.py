"""Checks of the bounds of what requests may hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import At, Sites, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, argument, source
from checks.project.parameters import Slot, metadata
from checks.project.project import Project
from checks.project.schemas import Field
from checks.project.subjects import Call, Class
from checks.rules.applies import has_routes

_TYPES = {
    "builtins.str": "str", "builtins.int": "int", "builtins.float": "float",
    "decimal.Decimal": "Decimal", "builtins.list": "list", "typing.List": "list",
}  # fmt: skip
_BOUNDS = (
    "min_length", "max_length", "pattern", "regex", "gt", "ge", "lt", "le", "multiple_of",
    "max_digits", "decimal_places", "min_items", "max_items", "const",
)  # fmt: skip
_WIDE = frozenset("str_max_length str_min_length max_anystr_length min_anystr_length".split())
_DESCRIBING = frozenset({"Field", "Query", "Body", "Form", "Path", "Header", "Cookie", "File"})
_VALIDATORS = frozenset({"field_validator", "validator"})
_CONSTRAINTS = frozenset({"StringConstraints", "Field"})
_SILENT = frozenset({"Doc", "Strict", "Depends", "Security", "PlainSerializer", "WithJsonSchema"})


@check("request-field-constraints", applies=has_routes)
def request_field_constraints(
    project: Project, *, types: Sequence[str] = ("str", "int", "float", "Decimal", "list")
) -> Sites:
    """Constrain request fields.

    Without a bound a client decides how much is stored, searched and sent on.

    Instead: add ``Field(...)`` constraints, or a constrained type.

    Known problems: the schema of a nested object is judged only where it is a body itself; a
    validator of the whole model is not read; a list is bounded by its length, whatever its items
    are; a field called ``id`` counts as a reference, as those that end in ``_id`` do.
    """
    asked = frozenset(types)
    count, found = 0, []
    for field in _fields(project):
        kinds = _kinds(project, field.type) & asked
        if not kinds or words(field.name)[-1:] == ["id"]:
            continue
        count += 1
        if not _is_bounded(field, kinds):
            found.append(_of_field(field, kinds))
    for slot in _queries(project) if "str" in asked else ():
        count += 1
        if not any(_bounds(each) for each in slot.marks):
            message = f"the query parameter `{slot.name}` has no bound"
            at = At(slot.line, message, path=slot.file.path, symbol=slot.symbol, anchor=slot.name)
            found.append(at)
    return Sites(count, found)


def _of_field(field: Field, kinds: frozenset[str]) -> At:
    cls = field.cls
    message = f"`{cls.name}.{field.name}` ({', '.join(sorted(kinds))}) has no bound"
    symbol = f"{cls.symbol}.{field.name}"
    return At(field.line, message, path=cls.path, symbol=symbol, anchor=field.name)


def _fields(project: Project) -> Iterator[Field]:
    """Fields of all request schemas, those of their bases once."""
    seen: set[tuple[str, str]] = set()
    for cls in project.schemas.requested:
        for field in project.schemas.fields(cls).values():
            key = (field.cls.key, field.name)
            if key not in seen and field.name not in field.cls.methods:
                seen.add(key)
                yield field


def _queries(project: Project) -> Iterator[Slot]:
    """Query parameters that take any text, each declaration once."""
    seen: set[tuple[str, str, int]] = set()
    for route in project.routes.handlers:
        for slot in project.parameters.of(route) if route.file.is_production else ():
            key = (slot.file.path, slot.name, slot.line)
            if slot.kind != "query" or key in seen or words(slot.name)[-1:] == ["id"]:
                continue
            if "str" in _kinds(project, slot.type):
                seen.add(key)
                yield slot


def _kinds(project: Project, given: Given | None) -> frozenset[str]:
    """Which of the unbounded types a type is, or has among its members."""
    if given is None:
        return frozenset()
    names = (each.file.resolve(each.expr, each.function) for each in project.schemas.members(given))
    return frozenset(_TYPES[name] for name in names if name in _TYPES)


def _is_bounded(field: Field, kinds: frozenset[str]) -> bool:
    """Whether the field itself, a validator that names it or the whole model sets a bound."""
    marks = [] if field.type is None else list(metadata(field.type))
    if field.default is not None:
        marks.append(source(Given(field.cls.file, field.default)))
    if any(_bounds(each) for each in marks):
        return True
    return _has_validator(field) or (kinds == {"str"} and _is_wide(field.cls))


def _bounds(given: Given) -> bool:
    """Whether a piece of metadata, or what a field is assigned, sets a bound."""
    if isinstance(given.expr, (tree.Const, tree.Fmt)):
        return False
    if not isinstance(given.expr, tree.CallRef):
        name = given.name.rpartition(".")[2]
        return name[:1].isupper() and name not in _SILENT
    call = given.file.calls[given.expr.index]
    if call.last in _DESCRIBING or call.last in _CONSTRAINTS:
        return call.spreads or any(argument(call, (name,)) is not None for name in _BOUNDS)
    return call.last[:1].isupper() and call.last not in _SILENT


def _has_validator(field: Field) -> bool:
    """Whether a validator of the class or of a base names the field."""
    cls = field.cls
    for owner in (cls, *cls.file.project.models.bases(cls)):
        if any(field.name in names or "*" in names for names in _validated(owner)):
            return True
    return False


def _validated(cls: Class) -> Iterator[set[str]]:
    """The names that validators of a class are given, as decorators or around a function."""
    decorators = (each.value for method in cls.methods.values() for each in method.fact.decorators)
    for value in (*decorators, *(fact.value for fact in cls.attributes.values())):
        if isinstance(value, tree.CallRef):
            call = Call(cls.file, value.index)
            if isinstance(call.fact.func, tree.CallRef):
                call = Call(cls.file, call.fact.func.index)
            name = cls.file.resolve(call.fact.func)
            if name.startswith("pydantic.") and name.rpartition(".")[2] in _VALIDATORS:
                yield {tree.text_of(arg) or "" for arg in call.fact.args}


def _is_wide(cls: Class) -> bool:
    """Whether the configuration of the class or of a base bounds every text."""
    return any(_WIDE & set(_options(owner)) for owner in (cls, *cls.file.project.models.bases(cls)))


def _options(cls: Class) -> Iterator[str]:
    yield from (item.name for item in cls.fact.keywords)
    fact = cls.attributes.get("model_config")
    if fact is not None and fact.value is not None:
        yield from _keys(source(Given(cls.file, fact.value)))
    for index in cls.file.tables.inner_classes.get(cls.index, ()):
        inner = cls.file.classes[index]
        if inner.name == "Config":
            yield from inner.attributes


def _keys(given: Given) -> Iterator[str]:
    expr: Expr = given.expr
    if isinstance(expr, tree.Map):
        yield from (tree.text_of(key) or "" for key in expr.keys)
    elif isinstance(expr, tree.CallRef):
        yield from (item.name for item in given.file.calls[expr.index].fact.keywords)
