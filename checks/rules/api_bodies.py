"""Checks of what handlers that write take and answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, argument, source
from checks.project.parameters import metadata
from checks.project.project import Project
from checks.project.responses import annotated_kind
from checks.project.routes import Route
from checks.project.schemas import MAPPINGS, Field, is_none
from checks.project.subjects import Call, Class, Function
from checks.rules.api import is_action, success_status

_SCALARS = frozenset(
    "builtins.str builtins.int builtins.bool builtins.float uuid.UUID builtins.bytes".split()
)
_BARE = frozenset("message status id detail msg success ok result code".split())
_EXCLUDING = frozenset({"exclude_unset", "exclude_none", "exclude_defaults"})
_DUMPS = frozenset({"model_dump", "dict", "model_dump_json", "json"})
_SENT = ("model_fields_set", "__fields_set__")
_LEVELS = 2
_PARTIAL = ("partial", "optional", "alloptional")


def _has_writes(project: Project) -> str | None:
    if any(route.methods & {"POST", "PATCH"} for route in project.routes.handlers):
        return None
    return "no POST or PATCH handler"


@check("write-endpoint-body", each="require", applies=_has_writes)
def write_endpoint_body(
    route: Route, entry: str, *, require: Sequence[str] = ("post-returns-resource", "patch-partial")
) -> At | Skip | None:
    """Answer and accept writes in the agreed form.

    Who creates something wants to see it, with its id and defaults; who patches one field must
    not have to send, or unknowingly reset, the others.

    Instead: return the created resource from POST; make PATCH fields optional and apply only
    those that were sent.

    Known problems: an answer whose value cannot be followed counts as the resource. Fields that
    are applied one by one behind tests for None count as applied when sent.
    """
    if entry == "patch-partial":
        return _patch(route)
    return _post(route)


# POST ---------------------------------------------------------------------------------------------


def _post(route: Route) -> At | Skip | None:
    if "POST" not in route.methods or success_status(route) != 201:
        return Skip("no POST that answers 201")
    if is_action(route):
        return Skip("an action, not a creation")
    what = _bare_answer(route)
    if not what:
        return None
    message = f"`{route.name}` answers 201 with {what} instead of the created resource"
    return At(route.line, message, anchor="post-returns-resource")


def _bare_answer(route: Route) -> str:
    """What a handler answers instead of a resource, "" for a resource or what is not known."""
    project = route.file.project
    if annotated_kind(route.function) or any(answer.kind for answer in route.answers):
        return _response_object(route)
    response = project.schemas.response_type(route)
    if response is not None and is_none(response.expr):
        return "" if _sets_location(route) else "nothing"
    members = project.schemas.members(response) if response is not None else []
    if response is not None and not _is_loose(response, members):
        found = [_bare_member(project, each) for each in members]
        return found[0] if found and all(found) else ""
    returned = route.function.returned
    if not returned:
        stub = route.function.fact.shape == "stub" or route.function.fact.last == "Raise"
        return "" if stub or _sets_location(route) else "nothing"
    given = [source(Given(route.file, value, route.function)) for value in returned]
    return "only a message or an id" if all(_is_bare_map(each) for each in given) else ""


def _is_loose(response: Given, members: list[Given]) -> bool:
    """Whether a declared response says nothing of the fields: ``dict``, ``Any``."""
    names = {each.file.resolve(each.expr, each.function) for each in members}
    return bool(names & (MAPPINGS | {"typing.Any", "builtins.object"}))


def _bare_member(project: Project, given: Given) -> str:
    name = given.file.resolve(given.expr, given.function)
    if name in _SCALARS:
        return "a bare value"
    cls = project.schemas.class_of(given)
    if cls is None or not project.schemas.is_schema(cls) or isinstance(given.expr, tree.Item):
        return ""
    fields = {field.name for field in project.schemas.fields(cls).values()}
    return "only a message or an id" if fields and fields <= _BARE else ""


def _response_object(route: Route) -> str:
    """The same for handlers that make their Response themselves."""
    if _sets_location(route):
        return ""
    contents = [_content(route, value) for value in route.function.returned]
    if contents and all(each is not None and is_none(each.expr) for each in contents):
        return "nothing"
    if contents and all(each is not None and _is_bare_map(each) for each in contents):
        return "only a message or an id"
    return ""


def _content(route: Route, value: Expr) -> Given | None:
    """What a Response object is given as content; a None literal for nothing."""
    given = source(Given(route.file, value, route.function))
    if not isinstance(given.expr, tree.CallRef):
        return None
    call = Call(given.file, given.expr.index)
    if not route.file.project.routes.responses.kind_of(call.name) or call.spreads:
        return None
    content = call.arg(0, "content")
    return given.at(tree.Const("NoneType")) if content is None else source(given.at(content))


def _is_bare_map(given: Given) -> bool:
    """Whether a value is a dict display with nothing but a message, a status or an id."""
    expr = given.expr
    if isinstance(expr, tree.Const):
        return expr.kind in {"str", "int", "bool"}
    if not isinstance(expr, tree.Map) or not expr.keys:
        return False
    return all((tree.text_of(key) or "?").lower() in _BARE for key in expr.keys)


def _sets_location(route: Route) -> bool:
    """Whether the answer leads to what was created by a Location header."""
    function = route.function
    for row in function.assigns:
        for target in row.targets:
            if isinstance(target, tree.Item) and _is_location(target.index):
                return True
    return any(_is_location(key) for call in function.calls for key in _header_names(call))


def _header_names(call: Call) -> Iterator[Expr]:
    headers = argument(call, ("headers",))
    expr = None if headers is None else source(headers).expr
    if isinstance(expr, tree.Map):
        yield from (key for key in expr.keys if key is not None)
    if call.last == "setdefault" and call.fact.args:
        yield call.fact.args[0]


def _is_location(expr: Expr) -> bool:
    return (tree.text_of(expr) or "").lower() in {"location", "content-location"}


# PATCH --------------------------------------------------------------------------------------------


def _patch(route: Route) -> At | Skip | None:
    if "PATCH" not in route.methods:
        return Skip("no PATCH handler")
    bodies = list(_body_schemas(route))
    if not bodies:
        return Skip("no body that is a schema")
    for cls in bodies:
        field = _required(cls)
        if field is not None:
            message = f"`{route.name}` requires `{field.name}` in the body of a PATCH"
            return At(route.line, message, anchor="patch-partial")
    names = {cls.key for cls in bodies}
    if _is_applied_whole(route, names):
        message = f"`{route.name}` applies fields that were not sent"
        return At(route.line, message, anchor="patch-partial")
    return None


def _body_schemas(route: Route) -> Iterator[Class]:
    """The schemas that a handler takes as its whole body; lists of operations are none."""
    project = route.file.project
    for slot in project.parameters.of(route):
        if slot.kind == "body" and slot.direct and slot.type is not None:
            for member in project.schemas.members(slot.type):
                cls = project.schemas.class_of(member)
                if cls is not None and project.schemas.is_schema(cls):
                    yield cls


def _required(cls: Class) -> Field | None:
    """A field without a default, unless the schema was made partial by a helper."""
    lineage = [cls, *cls.file.project.models.bases(cls)]
    helpers = [each.value for owner in lineage for each in owner.fact.decorators]
    helpers += [item.value for owner in lineage for item in owner.fact.keywords]
    named = [*cls.ancestors, *(cls.file.resolve(each) for each in helpers)]
    if any(name.rpartition(".")[2].lower().replace("_", "").startswith(_PARTIAL) for name in named):
        return None
    fields = cls.file.project.schemas.fields(cls).values()
    return next((field for field in fields if has_no_default(field)), None)


def has_no_default(field: Field) -> bool:
    """Whether a request has to hold a field."""
    given = None if field.default is None else source(Given(field.cls.file, field.default))
    if given is not None and not isinstance(given.expr, tree.CallRef):
        return isinstance(given.expr, tree.Const) and given.expr.kind == "ellipsis"
    marks = list(metadata(field.type)) if field.type is not None else []
    calls = [each for each in (given, *marks) if each and isinstance(each.expr, tree.CallRef)]
    for each in calls:
        if isinstance(each.expr, tree.CallRef):
            call = Call(each.file, each.expr.index)
            default = call.arg(0, "default") if call.last == "Field" else None
            if default is not None:
                return isinstance(default, tree.Const) and default.kind == "ellipsis"
            if call.fact.keyword("default_factory") is not None or call.spreads:
                return False
            if each is given and call.last != "Field":
                return False
    return True


def _is_applied_whole(route: Route, names: set[str]) -> bool:
    """Whether all fields of the schema are applied, sent or not, here or two levels down."""
    whole = False
    for function in route.file.project.calls.reachable(route.function, _LEVELS):
        params = _params(function, names)
        if function != route.function and not params:
            continue
        if _respects(function, params):
            return False
        whole = whole or _dumps(function, params) or _copies(function, params)
    return whole


def _params(function: Function, names: set[str]) -> set[str]:
    """Parameters of a function that receive one of the schemas, or take anything."""
    found = set()
    for param in function.fact.params:
        if param.annotation is None:
            continue
        given = Given(function.file, param.annotation, function.parent)
        for each in function.file.project.schemas.inner(given):
            cls = function.file.project.schemas.class_of(each)
            if cls is not None and (cls.key in names or names & _heirs(cls, names)):
                found.add(param.name)
            if cls is None and each.name.rpartition(".")[2].endswith(("Type", "BaseModel")):
                found.add(param.name)
    return found


def _heirs(cls: Class, names: set[str]) -> set[str]:
    """Those of the schemas that inherit from a class."""
    by_key = cls.file.project.classes.by_key
    return {name for name in names if name in by_key and cls.key in by_key[name].ancestors}


def _respects(function: Function, params: set[str]) -> bool:
    """Whether a function asks which fields were sent, or tests what it takes for None."""
    for call in function.calls:
        if any(item.name in _EXCLUDING for item in call.fact.keywords):
            return True
    known = params | {
        node.id
        for _, block in function.blocks
        if block.kind in {"for", "comp"}
        for node in tree.walk(block.exprs[0])
        if isinstance(node, tree.Name)
    }
    for place in function.file.tables.expressions.get(function.index, ()):
        for node in tree.walk(place.expr, function.file.facts):
            if isinstance(node, tree.Name) and node.id.endswith(_SENT):
                return True
            tests = isinstance(node, tree.Op) and node.kind in {"Compare:Is", "Compare:IsNot"}
            if tests and tree.dotted(tree.children(node)[0]).partition(".")[0] in known:
                return True
    return False


def _dumps(function: Function, params: set[str]) -> bool:
    """Whether a schema is turned into a dict with everything in it."""
    for call in function.calls:
        if call.last in _DUMPS and tree.dotted(call.receiver) in params:
            return True
        if any(not i.name and tree.dotted(i.value) in params for i in call.fact.keywords):
            return True
    return False


def _copies(function: Function, params: set[str]) -> bool:
    """Whether a field of a schema is assigned to an attribute outside of any condition."""
    for row in function.assigns:
        head, dot, last = tree.dotted(row.value).partition(".")
        if head in params and dot and "." not in last:
            targets = [tree.dotted(target) for target in row.targets]
            if any(target.endswith(f".{last}") for target in targets) and not _is_conditional(
                function, row.block
            ):
                return True
    return False


def _is_conditional(function: Function, block: int) -> bool:
    return any(each.kind in {"if", "else"} for _, each in function.file.blocks_around(block))
