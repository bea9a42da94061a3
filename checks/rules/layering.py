"""Checks of layers: who may know whom, and who may touch the database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.globs import any_match
from checks.project.layers import is_probe
from checks.project.project import Project
from checks.project.routes import Route, is_infrastructure
from checks.project.subjects import Call, File, Function, ImportedName
from checks.rules.applies import depends_on, has_routes, has_services

DATABASES = (
    "sqlalchemy", "sqlmodel", "tortoise-orm", "beanie", "asyncpg", "psycopg", "psycopg2",
    "psycopg2-binary", "aiosqlite", "databases", "pymysql", "aiomysql", "motor", "pymongo",
    "google-cloud-bigquery",
)  # fmt: skip
_FRAMEWORKS = ("fastapi", "starlette", "flask", "django.http")
_TRANSACTION = frozenset({"commit", "rollback", "begin", "begin_nested"})
_QUERIES = frozenset({"query", "objects"})
_PROVIDER_LINES = 5
_PROMISE = r"(Protocol|Interface|Abstract|ABC|Port|Base|Impl|Dep)?"
_SERVICE = re.compile(
    rf"\w*(Service|UseCases?|Usecase|Interactor|Facade|Mediator|CommandBus|QueryBus|Bus|CommandHandler"
    rf"|QueryHandler){_PROMISE}|I\w+Service"
)
_REPOSITORY = re.compile(rf"\w*(Repository|Repo|DAO|Dao){_PROMISE}")
_INFRASTRUCTURE = ("/health*", "/ready*", "/live*", "/metrics", "/ping", "/version", "/")
_NO_CODE = frozenset({"schema", "settings", "exception", "http-exception", "enum"})
_FAR = 3


@check("routes-no-db-access", applies=(has_routes, depends_on(*DATABASES)))
def routes_no_db_access(
    route: Route,
    *,
    infrastructure: Sequence[str] = ("/health*", "/ready*", "/live*", "/metrics"),
) -> One:
    """Route handlers do not talk to the database.

    A query in a handler cannot be reused or tested without HTTP.

    Instead: move the query to a repository and call it through a service.

    Known problems: access through a third-party data library is not followed.
    """
    if any(is_infrastructure(path, infrastructure) for path in (*route.paths, route.own_path)):
        return Skip("an infrastructure endpoint")
    for function in _own_helpers(route):
        for call in function.calls:
            what = _access(call)
            if what:
                message = f"`{route.name}` {what}"
                return At(call.line, message, symbol=function.symbol, anchor=call.last)
    return None


def _own_helpers(route: Route) -> Iterator[Function]:
    """The handler, and functions of its module that it calls, level by level."""
    seen = {route.function.key}
    queue = [route.function]
    for function in queue:
        yield function
        if len(queue) > 200:
            return
        for call in function.calls:
            for target in route.file.project.calls.resolve(call):
                if target.key not in seen and _is_own_helper(route, target):
                    seen.add(target.key)
                    queue.append(target)


def _is_own_helper(route: Route, target: Function) -> bool:
    """A function of the routes module, or a method of the handler's own class."""
    if target.file is not route.file or route.file.project.routes.of(target) is not None:
        return False
    return target.cls is None or target.cls == route.function.cls


def _access(call: Call) -> str:
    """How a call touches the database, "" when it does not."""
    database = call.file.project.database
    operation = database.operation(call)
    if operation and operation not in _TRANSACTION:
        return f"runs `{operation}` on the database"
    if database.builds_statement(call):
        return f"builds a statement with `{call.last}`"
    if _queries_model(call):
        return "queries a model"
    logged = call.index in call.file.project.logs.calls(call.file)
    if not logged and database.sql_argument(call) is not None:
        return "holds SQL text"
    return ""


def _queries_model(call: Call) -> bool:
    """``Model.query...``, ``Model.objects...``."""
    text = tree.dotted(call.fact.func)
    parts = text.split(".")
    for index, part in enumerate(parts[1:], 1):
        if part in _QUERIES:
            owner = call.file.resolve(".".join(parts[:index]), call.function)
            cls = call.file.project.classes.by_key.get(owner)
            return cls is not None and call.file.project.classes.is_model(cls)
    return False


@check("no-http-below-routes", applies=depends_on("fastapi", "starlette", "flask", "django"))
def no_http_below_routes(
    file: File,
    *,
    layers: Sequence[str] = ("services", "repositories"),
    allowed_imports: Sequence[str] = (
        "fastapi.concurrency", "starlette.concurrency", "fastapi.encoders",
    ),
) -> One:  # fmt: skip
    """Services and repositories know nothing of HTTP.

    What raises an HTTP error can be used by one kind of caller only.

    Instead: raise a domain exception and let the routes or an exception handler translate it.

    Known problems: an HTTP error behind a first-party function is found by its import.
    """
    if _inner_layer(file) not in layers:
        return Skip("not in a judged layer")
    for row in file.imports:
        if _is_framework(row, allowed_imports) and not _only_wiring(file, allowed_imports):
            name = row.fact.name or row.fact.module
            return At(row.line, f"`{name}` of {row.distribution} is imported", anchor=name)
    for each in file.raises:
        if _is_http(file.project, each.name):
            name = each.name.rpartition(".")[2]
            return At(each.line, f"`{name}` is an HTTP exception", anchor=name)
    return None


