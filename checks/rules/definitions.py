"""Checks of where things are defined, and of what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.globs import matcher
from checks.project.classes import SQLMODEL
from checks.project.layers import is_interface, is_repository_class, is_service_class
from checks.project.project import Project
from checks.project.subjects import Class, File, Function
from checks.rules.applies import has_routes

type Definition = tuple[File, int, str]
"""Where something is defined, and its name."""
_ROLES = {
    "orm-model": ("orm", "document"),
    "schema": ("schema",),
    "settings": ("settings",),
    "exception": ("exception",),
}


@check("definitions-in-expected-module")
def definitions_in_expected_module(
    project: Project,
    *,
    kind: str = "orm-model",
    paths: Sequence[str] = ("**/models/**", "**/models.py"),
) -> Answer:
    """Each kind of object has its own place.

    Who looks for a model, a schema or an exception then knows where to look.

    Instead: move the definition to the place for its kind.

    Known problems: a path also counts from any folder below the root, as every component of a
    repository has the same layout.
    """
    matches = matcher(tuple(paths))
    count, found = 0, []
    for file, line, name in _definitions(project, kind):
        count += 1
        parts = file.path.split("/")
        if not any(matches("/".join(parts[start:])) for start in range(len(parts))):
            text = f"{kind} `{name}` is defined outside {' or '.join(f'`{p}`' for p in paths)}"
            found.append(At(line, text, path=file.path, anchor=name))
    return Sites(count, found) if count else Skip(f"no {kind} is defined")


def _definitions(project: Project, kind: str) -> Iterator[Definition]:
    """All definitions of a kind in production files."""
    if kind == "fastapi-app":
        for app in project.routes.applications:
            if app.call is not None and app.call.file.is_production:
                yield app.call.file, app.call.line, app.key.rpartition(".")[2]
        return
    for file in project.production:
        if kind == "route":
            yield from _routes_module(file)
        elif kind == "repository":
            yield from _repositories(file)
        else:
            for cls in _classes(file):
                if _is_kind(cls, kind):
                    yield file, cls.line, cls.name


def _classes(file: File) -> list[Class]:
    """Classes that are not local to a function."""
    return [cls for cls in file.classes if cls.fact.function < 0]


def _is_kind(cls: Class, kind: str) -> bool:
    if kind == "service":
        return is_service_class(cls) and not is_interface(cls)
    if cls.file.project.classes.role(cls) not in _ROLES[kind]:
        return False
    if kind == "exception":
        return not cls.name.startswith("_")
    return kind != "schema" or cls.key not in cls.file.project.classes.settings_parts


def _routes_module(file: File) -> Iterator[Definition]:
    if file.path in file.project.routes.modules:
        lines = [
            (each.outer or each.call).line
            for route in file.project.routes.handlers
            for each in route.registrations
            if (each.outer or each.call).file is file
        ]
        yield file, min(lines), file.module


def _repositories(file: File) -> Iterator[Definition]:
    """Repository classes, and modules whose functions query."""
    classes = [cls for cls in _classes(file) if is_repository_class(cls) and not is_interface(cls)]
    for cls in classes:
        yield file, cls.line, cls.name
    layers, database = file.project.layers, file.project.database
    if not classes and layers.is_repository_module(file):
        for function in file.functions:
            if any(database.reads_rows(call) for call in database.of_function(function)):
                owner = function.cls or function
                yield file, owner.line, owner.name
                return


# What stands beside it --------------------------------------------------------------------------


@check("models-separate-from-schemas")
def models_separate_from_schemas(project: Project) -> Answer:
    """Tables and API schemas are defined apart.

    Who changes a table must not change the interface by accident, and the other way round.

    Instead: a schema of its own in the module of the schemas.

    Known problems: a schema that a column stores is taken for a part of the model.
    """
    with_models = [file for file in project.production if _tables(file)]
    with_schemas = [file for file in project.production if _schemas(file)]
    if not with_models or not with_schemas:
        return Skip("no ORM model" if not with_models else "no schema")
    used = _used_models(project)
    found = []
    for file in with_models:
        beside = _beside(file)
        shown = next((used[cls.key] for cls in _tables(file) if cls.key in used), None)
        if beside is not None:
            text = f"`{beside.name}` shares a module with models and schemas"
            found.append(At(beside.line, text, path=file.path, anchor=beside.name))
        elif shown is not None:
            function, name = shown
            text = f"`{function.name}` takes or returns the ORM model `{name}`"
            at = At(function.line, text, path=function.path, symbol=function.symbol, anchor=name)
            found.append(at)
    return Sites(len({*with_models, *with_schemas}), found)


def _tables(file: File) -> list[Class]:
    role = file.project.classes.role
    return [cls for cls in _classes(file) if role(cls) in {"orm", "document"}]


def _schemas(file: File) -> list[Class]:
    role = file.project.classes.role
    return [cls for cls in _classes(file) if role(cls) == "schema"]


def _beside(file: File) -> Class | None:
    """The first class of the second kind; SQLModel's schemas belong beside their tables."""
    models = _tables(file)
    stored = {
        file.resolve(node)
        for cls in models
        for fact in cls.attributes.values()
        for expr in (fact.annotation, fact.value)
        for node in tree.walk(expr, file.facts)
        if isinstance(node, tree.Name)
    }
    schemas = [
        cls for cls in _schemas(file) if SQLMODEL not in cls.ancestors and cls.key not in stored
    ]
    if not schemas:
        return None
    return max(models[0], schemas[0], key=lambda cls: cls.line)


