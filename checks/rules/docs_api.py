"""Checks on what OpenAPI says about handlers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import At, Skip, check
from checks.project.given import Given
from checks.project.literals import Unknown
from checks.project.routes import Route
from checks.rules.applies import has_routes

_PLACEHOLDER = re.compile(
    r"\W*(todo|tbd|fixme|xxx|docstring|description|summary)?\W*", re.IGNORECASE
)
_MISSING = {
    "summary": "has no summary",
    "docstring": "has no docstring",
    "summary-or-description": "has neither summary, description nor docstring",
    "error-responses": "can raise errors that its responses= do not document",
    "binary-content": "returns other content than JSON without naming its type",
}


@check("endpoint-documentation", each="require", applies=has_routes)
def endpoint_documentation(
    route: Route, entry: str, *, require: Sequence[str] = ("summary-or-description",)
) -> At | Skip | None:
    """Document endpoints in OpenAPI.

    The generated documentation is what a client's author sees first, and often all he sees.

    Instead: add summary, docstring and responses to the route decorator.

    Known problems: errors are looked for in the handler and the functions that it calls itself.
    """
    if not route.in_schema:
        return Skip("not in the schema")
    match entry:
        case "summary":
            fine = _written(route, "summary")
        case "docstring":
            fine = _says_something(route.docstring)
        case "summary-or-description":
            texts = _written(route, "summary", "description")
            fine = texts or _says_something(route.docstring)
        case "error-responses":
            if not can_fail(route):
                return Skip("raises no error")
            fine = any(_is_error(status) for status in documented(route))
        case _:
            if not _returns_binary(route):
                return Skip("returns JSON")
            fine = bool(route.response_class) or _names_content(route)
    message = f"`{route.name}` {_MISSING.get(entry, entry)}"
    return None if fine else At(route.line, message, anchor=entry)


def _written(route: Route, *names: str) -> bool:
    """Whether one of these options of the decorator says something."""
    for registration in route.registrations:
        for name in names:
            given = registration.argument(name)
            if given is not None:
                value = given.value
                if not isinstance(value, str) or _says_something(value):
                    return True
    return False


def _says_something(text: str | None) -> bool:
    return bool(text) and _PLACEHOLDER.fullmatch(text or "") is None


def can_fail(route: Route) -> bool:
    """Whether the handler, or a function that it calls, raises an HTTP or domain exception."""
    project = route.file.project
    for function in project.calls.reachable(route.function, 1):
        for each in function.raises:
            cls = project.classes.by_key.get(each.name)
            role = "" if cls is None else project.classes.role(cls)
            if each.name == "fastapi.HTTPException" or role in {"exception", "http-exception"}:
                return True
    return False


def documented(route: Route) -> set[object]:
    """Statuses that responses= of decorator, routers and application document."""
    found: set[object] = set()
    for given in route.options("responses"):
        value = given.value
        found |= set(value) if isinstance(value, dict) else {value}
    return found


def _is_error(status: object) -> bool:
    if isinstance(status, Unknown):
        return True  # a constant that cannot be read documents something
    text = str(status).upper()
    return text != "422" and (text == "DEFAULT" or (text[:1] in {"4", "5"} and len(text) == 3))


def _returns_binary(route: Route) -> bool:
    return any(
        answer.kind
        and not answer.is_json
        and answer.kind != "RedirectResponse"
        and answer.has_content
        for answer in route.answers
    )


def _names_content(route: Route) -> bool:
    """Whether responses= gives a content type for a success status."""
    for given in route.options("responses"):
        value = given.value
        if not isinstance(value, dict) or _opaque(given):
            return True
        for status, entry in value.items():
            text = str(status).upper()
            if isinstance(status, Unknown) or isinstance(entry, Unknown):
                return True
            if text[:1] == "2" and isinstance(entry, dict) and "content" in entry:
                return True
    return False


def _opaque(given: Given) -> bool:
    value = given.value
    return isinstance(value, dict) and any(isinstance(key, Unknown) for key in value)
