"""What FastAPI runs before a handler: ``Depends`` and ``Security``, opened to the bottom.

A provider is a function, a class, an instance with ``__call__``, or a function that makes one of
these; its own parameters are dependencies in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, TypeGuard

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, bound, elements, source

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, File, Function

PROVIDERS = {"fastapi.Depends": False, "fastapi.Security": True}
_DEPTH = 8


class Dependency:
    """One thing that ``Depends`` or ``Security`` receives.

    Attributes:
        name: Canonical name of the provider: of the function, the class, or the object; ""
            when it has none.
        is_security: Asked for by ``Security(...)``.
        given: The expression that names the provider.
        function: The first-party function that runs, when it is known.
        maker: The call that makes the provider (of a class or of a factory), if any.
        type: Class of the provider where it is an instance.
        parameter: Name of the parameter that receives the result, "" for none.
    """

    def __init__(self, given: Given, name: str, *, is_security: bool, parameter: str = "") -> None:
        self.given = given
        self.name = name
        self.is_security = is_security
        self.parameter = parameter
        self.function: Function | None = None
        self.maker: Call | None = None
        self.type = ""

    def __repr__(self) -> str:
        return f"Dependency({self.name!r})"

    @property
    def key(self) -> tuple[str, str, int]:
        """What two uses of the same provider share."""
        made = self.maker
        return (self.name, made.path if made else "", made.index if made else -1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dependency) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    @cached_property
    def children(self) -> list[Dependency]:
        """What the provider depends on itself."""
        providers = self.given.file.project.routes.providers
        found: list[Dependency] = []
        if self.function is not None:
            found += providers.of_function(self.function)
        cls = providers.project.classes.by_key.get(self.type or self.name)
        if cls is not None:
            found += providers.of_class(cls)
        return found


class Providers:
    """Reads dependencies out of signatures and lists."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._functions: dict[str, list[Dependency]] = {}
        self._classes: dict[str, list[Dependency]] = {}

    def closure(self, direct: list[Dependency]) -> list[Dependency]:
        """Dependencies with all they depend on, breadth first, each once."""
        found: dict[Dependency, None] = dict.fromkeys(direct)
        queue = list(found)
        for each in queue:
            for child in each.children:
                if child not in found:
                    found[child] = None
                    queue.append(child)
        return queue

    # Where dependencies are written ---------------------------------------------------------------

    def of_function(self, function: Function) -> list[Dependency]:
        """Dependencies in the parameters of a function."""
        known = self._functions.get(function.key)
        if known is None:
            known = [
                dep
                for param in function.fact.params
                if (dep := self._of_param(function.file, param, function)) is not None
            ]
            self._functions[function.key] = known
        return known

    def of_class(self, cls: Class) -> list[Dependency]:
        """Dependencies of the parameters of ``__init__``, or of the fields of a dataclass."""
        known = self._classes.get(cls.key)
        if known is None:
            self._classes[cls.key] = []
            init = self.project.classes.method(cls, "__init__")
            known = list(self.of_function(init)) if init is not None else self._of_fields(cls)
            self._classes[cls.key] = known
        return known

    def of_view(self, function: Function) -> list[Dependency]:
        """Dependencies that a class-based view takes for all of its methods."""
        cls = function.cls
        if cls is None:
            return []
        if not any(self._is_view(cls, each.value) for each in cls.fact.decorators):
            return []
        found = self._of_fields(cls)
        for name in cls.ancestors:  # views inherit the dependencies of their bases
            base = self.project.classes.by_key.get(name)
            found += self._of_fields(base) if base is not None else []
        return [*found, *(dep for dep in self.of_class(cls) if dep not in found)]

    def _is_view(self, cls: Class, decorator: Expr) -> bool:
        """Whether a class decorator makes a view: it is called with a router."""
        if not isinstance(decorator, tree.CallRef):
            return False
        args = cls.file.calls[decorator.index].fact.args
        routers = self.project.routers
        return any(routers.of(Given(cls.file, arg)) for arg in args)

    def _of_fields(self, cls: Class) -> list[Dependency]:
        found = []
        for name, fact in cls.attributes.items():
            dep = self._of_slot(cls.file, fact.annotation, fact.value, None, name)
            if dep is not None:
                found.append(dep)
        return found

    def listed(self, given: Given) -> list[Dependency]:
        """Dependencies of a ``dependencies=[...]`` list."""
        found = []
        for item in elements(given):
            dep = self.read(item, None)
            if dep is not None:
                found.append(dep)
        return found

    def _of_param(self, file: File, param: tree.Param, function: Function) -> Dependency | None:
        return self._of_slot(file, param.annotation, param.default, function, param.name)

    def _of_slot(
        self,
        file: File,
        annotation: Expr | None,
        default: Expr | None,
        function: Function | None,
        name: str,
    ) -> Dependency | None:
        """The dependency of one parameter or field, by its default or its ``Annotated``."""
        scope = function.parent if function is not None else None
        hint = None if annotation is None else Given(file, annotation, scope)
        if default is not None and isinstance(default, (tree.CallRef, tree.Name)):
            found = self.read(Given(file, default, scope), hint, name)
            if found is not None:
                return found
        for given, of in self._metadata(hint) if hint is not None else ():
            found = self.read(given, of, name)
            if found is not None:
                return found
        return None

    def _metadata(self, hint: Given) -> Iterator[tuple[Given, Given]]:
        """Metadata of an ``Annotated``, through aliases and unions with None."""
        for _ in range(_DEPTH):
            hint = self._unaliased(hint)
            expr = hint.expr
            if isinstance(expr, tree.Item):
                name = hint.file.resolve(expr.value, hint.function)
                parts = expr.index.items if isinstance(expr.index, tree.Seq) else (expr.index,)
                if name == "typing.Annotated" and parts:
                    for part in parts[1:]:
                        yield hint.at(part), hint.at(parts[0])
                    hint = hint.at(parts[0])
                    continue
                if name == "typing.Optional" and parts:
                    hint = hint.at(parts[0])
                    continue
            elif isinstance(expr, tree.Bin) and expr.op == "BitOr":
                hint = hint.at(expr.items[0])
                continue
            return

    def _unaliased(self, hint: Given) -> Given:
        """An annotation with module-level aliases followed."""
        found = hint
        while isinstance(found.expr, tree.Name):
            name = found.file.resolve(found.expr, found.function)
            alias = self.project.names.assignment_named(name)
            if alias is None or alias[1].value is None or alias[1].value == found.expr:
                break
            if not isinstance(alias[1].value, (tree.Item, tree.Bin, tree.Name)):
                break
            found = Given(alias[0], alias[1].value)
        return found

    # Reading one ----------------------------------------------------------------------------------

    def read(self, given: Given, hint: Given | None, parameter: str = "") -> Dependency | None:
        """The dependency that an expression is, None when it is no ``Depends``."""
        call, is_security = self._depends_call(given)
        if call is None:
            return None
        provider = call.arg(0, "dependency")
        target = hint
        if provider is not None:
            target = Given(call.file, provider, call.function, given.known)
        if target is None:
            return None
        dep = Dependency(target, "", is_security=is_security, parameter=parameter)
        self._open(dep, target)
        return dep

    def _depends_call(self, given: Given, depth: int = 0) -> tuple[Call | None, bool]:
        """The ``Depends(...)`` call behind an expression, and whether it is ``Security``."""
        given = source(given)
        if depth > _DEPTH or not isinstance(given.expr, tree.CallRef):
            return None, False
        call = given.file.calls[given.expr.index]
        name = given.file.resolve(call.fact.func, given.function)
        if name in PROVIDERS:
            return call, PROVIDERS[name]
        function = self.project.names.function_named(name) if name else None
        if function is not None and len(function.returned) == 1:
            inner = Given(function.file, function.returned[0], function)
            return self._depends_call(inner, depth + 1)
        return None, False

    def _open(self, dep: Dependency, target: Given) -> None:
        """Fill in what a provider is."""
        target = target.behind
        if isinstance(target.expr, tree.Op) and target.expr.kind == "Lambda":
            target = target.at(target.expr.items[0])
        if not isinstance(target.expr, tree.CallRef):
            dep.name = self.project.values.callee_of(target.file, target.expr, target.function)
            self._open_name(dep)
            if dep.function is not None or dep.name in self.project.classes.by_key:
                return
            followed = source(target)
            if not isinstance(followed.expr, tree.CallRef):
                return
            target = followed
        self._open_call(dep, target)

    def _open_name(self, dep: Dependency) -> None:
        dep.function = self.project.names.function_named(dep.name) if dep.name else None

    def _open_call(self, dep: Dependency, target: Given) -> None:
        """A provider that a call makes: an instance, or the inner function of a factory."""
        if not isinstance(target.expr, tree.CallRef):
            return
        call = target.file.calls[target.expr.index]
        dep.maker = call
        made = self.project.values.callee_of(target.file, call.fact.func, target.function)
        dep.name = dep.name or made
        if made == "functools.partial" and call.fact.args:
            dep.name = ""
            dep.maker = None
            self._open(dep, target.at(call.fact.args[0]))
            return
        if made in self.project.classes.by_key or _is_class_name(made):
            dep.type = made
            dep.function = self.project.names.function_named(f"{made}.__call__")
            return
        factory = self.project.names.function_named(made) if made else None
        if factory is not None:
            dep.function = self._made_by(factory, call) or factory

    def _made_by(self, factory: Function, call: Call) -> Function | None:
        """The function that a factory returns where it is called so; the first of several."""
        for value in factory.returned:
            for branch in self._branches(value, factory, call):
                name = self.project.values.callee_of(factory.file, branch, factory)
                if isinstance(branch, tree.CallRef):
                    name = f"{name}.__call__"
                found = self.project.names.function_named(name) if name else None
                if found is not None:
                    return found
        return None

    def _branches(self, value: Expr, factory: Function, call: Call) -> tuple[Expr, ...]:
        """The branches of a conditional expression that the arguments of a call leave open."""
        if not _is_conditional(value):
            return (value,)
        known = bound(factory, call, call.function)
        test = Given(factory.file, value.items[0], factory, known).value
        if isinstance(test, bool):
            return (value.items[1 if test else 2],)
        return value.items[1:]


def _is_conditional(expr: Expr) -> TypeGuard[tree.Op]:
    return isinstance(expr, tree.Op) and expr.kind == "IfExp"


def _is_class_name(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last[:1].isupper() and not last.isupper()
