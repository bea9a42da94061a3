"""List endpoints, and the parameters that page them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.routes import segments
from checks.project.schemas import CONTAINERS, arguments

if TYPE_CHECKING:
    from checks.project.dependencies import Dependency
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.schemas import Field
    from checks.project.subjects import Class, Function

_LIST_NAMES = frozenset({"items", "data", "results", "records", "rows"})
_PAGES = ("Page", "LimitOffsetPage", "CursorPage", "Paginated")
_DEPTH = 6


def is_page(cls: Class) -> bool:
    """Whether a first-party class is a page of fastapi-pagination."""
    return any(name.startswith("fastapi_pagination.") for name in cls.ancestors)


class Parameter(msgspec.Struct, frozen=True):
    """A query parameter of a handler, wherever it is declared.

    Attributes:
        name: Its name in snake_case.
        type: Its annotation.
        default: Its default as written.
        place: Where both stand.
    """

    name: str
    type: Expr | None
    default: Expr | None
    place: Given


class Lists:
    """Recognises list endpoints of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, bool] = {}

    def is_list(self, route: Route) -> bool:
        """Whether a handler is a list endpoint."""
        known = self._known.get(route.function.key)
        if known is None:
            known = "GET" in route.methods and self.answers_list(route)
            self._known[route.function.key] = known
        return known

    def answers_list(self, route: Route) -> bool:
        """Whether a handler of any method answers with a list of resources."""
        if route.response_class == "StreamingResponse":
            return False
        parts = segments(route.paths[0]) if route.paths else []
        response = self.project.schemas.response_type(route)
        if response is not None and not self._is_bare_dict(response):
            detail = bool(parts) and "{" in parts[-1]
            return self._holds_list(response, _named(parts, detail=detail), detail=detail)
        if not parts or "{" in parts[-1] or not parts[-1].endswith("s"):
            return False
        returned = route.function.returned
        return bool(returned) and all(self._is_list_value(route.function, v) for v in returned)

    def _is_bare_dict(self, given: Given) -> bool:
        name = given.file.resolve(given.expr, given.function)
        return name in {"builtins.dict", "typing.Dict", "typing.Any"}

    def _is_list_value(self, function: Function, value: Expr) -> bool:
        while isinstance(value, tree.Op) and value.kind == "Await":
            value = value.items[0]
        if isinstance(value, tree.Op):
            return value.kind == "ListComp"
        if isinstance(value, tree.Seq):
            return value.kind == "list"
        if isinstance(value, tree.CallRef):
            for target in self.project.calls.resolve(function.file.calls[value.index]):
                returns = target.fact.returns
                if returns is not None:
                    members = self.project.schemas.members(Given(target.file, returns, target))
                    names = [m.file.resolve(m.expr, m.function) for m in members]
                    return bool(names) and all(name in CONTAINERS for name in names)
        return False

    def _holds_list(
        self, given: Given, literals: set[str], *, detail: bool, depth: int = 0
    ) -> bool:
        """Whether a type is a list, a page, or an envelope of one."""
        if depth > _DEPTH:
            return False
        for member in self.project.schemas.members(given):
            name = member.file.resolve(member.expr, member.function)
            cls = self.project.classes.by_key.get(name)
            if name in CONTAINERS:
                return True
            if cls is None:
                if name.rpartition(".")[2].startswith(_PAGES):
                    return True
            elif is_page(cls) or (
                self.project.schemas.is_schema(cls)
                and self._is_envelope(cls, member, literals, detail=detail, depth=depth)
            ):
                return True
        return False

    def _is_envelope(
        self, cls: Class, given: Given, literals: set[str], *, detail: bool, depth: int
    ) -> bool:
        fields = self.project.schemas.fields(cls)
        if "id" in fields:
            return False
        args = arguments(given)
        generic = [f for f in fields.values() if self._is_variable(f.type)]
        if generic and args:
            return self._holds_list(args[0], literals, detail=detail, depth=depth + 1)
        lists = [field for field in fields.values() if self._is_list_field(field)]
        if len(lists) != 1:
            return bool(lists) and bool(args) and not detail
        name = lists[0].name
        if detail:
            return name in literals
        about = {word.rstrip("s") for word in (*literals, *words(cls.name))}
        named = {name.rstrip("s")} <= about or {word.rstrip("s") for word in words(name)} <= about
        return name in _LIST_NAMES or named or bool(args)

    def _is_variable(self, given: Given | None) -> bool:
        """Whether a field's type is a type parameter of its class."""
        if given is None:
            return False
        members = self.project.schemas.members(given)
        if len(members) != 1 or not isinstance(members[0].expr, tree.Name):
            return False
        name = members[0].file.resolve(members[0].expr)
        alias = self.project.names.assignment_named(name)
        if alias is not None and isinstance(alias[1].value, tree.CallRef):
            return alias[0].resolve(alias[1].value) == "typing.TypeVar"
        return "." not in name and name[:1].isupper()

    def _is_list_field(self, field: Field) -> bool:
        if field.type is None:
            return False
        members = self.project.schemas.members(field.type)
        return bool(members) and all(
            each.file.resolve(each.expr, each.function) in CONTAINERS for each in members
        )

    # Parameters -----------------------------------------------------------------------------------

    def parameters(self, route: Route) -> list[Parameter]:
        """Query parameters of a handler, through providers and schemas that hold them."""
        function = route.function
        found = list(self._of_function(function))
        for dep in route.dependencies:
            found += self._of_provider(dep)
        return found

    def _of_provider(self, dep: Dependency) -> Iterator[Parameter]:
        cls = self.project.classes.by_key.get(dep.type or dep.name)
        if dep.function is not None:
            yield from self._of_function(dep.function)
        elif cls is not None:
            init = self.project.classes.method(cls, "__init__")
            if init is not None:
                yield from self._of_function(init)
            else:
                yield from self._of_class(cls)

    def _of_function(self, function: Function) -> Iterator[Parameter]:
        for param in function.fact.params:
            place = Given(function.file, param.annotation or tree.Name(""), function.parent)
            name = "_".join(words(param.name))
            yield Parameter(name, param.annotation, param.default, place)
            if param.annotation is None:
                continue
            for member in self.project.schemas.members(place):
                cls = self.project.schemas.class_of(member)
                if cls is not None and self.project.schemas.is_schema(cls):
                    yield from self._of_class(cls)

    def _of_class(self, cls: Class) -> Iterator[Parameter]:
        for field in self.project.schemas.fields(cls).values():
            place = field.type or Given(field.cls.file, tree.Name(""))
            kind = None if field.type is None else field.type.expr
            yield Parameter("_".join(words(field.name)), kind, field.default, place)
            alias = "_".join(words(field.wire_name))
            if alias != field.name:
                yield Parameter(alias, kind, field.default, place)


def _named(parts: list[str], *, detail: bool) -> set[str]:
    """Literals of a path that may name the list it answers with.

    Where a parameter ends the path, these are only the literals that have no parameter of their
    own: ``/orders/customers/{customer_id}`` lists orders, ``/customers/{customer_id}`` nothing.
    """
    literals = {part for part in parts if "{" not in part}
    if not detail:
        return literals
    owned = {part for part, after in pairwise(parts) if "{" in after}
    return literals - owned