def _used_models(project: Project) -> dict[str, tuple[Function, str]]:
    """ORM models that handlers take as body or declare as response, with the first handler."""
    found: dict[str, tuple[Function, str]] = {}
    for route in project.routes.handlers:
        filled = {dep.parameter for dep in route.direct_dependencies}
        types = [
            project.schemas.hint(route, param.annotation)
            for param in route.function.fact.params
            if param.annotation is not None and param.name not in filled
        ]
        response = project.schemas.response_type(route)
        for given in (*types, *([response] if response is not None else [])):
            for inner in project.schemas.inner(given):
                cls = project.schemas.class_of(inner)
                if cls is not None and project.classes.is_model(cls):
                    found.setdefault(cls.key, (route.function, cls.name))
    return found


@check("single-aggregate-modules")
def single_aggregate_modules(
    file: File, *, kind: str = "orm-model", complex_columns: int = 6
) -> Answer:
    """A module holds one aggregate.

    A module that holds several grows with each of them and belongs to nobody.

    Instead: give each aggregate a module of its own.

    Known problems: what belongs to one aggregate is told by the size of its models alone.
    """
    if kind == "repository":
        concrete = file.project.layers.concrete_repositories
        repositories = [cls for cls in _classes(file) if cls in concrete]
        if not repositories:
            return Skip("no repository")
        return _second(repositories, "repository")
    models = [cls for cls in _tables(file) if not _joins(cls)]
    if not models:
        return Skip("no ORM model")
    if max(_width(cls) for cls in models) < complex_columns:
        return None
    return _second(models, "model")


def _second(classes: Sequence[Class], word: str) -> Answer:
    if len(classes) < 2:
        return None
    second = classes[1]
    text = f"`{second.name}` is the second {word} of this module"
    return At(second.line, text, symbol=second.symbol, anchor=second.name)


def _width(cls: Class) -> int:
    """Columns and relationships that a model declares itself."""
    return sum(_is_mapped(cls, fact) for fact in cls.attributes.values())


def _is_mapped(cls: Class, fact: tree.Assign) -> bool:
    """A column or relationship of SQLAlchemy, a field of SQLModel, Tortoise or beanie."""
    if cls.file.project.classes.is_column(cls, fact):
        return True
    made = cls.file.resolve(fact.value)
    if made.rpartition(".")[2] == "relationship" or made.startswith("tortoise.fields."):
        return True
    plain = fact.annotation is not None and cls.inherits(SQLMODEL, "beanie.Document")
    return plain and cls.file.resolve(fact.annotation) != "typing.ClassVar"


def _joins(cls: Class) -> bool:
    """A pure join model: two foreign keys and nothing else but its own key and timestamps."""
    classes = cls.file.project.classes
    names = [name for name, fact in cls.attributes.items() if classes.is_column(cls, fact)]
    keys = [name for name in names if classes.foreign_key(cls, name) is not None]
    rest = [n for n in names if n not in keys and n != "id" and not n.endswith(("_at", "_on"))]
    return len(keys) == 2 and not rest


@check("routes-only-endpoints", applies=has_routes)
def routes_only_endpoints(
    file: File,
    *,
    max_helpers: int = 0,
    allow: Sequence[str] = (
        "router", "logger", "tags", "type aliases", "constants", "Annotated dependencies",
    ),
) -> One:  # fmt: skip
    """A routes module holds endpoints and nothing else.

    Helpers, schemas and dependencies there cannot be used or tested without the routes.

    Instead: move helpers to a service, schemas to the schemas, dependencies to their module.

    Known problems: a function behind a decorator that cannot be resolved is left out; variables
    are never judged, so that of ``allow`` only names of functions and classes matter.
    """
    routes = file.project.routes
    if file.path not in routes.modules or file.path in routes.app_modules:
        return Skip("no routes module")
    found: list[tuple[int, str]] = [
        (cls.line, cls.name)
        for cls in _classes(file)
        if cls.fact.parent < 0 and not any(routes.of(m) for m in cls.methods.values())
        and cls.name not in allow
    ]  # fmt: skip
    helpers = []
    for function in file.functions:
        if function.cls is not None or function.parent is not None or _is_endpoint(function):
            continue
        if function.name in allow:
            continue
        if function.name.startswith("_"):
            helpers.append((function.line, function.name))
        else:
            found.append((function.line, function.name))
    found += helpers[max_helpers:]
    if not found:
        return None
    line, name = min(found)
    return At(line, f"`{name}` is no endpoint", anchor=name)


def _is_endpoint(function: Function) -> bool:
    """Handlers, also of sockets, events and exceptions, and what nobody can tell."""
    routes = function.file.project.routes
    if routes.of(function) is not None or function.key in routes.unknown:
        return True
    if function.key in routes.hooks.functions:
        return True
    if any(route.function == function for route in routes.sockets):
        return True
    return any(
        function.file.resolve(each.value).endswith((".on_event", ".exception_handler"))
        for each in function.fact.decorators
    )
