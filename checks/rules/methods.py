"""Checks on what HTTP methods do, and on what their bodies are."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import At, Skip, check
from checks.facts import tree
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.once import once
from checks.project.project import Project
from checks.project.routes import Route, segments
from checks.project.schemas import CONTAINERS, MAPPINGS
from checks.project.subjects import Call, Function
from checks.rules.applies import has_routes

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CHANGES = frozenset("create add insert update edit delete remove save set".split())
READS = frozenset("get list read fetch".split())
HARMLESS = frozenset(
    "cookie cookies header headers cache cached audit log logs seen metric metrics tag tags span "
    "attribute attributes context task tasks token tokens jwt filter filters param params where "
    "last state view views counter response url urls link links query statement engine client "
    "event events middleware locale language limit usage stats statistics hit hits options".split()
)
"""Words that say that a called function changes no resource."""
SINGLETONS = frozenset("me profile settings config preferences self current configuration".split())
_READING_ENDS = frozenset("search query graphql export token login".split())
_SERVICES = frozenset(
    "service services repo repos repository repositories crud dao manager usecase uc".split()
)
_COMMITS = frozenset({"add", "add_all", "delete", "commit"})
_BODY_MARKERS = frozenset({"fastapi.Body", "fastapi.param_functions.Body", "fastapi.params.Body"})
_FORM_MARKERS = frozenset({"fastapi.Form", "fastapi.File", "fastapi.UploadFile"})
_RAW = frozenset("builtins.bytes builtins.str typing.Any builtins.object".split())
_VERIFIES = frozenset("hmac signature verify construct compare digest".split())


@check("rest-method-semantics", applies=has_routes)
def rest_method_semantics(route: Route) -> At | None:
    """Use HTTP methods for what they mean.

    Caches, crawlers and retries trust the method: a GET that deletes will be sent again.

    Instead: register the handler for the method that says what it does.

    Known problems: what a called function does is read from its name.
    """
    fault = _fault(route)
    if not fault:
        return None
    registration = route.registrations[0]
    line = (registration.outer or registration.call).line
    path = (registration.outer or registration.call).path
    return At(line, f"`{route.name}` {fault}", path=path, symbol=route.symbol)


def _fault(route: Route) -> str:
    methods = route.methods
    if "GET" in methods and methods & WRITING:
        return f"answers GET and {min(methods & WRITING)} alike"
    if methods & {"GET", "HEAD"}:
        change = _change(route)
        return f"answers {min(methods & {'GET', 'HEAD'})} and calls `{change}`" if change else ""
    name = words(route.name)
    if methods == {"POST"} and _only_reads(route):
        return "answers POST and only reads"
    if methods == {"DELETE"} and name[:1] and name[0] in {"create", "add", "insert"}:
        return "answers DELETE and creates"
    for each in route.endpoints:
        bare = each.method in {"PUT", "PATCH"} and not each.partial and "{" not in each.path
        if bare and SINGLETONS.isdisjoint(segments(each.path)) and not _is_single(route, each.path):
            return f"answers {each.method} without a parameter in its path"
    return ""


def _is_single(route: Route, path: str) -> bool:
    """Whether a path names one thing, by its word: it is read there, and has no items."""
    read, above = _places(route.file.project)
    return path in read and path not in above and not path.rstrip("/").endswith("s")


@once
def _places(project: Project) -> tuple[frozenset[str], frozenset[str]]:
    """Paths that answer GET, and paths below which there are items."""
    endpoints = [each for route in project.routes.handlers for each in route.endpoints]
    read = frozenset(each.path for each in endpoints if each.method == "GET")
    heads = (each.path.partition("{") for each in endpoints)
    return read, frozenset(head.rstrip("/") for head, brace, _ in heads if brace)


def _change(route: Route) -> str:
    """Name of what changes data, "" when nothing does."""
    name = words(route.name)
    if name[:1] and name[0] in CHANGES and HARMLESS.isdisjoint(name):
        return route.name
    for call in route.function.calls:
        if route.file.project.database.operation(call) in _COMMITS:
            return call.last
        called = words(call.last)
        if called[:1] and called[0] in CHANGES and HARMLESS.isdisjoint(called) and _is_ours(call):
            return call.last
    return ""


def _is_ours(call: Call) -> bool:
    """Whether a call runs first-party code that is not a method of a plain value."""
    project = call.file.project
    targets = project.calls.resolve(call)
    receiver = words(tree.dotted(call.receiver))
    if not HARMLESS.isdisjoint(receiver[-1:]):
        return False
    if targets:
        return any(_keeps_rows(target) for target in targets)
    name, function = call.name, call.function
    if function is not None and name.startswith(f"{function.key}."):
        return not _SERVICES.isdisjoint(receiver[-1:])
    top = name.partition(".")[0]
    ours = any(file.segments[:1] == (top,) for file in project.production)
    return ours and "." in name and not _SERVICES.isdisjoint(name.lower().split("."))


def _keeps_rows(target: Function) -> bool:
    """Whether a function belongs to a service or repository, or changes rows itself."""
    if target.file.layer in {"services", "repositories"}:
        return True
    database = target.file.project.database
    return any(database.operation(call) in _COMMITS for call in database.of_function(target))


def _only_reads(route: Route) -> bool:
    name = words(route.name)
    parts = segments(route.paths[0]) if route.paths else []
    if not name or name[0] not in READS or _takes_body(route):
        return False
    if parts and not _READING_ENDS.isdisjoint(words(parts[-1])[-1:]):
        return False
    called = [words(call.last) for call in route.function.calls if _resolves(call)]
    verbs = {each[0] for each in called if each}
    return bool(verbs & READS) and not verbs & CHANGES


def _resolves(call: Call) -> bool:
    return bool(call.file.project.calls.resolve(call))


def _takes_body(route: Route) -> bool:
    return any(True for _ in _bodies(route)) or any(
        True for _ in route.file.project.schemas.body_types(route)
    )


# Bodies -----------------------------------------------------------------------------------------


@check("request-body-pydantic", applies=has_routes)
def request_body_pydantic(route: Route) -> At | Skip | None:
    """Take request bodies as Pydantic models.

    A dict arrives unchecked and undocumented; every handler then checks it anew, or not at all.

    Instead: declare the body as a schema.

    Known problems: a body that a dependency reads is not seen.
    """
    if not route.methods & {"POST", "PUT", "PATCH"}:
        return Skip("reads no body")
    bodies = list(_bodies(route))
    for line, name, loose in bodies:
        if loose:
            return At(line, f"`{route.name}` takes its body as {name}", anchor=name)
    raw = _raw_read(route)
    if raw is not None and not _verifies(route):
        return At(raw.line, f"`{route.name}` reads its body by `{raw.last}()`", anchor=raw.last)
    typed = any(True for _ in route.file.project.schemas.body_types(route))
    return None if bodies or raw is not None or typed else Skip("reads no body")


def _bodies(route: Route) -> Iterator[tuple[int, str, bool]]:
    """Body parameters: line, type as a word, and whether the type is loose."""
    filled = {dep.parameter for dep in route.direct_dependencies}
    names = {part for path in route.paths for part in _parameter_names(path)}
    schemas = route.file.project.schemas
    for param in route.function.fact.params:
        if param.name in filled | names or param.annotation is None:
            continue
        given = Given(route.file, param.annotation, route.function.parent)
        marker = _marker(route, param, given)
        if marker == "other":
            continue
        for member in schemas.members(given):
            kind = member.file.resolve(member.expr, member.function)
            last = kind.rpartition(".")[2].lower()
            inner = [each for each in schemas.inner(member) if schemas.class_of(each) is not None]
            if kind in MAPPINGS or (kind in CONTAINERS and marker != "none") or kind in CONTAINERS:
                yield param.line, last, not inner
            elif marker == "body" and kind in _RAW:
                yield param.line, last, not _is_constrained(route, param)


def _parameter_names(path: str) -> list[str]:
    return [part.partition(":")[0].rstrip("}") for part in path.split("{")[1:]]


def _marker(route: Route, param: tree.Param, given: Given) -> str:
    """``body`` for ``Body(...)``, ``other`` for Query, Form and their like, ``none`` for none."""
    exprs = [param.default] if param.default is not None else []
    if isinstance(given.expr, tree.Item) and isinstance(given.expr.index, tree.Seq):
        exprs += given.expr.index.items[1:]
    for expr in exprs:
        if isinstance(expr, tree.CallRef):
            name = route.file.resolve(expr, route.function.parent)
            if name in _BODY_MARKERS:
                return "body"
            if name.startswith("fastapi."):
                return "other"
    kind = given.file.type_of(given.expr) or given.name
    return "other" if kind in _FORM_MARKERS else "none"


def _is_constrained(route: Route, param: tree.Param) -> bool:
    if not isinstance(param.default, tree.CallRef):
        return False
    bounds = {"min_length", "max_length", "pattern", "regex", "gt", "ge", "lt", "le"}
    keywords = route.file.facts.calls[param.default.index].keywords
    return any(item.name in bounds for item in keywords)


def _raw_read(route: Route) -> Call | None:
    """The call that reads the body by hand."""
    for call in route.function.calls:
        if call.last not in {"json", "body", "form"} or call.receiver is None:
            continue
        if route.file.type_of(call.receiver, route.function) == "fastapi.Request":
            return call
    return None


def _verifies(route: Route) -> bool:
    """Whether a handler checks a signature over the raw body, as webhooks have to."""
    return any(
        not _VERIFIES.isdisjoint(words(call.name.rpartition(".")[0]) + words(call.last))
        for call in route.function.calls
    )