def _inner_layer(file: File) -> str:
    if file.layer:
        return file.layer
    return "domain" if "domain" in file.segments else ""


def _is_framework(row: ImportedName, allowed: Sequence[str]) -> bool:
    module = row.fact.module
    if row.fact.type_checking or row.fact.level:
        return False
    if any(module == each or module.startswith(f"{each}.") for each in allowed):
        return False
    full = f"{module}.{row.fact.name}" if row.fact.name else module
    if full in allowed:
        return False
    if row.file.project.layout.split(row.target) is not None:
        return False
    return any(full == each or full.startswith(f"{each}.") for each in _FRAMEWORKS)


def _only_wiring(file: File, allowed: Sequence[str]) -> bool:
    """``Depends`` alone, standing only in signatures of what is injected or provides."""
    if any(row.fact.name != "Depends" for row in file.imports if _is_framework(row, allowed)):
        return False
    for call in file.calls:
        if call.name == "fastapi.Depends":
            owner = _signature_around(file, call)
            if owner is None or not (owner.name == "__init__" or _provides(owner)):
                return False
    return True


def _signature_around(file: File, call: Call) -> Function | None:
    for function in file.functions:
        if function.line <= call.line <= function.fact.header_end:
            return function
    return None


def _provides(function: Function) -> bool:
    """A provider builds an object and returns it, or yields one."""
    if function.fact.generator:
        return True
    values = function.returned
    if len(values) != 1 or function.fact.body_lines > _PROVIDER_LINES:
        return False
    built = values[0]
    if isinstance(built, tree.CallRef):
        return function.file.resolve(built, function).rpartition(".")[2][:1].isupper()
    return bool(function.file.type_of(built, function))


def _is_http(project: Project, name: str) -> bool:
    if name in {
        "fastapi.HTTPException",
        "werkzeug.exceptions.HTTPException",
        "django.http.Http404",
    }:
        return True
    cls = project.classes.by_key.get(name)
    return cls is not None and project.classes.role(cls) == "http-exception"


@check("layer-import-direction")
def layer_import_direction(
    project: Project,
    *,
    order: Sequence[str] = ("routes", "services", "repositories", "models", "schemas"),
    forbid_skipping: bool = True,
) -> Answer:
    """Imports point inwards: routes to services to repositories to models.

    An inner layer that knows an outer one cannot be changed, tested or reused without it.

    Instead: move the shared code inwards or pass it in as a parameter.

    Known problems: a file in no recognised layer (core, common, utils) is not judged.
    """
    if len(project.layers.present.intersection(order)) < 2:
        return Skip("fewer than two layers")
    count, found = 0, []
    for edge in project.layers.imports:
        row, target = edge
        if row.file.layer not in order or target.layer not in order:
            continue
        count += 1
        fault = direction_fault(project, edge, order, forbid_skipping)
        if fault:
            text = f"{row.file.layer} import {target.layer}: `{target.module}` {fault}"
            symbol = row.file.symbol_at(row.line)
            found.append(At(row.line, text, path=row.path, symbol=symbol, anchor=target.module))
    return Sites(count, found) if count else Skip("no import between layers")


def direction_fault(
    project: Project, edge: tuple[ImportedName, File], order: Sequence[str], forbid_skipping: bool
) -> str:
    """What is wrong with an import between two of the layers in ``order``; "" when it is fine.

    Args:
        project: The project.
        edge: One of :attr:`~checks.project.layers.Layers.imports`.
        order: Layers from the outside inwards.
        forbid_skipping: Whether routes may not reach past the services, where there are any.
    """
    row, target = edge
    source, aim = row.file.layer, target.layer
    ring = {"models", "schemas"}
    if source in ring and aim in ring:
        back = any(
            each.definer is row.file for each in target.imports if not each.fact.type_checking
        )
        return "in a cycle" if back and source == "schemas" else ""
    if order.index(source) > order.index(aim):
        return "lies further outside"
    served = "services" in order and "services" in project.layers.present
    if forbid_skipping and served and (source, aim) == ("routes", "repositories"):
        return "is reached past the services"
    return ""


