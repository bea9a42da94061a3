"""Which ORM model the objects of an expression are: rows that were queried, made or handed on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.given import Given
from checks.project.names import Target
from checks.project.schemas import arguments
from checks.project.subjects import Call

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Class, Function

_DEPTH = 30
_FOUND_BY = frozenset({"select", "query", "get", "get_one"})
_COPIES = frozenset("builtins.list builtins.tuple builtins.sorted builtins.reversed".split())
_EXECUTED = frozenset("execute exec scalar scalars stream stream_scalars first all one".split())
_LOOPS = frozenset({"for", "async for", "comp"})


class Entities:
    """Follows values back to the models that they are rows of."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._returned: dict[str, Class | None] = {}

    def of(self, given: Given, depth: int = 0) -> Class | None:
        """The model whose rows a value is, or holds as a list; None when it is not known."""
        if depth > _DEPTH:
            return None
        expr = given.expr
        match expr:
            case tree.Op(kind="Await" | "Starred", items=(inner,)):
                return self.of(given.at(inner), depth + 1)
            case tree.Op(kind="ListComp" | "GeneratorExp", items=items):
                return self.of(given.at(items[0]), depth + 1)
            case tree.Op(kind="IfExp", items=(_, *branches)) | tree.Op(kind="Or", items=branches):
                found = (self.of(given.at(each), depth + 1) for each in branches)
                return next((each for each in found if each is not None), None)
            case tree.Op(kind="NamedExpr", items=(_, value)):
                return self.of(given.at(value), depth + 1)
            case tree.Item(value=value):
                return self.of(given.at(value), depth + 1)
            case tree.Seq(items=(first, *_)):
                return self.of(given.at(first), depth + 1)
            case tree.Name(id=text):
                return self._of_name(given, text, depth)
            case tree.CallRef(index=index):
                return self._of_call(given, Call(given.file, index), depth)
        return self._model(given.file.type_of(expr, given.function))

    def _model(self, name: str) -> Class | None:
        cls = self.project.classes.by_key.get(name)
        return cls if cls is not None and self.project.classes.role(cls) == "orm" else None

    def annotated(self, given: Given) -> Class | None:
        """The only model in an annotation."""
        found = {
            cls.key: cls
            for cls in self.project.schemas.contained(given)
            if self.project.classes.role(cls) == "orm"
        }
        return next(iter(found.values())) if len(found) == 1 else None

    def _of_name(self, given: Given, text: str, depth: int) -> Class | None:
        file, function = given.file, given.function
        found = self._model(file.type_of(given.expr, function))
        if found is not None or "." in text:
            return found
        binding, owner = self.project.names.binding(file, text, function)
        if isinstance(binding, tree.Param) and binding.annotation is not None:
            return self.annotated(Given(file, binding.annotation, owner))
        if isinstance(binding, Assign):
            if binding.annotation is not None:
                return self.annotated(Given(file, binding.annotation, owner))
            if binding.value is not None and isinstance(binding.targets[0], tree.Name):
                return self.of(Given(file, binding.value, owner), depth + 1)
        if isinstance(binding, Target) and binding.kind in _LOOPS and binding.expr is not None:
            return self.of(Given(file, binding.expr, owner), depth + 1)
        return None

    def _of_call(self, given: Given, call: Call, depth: int) -> Class | None:
        found = self._model(given.file.type_of(given.expr, given.function))
        if found is not None:
            return found
        if call.name in _COPIES and call.fact.args:
            return self.of(given.at(call.fact.args[0]), depth + 1)
        targets = self.project.calls.resolve(call)
        for target in targets:
            found = self._of_function(target, call, depth)
            if found is not None:
                return found
        return None if targets else self._queried(given, call, depth)

    def _queried(self, given: Given, call: Call, depth: int) -> Class | None:
        """What a chain of query methods, or a statement that is executed, selects."""
        arguments = call.fact.args
        if call.last in _FOUND_BY and arguments:
            found = self._model(given.file.resolve(arguments[0], given.function))
            if found is not None and isinstance(arguments[0], tree.Name):
                return found
        if call.last in _EXECUTED and arguments:
            found = self.of(given.at(arguments[0]), depth + 1)
            if found is not None:
                return found
        receiver = call.receiver
        return None if receiver is None else self.of(given.at(receiver), depth + 1)

    def _of_function(self, function: Function, call: Call, depth: int) -> Class | None:
        """What a first-party function returns: by its annotation, its body, or its class."""
        if function.fact.generator or function.name == "__init__":
            return None
        returns = function.fact.returns
        if returns is not None:
            found = self.annotated(Given(function.file, returns, function))
            return found or self._of_parameter(function, returns, call)
        if function.key not in self._returned:
            self._returned[function.key] = None
            values = (Given(function.file, value, function) for value in function.returned)
            found_all = (self.of(value, depth + 1) for value in values)
            self._returned[function.key] = next((e for e in found_all if e is not None), None)
        return self._returned[function.key]

    def _of_parameter(self, function: Function, returns: Expr, call: Call) -> Class | None:
        """The model that a generic base class is given, where a method returns its variable."""
        if function.cls is None or call.receiver is None:
            return None
        declared = self._variables(function.cls)
        wanted = [
            declared.index(each.name)
            for each in _parts(Given(function.file, returns))
            if each.name in declared
        ]
        cls = self.project.classes.by_key.get(call.file.type_of(call.receiver, call.function))
        for owner in [] if cls is None else [cls, *self.project.models.bases(cls)]:
            for base in owner.fact.bases:
                if not isinstance(base, tree.Item) or not wanted:
                    continue
                if owner.file.resolve(base) == function.cls.key:
                    given = arguments(Given(owner.file, base))
                    named = [given[at].name for at in wanted if at < len(given)]
                    found = (self._model(name) for name in named)
                    return next((each for each in found if each is not None), None)
        return None

    def _variables(self, cls: Class) -> list[str]:
        """Canonical names of the type variables of a generic class, in order."""
        for base in cls.fact.bases:
            if isinstance(base, tree.Item) and cls.file.resolve(base) == "typing.Generic":
                return [each.name for each in arguments(Given(cls.file, base))]
        return []


def _parts(given: Given) -> Iterator[Given]:
    """The names in an annotation."""
    for node in tree.walk(given.expr):
        if isinstance(node, tree.Name):
            yield given.at(node)
