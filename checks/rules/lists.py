"""Checks on endpoints that answer with lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from checks.check import At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, argument, source
from checks.project.lists import Parameter
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.schemas import metadata

_SIZES = frozenset("limit size take page_limit max_results count top first".split())
_SIZE_ENDS = ("per_page", "page_size", "_limit")
_OFFSETS = frozenset("offset skip start_index".split())
_PAGES = frozenset("page page_number page_no page_num page_index pagenum".split())
_CURSORS = frozenset(
    "cursor after before next next_token page_token starting_after ending_before start_after "
    "next_cursor after_id last_id prev previous".split()
)
_CURSOR = re.compile(
    r"(before|after|since|last|next|prev|previous)_(\w+_)?(id|index|key|cursor|token)"
)
_PAGE_TYPES = ("Page", "LimitOffsetPage", "CursorPage")
_FIELD = ("Field", "Query")
_NESTED = frozenset({"meta", "pagination", "page_info", "metadata"})


def _has_lists(project: Project) -> str | None:
    if any(project.lists.is_list(route) for route in project.routes.handlers):
        return None
    return "no list endpoint"


def _styles(route: Route) -> tuple[set[str], list[Parameter]]:
    """The styles of pagination that a handler's parameters allow, and its size parameters."""
    parameters = route.file.project.lists.parameters(route)
    names = {each.name for each in parameters}
    sizes = [p for p in parameters if p.name in _SIZES or p.name.endswith(_SIZE_ENDS)]
    found: set[str] = set()
    if sizes and names & _OFFSETS:
        found.add("limit-offset")
    if sizes and names & _PAGES:
        found.add("page")
    if sizes and (names & _CURSORS or any(map(_CURSOR.fullmatch, names))):
        found.add("cursor")
    if _answers_page(route):
        found |= {"page", "limit-offset", "cursor"}
    return found, sizes


def _answers_page(route: Route) -> bool:
    """Whether the response is a page of fastapi-pagination, which adds the parameters itself."""
    project = route.file.project
    if any(dep.name.startswith("fastapi_pagination.") for dep in route.dependencies):
        return True
    response = project.schemas.response_type(route)
    for member in project.schemas.members(response) if response is not None else ():
        name = member.file.resolve(member.expr, member.function)
        if name.startswith("fastapi_pagination.") and name.rpartition(".")[2].endswith(_PAGE_TYPES):
            return True
    return False


@check("pagination-on-list-endpoints", applies=_has_lists)
def pagination_on_list_endpoints(
    route: Route,
    *,
    styles: Sequence[str] = ("limit-offset", "page", "cursor"),
    default_limit: int = 0,
    max_limit: int = 0,
) -> At | Skip | None:
    """Paginate list endpoints.

    A list that grows with the data answers slower every month, until it answers no more.

    Instead: take ``limit`` and ``offset`` (or a page, or a cursor) with an upper bound.

    Known problems: parameters that a library's dependency adds are not seen.
    """
    if not route.file.project.lists.is_list(route) or _is_fixed(route):
        return Skip("no list endpoint, or a fixed list")
    found, sizes = _styles(route)
    if not found & set(styles):
        return At(route.line, f"`{route.name}` answers with a list that is not paginated")
    if not sizes or not (default_limit or max_limit):
        return None
    default = _default(sizes[0])
    if default_limit and default != default_limit:
        message = f"`{route.name}` returns {default} items by default"
        return At(route.line, message, measured=str(default), limit=str(default_limit))
    bound = _bound(route, sizes)
    if max_limit and (bound is None or bound > max_limit):
        message = f"`{sizes[0].name}` of `{route.name}` has no upper bound of {max_limit} or less"
        return At(route.line, message, measured=str(bound), limit=str(max_limit))
    return None


def _is_fixed(route: Route) -> bool:
    """Whether a handler returns a literal, a module constant or the members of an enum."""
    returned = route.function.returned
    return bool(returned) and all(_is_constant(route, value) for value in returned)


