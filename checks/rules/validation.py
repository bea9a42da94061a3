"""Checks on what goes in and out of handlers."""

from __future__ import annotations

import re

from checks.check import Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given
from checks.project.responses import JSON_CLASSES, annotated_kind
from checks.project.routes import Route, is_infrastructure
from checks.rules.applies import has_routes

INFRASTRUCTURE = ("/health*", "/ready*", "/live*", "/metrics", "/ping", "/")
MAPPINGS = frozenset(
    "builtins.dict typing.Dict typing.Mapping typing.MutableMapping collections.abc.Mapping "
    "collections.abc.MutableMapping collections.OrderedDict collections.defaultdict "
    "typing.OrderedDict typing.DefaultDict".split()
)
SEQUENCES = frozenset(
    "builtins.list builtins.tuple builtins.set builtins.frozenset typing.List typing.Tuple "
    "typing.Set typing.FrozenSet typing.Sequence typing.Iterable typing.Collection "
    "collections.abc.Sequence collections.abc.Iterable collections.abc.Collection "
    "collections.abc.Set collections.deque".split()
)
SCALARS = frozenset(
    "builtins.str builtins.int builtins.float builtins.bool builtins.bytes datetime.datetime "
    "datetime.date datetime.time datetime.timedelta uuid.UUID decimal.Decimal "
    "typing.Literal pydantic.AnyUrl pydantic.HttpUrl pydantic.EmailStr".split()
)
_LOOSE = frozenset({"typing.Any", "builtins.object", "builtins.type"})
_UNIONS = frozenset({"typing.Union", "typing.Optional"})
_LOOSE_TEXT = re.compile(r"\bAny\b|\bobject\b|\b(?:dict|Dict|list|List)\b(?!\s*\[)")
_DEPTH = 12


@check("response-model-declared", applies=has_routes)
def response_model_declared(
    route: Route, *, allow_scalars: bool = True, allow_typed_dict_values: bool = True
) -> str | Skip | None:
    """Declare the response schema.

    The schema is the contract: it validates and filters what leaves the service, and documents
    it in OpenAPI.

    Instead: annotate the return type with a schema or set ``response_model``.

    Known problems: a type that cannot be resolved counts as a schema.
    """
    reason = _no_site(route)
    if reason:
        return Skip(reason)
    types = Types(allow_scalars=allow_scalars, allow_typed_dicts=allow_typed_dict_values)
    model = route.option("response_model")
    if model is not None and types.accepts(model):
        return None
    returns = route.function.fact.returns
    declared = Given(route.file, returns, route.function.parent) if returns is not None else None
    if declared is not None and types.accepts(declared):
        return None
    if model is not None and not _is_none(model.expr):
        return f"`{route.name}` declares a response_model that is no schema"
    if declared is None:
        return f"`{route.name}` has neither response_model nor return annotation"
    return f"the return annotation of `{route.name}` is no schema"


def _no_site(route: Route) -> str:
    """Why a handler is no site: it is hidden, infrastructure, or answers without JSON."""
    if not route.in_schema:
        return "not in the schema"
    if all(is_infrastructure(path, INFRASTRUCTURE) for path in route.paths):
        return "infrastructure"
    return no_json_body(route)


def no_json_body(route: Route) -> str:
    """Why a handler answers without JSON of its own making, "" when it answers with JSON."""
    if route.methods <= {"HEAD", "OPTIONS", "TRACE"} or route.function.fact.generator:
        return "no JSON body"
    status = route.status_code
    if status is not None and (status in {204, 205, 304} or 300 <= status < 400):
        return "no body"
    if route.response_class and route.response_class not in JSON_CLASSES:
        return "no JSON body"
    if annotated_kind(route.function):
        return "annotated with a response class"
    answers = route.answers
    if answers and not any(answer.is_json for answer in answers):
        return "no JSON body"
    objects = bool(answers) and all(answer.kind for answer in answers)
    if objects and any(each.argument("response_class") for each in route.registrations):
        return "response_class is given"
    return ""


def _is_none(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"


class Types:
    """Decides whether an annotation declares a response."""

    def __init__(self, *, allow_scalars: bool, allow_typed_dicts: bool) -> None:
        self.allow_scalars = allow_scalars
        self.allow_typed_dicts = allow_typed_dicts

    def accepts(self, given: Given, depth: int = 0) -> bool:
        """Whether a type is a schema, a container of schemas, or what the limits allow."""
        if depth > _DEPTH:
            return True
        expr = given.expr
        if _is_none(expr):
            return False
        if isinstance(expr, tree.Const) and isinstance(expr.value, str):
            return self._text(given, expr.value.strip(), depth)
        if isinstance(expr, tree.Bin) and expr.op == "BitOr":
            return self._union(given, expr.items, depth)
        if isinstance(expr, tree.Item):
            return self._generic(given, expr, depth)
        if isinstance(expr, tree.CallRef):
            return True
        return self._named(given, depth)

    def _text(self, given: Given, text: str, depth: int) -> bool:
        if text.replace(".", "").isidentifier():
            return self.accepts(given.at(tree.Name(text)), depth + 1)
        return not _LOOSE_TEXT.search(text)

    def _union(self, given: Given, items: tuple[Expr, ...], depth: int) -> bool:
        rest = [item for item in items if not _is_none(item)]
        return bool(rest) and all(self.accepts(given.at(item), depth + 1) for item in rest)

    def _generic(self, given: Given, expr: tree.Item, depth: int) -> bool:
        name = given.file.resolve(expr.value, given.function)
        index = expr.index
        args = index.items if isinstance(index, tree.Seq) else (index,)
        if name == "typing.Annotated":
            return self.accepts(given.at(args[0]), depth + 1)
        if name in _UNIONS:
            return self._union(given, args, depth)
        if name in MAPPINGS:
            inner = [self.accepts(given.at(arg), depth + 1) for arg in args]
            return self.allow_typed_dicts and len(args) > 1 and all(inner)
        if name in SEQUENCES:
            parts = [arg for arg in args if not (isinstance(arg, tree.Const) and not arg.value)]
            return all(self.accepts(given.at(part), depth + 1) for part in parts)
        return self._named(given.at(expr.value), depth)

    def _named(self, given: Given, depth: int) -> bool:
        name = given.file.resolve(given.expr, given.function)
        alias = given.file.project.names.assignment_named(name)
        if alias is not None and isinstance(alias[1].value, (tree.Item, tree.Bin, tree.Name)):
            return self.accepts(Given(alias[0], alias[1].value), depth + 1)
        if name in MAPPINGS or name in SEQUENCES or name in _LOOSE:
            return False
        if name in SCALARS:
            return self.allow_scalars
        return True
