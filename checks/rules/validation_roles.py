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
    taken = given = False
    created: set[tuple[str, ...]] = set()
    updated: set[tuple[str, ...]] = set()
    for use in rows:
        single = _is_singleton(use)
        if use.role == "response":
            given = given or ("response" in roles and not single)
        else:
            asked = _role(use.role) in {*roles, ""}
            taken = taken or (asked and not single and not _is_echo(use.route))
        if taken and given:
            return _at(use, f"`{use.cls.name}` is used both as request body and as response schema")
        if {"create", "update"} <= set(roles) and use.role in {"create", "update"}:
            (created if use.role == "create" else updated).update(_stems(use))
            if created & updated:
                return _at(use, f"`{use.cls.name}` is the body both of POST and of PATCH")
    return None


def _stems(use: Use) -> Iterator[tuple[str, ...]]:
    """Literals of the paths of a use; of an update those of all that it may be one of."""
    for path in use.route.paths:
        parts = tuple(part for part in segments(path) if "{" not in part)
        if use.role == "create":
            yield parts
        else:
            yield from (parts[:length] for length in range(len(parts) + 1))


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


def _at(use: Use, message: str) -> At:
    route = use.route
    return At(route.line, message, path=route.path, symbol=route.symbol, anchor=use.cls.name)
