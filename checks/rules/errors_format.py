"""Checks of error bodies: that all errors look alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from checks.check import At, Sites, check
from checks.facts import tree
from checks.project.given import Given, source
from checks.project.project import Project
from checks.project.responses import JSON_CLASSES, number
from checks.project.subjects import Call, Class, Function
from checks.rules.errors_answers import HTTP_EXCEPTION, http_errors

_OPTIONAL = frozenset(
    "details trace_id errors request_id correlation_id timestamp path instance".split()
)
_ENVELOPES = ("error", "errors")
_PROBLEM = frozenset({"type", "title", "status", "detail"})
_DUMPS = frozenset({"model_dump", "dict", "model_dump_json", "json", "copy"})
_ENCODERS = frozenset({"jsonable_encoder", "asdict"})
_DEPTH = 6

type Fields = Mapping[str, Given | Class | None]
"""The keys of a body, with what stands under them as far as it is known."""


class _Body(msgspec.Struct, frozen=True):
    """One error body that is built: where, and its fields."""

    path: str
    line: int
    fields: Fields


def _builds_errors(project: Project) -> str | None:
    if any(True for _ in _bodies(project)) or any(True for _ in _plain(project)):
        return None
    return "no error body is built, no HTTPException raised"


@check("error-response-format", applies=_builds_errors)
def error_response_format(project: Project, *, fields: Sequence[str] = ()) -> Sites:
    """All errors have one format.

    A client that has to guess the shape of an error shows the user none.

    Instead: build all error bodies in one function or schema with the agreed keys.

    Known problems: a body whose keys cannot be told is no site. An HTTPException with a plain
    detail is judged where the keys are compared with the majority, and follows the format of a
    handler that is registered for it. Where formats are equally common the first one counts.
    """
    bodies = list(_bodies(project))
    found = []
    if fields:
        for body in bodies:
            lacking = _lacking(project, body.fields, fields)
            if lacking:
                text = f"The error body lacks {', '.join(lacking)}"
                found.append(At(body.line, text, path=body.path, limit=", ".join(fields)))
        return Sites(len(bodies), found)
    if not _reformats(project):
        bodies += _plain(project)
    bodies.sort(key=lambda body: (body.path, body.line))
    shapes = [_shape(body.fields) for body in bodies]
    common = Counter(shapes).most_common(1)
    for body, shape in zip(bodies, shapes, strict=True):
        if shape != common[0][0]:
            has, others = (", ".join(sorted(keys)) or "none" for keys in (shape, common[0][0]))
            text = f"The error body has the keys {has}; most others have {others}"
            found.append(At(body.line, text, path=body.path, measured=has, limit=others))
    return Sites(len(bodies), found)


def _shape(fields: Fields) -> frozenset[str]:
    """The keys that an error always has."""
    keys = frozenset(name for name, value in fields.items() if not _is_null(value))
    if {"type", "title", "status"} <= keys:
        return _PROBLEM
    return (keys - _OPTIONAL) or keys


def _is_null(value: Given | Class | None) -> bool:
    """Whether a key is given nothing: it stands there for other bodies."""
    if not isinstance(value, Given) or not isinstance(value.expr, tree.Const):
        return False
    return value.expr.kind == "NoneType"


def _lacking(project: Project, fields: Fields, wanted: Sequence[str]) -> list[str]:
    """The wanted keys that a body lacks, also inside of an envelope."""
    for _ in range(_DEPTH):
        lacking = [name for name in wanted if name not in fields]
        envelope = next((name for name in _ENVELOPES if name in fields), None)
        if not lacking or envelope is None:
            return lacking
        inner = fields[envelope]
        if isinstance(inner, Given) and isinstance(inner.expr, (tree.Const, tree.Fmt)):
            return lacking
        opened = _of_class(inner) if isinstance(inner, Class) else None
        opened = _fields(project, inner) if isinstance(inner, Given) else opened
        if opened is None:
            return []
        fields = opened
    return []


# Where bodies are built ---------------------------------------------------------------------------


def _bodies(project: Project) -> Iterator[_Body]:
    """Bodies of handlers and middleware, dicts as detail, and declared error schemas."""
    seen: set[Call] = set()
    for function, is_handler in _answering(project):
        for call in _responses(project, function):
            if call in seen or not (is_handler or _is_error(call)):
                continue
            seen.add(call)
            content = call.arg(0, "content")
            given = None if content is None else Given(call.file, content, call.function)
            fields = None if given is None else _fields(project, given)
            if fields:
                yield _Body(call.path, call.line, fields)
    if not _reformats(project):
        for raised, call in http_errors(project):
            detail = call.arg(1, "detail")
            given = None if detail is None else Given(call.file, detail, call.function)
            fields = None if given is None else _fields(project, given)
            if fields:
                yield _Body(raised.path, raised.line, fields)
    for cls in _declared(project):
        fields = _of_class(cls)
        if fields:
            yield _Body(cls.path, cls.line, fields)


def _plain(project: Project) -> Iterator[_Body]:
    """HTTPExceptions whose detail is a text, or nothing."""
    for raised, call in http_errors(project):
        detail = call.arg(1, "detail")
        given = None if detail is None else source(Given(call.file, detail, call.function))
        known = given is None or isinstance(given.expr, (tree.Const, tree.Fmt, tree.Bin, tree.Seq))
        if given is not None and not known:
            known = given.file.type_of(given.expr, given.function) == "builtins.str"
        if known:
            yield _Body(raised.path, raised.line, {"detail": None})


def _reformats(project: Project) -> bool:
    """Whether a handler gives HTTPExceptions a format of its own."""
    return HTTP_EXCEPTION in project.routes.hooks.handled


def _answering(project: Project) -> Iterator[tuple[Function, bool]]:
    """Exception handlers, also those registered elsewhere, and middleware."""
    handlers = {each.function.key for each in project.routes.exception_handlers}
    middleware = {m.function.key for m in project.routes.middleware if m.function is not None}
    for file in project.production:
        for function in file.functions:
            if function.key in handlers or _looks_like_handler(function):
                yield function, True
            elif function.key in middleware:
                yield function, False


def _looks_like_handler(function: Function) -> bool:
    """A function of a request and an exception."""
    params = function.fact.params
    params = params[1:] if function.fact.cls >= 0 else params
    if len(params) != 2 or params[0].annotation is None or params[1].annotation is None:
        return False
    file, values = function.file, function.file.project.values
    if values.of_annotation(file, params[0].annotation, function) != "fastapi.Request":
        return False
    kind = values.of_annotation(file, params[1].annotation, function)
    return "builtins.Exception" in file.project.exceptions.lineage(kind) and (
        kind.endswith(("Error", "Exception", "Exceeded")) or file.project.exceptions.is_domain(kind)
    )


def _responses(project: Project, function: Function) -> Iterator[Call]:
    """JSON responses that a function makes, or a helper whose result it returns."""
    returned = {expr.index for expr in function.returned if isinstance(expr, tree.CallRef)}
    for call in function.calls:
        if project.routes.responses.kind_of(call.name) in JSON_CLASSES:
            yield call
        elif call.index in returned:
            for target in project.calls.resolve(call):
                for inner in target.calls:
                    if project.routes.responses.kind_of(inner.name) in JSON_CLASSES:
                        yield inner


def _is_error(call: Call) -> bool:
    given = call.arg(1, "status_code")
    if given is None:
        return False
    status = number(Given(call.file, given, call.function).value)
    return status is None or status >= 400


def _declared(project: Project) -> list[Class]:
    """Schemas that ``responses={404: {"model": ...}}`` names, each once."""
    found: dict[str, Class] = {}
    for route in project.routes.handlers:
        for given in route.options("responses"):
            given = source(given)
            if not isinstance(given.expr, tree.Map):
                continue
            for key, value in zip(given.expr.keys, given.expr.values, strict=True):
                status = None if key is None else number(given.at(key).value)
                inner = source(given.at(value))
                if status is None or status < 400 or not isinstance(inner.expr, tree.Map):
                    continue
                for name, model in zip(inner.expr.keys, inner.expr.values, strict=True):
                    if name is not None and tree.text_of(name) == "model":
                        cls = project.classes.by_key.get(inner.at(model).name)
                        if cls is not None and cls.file.is_production:
                            found[cls.key] = cls
    return list(found.values())


# What stands in them ------------------------------------------------------------------------------


def _fields(project: Project, given: Given, depth: int = 0) -> Fields | None:
    """The keys of a body, None where they cannot be told."""
    given = source(given)
    match given.expr:
        case tree.Map(keys=keys, values=values):
            return _of_map(project, given, tuple(zip(keys, values, strict=True)), depth)
        case tree.Seq(items=items) if items and depth:
            return _fields(project, given.at(items[0]), depth + 1) if depth < _DEPTH else None
        case tree.CallRef(index=index) if depth < _DEPTH:
            return _of_call(project, given, given.file.calls[index], depth)
    return _of_class(project.classes.by_key.get(given.file.type_of(given.expr, given.function)))


def _of_map(
    project: Project,
    given: Given,
    entries: tuple[tuple[tree.Expr | None, tree.Expr], ...],
    depth: int,
) -> Fields | None:
    found: dict[str, Given | Class | None] = {}
    for key, value in entries:
        name = None if key is None else given.at(key).text
        if name is not None:
            found[name] = given.at(value)
            continue
        spread = _fields(project, given.at(value), depth + 1) if key is None else None
        if spread is None:
            return None
        found.update(spread)
    return found


def _of_call(project: Project, given: Given, call: Call, depth: int) -> Fields | None:
    name = given.file.resolve(call.fact.func, given.function)
    if name == "builtins.dict":
        if call.fact.args or call.spreads:
            return None
        return {item.name: given.at(item.value) for item in call.fact.keywords}
    if call.last in _ENCODERS and call.fact.args:
        return _fields(project, given.at(call.fact.args[0]), depth + 1)
    cls = project.classes.by_key.get(name) or _own_class(given, call)
    if cls is not None:
        return _of_class(cls)
    target = project.names.function_named(call.name)
    if target is None and call.last in _DUMPS and call.receiver is not None:
        return _fields(project, given.at(call.receiver), depth + 1)
    if target is not None and len(target.returned) == 1:
        inner = Given(target.file, target.returned[0], target)
        found = _fields(project, inner, depth + 1)
        if found is not None:
            return found
    kind = given.file.type_of(given.expr, given.function)
    return _of_class(project.classes.by_key.get(kind))


def _own_class(given: Given, call: Call) -> Class | None:
    """The class that ``cls(...)`` makes in a method of it."""
    function = given.function
    if function is None or function.cls is None or not function.fact.params:
        return None
    return function.cls if tree.dotted(call.fact.func) == function.fact.params[0].name else None


def _of_class(cls: Class | None) -> Fields | None:
    """The fields of a schema, those of its bases among them."""
    if cls is None or cls.file.project.classes.role(cls) != "schema":
        return None
    classes, values = cls.file.project.classes.by_key, cls.file.project.values
    found: dict[str, Given | Class | None] = {}
    for each in (classes[name] for name in reversed(cls.ancestors) if name in classes):
        found.update(dict.fromkeys(_own_fields(each)))
    for name in _own_fields(cls):
        kind = values.of_annotation(cls.file, cls.attributes[name].annotation)
        found[name] = classes.get(kind)
    return found


def _own_fields(cls: Class) -> list[str]:
    return [
        name
        for name, fact in cls.attributes.items()
        if fact.annotation is not None and not name.startswith("_") and name != "model_config"
    ]
