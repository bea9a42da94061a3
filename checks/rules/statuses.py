"""Checks on status codes as they are written."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.project import Project
from checks.project.subjects import Call, File

_POSITIONS = {"HTTPException": 0, "Response": 1, "JSONResponse": 1}
_FRAMEWORKS = ("fastapi.", "starlette.")


def _answers(project: Project) -> str | None:
    if project.routes.handlers or any(
        call.name == "fastapi.HTTPException"
        for file in project.production
        for call in file.calls_named(*_names(file))
    ):
        return None
    return "no route handler, and no HTTPException is raised"


@check("status-constants", applies=_answers)
def status_constants(project: Project, *, accept_http_status: bool = True) -> Answer:
    """A status code is written by its name.

    ``HTTP_409_CONFLICT`` says what it means, and a slip in it is an error at import.

    Instead: use the constants of ``fastapi.status``.

    Known problems: a positional status of a call over several lines is taken to stand on the
    line after the callee.
    """
    count = 0
    found: dict[tuple[str, int], At] = {}
    for call, line, given in _statuses(project):
        count += 1
        for at, value in _values(call, line, given):
            message = ""
            if isinstance(value, tree.Const) and value.kind == "int":
                message = f"The status {value.value} is a bare number"
            elif not accept_http_status and _is_http_status(call.file, value):
                message = "The status is taken from http.HTTPStatus"
            if message:
                found.setdefault((call.path, at), At(at, message, path=call.path, anchor=call.last))
                break
    return Sites(max(count, len(found)), list(found.values())) if count else Skip("no status")


def _statuses(project: Project) -> Iterator[tuple[Call, int, Expr]]:
    """Every status that is given: its call, its line, how it is written."""
    production = {file.path for file in project.production}
    seen = set()
    for route in project.routes.handlers:
        for registration in route.registrations:
            call = registration.outer or registration.call
            if call in seen or call.path not in production:
                continue
            seen.add(call)
            yield from _keyword(call)
    for file in project.production:
        for call in file.calls_named(*_names(file)):
            last = call.name.rpartition(".")[2]
            if last in _POSITIONS and call.name.startswith(_FRAMEWORKS):
                yield from _keyword(call)
                if len(call.fact.args) > _POSITIONS[last]:
                    yield call, _first_line(call), call.fact.args[_POSITIONS[last]]


def _names(file: File) -> list[str]:
    """The names by which a file may call the classes that take a status."""
    bound = (row.fact.alias for row in file.imports if row.fact.name in _POSITIONS)
    return sorted({*_POSITIONS, *bound} - {""})


def _keyword(call: Call) -> Iterator[tuple[Call, int, Expr]]:
    for item in call.fact.keywords:
        if item.name == "status_code":
            yield call, item.line or call.line, item.value


def _first_line(call: Call) -> int:
    """The line of the positional arguments: that of the call where anything else is on it."""
    fact = call.fact
    same = fact.end_line == fact.line or any(item.line == fact.line for item in fact.keywords)
    return fact.line if same else fact.line + 1


def _values(call: Call, line: int, given: Expr) -> list[tuple[int, Expr]]:
    """What a status may be, with lines; a plain variable is followed to where it is assigned."""
    if isinstance(given, tree.Op) and given.kind == "IfExp":
        return [(line, item) for item in given.items[1:]]
    if isinstance(given, tree.Name):
        names = call.file.project.names
        bound, _ = names.binding(call.file, given.id, call.function)
        if isinstance(bound, Assign) and bound.value is not None and given in bound.targets:
            return [(bound.line, bound.value)]
    return [(line, given)]


def _is_http_status(file: File, value: Expr) -> bool:
    return file.resolve(value).startswith("http.HTTPStatus")
