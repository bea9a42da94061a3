"""Parameters of route handlers: where FastAPI takes each of them from, providers opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, source

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Call, Class, File, Function

_MARKS = {
    f"{module}.{name}": kind
    for module in ("fastapi", "fastapi.param_functions", "fastapi.params")
    for name, kind in (
        ("Query", "query"), ("Path", "path"), ("Body", "body"), ("Form", "form"),
        ("File", "form"), ("Header", "header"), ("Cookie", "cookie"), ("Depends", "provided"),
        ("Security", "provided"),
    )
}  # fmt: skip
_FRAMEWORK = frozenset(
    "fastapi.Request fastapi.Response fastapi.WebSocket fastapi.BackgroundTasks "
    "fastapi.security.SecurityScopes fastapi.security.oauth2.SecurityScopes "
    "starlette.requests.HTTPConnection".split()
)
_SCALARS = frozenset(
    "builtins.str builtins.int builtins.float builtins.bool builtins.bytes decimal.Decimal "
    "uuid.UUID datetime.datetime datetime.date datetime.time datetime.timedelta "
    "typing.Literal typing.Any".split()
)
_BODIES = frozenset(
    "builtins.dict typing.Dict typing.Mapping collections.abc.Mapping builtins.list typing.List "
    "builtins.set builtins.tuple typing.Sequence collections.abc.Sequence".split()
)
_NAMED = re.compile(r"\{(\w+)(?::\w+)?\}")
_DEPTH = 8


class Slot(msgspec.Struct, frozen=True):
    """One parameter that a request fills.

    Attributes:
        name: Its name on the wire.
        line: Line of its declaration.
        file: File of its declaration.
        symbol: ``module:qualname`` of what declares it.
        kind: ``path``, ``query``, ``header``, ``cookie``, ``form``, ``body``; ``provided`` and
            ``framework`` for what no client sends.
        type: Its annotation.
        default: Its default as written.
        marks: ``Query(...)`` and what else its ``Annotated`` and its default hold.
        direct: Declared by the handler itself, not by a provider.
    """

    name: str
    line: int
    file: File
    symbol: str
    kind: str
    type: Given | None
    default: Expr | None
    marks: tuple[Given, ...]
    direct: bool

    @property
    def calls(self) -> list[Call]:
        """The calls among its marks."""
        return [
            each.file.calls[each.expr.index]
            for each in self.marks
            if isinstance(each.expr, tree.CallRef)
        ]

    @property
    def is_required(self) -> bool:
        """Whether a request without it is refused."""
        for call in self.calls:
            if _mark(call) and (default := call.arg(0, "default")) is not None:
                return _is_ellipsis(default)
        if self.default is None or _is_ellipsis(self.default):
            return True
        return isinstance(self.default, tree.CallRef) and not any(
            call.fact.keyword("default_factory") is not None for call in self.calls
        )


def metadata(given: Given) -> Iterator[Given]:
    """What the ``Annotated`` of a type holds, through aliases and unions with None."""
    stack = [given]
    for _ in range(_DEPTH):
        if not stack:
            return
        given = _unaliased(stack.pop())
        expr = given.expr
        if isinstance(expr, tree.Bin) and expr.op == "BitOr":
            stack += [given.at(item) for item in expr.items]
        elif isinstance(expr, tree.Item):
            name = given.file.resolve(expr.value, given.function)
            parts = expr.index.items if isinstance(expr.index, tree.Seq) else (expr.index,)
            if name == "typing.Annotated":
                yield from (source(given.at(part)) for part in parts[1:])
                stack.append(given.at(parts[0]))
            elif name in {"typing.Optional", "typing.Union"}:
                stack += [given.at(part) for part in parts]


def _unaliased(given: Given) -> Given:
    for _ in range(_DEPTH):
        if not isinstance(given.expr, tree.Name):
            break
        name = given.file.resolve(given.expr, given.function)
        alias = given.file.project.names.assignment_named(name)
        if alias is None or not isinstance(alias[1].value, (tree.Item, tree.Bin, tree.Name)):
            break
        given = Given(alias[0], alias[1].value)
    return given


def _mark(call: Call) -> str:
    return _MARKS.get(call.file.resolve(call.fact.func, call.function), "")


def _is_ellipsis(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "ellipsis"


class Parameters:
    """Reads the parameters of all handlers of a project; remembers each answer."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, list[Slot]] = {}

    def of(self, route: Route) -> list[Slot]:
        """All parameters of a handler, first its own, then those of its providers."""
        known = self._known.get(route.function.key)
        if known is None:
            known = self._known[route.function.key] = list(self._read(route))
        return known

    def _read(self, route: Route) -> Iterator[Slot]:
        named = {name for path in route.paths for name in _NAMED.findall(path)}
        yield from self._of_function(route.function, named, direct=True)
        for dep in route.dependencies:
            cls = self.project.classes.by_key.get(dep.type or dep.name)
            if cls is not None and self._is_made_otherwise(cls):
                continue
            function = dep.function
            if function is None and cls is not None:
                function = self.project.classes.method(cls, "__init__")
            if function is not None:
                yield from self._of_function(function, named, direct=False)
            elif cls is not None:
                yield from self._of_class(cls, named)

    def _is_made_otherwise(self, cls: Class) -> bool:
        """Whether a metaclass of ours is called for the class: its parameters are what counts."""
        known = self.project.classes.by_key
        for each in (known.get(name) for name in (cls.key, *cls.ancestors)):
            for item in () if each is None else each.fact.keywords:
                meta = known.get(each.file.resolve(item.value)) if each is not None else None
                if item.name == "metaclass" and meta is not None and "__call__" in meta.methods:
                    return True
        return False

    def _of_function(self, function: Function, named: set[str], *, direct: bool) -> Iterator[Slot]:
        static = function.decorated_by("builtins.staticmethod")
        for position, param in enumerate(function.fact.params):
            if param.kind in {"vararg", "kwarg"}:
                continue
            if position == 0 and function.cls is not None and not static:
                continue
            hint = None
            if param.annotation is not None:
                hint = Given(function.file, param.annotation, function.parent)
            place = Given(function.file, tree.Name(param.name), function.parent)
            marks = self._marks(hint, param.default, place)
            kind = self._kind(param.name, hint, marks, named)
            yield Slot(
                param.name, param.line, function.file, function.symbol, kind, hint, param.default,
                marks, direct,
            )  # fmt: skip

    def _of_class(self, cls: Class, named: set[str]) -> Iterator[Slot]:
        """The fields of a dataclass or schema that ``Depends()`` makes of the query."""
        for field in self.project.schemas.fields(cls).values():
            place = field.type or Given(field.cls.file, tree.Name(field.name))
            marks = self._marks(field.type, field.default, place)
            kind = self._kind(field.name, field.type, marks, named)
            yield Slot(
                field.wire_name, field.line, field.cls.file, field.cls.symbol, kind, field.type,
                field.default, marks, direct=False,
            )  # fmt: skip

    def _marks(self, hint: Given | None, default: Expr | None, place: Given) -> tuple[Given, ...]:
        found = [] if hint is None else list(metadata(hint))
        if isinstance(default, (tree.CallRef, tree.Name)):
            found.append(source(place.at(default)))
        return tuple(found)

    def _kind(
        self, name: str, hint: Given | None, marks: tuple[Given, ...], named: set[str]
    ) -> str:
        for each in marks:
            if isinstance(each.expr, tree.CallRef):
                kind = _mark(each.file.calls[each.expr.index])
                if kind:
                    return kind
        if name in named:
            return "path"
        if hint is None:
            return "query"
        kinds = {self._kind_of_type(member) for member in self.project.schemas.members(hint)}
        return next((kind for kind in ("framework", "form", "body") if kind in kinds), "query")

    def _kind_of_type(self, member: Given) -> str:
        name = member.file.resolve(member.expr, member.function)
        if name in _FRAMEWORK:
            return "framework"
        if name == "fastapi.UploadFile":
            return "form"
        if name in _SCALARS:
            return "query"
        if name in _BODIES:
            return "body"
        cls = self.project.classes.by_key.get(name)
        if cls is not None:
            return "query" if self.project.classes.role(cls) == "enum" else "body"
        return "query"
