"""Checks of what a schema is used for: input, output, or both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from checks.check import At, Sites, Skip, check
from checks.project.conditions import words
from checks.project.project import Project
from checks.project.routes import Route, segments
from checks.project.subjects import Class
from checks.rules.applies import has_routes

_SINGLETONS = frozenset("settings setting config configuration preferences options".split())
_ECHOES = frozenset("echo mirror ping".split())
_BODY_ROLES = {"POST": "create", "PATCH": "update", "PUT": "replace"}


class Use(msgspec.Struct, frozen=True):
    """One use of a class by a handler.

    Attributes:
        cls: The class.
        route: The handler.
        role: ``create``, ``update``, ``replace``, ``request`` or ``response``.
    """

    cls: Class
    route: Route
    role: str

    @property
    def place(self) -> tuple[str, int, bool]:
        """Order of uses: by file and line, of one handler the body first."""
        return self.route.path, self.route.line, self.role == "response"


@check("separate-io-schemas", applies=has_routes)
def separate_io_schemas(
    project: Project, *, roles: Sequence[str] = ("create", "update", "response")
) -> Sites | Skip:
    """Use separate schemas for input and output.

    A class for both lets clients write what only the server may set, and shows what only the
    client may know; a model of the database does both for every column.

    Instead: define Create, Update and Response schemas with a common base.

    Known problems: a replacement (PUT) may share the schema of the creation, settings that exist
    once may go in as they come out, and so may what an echo answers. Which handler comes second
    is decided by path and line.
    """
    uses: dict[str, list[Use]] = {}
    for use in sorted(_uses(project), key=lambda each: each.place):
        uses.setdefault(use.cls.key, []).append(use)
    if not any(each.role != "response" for rows in uses.values() for each in rows) or not any(
        each.role == "response" for rows in uses.values() for each in rows
    ):
        return Skip("no handler with a body, or none with a response schema")
    count, found = 0, []
    for rows in uses.values():
        cls = rows[0].cls
        entity = project.classes.role(cls) == "orm"
        if not entity and all(each.role == "response" for each in rows):
            continue
        count += 1
        at = _second(rows, roles)
        if at is None and entity:
            kind = "response schema" if rows[0].role == "response" else "request body"
            at = _at(rows[0], f"the ORM model `{cls.name}` is used as {kind}")
        if at is not None:
            found.append(at)
    return Sites(count, found) if count else Skip("no schema is used as request body")


def _uses(project: Project) -> Iterator[Use]:
    """What production handlers take as body and give as response."""
    for route in project.routes.handlers:
        if not route.file.is_production:
            continue
        for cls in _bodies(project, route):
            for method in sorted(route.methods):
                yield Use(cls, route, _BODY_ROLES.get(method, "request"))
        response = project.schemas.response_type(route)
        for cls in project.schemas.contained(response) if response is not None else ():
            if project.classes.role(cls) in {"schema", "orm", "document"}:
                yield Use(cls, route, "response")


def _bodies(project: Project, route: Route) -> Iterator[Class]:
    for slot in project.parameters.of(route):
        if slot.kind == "body" and slot.type is not None:
            for cls in project.schemas.contained(slot.type):
                if project.classes.role(cls) in {"schema", "orm", "document"}:
                    yield cls


def _second(rows: Sequence[Use], roles: Sequence[str]) -> At | None:
    """Where a class is used in a second role for the first time."""
    for position, use in enumerate(rows):
        for other in rows[:position]:
            what = _conflict(other, use, roles) or _conflict(use, other, roles)
            if what:
                return _at(use, f"`{use.cls.name}` is {what}")
    return None


def _conflict(one: Use, other: Use, roles: Sequence[str]) -> str:
    """What two uses make of a class that should be two, "" where they go together."""
    if other.role == "response" and one.role != "response":
        asked = "response" in roles and _role(one.role) in {*roles, ""}
        free = _is_echo(one.route) or _is_singleton(one) or _is_singleton(other)
        return "used both as request body and as response schema" if asked and not free else ""
    if one.role == "create" and other.role == "update":
        asked = "create" in roles and "update" in roles
        same = _same_resource(one.route, other.route)
        return "the body both of POST and of PATCH" if asked and same else ""
    return ""


def _role(role: str) -> str:
    """The role of a standard's vocabulary that a use counts to."""
    return {"create": "create", "update": "update", "replace": "update"}.get(role, "")


def _is_echo(route: Route) -> bool:
    named = {word for path in route.paths for word in words(path)} | set(words(route.name))
    return not _ECHOES.isdisjoint(named)


def _is_singleton(use: Use) -> bool:
    """Settings that exist once: named so by the class, or by every path."""
    if not _SINGLETONS.isdisjoint(words(use.cls.name)):
        return True
    ends = [segments(path)[-1:] for path in use.route.paths]
    return bool(ends) and all(not _SINGLETONS.isdisjoint(end) for end in ends)


def _same_resource(create: Route, update: Route) -> bool:
    """Whether the path of an update leads to one of what the creation makes."""
    for one in create.paths:
        for other in update.paths:
            mine = [part for part in segments(one) if "{" not in part]
            yours = [part for part in segments(other) if "{" not in part]
            if yours[: len(mine)] == mine:
                return True
    return False


def _at(use: Use, message: str) -> At:
    route = use.route
    return At(route.line, message, path=route.path, symbol=route.symbol, anchor=use.cls.name)
