"""Which application or router an expression stands for, and how they are joined.

A router is known by what binds it: a module variable, a local one, an attribute, a parameter
that callers fill. ``include_router`` and ``mount`` are the hops from a router up to the
application; handing a router to a parameter is a hop that changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.given import Given, elements, passed, turns
from checks.project.names import Target
from checks.project.routers import Hop, Router

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, File, Function

APPLICATION = "fastapi.FastAPI"
ROUTER_CLASSES = frozenset(
    {
        "fastapi.APIRouter",
        "fastapi_utils.inferring_router.InferringRouter",
        "fastapi_restful.inferring_router.InferringRouter",
        "fastapi_versionizer.versionizer.VersionedRouter",
    }
)
_DEPTH = 10


class RouterGraph:
    """All applications and routers of a project, and the hops between them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.unresolved: list[Call] = []
        self._by_call: dict[tuple[str, int], Router] = {}
        self._parameters: dict[str, Router | None] = {}
        self._objects: dict[str, list[Router]] = {}
        self._answers: dict[str, list[Router]] = {}

    @cached_property
    def files(self) -> list[File]:
        """Files whose routers count: parsed, neither excluded nor test nor migration."""
        return [f for f in self.project.analysed if not f.is_test and not f.is_migration]

    # Types ----------------------------------------------------------------------------------------

    def kind_of(self, name: str) -> str:
        """``application`` or ``router`` for a canonical class name, "" for any other."""
        if name == APPLICATION:
            return "application"
        if name in ROUTER_CLASSES:
            return "router"
        return self._subclasses.get(name, "")

    @cached_property
    def _subclasses(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, cls in self.project.classes.by_key.items():
            if not cls.fact.bases:
                continue
            ancestors = cls.ancestors
            if APPLICATION in ancestors:
                found[key] = "application"
            elif not ROUTER_CLASSES.isdisjoint(ancestors):
                found[key] = "router"
        return found

    @cached_property
    def _spellings(self) -> frozenset[str]:
        """Last names under which any file may call a router class."""
        found = {"FastAPI", *(name.rpartition(".")[2] for name in ROUTER_CLASSES)}
        found |= {name.rpartition(".")[2] for name in self._subclasses}
        for _ in range(3):
            before = len(found)
            for file in self.files:
                found |= {
                    row.alias for row in file.facts.imports if row.alias and row.name in found
                }
                for assign in file.facts.assigns:
                    value, target = assign.value, assign.targets[0]
                    if isinstance(value, tree.Name) and value.id.rpartition(".")[2] in found:
                        found.add(tree.dotted(target).rpartition(".")[2])
            if len(found) == before:
                break
        return frozenset(found - {""})

    # Constructions --------------------------------------------------------------------------------

    @cached_property
    def all(self) -> list[Router]:
        """All constructed applications and routers, with their hops, in order of path and line."""
        found = self._constructed
        self._connect()
        return found

    @property
    def applications(self) -> list[Router]:
        """The FastAPI objects."""
        return [router for router in self.all if router.kind == "application"]

    @cached_property
    def _constructed(self) -> list[Router]:
        found = []
        for file in self.files:
            calls = file.calls_named(*self._spellings)
            if not calls:
                continue
            bound = {
                assign.value.index: assign
                for assign in file.facts.assigns
                if isinstance(assign.value, tree.CallRef)
            }
            for call in calls:
                name = file.resolve(call.fact.func, call.function)
                kind = self.kind_of(name)
                if kind:
                    key = _binding_key(call, bound.get(call.index))
                    router = Router(key, kind, file, call.line, call.function, call)
                    router.type = name
                    self._by_call[(file.path, call.index)] = router
                    found.append(router)
        return found

    # Expressions ----------------------------------------------------------------------------------

    def of(self, given: Given, depth: int = 0) -> list[Router]:
        """The routers that an expression may stand for; empty when it is none that we know."""
        _ = self._constructed
        if depth > _DEPTH:
            return []
        given = given.behind
        match given.expr:
            case tree.Name(id=text):
                return self._of_name(given, text, depth)
            case tree.CallRef(index=index):
                return self._of_call(given, index, depth)
            case tree.Attr(value=value, attr=attr):
                owner = given.file.type_of(value, given.function)
                if attr == "router" and self.kind_of(owner) == "application":
                    return self.of(given.at(value), depth + 1)
                return self._of_attribute(owner, attr, depth)
            case tree.Op(kind="IfExp", items=(_, body, orelse)):
                return self._many(given, (body, orelse), depth)
            case tree.Op(kind="Or" | "Await", items=items):
                return self._many(given, items, depth)
            case tree.Op(kind="NamedExpr", items=(_, value)):
                return self.of(given.at(value), depth + 1)
        return []

    def _many(self, given: Given, items: tuple[Expr, ...], depth: int) -> list[Router]:
        return [router for item in items for router in self.of(given.at(item), depth + 1)]

    def _of_call(self, given: Given, index: int, depth: int) -> list[Router]:
        made = self._by_call.get((given.file.path, index))
        if made is not None:
            return [made]
        call = given.file.calls[index]
        function = self.project.names.function_named(call.name)
        if function is not None:
            return self._returned(function, depth)
        # a library's function that takes a router hands it on: add_pagination(FastAPI())
        if call.name in self.project.classes.by_key:
            return []
        return self._many(given, call.fact.args[:1], depth)

    def _returned(self, function: Function, depth: int) -> list[Router]:
        known = self._answers.get(function.key)
        if known is None:
            self._answers[function.key] = []
            known = []
            for value in function.returned:
                for router in self.of(Given(function.file, value, function), depth + 1):
                    if router not in known:
                        known.append(router)
            self._answers[function.key] = known
        return known

    def _of_name(self, given: Given, text: str, depth: int) -> list[Router]:
        file, function = given.file, given.function
        head, dot, last = text.rpartition(".")
        if dot:
            owner = file.type_of(tree.Name(head), function)
            if last == "router" and self.kind_of(owner) == "application":
                return self._of_name(given, head, depth + 1)
            if owner:
                return self._of_attribute(owner, last, depth)
            return self._object(file.resolve(text, function), depth)
        binding, owner_function = self.project.names.binding(file, text, function)
        if owner_function is None:
            return self._object(file.resolve(text, function), depth)
        return self._of_binding(file, text, binding, owner_function, depth)

    def _of_binding(
        self, file: File, name: str, binding: object, owner: Function | None, depth: int
    ) -> list[Router]:
        match binding:
            case tree.Param():
                router = None if owner is None else self._parameter(file, binding, owner)
                return [] if router is None else [router]
            case Assign(value=value) if value is not None:
                if isinstance(binding.targets[0], tree.Name):
                    return self.of(Given(file, value, owner), depth + 1)
            case Target(expr=expr) if expr is not None and binding.kind in {"for", "comp"}:
                items = elements(Given(file, expr, owner))
                return [router for item in items for router in self.of(item, depth + 1)]
            case tree.Import():
                return self._object(file.resolve(name, owner), depth)
        return []

    def _object(self, name: str, depth: int) -> list[Router]:
        """Routers behind a canonical name."""
        known = self._objects.get(name)
        if known is None:
            self._objects[name] = []
            known = self._objects[name] = self._of_object(name, depth)
        return known

    def _of_object(self, name: str, depth: int) -> list[Router]:
        split = self.project.layout.split(name)
        if split is None or not split[1]:
            return []
        file, rest = split
        binding = file.scope.module.get(rest)
        if binding is not None:
            return self._of_binding(file, rest, binding, None, depth)
        head, dot, last = name.rpartition(".")
        if not dot or head == file.key:
            return []
        if head in self.project.classes.by_key:
            return self._of_attribute(head, last, depth)
        return self._of_attribute(self.project.values.type_of_name(head), last, depth)

    def _of_attribute(self, owner: str, attr: str, depth: int) -> list[Router]:
        """Routers behind an attribute of a class, assigned in its body or through ``self``."""
        cls = self.project.classes.by_key.get(owner)
        if cls is None:
            return []
        for name in (owner, *cls.ancestors):
            current = self.project.classes.by_key.get(name)
            for given in _attribute_values(current, attr) if current is not None else ():
                found = self.of(given, depth + 1)
                if found:
                    return found
        return []

    # Parameters -----------------------------------------------------------------------------------

    def _parameter(self, file: File, param: tree.Param, function: Function) -> Router | None:
        """The router that a parameter stands for, when its annotation or a caller says so."""
        key = f"{function.key}({param.name})"
        if key in self._parameters:
            return self._parameters[key]
        self._parameters[key] = None
        kind = self.kind_of(self.project.values.of_annotation(file, param.annotation, function))
        hops = []
        for call in self.project.calls.callers(function):
            for given in passed(call, function, param.name):
                hops += [Hop(router, None, "same", {}) for router in self.of(given)]
        if not kind and not hops:
            return None
        router = Router(key, "parameter", file, function.line, function, None)
        router.type = kind
        router.hops = hops
        if kind == "application" and not hops:
            router.kind = "application"
        self._parameters[key] = router
        return router

    # Hops -----------------------------------------------------------------------------------------

    def _connect(self) -> None:
        for file in self.files:
            for call in file.calls_named("include_router", "mount"):
                self._connect_call(call)

    def _connect_call(self, call: Call) -> None:
        receiver = call.receiver
        if receiver is None:
            return
        kind = "include" if call.last == "include_router" else "mount"
        child = call.arg(0, "router") if kind == "include" else call.arg(1, "app")
        if child is None:
            return
        parents = self.of(Given(call.file, receiver, call.function))
        if not parents:
            return
        for known in turns(call):
            given = Given(call.file, child, call.function, known)
            routers = self.of(given)
            if not routers and kind == "include" and self._may_be_ours(given):
                self.unresolved.append(call)
            for router in routers:
                router.hops += [Hop(p, call, kind, known) for p in parents if p is not router]

    def _may_be_ours(self, given: Given) -> bool:
        """Whether what is included is no object of a library."""
        name = given.name
        return not name or "." not in name or self.project.layout.split(name) is not None


def _binding_key(call: Call, assign: Assign | None) -> str:
    """Canonical name of what a construction is assigned to."""
    file, function = call.file, call.function
    target = tree.dotted(assign.targets[0]) if assign is not None else ""
    if not target:
        return f"{file.key}:{call.line}:{call.fact.column}"
    if function is None:
        owner = file.class_of(call.fact.cls)
        return f"{owner.key if owner is not None else file.key}.{target}"
    head, dot, last = target.partition(".")
    own = function.fact.params[0].name if function.fact.params else ""
    if dot and function.cls is not None and own == head:
        return f"{function.cls.key}.{last}"
    return f"{function.key}.{target}"


def _attribute_values(cls: Class, attr: str) -> Iterator[Given]:
    fact = cls.attributes.get(attr)
    if fact is not None and fact.value is not None:
        yield Given(cls.file, fact.value)
    method = cls.methods.get(attr)
    if method is not None:
        for value in method.returned:
            yield Given(cls.file, value, method)
    for method, assign in cls.own_assigns.get(attr, ()):
        if assign.value is not None:
            yield Given(cls.file, assign.value, method)
