"""Checks of where handlers take their parameters from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import At, Sites, Skip, check
from checks.project.conditions import words
from checks.project.parameters import Slot
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.schemas import arguments
from checks.rules.api import ACTIONS
from checks.rules.applies import has_routes

_KEYS = frozenset({"id", "uuid", "uid", "slug", "pk", "guid"})
_ROLES = {
    "filter": frozenset("q query search keyword keywords term filter filters status".split()),
    "sort": frozenset("sort sorting order ordering direction sort_dir".split()),
    "page": frozenset("page limit offset skip per_page page_size page_number cursor size".split()),
}
_ENDS = {
    "filter": ("_filter", "_filters", "_query"),
    "sort": ("sort_by", "order_by", "sort_order", "sort_key", "sort_direction"),
    "page": ("_limit", "_offset", "_page", "page_no", "page_num", "next_cursor"),
}
_SEARCHES = frozenset("search query filter find lookup graphql export match".split())
_LISTING = frozenset("list get read fetch index all show retrieve".split())
_READING = frozenset({"get", "read", "retrieve", "fetch", "show"})
_ITEM = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_WRITING = frozenset({"PUT", "PATCH", "DELETE"})
_NATURAL = re.compile(r"(\w+_)?(name|username|code|key)")


@check("param-placement", applies=has_routes, advisory=True)
def param_placement(
    project: Project, *, roles: Sequence[str] = ("identity", "filter", "sort", "page")
) -> Sites | Skip:
    """Put identity in the path and filters in the query.

    A path names a thing, so that it can be linked, cached and logged; the query says which of
    them and in what order.

    Instead: move the id into the path, filters, sorting and paging into the query string.

    Known problems: roles are told by names, and a handler's own resource by the last literal of
    its path and the name of the function. A parameter that several handlers take from one
    provider is reported once.
    """
    count = 0
    found: dict[tuple[str, int, str], At] = {}
    handlers = [route for route in project.routes.handlers if route.file.is_production]
    keys = {(route.paths[0], name) for route in handlers for name in _written_by(project, route)}
    for route in handlers:
        for slot, names in _judged(project, route):
            role, name = _role(route, slot, names)
            if not role and slot.is_required and (*route.paths[:1], slot.name) in keys:
                role, name = "identity", slot.name
            if role not in roles:
                continue
            count += 1
            message = _fault(project, route, slot, role, name)
            if message:
                at = At(slot.line, message, path=slot.file.path, symbol=slot.symbol, anchor=name)
                found.setdefault((at.path, at.line, name), at)
    return Sites(count, list(found.values())) if count else Skip("no parameter of these roles")


def _judged(project: Project, route: Route) -> Iterator[tuple[Slot, list[str]]]:
    """Parameters with the names that they bring: their own, or the fields of a body."""
    for slot in project.parameters.of(route):
        if slot.kind in {"path", "query"}:
            yield slot, [slot.name]
        elif slot.kind in {"body", "form"} and slot.type is not None:
            members = project.schemas.members(slot.type)
            found = [project.schemas.class_of(each) for each in members]
            fields = [name for cls in found if cls for name in project.schemas.fields(cls)]
            if fields or not any(arguments(each) for each in members):
                yield slot, fields or [slot.name]


def _written_by(project: Project, route: Route) -> Iterator[str]:
    """Names by which PUT, PATCH and DELETE of a path without parameters find their one item."""
    if route.methods & _WRITING and route.paths and "{" not in route.paths[0]:
        for slot in project.parameters.of(route):
            if slot.kind == "query" and slot.is_required and _NATURAL.fullmatch(slot.name):
                yield slot.name


def _role(route: Route, slot: Slot, names: list[str]) -> tuple[str, str]:
    """The role of a parameter, and the name that says so; "" for none."""
    nested = slot.kind == "body" and slot.name not in names
    item = nested and _is_item_path(route)
    thing = nested and _is_thing_of_item(route)
    reads = _lists(route) or slot.kind == "query"
    for name in names:
        text = "_".join(words(name))
        if not item and not (thing and "_" in text) and _is_own_key(route, text):
            return "identity", name
        for role, listed in _ROLES.items() if reads else ():
            if text in listed or text.endswith(_ENDS[role]):
                return role, name
    return "", ""


def _fault(project: Project, route: Route, slot: Slot, role: str, name: str) -> str:
    if role == "identity":
        if slot.kind == "path" or not route.methods & _ITEM or _is_item_path(route):
            return ""
        if "GET" in route.methods and not _reads_one(project, route, slot):
            return ""
        place = "query" if slot.kind == "query" else "body"
        return f"`{name}` of `{route.name}` names one item and is taken from the {place}"
    if slot.kind == "path":
        return "" if _names_item(route, name) else f"`{name}` is a {role} parameter in the path"
    if slot.kind == "body" and _lists_only(project, route):
        return f"`{name}` is a {role} parameter in the body of `{route.name}`, which only lists"
    return ""


# Paths --------------------------------------------------------------------------------------------


def _parts(route: Route) -> list[str]:
    """The segments of the first path as they are written, parameters in braces."""
    return [part for part in route.paths[0].split("/") if part] if route.paths else []


def _resource(route: Route) -> int:
    """Position of the last literal that names a resource and no action; -1 for none."""
    parts = _parts(route)
    for position in range(len(parts) - 1, -1, -1):
        part = parts[position]
        if "{" not in part and words(part)[:1] and words(part)[0] not in ACTIONS:
            return position
    return -1


def _is_item_path(route: Route) -> bool:
    """Whether the path names one item of the handler's own resource by a parameter."""
    position = _resource(route)
    return any("{" in part for part in _parts(route)[position + 1 :])