@check("queries-only-in-repositories")
def queries_only_in_repositories(
    file: File,
    *,
    allowed_paths: Sequence[str] = (
        "**/database.py", "**/db.py", "**/session.py", "**/seed*.py",
    ),
) -> Answer:  # fmt: skip
    """Rows are read and written in repositories only.

    Queries in one place can be found, reused and tuned.

    Instead: move the query into a repository method.

    Known problems: a repository is recognised by the name of its module or class.
    """
    database, layers = file.project.database, file.project.layers
    if any_match(file.path, tuple(allowed_paths)):
        return Skip("a file that sets up the database")
    count, found = 0, []
    for index in database.operations(file):
        call = Call(file, index)
        if not database.reads_rows(call) or is_probe(file.facts, call.fact):
            continue
        count += 1
        if not layers.in_repository(call.function, file):
            function = call.function
            symbol = function.symbol if function is not None else file.module
            text = f"`{call.last}` runs outside a repository"
            found.append(
                At(call.line, text, column=call.fact.column, symbol=symbol, anchor=call.last)
            )
    return Sites(count, found) if count else Skip("no query")


@check("routes-call-services", applies=(has_routes, has_services))
def routes_call_services(route: Route, *, infrastructure: Sequence[str] = _INFRASTRUCTURE) -> One:
    """Handlers call the service layer, and nothing below it.

    A rule that stands in a handler holds for one way in only.

    Instead: put the call behind a service function and call that.

    Known problems: a service is known by its module, or by the name of its class; what a library
    or an unknown object does is not followed.
    """
    if any(is_infrastructure(path, infrastructure) for path in route.paths):
        return Skip("an infrastructure endpoint")
    kinds: set[str] = set()
    for function in _own_helpers(route):
        for call in function.calls:
            kind = _called_layer(call)
            kinds.add(kind)
            if kind in {"repository", "client", "query"}:
                text = f"`{route.name}` calls the {kind} `{call.last}` past the services"
                line = call.line if function == route.function else route.line
                return At(line, text, symbol=route.symbol, anchor=call.last)
    kinds.discard("")
    if not kinds:
        return Skip("calls nothing of its own")
    if "service" in kinds or "data" not in kinds or _is_served(route):
        return None
    return At(route.line, f"`{route.name}` calls no service", symbol=route.symbol)


def _called_layer(call: Call) -> str:
    """What a call goes to: service, repository, client, query, data, other; "" for no code of ours.

    Data stands for other code of ours that reads or changes rows.
    """
    project = call.file.project
    owner = call.name.rpartition(".")[0].rpartition(".")[2]
    targets = project.calls.resolve(call)
    for name in (owner, call.name.rpartition(".")[2]):
        if _SERVICE.fullmatch(name) and not _is_data(project, call.name):
            return "service"
    if any(project.layers.in_service(each, each.file) for each in targets):
        return "service"
    if _REPOSITORY.fullmatch(owner):
        return "repository"
    if any(project.layers.in_repository(each, each.file) for each in targets):
        return "" if any(each.name == "__init__" for each in targets) else "repository"
    if not targets and _is_kept_apart(project, call.name.rpartition(".")[0]):
        return "repository"
    if _access(call) or _asks_model(call):
        return "query"
    if project.outgoing.is_external(call):
        return "client"
    return _own_code(targets)


def _is_kept_apart(project: Project, name: str) -> bool:
    """Whether a class that does work stands in a repository module, whatever its methods are."""
    cls = project.classes.by_key.get(name)
    if cls is None or project.classes.role(cls):
        return False
    return project.layers.is_repository_module(cls.file)


def _asks_model(call: Call) -> bool:
    """``User.find(session, name)``: a class of rows is called with a session to read them."""
    project = call.file.project
    if call.receiver is None:
        return False
    cls = project.classes.by_key.get(call.file.resolve(call.receiver, call.function))
    if cls is None or not project.classes.is_model(cls):
        return False
    types = (call.file.type_of(arg, call.function) for arg in call.arguments)
    return any(map(project.database.is_session_type, types))


def _is_data(project: Project, name: str) -> bool:
    """A class of values: schema, exception, enum."""
    cls = project.classes.by_key.get(name)
    return cls is not None and project.classes.role(cls) in _NO_CODE


def _own_code(targets: Sequence[Function]) -> str:
    """Whether code of ours reads or changes rows: "data" or "other"."""
    found = ""
    for target in targets:
        project = target.file.project
        if target.cls is not None and project.classes.role(target.cls) in _NO_CODE:
            continue
        found = found or "other"
        for each in project.calls.reachable(target, _FAR):
            if project.layers.in_service(each, each.file):
                return "service"
            if _touches_data(each):
                found = "data"
    return found


def _touches_data(function: Function) -> bool:
    """Whether a function reads or writes rows, or what a redis keeps."""
    known: dict[int, bool] = function.file.memo.setdefault("touches data", {})
    if function.index not in known:
        project = function.file.project
        known[function.index] = any(
            project.database.reads_rows(call) for call in project.database.of_function(function)
        ) or any(
            "redis" in call.name.lower() and project.outgoing.is_external(call)
            for call in function.calls
        )
    return known[function.index]


def _is_served(route: Route) -> bool:
    """Whether a dependency other than of authentication calls a service for the handler."""
    project = route.file.project
    return any(
        project.layers.in_service(each, each.file)
        for dep in route.dependencies
        if dep.function is not None and not project.authentication.concerns(dep)
        for each in project.calls.reachable(dep.function, 2)
    )