def _is_constant(route: Route, value: Expr) -> bool:
    given = Given(route.file, value, route.function)
    if isinstance(value, tree.Name) and "." not in value.id:
        binding, owner = route.file.project.names.binding(route.file, value.id, route.function)
        return owner is None and binding is not None
    if isinstance(value, tree.Seq):
        return all(isinstance(item, (tree.Const, tree.Map)) for item in value.items)
    project = route.file.project
    names: Iterable[str] = ()
    if isinstance(value, tree.CallRef):
        names = [given.at(arg).name for arg in route.file.calls[value.index].fact.args[:1]]
    elif isinstance(value, tree.Op) and value.kind == "ListComp" and len(value.items) > 1:
        names = [given.at(value.items[1]).name]
    classes = (project.classes.by_key.get(name) for name in names)
    return any(cls is not None and project.classes.role(cls) == "enum" for cls in classes)


def _description(parameter: Parameter) -> list[Given]:
    """The ``Query(...)`` or ``Field(...)`` calls that describe a parameter."""
    exprs = [parameter.default] if parameter.default is not None else []
    if parameter.type is not None:
        exprs += metadata(source(parameter.place))
    found = []
    for expr in exprs:
        given = source(parameter.place.at(expr))
        if isinstance(given.expr, tree.CallRef):
            found.append(given)
    return found


def _default(parameter: Parameter) -> object:
    described = _description(parameter)
    default = parameter.default
    if default is not None and not isinstance(default, tree.CallRef):
        return parameter.place.at(default).value
    for given in described:
        if isinstance(given.expr, tree.CallRef):
            call = given.file.calls[given.expr.index]
            value = call.arg(0, "default") if call.last in _FIELD else None
            if value is not None:
                return given.at(value).value
    return None


def _bound(route: Route, sizes: Sequence[Parameter]) -> int | None:
    """The upper bound of the size: in its description, or by ``min()`` in the body."""
    for parameter in sizes:
        for given in _description(parameter):
            if not isinstance(given.expr, tree.CallRef):
                continue
            call = given.file.calls[given.expr.index]
            for name, less in (("le", 0), ("lt", 1)):
                found = argument(call, (name,))
                value = None if found is None else found.value
                if isinstance(value, int):
                    return value - less
            if call.last in {"Le", "Lt"} and call.fact.args:
                value = given.at(call.fact.args[0]).value
                if isinstance(value, int):
                    return value - (call.last == "Lt")
    for call in route.function.calls:
        if call.name == "builtins.min":
            values = [Given(call.file, arg, call.function).value for arg in call.fact.args]
            known = [value for value in values if isinstance(value, int)]
            if known:
                return min(known)
    return None


@check("pagination-metadata", applies=_has_lists)
def pagination_metadata(
    route: Route, *, fields: Sequence[str] = ("data", "total", "page", "per_page", "total_pages")
) -> At | Skip | None:
    """Return pagination metadata with lists.

    Without the total and the place in it a client has to ask until nothing comes.

    Instead: answer with a page schema that holds the agreed fields.

    Known problems: fields that a handler adds to a response by hand are not seen.
    """
    project = route.file.project
    if not project.lists.is_list(route) or not _styles(route)[0]:
        return Skip("no paginated list endpoint")
    given = _wire_names(route)
    missing = [name for name in fields if name not in given]
    if not missing:
        return None
    message = f"the response of `{route.name}` lacks {', '.join(missing)}"
    return At(route.line, message, measured=", ".join(sorted(given)), limit=", ".join(fields))


def _wire_names(route: Route) -> set[str]:
    """Names of the fields of a response, those of its metadata included."""
    schemas = route.file.project.schemas
    response = schemas.response_type(route)
    found: set[str] = set()
    for member in schemas.members(response) if response is not None else ():
        name = member.file.resolve(member.expr, member.function)
        if name.startswith("fastapi_pagination."):
            found |= {"items", "total", "page", "size", "pages"}
        for inner in schemas.inner(member):
            cls = schemas.class_of(inner)
            fields = schemas.fields(cls) if cls is not None and schemas.is_schema(cls) else {}
            if "id" in fields:
                continue
            for field in fields.values():
                found |= {field.name, field.wire_name}
                if field.name in _NESTED and field.type is not None:
                    for part in schemas.members(field.type):
                        nested = schemas.class_of(part)
                        if nested is not None:
                            found |= {f.wire_name for f in schemas.fields(nested).values()}
    return found