def _is_thing_of_item(route: Route) -> bool:
    """Whether the path names the one thing of an item, which ``team_id`` in a body then sets.

    ``/users/{user_id}/team``
    """
    parts = _parts(route)
    literal = words(parts[-1]) if parts else []
    return any("{" in part for part in parts) and literal[-1:] == [_singular("".join(literal[-1:]))]


def _singular(text: str) -> str:
    if text.endswith("ies"):
        return f"{text[:-3]}y"
    if text.endswith(("ses", "xes", "ches", "shes")):
        return text[:-2]
    return text[:-1] if text.endswith("s") and not text.endswith("ss") else text


def _own_names(route: Route) -> set[str]:
    """What the handler's own resource is called: by its path and by its function."""
    position = _resource(route)
    found = set()
    if position >= 0:
        parts = words(_parts(route)[position])
        found.add("_".join([*parts[:-1], _singular(parts[-1])]))
        found.add(_singular(parts[-1]))
    name = words(route.name)
    if len(name) > 1 and "by" not in name:
        found.add("_".join([*name[1:-1], _singular(name[-1])]))
    return found


def _is_own_key(route: Route, name: str) -> bool:
    """Whether a name is that of the id, uuid or slug of the handler's own resource."""
    head, _, last = name.rpartition("_")
    if last not in _KEYS:
        return False
    return not head or head in _own_names(route)


def _names_item(route: Route, name: str) -> bool:
    """Whether a path parameter follows the plural that it is one of: ``/orders/{order}``."""
    before = ""
    for part in _parts(route):
        if part.partition(":")[0].strip("{}") == name:
            return before != name and _singular(before) == name
        before = "_".join(words(part)) if "{" not in part else ""
    return False


# Handlers -----------------------------------------------------------------------------------------


def _reads_one(project: Project, route: Route, slot: Slot) -> bool:
    """Whether a GET handler answers with the one item that a required key names."""
    if not slot.is_required or project.lists.is_list(route):
        return False
    response = project.schemas.response_type(route)
    if response is None:
        name = words(route.name)
        return name[:1] != [] and name[0] in _READING and not name[-1].endswith("s")
    return any(
        project.schemas.is_schema(cls) or project.classes.is_model(cls)
        for cls in project.schemas.contained(response)
    )


def _lists(route: Route) -> bool:
    """Whether a handler reads: by GET, or by POST and a name that says so."""
    return "GET" in route.methods or ("POST" in route.methods and _is_listing(route))


def _is_listing(route: Route) -> bool:
    literals = {word for path in route.paths for word in words(path)}
    return words(route.name)[:1] != [] and (
        words(route.name)[0] in _LISTING and _SEARCHES.isdisjoint(literals | set(words(route.name)))
    )


def _lists_only(project: Project, route: Route) -> bool:
    """Whether a handler with a body only lists, and is no search."""
    if route.methods == {"GET"}:
        return True
    return route.methods == {"POST"} and _is_listing(route) and project.lists.answers_list(route)
