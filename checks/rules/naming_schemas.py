"""Checks of names: fields of schemas, in Python and in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.project import Project
from checks.project.schemas import Field
from checks.project.subjects import Call, Class, File

_SNAKE = re.compile(r"[a-z_][a-z0-9_]*")
_LINKED = re.compile(r"_links|_embedded|@\w+|\$\w+")
_CAMEL = re.compile(r"(?:\w*_)?(?:camel|pascal)(?:ize|_?case)?(?:_\w+)?|camelize|pascalize", re.I)


@check("schema-field-case")
def schema_field_case(project: Project, *, attribute: str = "snake", wire: str = "any") -> Answer:
    """Fields of schemas are snake_case, and names from elsewhere are aliases.

    Instead: name the attribute in snake_case and give it an alias; where the JSON itself must be
    snake_case, drop the alias.

    Known problems: of a generator of aliases only its name is read; one that does not say what
    it makes is taken for one that keeps snake_case.
    """
    owners = project.schemas.all
    count = sum(len(project.schemas.own_fields(cls)) for cls in owners)
    if not count:
        return Skip("no schema")
    found: dict[tuple[str, int, str], At] = {}
    if attribute == "snake":
        for cls in owners:
            for field in project.schemas.own_fields(cls):
                if not _SNAKE.fullmatch(field.name):
                    _enter(found, field, f"The field `{field.name}` is not snake_case")
    if wire == "snake":
        for field, key in _on_the_wire(project):
            if not _SNAKE.fullmatch(key) and not _LINKED.fullmatch(key):
                _enter(found, field, f"The JSON key `{key}` is not snake_case")
    return Sites(count, list(found.values()))


def _enter(found: dict[tuple[str, int, str], At], field: Field, message: str) -> None:
    place = (field.cls.path, field.line, field.name)
    if place not in found:
        found[place] = At(
            field.line, message, path=place[0], symbol=field.cls.symbol, anchor=field.name
        )


def _on_the_wire(project: Project) -> Iterator[tuple[Field, str]]:
    """Fields of the schemas in requests and responses, each with its key in JSON."""
    schemas = project.schemas
    for name in sorted(schemas.used):
        cls = project.classes.by_key[name]
        by_alias = name in schemas.used_by_alias
        converts = by_alias and _makes_camel(cls)
        for field in schemas.fields(cls).values():
            if not field.cls.file.is_production:
                continue
            key = _alias(field) if by_alias else None
            if key is None and converts and "_" in field.name.strip("_"):
                key = "".join(part.title() for part in field.name.split("_"))
                key = key[:1].lower() + key[1:]
            yield field, key or field.name


def _alias(field: Field) -> str | None:
    """The alias that a field is given by itself."""
    call = field.call
    return None if call is None or field.wire_name == field.name else field.wire_name


def _makes_camel(cls: Class) -> bool:
    """Whether the nearest generator of aliases, own or inherited, makes other than snake_case."""
    by_key = cls.file.project.classes.by_key
    for name in (cls.key, *cls.ancestors):
        owner = by_key.get(name)
        if owner is None:
            continue
        given = _generator(owner)
        if given is not None:
            file, expr = given
            return any(
                _CAMEL.fullmatch(file.resolve(node).rpartition(".")[2])
                for node in tree.walk(expr, file.facts)
                if isinstance(node, (tree.Name, tree.CallRef))
            )
    return False


def _generator(cls: Class) -> tuple[File, Expr] | None:
    """``alias_generator`` of ``model_config``, of ``class Config`` or of the class statement."""
    for keyword in cls.fact.keywords:
        if keyword.name == "alias_generator":
            return cls.file, keyword.value
    fact = cls.attributes.get("model_config")
    config = None if fact is None else fact.value
    if isinstance(config, tree.CallRef):
        value = Call(cls.file, config.index).fact.keyword("alias_generator")
        if value is not None:
            return cls.file, value
    if isinstance(config, tree.Map):
        for key, value in zip(config.keys, config.values, strict=True):
            if tree.text_of(key) == "alias_generator":
                return cls.file, value
    inner = cls.file.project.classes.by_key.get(f"{cls.key}.Config")
    assigned = None if inner is None else inner.attributes.get("alias_generator")
    if assigned is None or assigned.value is None:
        return None
    return cls.file, assigned.value
