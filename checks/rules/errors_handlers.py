"""Checks of exception handlers: which are registered, and what they tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import At, Sites, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.hooks import ExceptionHandler, Middleware
from checks.project.project import Project
from checks.project.routers import Router
from checks.project.subjects import Class, Except, File, Function, Raise

_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})
_FAMILIES: dict[str, frozenset[str]] = {
    "Exception": _BROAD | {"500"},
    "RequestValidationError": frozenset(
        {"fastapi.exceptions.RequestValidationError", "fastapi.exceptions.ValidationException"}
    ),
    "HTTPException": frozenset({"fastapi.HTTPException"}),
    "SQLAlchemyError": frozenset({"sqlalchemy.exc.SQLAlchemyError"}),
}
_OUTSIDE = frozenset(
    "worker workers task tasks job jobs cli command commands cron consumer consumers "
    "scheduler schedulers celery_app celery".split()
)
_JOBS = frozenset(
    "task shared_task periodic_task command actor job scheduled_job cron listens_for".split()
)
_GRAPHQL = ("graphql.", "strawberry.", "ariadne.", "graphene.")
_MOST = 300


def _has_application(project: Project) -> str | None:
    return None if _application(project) is not None else "no FastAPI application"


def _application(project: Project) -> Router | None:
    """The application that others are mounted on: the first that is mounted on none."""
    made = [each for each in project.routes.applications if each.call and each.file.is_production]
    return next((each for each in made if not each.hops), made[0] if made else None)


# Which are registered -----------------------------------------------------------------------------


@check("exception-handlers-registered", applies=_has_application)
def exception_handlers_registered(
    project: Project,
    *,
    families: Sequence[str] = ("domain",),
    accept_route_translation: bool = False,
) -> Sites:
    """Exceptions that reach the application are answered by a handler.

    Without one the client gets a bare 500 and learns nothing of what it could do.

    Instead: register a handler which turns the exception into a response.

    Known problems: who calls is followed through first-party calls that can be resolved; an
    exception that leaves a function nobody is known to call counts as reaching the application
    where both stand in one package.
    A registration whose class cannot be told is taken to cover every domain exception.
    """
    registered = project.routes.hooks.handled
    count, found = 0, list[At]()
    application = _application(project)
    for family in families:
        if family == "domain":
            for cls, raised in _raised(project):
                if _stays_inside(cls):
                    continue
                count += 1
                names = project.exceptions.lineage(cls.key) - _BROAD
                if "" in registered or not registered.isdisjoint(names):
                    continue
                if any(_reaches(project, e, cls.key, accept_route_translation) for e in raised):
                    text = f"No handler is registered for `{cls.name}` or a base of it"
                    found.append(At(cls.line, text, path=cls.path, anchor="domain"))
            continue
        count += 1
        covered = not _FAMILIES[family].isdisjoint(registered)
        covered = covered or (family == "Exception" and _answers_everything(project))
        if not covered and application is not None:
            text = f"No handler is registered for {family}"
            found.append(At(application.line, text, path=application.path, anchor=family))
    return Sites(count, found)


def _stays_inside(cls: Class) -> bool:
    """Whether a class is a private signal of its module, or answered by a GraphQL library."""
    if any(name.startswith(_GRAPHQL) for name in cls.ancestors):
        return True
    return cls.name.startswith("_") and any(cls.key in each.types for each in cls.file.excepts)


def _raised(project: Project) -> Iterator[tuple[Class, list[Raise]]]:
    """The domain exceptions that production code raises, with where it does."""
    found: dict[str, list[Raise]] = {}
    for file in project.production:
        for each in file.raises:
            name = project.exceptions.raised(each)
            if project.exceptions.is_domain(name):
                found.setdefault(name, []).append(each)
    for cls in project.exceptions.domain:
        if cls.key in found:
            yield cls, found[cls.key]


def _reaches(project: Project, raised: Raise, name: str, accept: bool) -> bool:
    """Whether what is raised may leave a route handler, or a function we know no caller of."""
    function, exceptions = raised.function, project.exceptions
    if function is None or _caught(function, raised.fact.block, name, accept):
        return False
    seen = {function.key}
    queue = [function]
    for each in queue:
        if len(seen) > _MOST or project.routes.of(each) is not None:
            return True
        if any(exceptions.catches(clause, name) for clause in exceptions.decorated(each)):
            continue
        if project.lifetimes.at_start(each):
            continue
        callers = project.calls.callers(each)
        if not callers and not _is_outside(each) and _belongs(each):
            return True
        for call in callers:
            caller = call.function
            if caller is None or caller.key in seen or not caller.file.is_production:
                continue
            if not _caught(caller, call.fact.block, name, accept):
                seen.add(caller.key)
                queue.append(caller)
    return False


def _caught(function: Function, block: int, name: str, accept: bool) -> bool:
    """Whether a function catches what is raised in a block; a handler only where accepted."""
    project = function.file.project
    if project.routes.of(function) is not None and not accept:
        return False
    return project.exceptions.stops(function.file, block, function, name)


def _belongs(function: Function) -> bool:
    """Whether a function stands in the package of an application, not in one of its own."""
    project = function.file.project
    packages = {_package(app.file) for app in project.routes.applications
                if app.file.is_production}  # fmt: skip
    return "" in packages or _package(function.file) in packages


def _package(file: File) -> str:
    """Key of the outermost package of a file, "" for a module beside the packages."""
    top, dot, _ = file.module.partition(".")
    return file.key[: len(file.key) - len(file.module)] + top if dot else ""


def _is_outside(function: Function) -> bool:
    """Part of a worker or a command, or what a schema calls: nothing the application sees."""
    file = function.file
    if not _OUTSIDE.isdisjoint({*file.segments, file.stem}) or file.stem.endswith("_task"):
        return True
    cls = function.cls
    if cls is not None and file.project.classes.role(cls) in {"schema", "settings"}:
        return True
    names = (file.resolve(each.value, function.parent) for each in function.fact.decorators)
    return any(name.rpartition(".")[2] in _JOBS for name in names)


def _answers_everything(project: Project) -> bool:
    """Whether a middleware catches everything and answers."""
    return any(True for _ in _broad_clauses(project))


def _broad_clauses(project: Project) -> Iterator[Except]:
    """Broad clauses in middleware that build a response."""
    for function in _middleware(project.routes.middleware):
        for clause in function.excepts:
            broad = not clause.types or not _BROAD.isdisjoint(clause.types)
            if broad and function.file.is_production and _builds_response(clause):
                yield clause


def _middleware(rows: Sequence[Middleware]) -> Iterator[Function]:
    seen = set()
    for each in rows:
        if each.function is not None and each.function.key not in seen:
            seen.add(each.function.key)
            yield each.function


def _builds_response(clause: Except) -> bool:
    """Whether a clause returns something, or sends it (``await response(scope, ...)``)."""
    responses = clause.file.project.routes.responses
    if any(each.kind == "return" and each.value is not None for each in clause.statements):
        return True
    return any(responses.kind_of(call.name) for call in clause.calls)


# What they tell -----------------------------------------------------------------------------------

_SETTINGS = frozenset(
    "debug dev development develop env environment prod production staging local testing".split()
)
_LOGS = frozenset({"debug", "adebug"})


def _handles_exception(project: Project) -> str | None:
    if any(True for _ in _handlers(project)) or any(True for _ in _broad_clauses(project)):
        return None
    return "no handler for Exception builds a response"


@check("error-detail-by-environment", applies=_handles_exception)
def error_detail_by_environment(project: Project) -> Sites:
    """What went wrong is told in development, and only there.

    Who develops needs the exception; to everybody else it tells names, paths and queries.

    Instead: add the exception's details to the answer only when settings.debug (or a
    development environment) is set.

    Known problems: the setting is known by its name. Of a middleware the except clause is the
    place; helpers are followed two levels deep.
    """
    count, found = 0, list[At]()
    shown = _shows_tracebacks(project)
    for handler in _handlers(project):
        count += 1
        if not (shown or _is_conditional(handler) or _asks_environment(handler.function)):
            text = f"`{handler.function.name}` tells the same in every environment"
            found.append(At(handler.function.line, text, path=handler.function.path))
    for clause in _broad_clauses(project):
        count += 1
        if clause.function is not None and not _asks_environment(clause.function):
            text = "The answer to any exception is the same in every environment"
            found.append(At(clause.line, text, path=clause.path))
    return Sites(count, found)


def _handlers(project: Project) -> Iterator[ExceptionHandler]:
    """Registered handlers of every exception that build a response."""
    for each in project.routes.exception_handlers:
        broad = not _FAMILIES["Exception"].isdisjoint(each.types)
        if broad and each.function.file.is_production and each.function.returned:
            yield each


def _shows_tracebacks(project: Project) -> bool:
    """``FastAPI(debug=settings.debug)``: tracebacks in development, handlers elsewhere."""
    for application in project.routes.applications:
        given = application.option("debug")
        if given is not None and not isinstance(given.expr, tree.Const):
            return True
    return False


def _is_conditional(handler: ExceptionHandler) -> bool:
    """Whether it is registered in one environment only."""
    call = handler.call
    blocks = [call.fact.block, handler.function.fact.block]
    files = [call.file, handler.function.file]
    return any(
        each.kind in {"if", "else"} and any(_is_setting(expr, file.facts) for expr in each.exprs)
        for file, block in zip(files, blocks, strict=True)
        for _, each in file.blocks_around(block)
    )


def _asks_environment(function: Function) -> bool:
    """Whether a function, or what it calls, looks at a debug or environment setting."""
    reached = function.file.project.calls.reachable(function, 2)
    return any(_is_setting(expr) for each in reached for expr in _expressions(each))


def _expressions(function: Function) -> Iterator[Expr]:
    """All expressions of a function that are no log calls."""
    yield from (row.value for row in function.assigns if row.value is not None)
    yield from (row.value for row in function.statements if row.value is not None)
    for _, block in function.blocks:
        yield from block.exprs
    for call in function.calls:
        yield from call.arguments
        if call.last not in _LOGS:
            yield call.fact.func


def _is_setting(expr: Expr, facts: tree.PyFacts | None = None) -> bool:
    """Whether an expression names a debug or environment setting, or its variable."""
    for node in tree.walk(expr, facts):
        text = tree.text_of(node) or ""
        if not text.isupper():
            text = node.id if isinstance(node, tree.Name) else ""
        if isinstance(node, tree.Attr):
            text = node.attr
        if text and not _SETTINGS.isdisjoint(words(text.rpartition(".")[2])):
            return True
    return False
