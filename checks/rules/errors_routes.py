"""Checks of how route handlers answer errors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, source
from checks.project.project import Project
from checks.project.responses import JSON_CLASSES, number
from checks.project.routes import Route, is_infrastructure
from checks.project.subjects import Call, Except, Function
from checks.rules.applies import has_routes

# Translating domain exceptions --------------------------------------------------------------------


def _services_raise(project: Project) -> str | None:
    exceptions, layers = project.exceptions, project.layers
    for file in project.production:
        for each in file.raises:
            if layers.in_service(each.function, file) and exceptions.is_domain(
                exceptions.raised(each)
            ):
                return None
    return "no service raises a domain exception"


@check("routes-translate-domain-exceptions", applies=(has_routes, _services_raise))
def routes_translate_domain_exceptions(route: Route, *, max_depth: int = 2) -> Answer:
    """A handler catches the domain exceptions of the services it calls, and answers them.

    An exception nobody translates is answered with status 500, whatever it meant.

    Instead: catch the exception in the handler and raise HTTPException with the fitting status.

    Known problems: a handler registered on the application does not count here, since this asks
    for the translation in the route. A clause that neither raises nor returns translates when
    the handler goes on to return something.
    """
    pairs = _pairs(route, max_depth)
    found = []
    for name, calls in pairs.items():
        open_call = next((call for call in calls if not _is_translated(route, call, name)), None)
        if open_call is not None:
            last = name.rpartition(".")[2]
            text = f"`{last}` of `{open_call.last}` is not translated in `{route.name}`"
            found.append(At(open_call.line, text, column=open_call.fact.column, anchor=f"{name}"))
    return Sites(len(pairs), found) if pairs else Skip("calls no service that raises one")


def _pairs(route: Route, levels: int) -> dict[str, list[Call]]:
    """The domain exceptions that reach a handler from services, with the calls they come from."""
    project = route.file.project
    found: dict[str, list[Call]] = {}
    for call, target in project.calls.callees(route.function):
        if project.layers.in_service(target, target.file):
            for name in project.exceptions.escaping(target, max(levels - 1, 0)):
                found.setdefault(name, []).append(call)
    return found


def _is_translated(route: Route, call: Call, name: str) -> bool:
    """Whether something between a call and the client turns an exception into an answer."""
    exceptions, function = route.file.project.exceptions, route.function
    block = call.fact.block
    if not exceptions.lineage(name).isdisjoint(exceptions.suppressed(route.file, block, function)):
        return True
    for clauses in exceptions.around(route.file, block, function):
        for clause in clauses:
            if exceptions.catches(clause, name):
                if _translates(clause):
                    return True
                if not exceptions.passes_on(clause):
                    return False
                break
    outer = [*exceptions.decorated(function), *_route_class(route)]
    if any(exceptions.catches(clause, name) and _translates(clause) for clause in outer):
        return True
    return _exits_with_answer(route, block)


def _translates(clause: Except) -> bool:
    """Whether a clause raises an HTTP error or leads to a response."""
    project = clause.file.project
    other = False
    for each in clause.raises:
        if project.exceptions.is_again(each, clause):
            other = True
            continue
        name = project.exceptions.raised(each)
        if not name or project.sending.is_http_error(name):
            return True
        other = True
    if any(each.kind == "return" and each.value is not None for each in clause.statements):
        return True
    if any(_raises_http(call) for call in clause.calls):
        return True
    return not other and _goes_on(clause)


def _raises_http(call: Call) -> bool:
    """Whether a call runs a first-party function that raises an HTTP error."""
    project = call.file.project
    return any(
        project.sending.is_http_error(project.exceptions.raised(each))
        for target in project.calls.resolve(call)
        for each in target.raises
    )


def _goes_on(clause: Except) -> bool:
    """Whether the function returns something after the clause."""
    function = clause.function
    return function is not None and any(
        each.kind == "return" and each.value is not None and each.line > clause.end_line
        for each in function.statements
    )


def _route_class(route: Route) -> Iterator[Except]:
    """Clauses of the first-party route class that runs the handler."""
    given = route.option("route_class")
    cls = None if given is None else route.file.project.classes.by_key.get(given.name)
    if cls is not None:
        for function in cls.file.functions:
            if function.line > cls.line and function.end_line <= cls.end_line:
                yield from function.excepts


def _exits_with_answer(route: Route, block: int) -> bool:
    """Whether a first-party manager around a block raises an HTTP error where it ends."""
    project, file = route.file.project, route.file
    for _, each in file.blocks_around(block):
        if each.kind in {"with", "async with"}:
            for expr in each.exprs:
                for method in project.exceptions.exits(file.type_of(expr, route.function)):
                    raised = (project.exceptions.raised(row) for row in method.raises)
                    if any(project.sending.is_http_error(name) for name in raised):
                        return True
    return False


# Errors as exceptions -----------------------------------------------------------------------------

_PROBES = ("/health*", "/ready*", "/live*", "/ping", "/status", "/startup*")
_BODIES = JSON_CLASSES | {"Response", "PlainTextResponse"}
_ERROR_KEYS = frozenset({"error", "errors", "detail"})
_COMPANIONS = frozenset(
    "error errors detail details code message msg status success ok error_code status_code "
    "statuscode type title reason description error_description hint traceback data result".split()
)
_FAILED = re.compile(
    r"\b(not|no|in?valid|fail(ed|ure)?|error|denied|forbidden|unauthori[sz]ed|exists?|missing"
    r"|cannot|can't|could|unable|wrong|incorrect|expired|required|too many|must)\b",
    re.IGNORECASE,
)


@check("http-exception-for-errors", applies=has_routes)
def http_exception_for_errors(project: Project) -> Sites:
    """An error is raised, not returned.

    A returned error passes by the handlers that give all errors one format, and by rollbacks.

    Instead: raise HTTPException with status and detail.

    Known problems: a status that is computed is not judged. A dict is an error where its error
    or detail says so and nothing beside it is data. Pages (HTML, templates) are left out.
    """
    count, found = 0, list[At]()
    for function, route in _answering(project):
        count += sum(1 for each in function.raises if _is_error(project, each.name))
        if route is not None and _is_probe(route):
            continue
        for each in function.statements:
            if each.kind == "return" and each.value is not None:
                text = _returned_error(function, route, each)
                if text:
                    count += 1
                    found.append(At(each.line, text, path=function.path))
    return Sites(count, found)


def _answering(project: Project) -> Iterator[tuple[Function, Route | None]]:
    """Handlers with their route, then the dependencies that run before them, each once."""
    hooks = project.routes.hooks.functions
    seen: set[str] = set()
    dependencies: dict[str, Function] = {}
    for route in project.routes.handlers:
        if route.file.is_production:
            seen.add(route.function.key)
            yield route.function, route
            for dep in route.dependencies:
                if dep.function is not None:
                    dependencies[dep.function.key] = dep.function
    for key, function in dependencies.items():
        if key not in seen and key not in hooks and function.file.is_production:
            yield function, None


def _is_probe(route: Route) -> bool:
    return any(is_infrastructure(path, _PROBES) for path in (*route.paths, route.own_path))


def _is_error(project: Project, name: str) -> bool:
    return project.sending.is_http_error(name) or project.exceptions.is_domain(name)


def _returned_error(function: Function, route: Route | None, row: tree.Statement) -> str:
    """What error a return statement answers with, as a sentence; "" for none."""
    values: tuple[Expr, ...] = () if row.value is None else (row.value,)
    if isinstance(row.value, tree.Op) and row.value.kind == "IfExp":
        values = row.value.items[1:]
    elif isinstance(row.value, tree.Seq) and _has_status(function, row.value):
        values = row.value.items[:1]
    responses = function.file.project.routes.responses
    for value in values:
        given = Given(function.file, value, function)
        answer = responses.of(given, row.line)
        status = number(answer.status)
        if answer.kind in _BODIES and status is not None and status >= 400:
            return f"A {answer.kind} with status {status} is returned, not raised"
        told = route is not None and not answer.kind and _is_error_dict(given, row)
        if told and route is not None and not _has_model(route):
            return "A dict that tells an error is returned as a success"
    return ""


def _has_status(function: Function, value: tree.Seq) -> bool:
    """``return {"error": ...}, 404``: a habit of Flask, here a list with status 200."""
    if value.kind != "tuple" or len(value.items) != 2:
        return False
    status = number(Given(function.file, value.items[1], function).value)
    return status is not None and 400 <= status < 600


def _is_error_dict(given: Given, row: tree.Statement) -> bool:
    """A dict display with an error in it and no data beside."""
    given = source(given)
    if not isinstance(given.expr, tree.Map):
        return False
    entries = dict[str, Expr]()
    for key, value in zip(given.expr.keys, given.expr.values, strict=True):
        name = None if key is None else tree.text_of(key)
        if name is None or name.lower() not in _COMPANIONS:
            return False
        entries[name.lower()] = value
    if _ERROR_KEYS.isdisjoint(entries) or _succeeds(entries):
        return False
    if "error" in entries or "errors" in entries:
        return not _is_empty(entries.get("error") or entries["errors"])
    return bool(_FAILED.search(_text(given, entries["detail"]))) or _in_except(given, row)


def _succeeds(entries: dict[str, Expr]) -> bool:
    """``success: True``, or data beside the error that is more than nothing."""
    for name in ("success", "ok"):
        value = entries.get(name)
        if value is not None and not (isinstance(value, tree.Const) and value.value is False):
            return True
    return any(name in entries and not _is_empty(entries[name]) for name in ("data", "result"))


def _is_empty(value: Expr) -> bool:
    if isinstance(value, tree.Const):
        return value.value in (None, False, "")
    return isinstance(value, (tree.Seq, tree.Map)) and not tree.children(value)


def _text(given: Given, value: Expr) -> str:
    """The text of a value, what is computed in an f-string left out."""
    if isinstance(value, tree.Fmt):
        return " ".join(tree.text_of(part) or "" for part in value.parts)
    return given.at(value).text or ""


def _in_except(given: Given, row: tree.Statement) -> bool:
    return any(block.kind == "except" for _, block in given.file.blocks_around(row.block))


def _has_model(route: Route) -> bool:
    """Whether a schema says what the handler answers with."""
    values, classes = route.file.project.values, route.file.project.classes
    given = route.option("response_model")
    if given is not None:
        empty = isinstance(given.expr, tree.Const)
        return not empty and not given.name.startswith(("builtins.dict", "typing.Dict"))
    for node in tree.walk(route.function.fact.returns):
        if isinstance(node, tree.Name):
            name = values.of_annotation(route.file, node, route.function)
            cls = classes.by_key.get(name)
            if cls is not None and not route.file.project.routes.responses.kind_of(name):
                return True
    return False
