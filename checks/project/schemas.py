"""Schemas with their fields, and which of them handlers take and give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.given import Given, argument

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Call, Class

CONTAINERS = frozenset(
    "builtins.list builtins.tuple builtins.set builtins.frozenset typing.List typing.Tuple "
    "typing.Set typing.FrozenSet typing.Sequence typing.Iterable typing.Collection "
    "collections.abc.Sequence collections.abc.Iterable collections.abc.Collection "
    "collections.abc.Set collections.deque".split()
)
MAPPINGS = frozenset(
    "builtins.dict typing.Dict typing.Mapping typing.MutableMapping collections.abc.Mapping "
    "collections.abc.MutableMapping collections.OrderedDict collections.defaultdict "
    "typing.OrderedDict typing.DefaultDict".split()
)
_TRANSPARENT = frozenset(
    {"typing.Annotated", "typing.Optional", "typing.Required", "typing.NotRequired", "typing.Final"}
)
_FIELD = frozenset({"pydantic.Field", "pydantic.fields.Field", "sqlmodel.Field"})
_COMPUTED = frozenset({"pydantic.computed_field", "pydantic.fields.computed_field"})
_NO_FIELDS = frozenset({"typing.ClassVar", "pydantic.PrivateAttr"})
_DEPTH = 10


class Field(msgspec.Struct, frozen=True):
    """One field of a schema.

    Attributes:
        name: Name in the class.
        line: Line of its declaration.
        cls: The class that declares it.
        type: Its annotation, None for one without.
        default: Its default as written (``Field(...)`` included), None without.
    """

    name: str
    line: int
    cls: Class
    type: Given | None
    default: Expr | None

    @property
    def call(self) -> Call | None:
        """The ``Field(...)`` that describes it, as default or in its ``Annotated``."""
        found = [self.default] if self.default is not None else []
        if self.type is not None:
            found += metadata(self.type)
        for expr in found:
            if isinstance(expr, tree.CallRef):
                call = self.cls.file.calls[expr.index]
                if self.cls.file.resolve(call.fact.func) in _FIELD:
                    return call
        return None

    @property
    def wire_name(self) -> str:
        """Its name in JSON."""
        call = self.call
        for name in ("serialization_alias", "alias"):
            given = None if call is None else argument(call, (name,))
            if given is not None and given.text:
                return given.text
        return self.name


def metadata(given: Given) -> list[Expr]:
    """Metadata of an ``Annotated``."""
    if isinstance(given.expr, tree.Item):
        parts = given.expr.index.items if isinstance(given.expr.index, tree.Seq) else ()
        if given.file.resolve(given.expr.value, given.function) == "typing.Annotated":
            return list(parts[1:])
    return []


def is_none(expr: Expr) -> bool:
    """Whether an expression is the literal None."""
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"


def arguments(given: Given) -> tuple[Given, ...]:
    """The arguments of ``X[...]``, none for a plain name."""
    if not isinstance(given.expr, tree.Item):
        return ()
    index = given.expr.index
    return tuple(
        given.at(each) for each in (index.items if isinstance(index, tree.Seq) else (index,))
    )


class Schemas:
    """Fields and uses of all schemas of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._fields: dict[str, dict[str, Field]] = {}

    # Types ----------------------------------------------------------------------------------------

    def members(self, given: Given) -> list[Given]:
        """A type without None, Annotated and aliases; the members of a union each."""
        found: list[Given] = []
        stack = [(given, 0)]
        while stack:
            each, depth = stack.pop()
            each = self._named(each.behind)
            expr = each.expr
            if depth > _DEPTH or is_none(expr):
                continue
            if isinstance(expr, tree.Bin) and expr.op == "BitOr":
                stack += [(each.at(item), depth + 1) for item in reversed(expr.items)]
                continue
            name = each.file.resolve(expr, each.function) if isinstance(expr, tree.Item) else ""
            args = arguments(each)
            if name == "typing.Union":
                stack += [(arg, depth + 1) for arg in reversed(args)]
            elif name in _TRANSPARENT and args:
                stack.append((args[0], depth + 1))
            else:
                found.append(each)
        return found

    def _named(self, given: Given) -> Given:
        """A type with module-level aliases and quoted names followed."""
        for _ in range(_DEPTH):
            expr = given.expr
            text = tree.text_of(expr)
            if text is not None and text.replace(".", "").isidentifier():
                given = given.at(tree.Name(text))
                continue
            if not isinstance(expr, tree.Name):
                return given
            alias = self.project.names.assignment_named(given.file.resolve(expr, given.function))
            value = None if alias is None else alias[1].value
            if alias is None or not isinstance(value, (tree.Item, tree.Bin, tree.Name)):
                return given
            given = Given(alias[0], value)
        return given

    def class_of(self, given: Given) -> Class | None:
        """The first-party class that a type names, its arguments aside."""
        return self.project.classes.by_key.get(given.file.resolve(given.expr, given.function))

    def inner(self, given: Given) -> Iterator[Given]:
        """The types inside a type: members of unions, items of containers, arguments."""
        stack = [given]
        for _ in range(200):
            if not stack:
                return
            for member in self.members(stack.pop()):
                yield member
                stack.extend(arguments(member))

    def contained(self, given: Given) -> Iterator[Class]:
        """The first-party classes in a type; containers, generics and unions are unwrapped."""
        for each in self.inner(given):
            cls = None if isinstance(each.expr, tree.Item) else self.class_of(each)
            if cls is not None:
                yield cls

    # Fields ---------------------------------------------------------------------------------------

    def fields(self, cls: Class) -> dict[str, Field]:
        """Fields of a schema by name, those of its bases first; computed fields too."""
        known = self._fields.get(cls.key)
        if known is None:
            known = {}
            for name in (*reversed(cls.ancestors), cls.key):
                owner = self.project.classes.by_key.get(name)
                if owner is not None:
                    known |= {field.name: field for field in self._own(owner)}
            self._fields[cls.key] = known
        return known

    def own_fields(self, cls: Class) -> list[Field]:
        """Fields that a class declares itself, in order."""
        return list(self._own(cls))

    def _own(self, cls: Class) -> Iterator[Field]:
        for name, fact in cls.attributes.items():
            if self._is_field(cls, name, fact):
                hint = None if fact.annotation is None else Given(cls.file, fact.annotation)
                yield Field(name, fact.line, cls, hint, fact.value)
        for name, method in cls.methods.items():
            if method.decorated_by(*_COMPUTED):
                returns = method.fact.returns
                hint = None if returns is None else Given(cls.file, returns)
                yield Field(name, method.line, cls, hint, tree.Const("NoneType"))

    def _is_field(self, cls: Class, name: str, fact: Assign) -> bool:
        if fact.annotation is None or name.startswith("_") or name == "model_config":
            return False
        return cls.file.resolve(fact.annotation) not in _NO_FIELDS

    # Uses -----------------------------------------------------------------------------------------

    @cached_property
    def all(self) -> list[Class]:
        """All schemas of production files."""
        return self.project.classes.with_role("schema")

    def is_schema(self, cls: Class | None) -> bool:
        """Whether a class is a schema."""
        return cls is not None and self.project.classes.role(cls) == "schema"

    def response_type(self, route: Route) -> Given | None:
        """The declared response: response_model, else the return annotation."""
        model = route.option("response_model")
        if model is not None and not is_none(model.expr):
            return model
        returns = route.function.fact.returns
        return None if returns is None else Given(route.file, returns, route.function.parent)

    def hint(self, route: Route, annotation: Expr) -> Given:
        """An annotation in the header of a handler."""
        return Given(route.file, annotation, route.function.parent)

    def body_types(self, route: Route) -> Iterator[tuple[tree.Param, Given]]:
        """Parameters of a handler whose type is, or holds, a schema and that no provider fills."""
        filled = {dep.parameter for dep in route.direct_dependencies}
        for param in route.function.fact.params:
            if param.annotation is None or param.name in filled:
                continue
            given = self.hint(route, param.annotation)
            if any(self.is_schema(self.class_of(each)) for each in self.inner(given)):
                yield param, given

    @cached_property
    def requested(self) -> list[Class]:
        """Request schemas: what production handlers take as body or as a model of the query."""
        found: dict[str, Class] = {}
        for route in self.project.routes.handlers:
            for slot in self.project.parameters.of(route) if route.file.is_production else ():
                if slot.kind in {"body", "form", "query"} and slot.type is not None:
                    for cls in self.contained(slot.type):
                        if self.is_schema(cls):
                            found.setdefault(cls.key, cls)
        return list(found.values())

    @cached_property
    def used(self) -> frozenset[str]:
        """Canonical names of the schemas in requests and responses, nested ones included."""
        return self.used_by_alias | self._closure(self._responses(by_alias=False))

    @cached_property
    def used_by_alias(self) -> frozenset[str]:
        """Those of them whose keys in JSON are their aliases."""
        handlers = self.project.routes.handlers
        types = [given for route in handlers for _, given in self.body_types(route)]
        return self._closure([*types, *self._responses(by_alias=True)])

    def _responses(self, *, by_alias: bool) -> Iterator[Given]:
        """Response types of the handlers that give aliases, or of those that give attributes."""
        for route in self.project.routes.handlers:
            option = route.option("response_model_by_alias")
            response = self.response_type(route)
            if response is not None and (option is None or option.value is not False) is by_alias:
                yield response

    def _closure(self, types: Iterable[Given]) -> frozenset[str]:
        found: set[str] = set()
        queue = list(types)
        while queue:
            for each in self.inner(queue.pop()):
                cls = self.class_of(each)
                if cls is not None and cls.key not in found and self.is_schema(cls):
                    found.add(cls.key)
                    queue += [f.type for f in self.fields(cls).values() if f.type is not None]
        return frozenset(found)
