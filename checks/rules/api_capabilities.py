"""Checks of what HTTP offers beyond methods and statuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.check import At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, argument
from checks.project.models import Column
from checks.project.once import once
from checks.project.project import Project
from checks.project.routes import Route, is_infrastructure, segments
from checks.project.subjects import Class, File, Function, Raise
from checks.rules.api import CREATING, is_action
from checks.rules.applies import has_routes
from checks.rules.validation import INFRASTRUCTURE

_PAYING = frozenset(
    "pay payment payments charge charges checkout transfer transfers refund refunds purchase "
    "withdraw withdrawal deposit payout payouts".split()
)
_DOING = CREATING | {"process", "execute", "send", "issue", "request", "initiate", "do", "start"}
_HARMLESS = frozenset(
    "login logout signin signout search query webhook webhooks upload uploads token refresh "
    "verify callback".split()
)
_UPSERTS = frozenset(
    "on_conflict_do_update on_conflict_do_nothing on_duplicate_key_update merge get_or_create "
    "upsert update_or_create".split()
)
_COLLISIONS = frozenset({"IntegrityError", "UniqueViolationError", "DuplicateKeyError"})
_TAKEN = frozenset({"exists", "exist", "duplicate", "duplicated", "conflict", "taken", "already"})
_NOISE = frozenset(
    "create in out read public base request response schema model orm table db dto add".split()
)
_CONSTRAINTS = frozenset({"UniqueConstraint"})
_LEVELS = 3
_LINKS = frozenset({"links", "_links", "href"})
_TEXTS = ("PlainTextResponse", "HTMLResponse", "TemplateResponse")
_MEDIA = ("text/csv", "text/plain", "text/xml", "text/html", "application/xml", "text/yaml",
          "application/x-yaml")  # fmt: skip


@check("http-capability", applies=has_routes)
def http_capability(project: Project, *, capability: str = "idempotency") -> Sites | Skip:
    """Support the HTTP capability.

    Networks repeat requests: a key makes the repetition of a payment harmless, a tag makes that
    of a download cheap, and links and media types let clients find their way without a manual.

    Instead: read ``Idempotency-Key`` and store the result; set ``ETag``; serve JSON first; add
    links.

    Known problems: that a handler creates or pays is read from its path, its name and what it
    calls; a unique column of any model that it makes counts as a key. A header that a proxy sets
    is not seen.
    """
    if capability == "idempotency":
        return _idempotency(project)
    if capability == "etag":
        if not any("GET" in route.methods for route in _handlers(project)):
            return Skip("no GET handler")
        return _of_repository(_names_header(project, "etag", "if-none-match"), "no ETag is set")
    if capability == "hateoas-links":
        return _of_repository(_has_links(project), "no response schema has links")
    return _of_repository(not (fault := _negotiation(project)), fault)


def _handlers(project: Project) -> Iterator[Route]:
    return (route for route in project.routes.handlers if route.file.is_production)


def _of_repository(holds: bool, message: str) -> Sites:
    return Sites(1, [] if holds else [At(0, message[:1].upper() + message[1:])])


# Idempotency --------------------------------------------------------------------------------------


def _idempotency(project: Project) -> Sites | Skip:
    routes = [route for route in _handlers(project) if _creates_or_pays(route)]
    if not routes:
        return Skip("no POST or PATCH handler creates or pays")
    ran = [each.function for each in project.routes.middleware]
    everywhere = any(f is not None and _reads_key(f) for f in ran) or any(
        "idempoten" in each.name.lower() for each in project.routes.middleware
    )
    models: dict[frozenset[str], list[Class]] = {}
    for cls in project.classes.with_role("orm"):
        models.setdefault(_stem(cls), []).append(cls)
    found = []
    for route in routes:
        if not everywhere and not _is_repeatable(route, models):
            message = f"a repeated request makes `{route.name}` do its work twice"
            found.append(At(route.line, message[:1].upper() + message[1:], path=route.path,
                            symbol=route.symbol))  # fmt: skip
    return Sites(len(routes), found)


def _creates_or_pays(route: Route) -> bool:
    literals = [part for part in segments(route.paths[0] if route.paths else "") if "{" not in part]
    last = words(literals[-1]) if literals else []
    name = words(route.name)
    if not _HARMLESS.isdisjoint({*last, *name[:1]}):
        return False
    pays = not _PAYING.isdisjoint({*last[:1], *name[:1]}) or (
        not _DOING.isdisjoint(name[:1]) and not _PAYING.isdisjoint(name)
    )
    if "POST" in route.methods:
        reads = words(route.name)[:1] in (["get"], ["list"], ["read"], ["search"])
        return not reads and (pays or not is_action(route))
    return "PATCH" in route.methods and (pays or words(route.name)[:1] in _creating())


def _creating() -> list[list[str]]:
    return [[word] for word in sorted(CREATING - {"post"})]


def _is_repeatable(route: Route, models: Mapping[frozenset[str], list[Class]]) -> bool:
    """Whether the handler, what runs before it or what it stores recognises a repetition."""
    project = route.file.project
    for slot in project.parameters.of(route):
        named = {slot.name, *(_alias(each) for each in slot.marks)}
        if any("idempotency" in name.lower() for name in named):
            return True
    functions = list(project.calls.reachable(route.function, _LEVELS))
    before = [dep.function for dep in route.dependencies if dep.function is not None]
    if any(_reads_key(function) for function in (*functions, *before)):
        return True
    if any(_stores_once(function) for function in functions):
        return True
    made = {cls.key: cls for cls in (*_made(route, functions), *_named_like(route, models))}
    about = {word.rstrip("s") for word in (*words(route.name), *_literal_words(route))}
    alike = [c for c in made.values() if about & {word.rstrip("s") for word in words(c.name)}]
    return any(_has_unique(cls) for cls in alike or made.values())


def _literal_words(route: Route) -> set[str]:
    return {word for path in route.paths for part in segments(path) for word in words(part)}


def _alias(given: Given) -> str:
    if not isinstance(given.expr, tree.CallRef):
        return ""
    found = argument(given.file.calls[given.expr.index], ("alias",))
    return (found.text or "") if found is not None else ""


def _reads_key(function: Function) -> bool:
    """Whether a function names the header or a key of that name."""
    memo = function.file.memo.setdefault("idempotency", {})
    if function.index not in memo:
        memo[function.index] = _names_key(function)
    return bool(memo[function.index])


def _names_key(function: Function) -> bool:
    for place in function.file.tables.expressions.get(function.index, ()):
        for node in tree.walk(place.expr, function.file.facts):
            text = tree.text_of(node) or tree.dotted(node)
            if "idempotency" in text.lower().replace("-", "_").replace(" ", "_"):
                return True
    return False


def _stores_once(function: Function) -> bool:
    """Whether a function writes so that a repetition changes nothing, or is refused."""
    database = function.file.project.database
    for call in function.calls:
        if call.last in _UPSERTS and (call.last != "merge" or database.operation(call)):
            return True
    names = [name for clause in function.excepts for name in clause.types]
    if any(name.rpartition(".")[2] in _COLLISIONS for name in names):
        return True
    return any(_says_taken(each) for each in function.raises)


def _says_taken(raised: Raise) -> bool:
    """Whether a raise says that what is to be made is there already."""
    if not _TAKEN.isdisjoint(words(raised.name.rpartition(".")[2])):
        return True
    for node in tree.walk(raised.fact.exc, raised.file.facts):
        if isinstance(node, tree.Const) and (node.value == 409 or _says(tree.text_of(node))):
            return True
        if isinstance(node, tree.Name) and node.id.endswith(("HTTP_409_CONFLICT", "CONFLICT")):
            return True
    return False


def _says(text: str | None) -> bool:
    return any(word in (text or "").lower() for word in ("already", "taken", "duplicate"))


def _made(route: Route, functions: list[Function]) -> Iterator[Class]:
    """The models whose rows the handler makes, by name or as the variable of a base class."""
    project = route.file.project
    for function in functions:
        for call in function.calls:
            cls = project.classes.by_key.get(call.name)
            if cls is not None and project.classes.is_model(cls):
                yield cls
            if call.last in {"create", "insert", "add", "model_validate"}:
                for name in (call.name.rpartition(".")[0], call.file.type_of(call.receiver)):
                    owner = project.classes.by_key.get(name)
                    if owner is not None:
                        yield from _models_of(project, owner)


def _named_like(route: Route, models: Mapping[frozenset[str], list[Class]]) -> Iterator[Class]:
    """Models that are called like what the handler takes or gives: ``OrderIn``, ``OrderModel``."""
    project = route.file.project
    types = [slot.type for slot in project.parameters.of(route) if slot.kind == "body"]
    types.append(project.schemas.response_type(route))
    stems = {
        _stem(cls)
        for given in types
        if given is not None
        for cls in project.schemas.contained(given)
    }
    yield from (cls for stem in stems for cls in models.get(stem, ()))


def _stem(cls: Class) -> frozenset[str]:
    return frozenset(words(cls.name)) - _NOISE


def _models_of(project: Project, owner: Class) -> Iterator[Class]:
    """A model itself, or the models that a repository class is made for."""
    if project.classes.is_model(owner):
        yield owner
    exprs: list[tuple[File, Expr]] = [(owner.file, base) for base in owner.fact.bases]
    exprs += [(owner.file, row.value) for row in owner.attributes.values() if row.value is not None]
    for file, expr in exprs:
        for node in tree.walk(expr):
            cls = (
                project.classes.by_key.get(file.resolve(node))
                if isinstance(node, tree.Name)
                else None
            )
            if cls is not None and project.classes.is_model(cls):
                yield cls


def _has_unique(cls: Class) -> bool:
    """Whether a model has a unique key beside the one that counts up."""
    project = cls.file.project
    for owner in (cls, *project.models.bases(cls)):
        columns = (Column(owner, name, fact) for name, fact in owner.attributes.items())
        if any(_is_natural_key(column) for column in columns):
            return True
        for row in [r for n, r in owner.attributes.items() if n == "__table_args__"]:
            for node in tree.walk(row.value, owner.file.facts):
                if isinstance(node, tree.CallRef):
                    call = owner.file.calls[node.index]
                    unique = call.fact.keyword("unique")
                    if call.last in _CONSTRAINTS or (
                        unique is not None and Given(owner.file, unique).value is True
                    ):
                        return True
    return False


def _is_natural_key(column: Column) -> bool:
    """Whether a unique column holds what the client sends, and not what is made up here."""
    if not column.flag("unique") or column.flag("primary_key"):
        return False
    return column.given("default", "default_factory", "server_default", "insert_default") is None


# The repository -----------------------------------------------------------------------------------


def _names_header(project: Project, *names: str) -> bool:
    """Whether production code names one of these headers."""
    wanted = set(names) | {name.replace("-", "_") for name in names}
    for each in project.routes.middleware:
        if not wanted.isdisjoint(words(each.name.rpartition(".")[2])) or "ETag" in each.name:
            return True
    return any(not wanted.isdisjoint(_named(file)) for file in project.production)


@once
def _named(file: File) -> frozenset[str]:
    """The texts, the keys that are assigned to and the parameters of a file, in lower case."""
    found = {
        text.lower()
        for places in file.tables.expressions.values()
        for place in places
        if type(place.expr) is not tree.Name
        for node in tree.walk(place.expr, file.facts)
        if type(node) is tree.Const and (text := tree.text_of(node))
    }
    keys = (
        target.index
        for row in file.facts.assigns
        for target in row.targets
        if isinstance(target, tree.Item)
    )
    found.update((tree.text_of(key) or "").lower() for key in keys)
    params = (param for function in file.facts.functions for param in function.params)
    found.update(param.name.lower() for param in params)
    return frozenset(found)


def _has_links(project: Project) -> bool:
    for route in _handlers(project):
        response = project.schemas.response_type(route)
        for cls in project.schemas.contained(response) if response is not None else ():
            for field in project.schemas.fields(cls).values():
                if {field.name, field.wire_name} & _LINKS:
                    return True
    used = (project.classes.by_key[key] for key in project.schemas.used)
    requested = {cls.key for cls in project.schemas.requested}
    return any(
        {field.name, field.wire_name} & _LINKS
        for cls in used
        if cls.key not in requested
        for field in project.schemas.fields(cls).values()
    )


def _negotiation(project: Project) -> str:
    """What keeps a client from getting JSON where it may ask for it, "" for nothing."""
    for app in project.routes.applications:
        given = app.option("default_response_class")
        if given is not None:
            kind = project.routes.responses.kind_of(given.name) or given.name.rpartition(".")[2]
            if "JSON" not in kind:
                return f"the default response class is {kind}"
    if _names_header(project, "accept"):
        return ""
    spoken = {path for route in _handlers(project) if not _is_text(route) for path in route.paths}
    for route in _handlers(project):
        if not _is_text(route) or not route.in_schema:
            continue
        if all(is_infrastructure(path, INFRASTRUCTURE) for path in route.paths):
            continue
        if not any(_has_twin(path, spoken) for path in route.paths):
            return f"`{route.name}` answers with another media type that has no twin in JSON"
    return ""


def _is_text(route: Route) -> bool:
    """Whether a handler answers with text, markup or tables only."""
    if route.response_class in _TEXTS:
        return True
    answers = [each for each in route.answers if (each.status or 200) < 300]
    return bool(answers) and all(
        each.kind in _TEXTS or (each.kind and each.media_type.startswith(_MEDIA))
        for each in answers
    )


def _has_twin(path: str, spoken: set[str]) -> bool:
    """Whether the same thing is offered by another handler: with or without a last segment."""
    parent = path.rstrip("/").rpartition("/")[0]
    stem = path.rpartition(".")[0] or path
    return bool({path, parent, stem, f"{parent}/"} & spoken)
