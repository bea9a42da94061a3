"""Checks of schemas that are filled from objects of the database."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import At, Sites, Skip, check
from checks.facts import tree
from checks.project.classes import SCHEMA_BASES, SQLMODEL
from checks.project.given import Given, argument, source
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.subjects import Call, Class

_OPTION = "from_attributes"
_OLD = frozenset({_OPTION, "orm_mode"})
_KNOWN = SCHEMA_BASES | {"typing.Generic", "abc.ABC", "builtins.object"}


@check("orm-mode-config")
def orm_mode_config(project: Project, *, style: str = "model_config") -> Sites | Skip:
    """Configure schemas for ORM objects.

    Without the option Pydantic asks for a mapping, and a row of the database is none.

    Instead: set ``from_attributes`` in the schema or its base, in the agreed form.

    Known problems: a schema counts as filled from a row where the row's model can be followed:
    through queries, annotations and functions of the project. A schema whose base comes from a
    library is left alone, and so is one that is only nested in another.
    """
    filled: dict[str, Class] = {}
    for cls in _filled(project, style):
        if SQLMODEL not in cls.ancestors and not _has_foreign_base(cls):
            filled.setdefault(cls.key, cls)
    found = []
    for cls in filled.values():
        if not (_is_configured(cls) if style == "model_config" else _is_in_config(cls)):
            wanted = "model_config" if style == "model_config" else "class Config"
            message = f"`{cls.name}` is filled from rows and sets no from_attributes in {wanted}"
            found.append(At(cls.line, message, path=cls.path, symbol=cls.symbol))
    return Sites(len(filled), found) if filled else Skip("no schema is filled from ORM objects")


def _filled(project: Project, style: str) -> Iterator[Class]:
    """Schemas that are passed a row: by a call, or by a handler that returns one."""
    if not project.classes.with_role("orm"):
        return
    for file in project.production:
        for call in file.calls_named("model_validate", "from_orm"):
            cls = project.classes.by_key.get(call.name.rpartition(".")[0])
            value = call.arg(0, "obj")
            if cls is None or value is None or not project.schemas.is_schema(cls):
                continue
            given = argument(call, (_OPTION,))
            if given is not None and given.value is True and style == "model_config":
                continue
            row = project.entities.of(Given(file, value, call.function))
            if row is not None or call.last == "from_orm":
                yield cls
    for route in project.routes.handlers:
        if route.file.is_production:
            yield from _answered(project, route)


def _answered(project: Project, route: Route) -> Iterator[Class]:
    """The response schemas of a handler that returns rows."""
    response = project.schemas.response_type(route)
    if response is None:
        return
    schemas = [cls for cls in project.schemas.contained(response) if project.schemas.is_schema(cls)]
    if not schemas:
        return
    returned = (Given(route.file, value, route.function) for value in route.function.returned)
    if any(project.entities.of(each) is not None for each in returned):
        yield from schemas


def _has_foreign_base(cls: Class) -> bool:
    """Whether a base that we cannot read may configure the schema."""
    by_key = cls.file.project.classes.by_key
    return any(name not in by_key and name not in _KNOWN for name in cls.ancestors)


def _lineage(cls: Class) -> list[Class]:
    return [cls, *cls.file.project.models.bases(cls)]


def _is_configured(cls: Class) -> bool:
    """What the nearest ``model_config`` that mentions the option says."""
    for owner in _lineage(cls):
        for item in owner.fact.keywords:
            if item.name == _OPTION:
                return Given(owner.file, item.value).value is True
        fact = owner.attributes.get("model_config")
        if fact is not None and fact.value is not None:
            found = _set_in(Given(owner.file, fact.value))
            if found is not None:
                return found
    return False


def _set_in(given: Given) -> bool | None:
    """What a configuration says of the option, None for nothing; spreads are looked through."""
    stack = [source(given)]
    for _ in range(10):
        if not stack:
            return None
        given = stack.pop()
        expr = given.expr
        if isinstance(expr, tree.CallRef):
            call = Call(given.file, expr.index)
            found = call.fact.keyword(_OPTION)
            if found is not None:
                return given.at(found).value is True
            stack += [source(given.at(item.value)) for item in call.fact.keywords if not item.name]
        elif isinstance(expr, tree.Map):
            for key, value in zip(expr.keys, expr.values, strict=True):
                if tree.text_of(key) == _OPTION:
                    return given.at(value).value is True
                if key is None:
                    stack.append(source(given.at(value)))
        elif isinstance(expr, tree.Bin):
            stack += [source(given.at(item)) for item in expr.items]
    return None


def _is_in_config(cls: Class) -> bool:
    """What the nearest nested ``class Config`` that mentions the option says."""
    for owner in _lineage(cls):
        for index in owner.file.tables.inner_classes.get(owner.index, ()):
            inner = owner.file.classes[index]
            for name in _OLD & inner.attributes.keys() if inner.name == "Config" else ():
                value = inner.attributes[name].value
                return value is not None and Given(inner.file, value).value is True
    return False
