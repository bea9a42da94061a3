"""Checks on cross-origin requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import At, Sites, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import development, is_development_class, only_in_development
from checks.project.given import Given, argument
from checks.project.literals import Unknown
from checks.project.project import Project
from checks.project.subjects import Call, File

_MIDDLEWARE = "fastapi.middleware.cors.CORSMiddleware"
_FLASK = frozenset({"flask_cors.CORS", "flask_cors.cross_origin", "flask_cors.extension.CORS"})
_DJANGO_ALL = frozenset({"CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"})
_DJANGO_SOME = frozenset({"CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST"})
_EVERYTHING = frozenset({".*", ".+", "https?://.*", "https?://.+", "(http|https)://.*", "http.*"})
_DEPTH = 8
_MESSAGE = "CORS allows every origin (`*`)"


def _has_cors(project: Project) -> str | None:
    return None if _registrations(project) else "no CORS middleware is registered"


@check("cors-wildcard-origin", applies=_has_cors)
def cors_wildcard_origin(project: Project) -> Sites:
    """Allow no wildcard CORS origin.

    With ``*`` any web page may call the service from its visitor's browser, from inside his
    network and with what his browser sends along.

    Instead: list the allowed origins explicitly, from settings.

    Known problems: origins that only the environment gives are not known here and pass.
    """
    registrations = _registrations(project)
    return Sites(len(registrations), [at for at in registrations.values() if at is not None])


def _registrations(project: Project) -> dict[tuple[str, int], At | None]:
    """Each registration by its place, with the finding there, if any."""
    found: dict[tuple[str, int], At | None] = {}
    for each in project.routes.middleware:
        if each.name == _MIDDLEWARE or _MIDDLEWARE in _ancestors(project, each.name):
            found[(each.call.path, each.call.line)] = _judged(each.call, _starlette(each.call))
    for file in project.production:
        for call in file.calls_named("CORS", "cross_origin", "init_app"):
            if _flask_name(call) in _FLASK:
                found[(file.path, call.line)] = _judged(call, _flask(call))
        if project.manifests.depends_on("django-cors-headers"):
            found |= _django(file)
    return found


def _ancestors(project: Project, name: str) -> Sequence[str]:
    cls = project.classes.by_key.get(name)
    return () if cls is None else cls.ancestors


def _flask_name(call: Call) -> str:
    name = call.name
    return name.removesuffix(".init_app") if call.last == "init_app" else name


def _judged(call: Call, wild: bool) -> At | None:
    if not wild or only_in_development(call.file, call.fact.block):
        return None
    return At(call.line, _MESSAGE, path=call.path, anchor="allow_origins")


def _starlette(call: Call) -> bool:
    origins = argument(call, ("allow_origins",))
    regex = argument(call, ("allow_origin_regex",))
    if origins is not None and any(_is_wild(value) for value in values(origins)):
        return True
    return regex is not None and any(_matches_all(value) for value in values(regex))


def _flask(call: Call) -> bool:
    """Flask-CORS allows every origin unless it is told otherwise."""
    origins = argument(call, ("origins",))
    resources = argument(call, ("resources",))
    if origins is None and resources is not None:
        return any(_resources_wild(value) for value in values(resources))
    return origins is None or any(_is_wild(value) for value in values(origins))


def _resources_wild(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return any(isinstance(v, dict) and _is_wild(v.get("origins")) for v in value.values())


def _django(file: File) -> dict[tuple[str, int], At | None]:
    found: dict[tuple[str, int], At | None] = {}
    for fact in file.facts.assigns:
        name = tree.dotted(fact.targets[0])
        if (
            fact.function >= 0
            or fact.cls >= 0
            or name not in _DJANGO_ALL | _DJANGO_SOME
            or fact.value is None
        ):
            continue
        given = values(Given(file, fact.value))
        wild = any(v is True if name in _DJANGO_ALL else _is_wild(v) for v in given)
        fine = not wild or only_in_development(file, fact.block)
        at = None if fine else At(fact.line, _MESSAGE, path=file.path, anchor=name)
        found[(file.path, fact.line)] = at
    return found


def _is_wild(value: object) -> bool:
    if isinstance(value, (list, tuple, set)):
        return any(isinstance(item, str) and item.strip() == "*" for item in value)
    if not isinstance(value, str):
        return False
    return any(part.strip(" \"'[]") == "*" for part in value.split(","))


def _matches_all(value: object) -> bool:
    return isinstance(value, str) and re.sub(r"\A\^|\$\Z", "", value) in _EVERYTHING


def values(given: Given, depth: int = 0) -> Iterator[object]:
    """Every value that an expression may have outside of development.

    Follows conditional expressions, all assignments of a name, fields of settings with what
    their properties read, and leaves out the branches that only development takes.
    """
    given = given.behind
    expr = given.expr
    if depth > _DEPTH:
        return
    if isinstance(expr, tree.Op) and expr.kind == "IfExp":
        limited = development(expr.items[0], given.file)
        branches = {True: expr.items[2:], False: expr.items[1:2]}.get(limited or False)
        for item in expr.items[1:] if limited is None else branches or ():
            yield from values(given.at(item), depth + 1)
        return
    if isinstance(expr, tree.Op) and expr.kind in {"ListComp", "GeneratorExp"}:
        yield from values(given.at(expr.items[1]), depth + 1)
        return
    if isinstance(expr, tree.Op) and expr.kind == "Or":
        for item in expr.items:
            yield from values(given.at(item), depth + 1)
        return
    several = list(_sources(given, expr))
    if several:
        for each in several:
            yield from values(each, depth + 1)
        return
    value = given.value
    if not isinstance(value, Unknown):
        yield value


def _sources(given: Given, expr: Expr) -> Iterator[Given]:
    """Where a name or an attribute of settings gets its values."""
    if isinstance(expr, tree.CallRef):
        call = given.file.calls[expr.index]
        if call.last in {"split", "strip", "list", "tuple", "sorted"}:
            inner = call.receiver if call.last in {"split", "strip"} else call.arg(0, "")
            if inner is not None:
                yield given.at(inner)
            return
        function = given.file.project.names.function_named(call.name)
        for value in function.returned if function is not None else ():
            if function is not None:
                yield Given(function.file, value, function)
        return
    text = tree.dotted(expr)
    if "." in text or isinstance(expr, tree.Attr):
        yield from _of_settings(given, expr)
        return
    if text:
        yield from _assigned(given, text)


def _assigned(given: Given, name: str) -> Iterator[Given]:
    """Every value assigned to a name, those that only development assigns left out."""
    scope = given.function.index if given.function is not None else -1
    known = False
    for assign in given.file.facts.assigns:
        if assign.function not in {scope, -1} or assign.cls >= 0 or assign.value is None:
            continue
        if any(tree.dotted(target) == name for target in assign.targets):
            known = True
            if not only_in_development(given.file, assign.block):
                yield given.at(assign.value)
    found = given.file.project.names.assignment_named(given.name) if not known else None
    if found is not None and found[1].value is not None:
        yield Given(found[0], found[1].value)


def _of_settings(given: Given, expr: Expr) -> Iterator[Given]:
    base: Expr
    if isinstance(expr, tree.Attr):
        base, attr = expr.value, expr.attr
    else:
        head, _, attr = tree.dotted(expr).rpartition(".")
        base = tree.Name(head)
    project = given.file.project
    cls = project.classes.by_key.get(given.file.type_of(base, given.function))
    if cls is None or is_development_class(cls):
        return
    method = project.classes.method(cls, attr)
    if method is None:
        default = project.literals.default(cls, attr)
        if default is not None:
            yield default
        return
    for value in method.returned:
        yield Given(method.file, value, method)
