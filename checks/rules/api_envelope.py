"""Checks that the answers of an API have one structure."""

from __future__ import annotations

from collections import Counter

import msgspec

from checks.check import At, Sites, Skip, check
from checks.facts import tree
from checks.project.given import Given, source
from checks.project.lists import is_page
from checks.project.project import Project
from checks.project.routes import Route, is_infrastructure, segments
from checks.project.schemas import CONTAINERS, MAPPINGS, arguments, is_none
from checks.project.subjects import Call, Class
from checks.rules.validation import INFRASTRUCTURE, no_json_body

_ENVELOPES = frozenset({"data", "items", "result", "results"})
_TOKENS = frozenset({"access_token", "token_type"})
_TOKEN_PATHS = frozenset({"token", "access-token", "refresh", "refresh-token", "refresh_token"})
_PAGES = ("Page", "Paginat", "List", "Collection")
_LEAST = 3
_NAMES = {
    "enveloped": "in an envelope",
    "schema": "as a bare schema",
    "list": "as a bare list",
    "dict": "as a bare dict",
    "scalar": "as a bare value",
}


class _Shape(msgspec.Struct, frozen=True):
    """How a handler answers: ``list`` or ``item``, and in which of the classes of shapes."""

    group: str
    kind: str


@check("response-envelope", advisory=True)
def response_envelope(project: Project, *, majority: float = 0.6) -> Sites | Skip:
    """Answer in one consistent structure.

    A client that has to look whether the payload is the answer, or in ``data``, or in ``items``,
    is written again for every endpoint.

    Instead: wrap the response in the project's envelope, or return the bare schema like the others.

    Known problems: a response that is neither declared nor written in the return statement has no
    known structure and is no site. Lists and single items are classed apart. Of several largest
    classes the one that comes first by path counts.
    """
    shapes = [
        (route, shape)
        for route in project.routes.handlers
        if route.file.is_production and (shape := _shape(project, route)) is not None
    ]
    if sum(shape.kind != "scalar" for _, shape in shapes) < _LEAST:
        return Skip("fewer than three handlers answer with a JSON object or list")
    found = []
    for group in ("item", "list"):
        rows = [(route, shape.kind) for route, shape in shapes if shape.group == group]
        counts = Counter(kind for _, kind in rows)
        if len(counts) < 2:
            continue
        usual, number = counts.most_common(1)[0]
        share = number / len(rows)
        for route, kind in rows:
            if kind != usual:
                found.append(_at(route, kind, usual, share, majority))
    return Sites(len(shapes), found)


def _at(route: Route, kind: str, usual: str, share: float, majority: float) -> At:
    most = "most" if share >= majority else "the largest group of"
    message = f"`{route.name}` answers {_NAMES[kind]}, {most} handlers {_NAMES[usual]}"
    return At(route.line, message, path=route.path, symbol=route.symbol,
              measured=f"{share:.0%}", limit=f"{majority:.0%}", anchor=kind)  # fmt: skip


def _shape(project: Project, route: Route) -> _Shape | None:
    """The structure of a handler's answer, None where it has none or it is not known."""
    if no_json_body(route) or all(is_infrastructure(p, INFRASTRUCTURE) for p in route.paths):
        return None
    if {segments(path)[-1] for path in route.paths if segments(path)} & _TOKEN_PATHS:
        return None
    response = project.schemas.response_type(route)
    if response is not None and not _says_nothing(response):
        if is_none(response.expr):
            return None
        members = project.schemas.members(response)
        shapes = [shape for each in members if (shape := _of_type(project, each)) is not None]
        if not shapes or shapes[0].kind != "schema":
            return shapes[0] if shapes else None
        return _Shape("list", "enveloped") if project.lists.answers_list(route) else shapes[0]
    first: dict[int, tree.Expr] = {}  # what follows a return in its block is never reached
    for each in route.function.statements:
        if each.kind == "return" and each.value is not None:
            first.setdefault(each.block, each.value)
    found = {_of_value(project, route, value) for value in first.values()}
    return found.pop() if len(found) == 1 else None


def _says_nothing(response: Given) -> bool:
    """Whether a response is declared as anything, or as a Response that holds the data."""
    name = response.file.resolve(response.expr, response.function)
    if name in {"typing.Any", "builtins.object"}:
        return True
    return bool(response.file.project.routes.responses.kind_of(name))


def _of_type(project: Project, given: Given) -> _Shape | None:
    name = given.file.resolve(given.expr, given.function)
    if project.routes.responses.kind_of(name):
        return None
    if name in CONTAINERS:
        return _Shape("list", "list")
    if name in MAPPINGS:
        return _Shape("item", "dict")
    cls = project.schemas.class_of(given)
    if cls is not None:
        return _of_class(project, cls, given)
    if name.startswith(("builtins.", "uuid.", "datetime.", "decimal.")) or "Literal" in name:
        return _Shape("item", "scalar")
    if arguments(given):
        last = name.rpartition(".")[2]
        return _Shape("list" if any(each in last for each in _PAGES) else "item", "enveloped")
    return _Shape("item", "schema") if name[:1] and name.rpartition(".")[2][:1].isupper() else None


def _of_class(project: Project, cls: Class, given: Given) -> _Shape | None:
    if project.classes.role(cls) == "enum":
        return _Shape("item", "scalar")
    if is_page(cls):
        return _Shape("list", "enveloped")
    fields = project.schemas.fields(cls)
    if _TOKENS & fields.keys():
        return None
    if not arguments(given) and ("id" in fields or not _ENVELOPES & fields.keys()):
        return _Shape("item", "schema")  # what has an id is the thing itself
    generic = bool(arguments(given))
    inner = [*arguments(given)]
    inner += [f.type for name, f in fields.items() if f.type and (generic or name in _ENVELOPES)]
    holds = any(
        each.file.resolve(each.expr, each.function) in CONTAINERS
        for part in inner
        for each in project.schemas.members(part)
    )
    return _Shape("list" if holds else "item", "enveloped")


def _of_value(project: Project, route: Route, value: tree.Expr) -> _Shape | None:
    """The structure of a returned value, where it is written there."""
    given = source(Given(route.file, value, route.function))
    if isinstance(given.expr, tree.Op) and given.expr.kind == "Await":
        given = given.at(given.expr.items[0])
    match given.expr:
        case tree.Map() | tree.Op(kind="DictComp"):
            return _Shape("item", "dict")
        case tree.Seq(kind="list") | tree.Op(kind="ListComp"):
            return _Shape("list", "list")
        case tree.Const(kind="str" | "int" | "float" | "bool") | tree.Fmt():
            return _Shape("item", "scalar")
        case tree.CallRef(index=index):
            return _of_call(project, route, Call(given.file, index), given)
    return None


def _of_call(project: Project, route: Route, call: Call, given: Given) -> _Shape | None:
    cls = project.classes.by_key.get(call.name)
    if project.routes.responses.kind_of(call.name):
        if cls is not None:  # the project's own response class is its envelope
            return _Shape("item", "enveloped")
        content = call.arg(0, "content")
        return None if content is None else _of_value(project, route, content)
    if cls is not None and project.schemas.is_schema(cls):
        return _of_class(project, cls, given)
    for target in project.calls.resolve(call):
        returns = target.fact.returns
        if returns is not None and not is_none(returns):
            types = project.schemas.members(Given(target.file, returns, target))
            return _of_type(project, types[0]) if types else None
    return None
