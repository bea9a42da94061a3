"""Checks on how Pydantic is used."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import At, Sites, check
from checks.project.project import Project
from checks.project.subjects import Class

_DECORATORS = {
    f"{module}.{name}": name
    for module in ("pydantic", "pydantic.class_validators", "pydantic.v1")
    for name in ("validator", "root_validator")
}
_METHODS = {
    "dict": "model_dump",
    "json": "model_dump_json",
    "parse_obj": "model_validate",
    "parse_raw": "model_validate_json",
    "parse_file": "model_validate_json",
    "from_orm": "model_validate",
    "construct": "model_construct",
    "schema": "model_json_schema",
    "schema_json": "model_json_schema",
    "update_forward_refs": "model_rebuild",
    "copy": "model_copy",
}
_TWINS = frozenset(_METHODS.values())
_ROLES = frozenset({"schema", "settings"})


def _has_schemas(project: Project) -> str | None:
    if project.classes.with_role(*_ROLES):
        return None
    return "no schema or settings class"


@check("pydantic-v2-api", applies=_has_schemas)
def pydantic_v2_api(project: Project) -> Sites:
    """Use the Pydantic v2 API.

    The forms of version 1 warn today and are gone in version 3.

    Instead: ``field_validator``, ``model_config``, ``model_dump``, ``model_validate``.

    Known problems: ``__fields__`` is not looked for; a receiver whose type is unknown is not
    taken for a schema.
    """
    classes = project.classes.with_role(*_ROLES)
    found = [at for cls in classes if (at := _old_form(cls)) is not None]
    count = len(classes)
    for line, path, name, old in _calls(project):
        count += 1
        if old:
            message = f"`.{name}()` is Pydantic v1: use `{_METHODS[name]}`"
            found.append(At(line, message, path=path, anchor=name))
    imports = list(_imports(project))
    return Sites(count + len(imports), [*found, *imports])


def _old_form(cls: Class) -> At | None:
    """The first form of version 1 in a class."""
    for base in cls.fact.bases:
        if cls.file.resolve(base).rpartition(".")[2] == "GenericModel":
            return _at(cls, cls.line, "GenericModel")
    for index in cls.file.tables.inner_classes.get(cls.index, ()):
        inner = cls.file.classes[index]
        if inner.name == "Config":
            return _at(cls, inner.line, "class Config")
    for method in sorted(cls.methods.values(), key=lambda each: each.line):
        for decorator in method.fact.decorators:
            name = _DECORATORS.get(cls.file.resolve(decorator.value))
            if name is not None:
                return _at(cls, decorator.line, f"@{name}")
    return None


def _at(cls: Class, line: int, what: str) -> At:
    message = f"`{cls.name}` uses {what} of Pydantic v1"
    return At(line, message, path=cls.path, symbol=cls.symbol, anchor=what)


def _calls(project: Project) -> Iterator[tuple[int, str, str, bool]]:
    """Calls of methods of schemas: line, path, method, and whether it is of version 1."""
    for file in project.production:
        for call in file.calls_named(*_METHODS, *_TWINS):
            head, _, last = call.name.rpartition(".")
            cls = project.classes.by_key.get(head)
            if cls is None or project.classes.role(cls) not in _ROLES:
                continue
            if project.names.function_named(call.name) is not None:
                continue
            if last == "copy" and call.fact.keyword("update") is None:
                continue
            yield call.line, file.path, last, last in _METHODS


def _imports(project: Project) -> Iterator[At]:
    for file in project.production:
        for row in file.facts.imports:
            name = f"{row.module}.{row.name}".rstrip(".")
            if name.startswith("pydantic.v1") and not row.type_checking:
                message = "imports the compatibility layer pydantic.v1"
                yield At(row.line, message, path=file.path, anchor=name)
        for call in file.calls_named("conlist"):
            old = {"min_items", "max_items"} & {item.name for item in call.fact.keywords}
            if old and call.name == "pydantic.conlist":
                message = f"conlist({min(old)}=) is Pydantic v1: use {min(old)[:4]}length"
                yield At(call.line, message, path=file.path, anchor="conlist")
