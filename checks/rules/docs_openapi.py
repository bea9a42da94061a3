"""Checks of the OpenAPI document: what applications say of themselves, what fields are for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.given import Given, source
from checks.project.project import Project
from checks.project.routers import Router

type Part = Literal["enabled", "title", "description", "version"]

_DEFAULTS = {"title": {"FastAPI", ""}, "version": {"0.1.0", ""}, "description": {""}}
_HELPER = re.compile(
    r"metrics?|prometheus|admin|debug|health\w*|probes?|internal|static|docs|monitoring|exporter",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-z0-9]+")


@check("openapi-metadata", each="require")
def openapi_metadata(
    project: Project, part: Part, *, require: Sequence[Part] = ("enabled", "title", "version")
) -> Answer:
    """The API describes itself in its OpenAPI document.

    Title and version are what clients, gateways and generated code know the API by.

    Instead: give FastAPI() a title, a description and the real version.

    Known problems: a mounted application is taken for a helper by its path or name, or because
    it has no route of its own in the document. What ``**options`` hold and cannot be followed is
    taken for given.
    """
    judged = [app for app in project.routes.applications if _is_judged(project, app)]
    if not judged:
        return Skip("no FastAPI application")
    found = []
    for app in judged:
        fault = _hidden(project, app) if part == "enabled" else _lacking(project, app, part)
        if fault and not _describes_itself(project, app):
            found.append(At(app.line, fault, path=app.path, anchor=f"{app.key} {part}"))
    return Sites(len(judged), found)


def _is_judged(project: Project, app: Router) -> bool:
    """Whether an application is one of production and no mounted helper."""
    if app.call is None or not app.file.is_production:
        return False
    mounts = [hop for hop in app.hops if hop.kind == "mount"]
    if not mounts:
        return True
    paths = [hop.argument(0, "path") for hop in mounts]
    names = [app.key.rpartition(".")[2], *(given.text or "" for given in paths if given)]
    if any(_HELPER.fullmatch(word) for name in names for word in _WORDS.findall(_apart(name))):
        return False
    return any(_shown(project, app))


def _apart(name: str) -> str:
    return name.replace("_", " ")


def _shown(project: Project, app: Router) -> Iterator[bool]:
    """For each route of an application whether its document shows it."""
    for route in project.routes.handlers:
        ways = (
            (each.router, *(hop.parent for hop in chain))
            for each in route.registrations
            for chain in each.router.chains
        )
        if any(app in way for way in ways):
            yield route.in_schema


def _hidden(project: Project, app: Router) -> str:
    given = app.option("openapi_url")
    if given is not None:
        expr = source(given).expr
        if isinstance(expr, tree.Const) and expr.value in {None, ""}:
            return "The application publishes no OpenAPI document: `openapi_url` is None"
    shown = list(_shown(project, app))
    if shown and not any(shown):
        return "No route of the application is in its OpenAPI document"
    return ""


def _lacking(project: Project, app: Router, part: str) -> str:
    given = app.option(part)
    if given is None:
        spreads = app.call is not None and app.call.spreads
        if spreads or _assigned(project, app, part):
            return ""
        return f"The application gives no {part}"
    value = _literal(given)
    return f"The {part} of the application is the default" if value in _DEFAULTS[part] else ""


def _literal(given: Given) -> str | None:
    """The text of a literal or of a constant, None for what is put together elsewhere."""
    expr = source(given).expr
    if isinstance(expr, tree.Const) and expr.kind == "NoneType":
        return ""
    return tree.text_of(expr)


def _describes_itself(project: Project, app: Router) -> bool:
    """Whether a function of the project's own makes the document."""
    cls = project.classes.by_key.get(app.type)
    if cls is not None and project.classes.method(cls, "openapi") is not None:
        return True
    return _assigned(project, app, "openapi")


def _assigned(project: Project, app: Router, name: str) -> bool:
    """Whether an attribute of an application is set after it was made."""
    ending = f".{name}"
    for file in project.production:
        for row in file.facts.assigns:
            text = tree.dotted(row.targets[0])
            base = text.removesuffix(ending)
            if base == text or base in {"", "self", "cls"}:
                continue
            place = Given(file, tree.Name(base), file.function_of(row.function))
            for router in project.routers.of(place):
                ways = ((router, *(hop.parent for hop in chain)) for chain in router.chains)
                if any(app in way for way in ways):
                    return True
    return False
