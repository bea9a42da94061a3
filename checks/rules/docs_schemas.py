"""Checks of what schemas say of their fields."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from typing import Literal

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.given import Given, argument, source
from checks.project.modelconfig import configured
from checks.project.parameters import metadata
from checks.project.project import Project
from checks.project.schemas import Field
from checks.project.subjects import Call, Class

type Part = Literal["description", "examples"]

_EXAMPLES = ("examples", "example", "openapi_examples")
_EXTRAS = ("json_schema_extra", "schema_extra")


@check("schema-field-documentation", each="require")
def schema_field_documentation(
    project: Project, part: Part, *, require: Sequence[Part] = ("description",)
) -> Answer:
    """Fields of schemas say what they hold.

    Who writes a client sees names and types only; units, formats and meaning are guessed.

    Instead: ``Field(description=..., examples=[...])``.

    Known problems: a field that several schemas inherit is judged once, where it is declared.
    A schema of which no field has an example is reported at its class, once for each field.
    """
    known = (project.classes.by_key.get(key) for key in sorted(project.schemas.used))
    used = [cls for cls in known if cls is not None and cls.file.is_production]
    if not used:
        return Skip("no request or response schema")
    shown = _shown_by_handlers(project) if part == "examples" else set()
    found: dict[tuple[str, str], At | None] = {}
    for cls in used:
        fields = [each for each in project.schemas.fields(cls).values() if _is_judged(each)]
        lacking = _undescribed(fields) if part == "description" else _without(cls, fields, shown)
        whole = part == "examples" and len(lacking) == len(fields)
        names = {field.name for field in lacking}
        for field in fields:
            key = (field.cls.key, field.name)
            if field.name not in names:
                found[key] = None
            elif key not in found:
                found[key] = _missing(field, part, whole=whole)
    faults = [at for at in found.values() if at is not None]
    return Sites(len(found), faults) if found else Skip("no field")


def _is_judged(field: Field) -> bool:
    project = field.cls.file.project
    return field.cls.file.is_production and project.schemas.is_schema(field.cls)


def _missing(field: Field, part: str, *, whole: bool) -> At:
    text = f"`{field.cls.name}.{field.name}` has no {part.removesuffix('s')}"
    line = field.cls.line if whole else field.line
    symbol = f"{field.cls.symbol}.{field.name}"
    return At(line, text, path=field.cls.path, symbol=symbol, anchor=f"{field.name} {part}")


# Descriptions -------------------------------------------------------------------------------------


def _undescribed(fields: Sequence[Field]) -> list[Field]:
    return [field for field in fields if not _is_described(field)]


def _is_described(field: Field) -> bool:
    for call in _calls(field):
        given = argument(call, ("description",))
        if given is not None and given.text != "":
            return True
        if call.last == "Doc" and call.fact.args:
            return True
    method = field.cls.methods.get(field.name)
    if method is not None:
        return bool(method.fact.docstring) or any(
            given.text != "" for given in _decorating(field, "description")
        )
    return _has_docstring(field) and any(
        given.value is True for given in configured(field.cls, "use_attribute_docstrings")
    )


def _calls(field: Field) -> Iterator[Call]:
    """The calls that describe a field, as its default or in its ``Annotated``."""
    place = field.type or Given(field.cls.file, tree.Name(field.name))
    found = [] if field.type is None else list(metadata(field.type))
    if field.default is not None:
        found.append(source(place.at(field.default)))
    for given in found:
        if isinstance(given.expr, tree.CallRef):
            yield given.file.calls[given.expr.index]


def _decorating(field: Field, name: str) -> Iterator[Given]:
    """An argument of ``@computed_field(...)``."""
    method = field.cls.methods[field.name]
    for decorator in method.fact.decorators:
        if isinstance(decorator.value, tree.CallRef):
            given = argument(method.file.calls[decorator.value.index], (name,))
            if given is not None:
                yield given


def _has_docstring(field: Field) -> bool:
    """Whether a string stands below a field, before the next one."""
    facts = field.cls.file.facts
    row = field.cls.attributes[field.name]
    place = bisect_right(facts.texts, (row.end_line, 1 << 30, 0))
    if place == len(facts.texts):
        return False
    line = facts.texts[place][0]
    if line > field.cls.end_line:
        return False
    lines = _lines(field.cls)
    after = bisect_right(lines, row.line)
    return after == len(lines) or lines[after] > line


def _lines(cls: Class) -> list[int]:
    """Lines of the attributes and methods of a class, in order."""
    rows = cls.file.tables.class_assigns.get(cls.index, ())
    known: dict[int, list[int]] = cls.file.memo.setdefault("lines of class bodies", {})
    if cls.index not in known:
        methods = cls.methods.values()
        known[cls.index] = sorted([*(row.line for row in rows), *(each.line for each in methods)])
    return known[cls.index]


# Examples -----------------------------------------------------------------------------------------


def _without(cls: Class, fields: Sequence[Field], shown: Set[str]) -> list[Field]:
    """Fields without an example, where the schema as a whole has none either."""
    if any(_holds_examples(given) for name in _EXTRAS for given in configured(cls, name)):
        return []
    if cls.key in shown:
        return []
    return [field for field in fields if not _has_example(field)]


def _has_example(field: Field) -> bool:
    for call in _calls(field):
        if argument(call, _EXAMPLES) is not None:
            return True
        given = argument(call, _EXTRAS)
        if given is not None and _holds_examples(given):
            return True
    if field.name in field.cls.methods:
        return any(True for name in _EXAMPLES for _ in _decorating(field, name))
    return False


def _holds_examples(given: Given) -> bool:
    """Whether what extends a JSON schema holds examples; a function of it may."""
    given = source(given)
    if isinstance(given.expr, tree.Map):
        keys = {tree.text_of(key) for key in given.expr.keys if key is not None}
        return None in given.expr.keys or not keys.isdisjoint(_EXAMPLES)
    return True


def _shown_by_handlers(project: Project) -> set[str]:
    """Schemas that handlers give examples of, as ``Body(openapi_examples=...)``."""
    found: set[str] = set()
    for route in project.routes.handlers:
        if not route.file.calls_named("Body"):
            continue
        for slot in project.parameters.of(route):
            shown = any(argument(call, _EXAMPLES) is not None for call in slot.calls)
            if shown and slot.type is not None:
                found |= {cls.key for cls in project.schemas.contained(slot.type)}
    return found
