"""What kind of value an expression is: the class behind parameters, attributes and variables.

A type is the canonical name of a class, without its arguments; "" when it is not known. What
cannot be inferred is not guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project import wellknown
from checks.project.appstate import AppState
from checks.project.names import Target

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, File, Function

_DEPTH = 12
_NESTED = 40
_UNWRAP = frozenset(
    "typing.Annotated typing.Optional typing.ClassVar typing.Final typing.Required "
    "typing.Awaitable typing.AsyncGenerator typing.Generator typing.AsyncIterator typing.Iterator "
    "typing.AsyncIterable typing.Iterable typing.Coroutine "
    "collections.abc.Awaitable collections.abc.AsyncGenerator collections.abc.Generator "
    "collections.abc.AsyncIterator collections.abc.Iterator collections.abc.AsyncIterable "
    "collections.abc.Iterable contextlib.AbstractContextManager "
    "contextlib.AbstractAsyncContextManager typing.ContextManager typing.AsyncContextManager "
    "sqlalchemy.orm.Mapped dishka.FromDishka dishka.integrations.base.FromDishka "
    "dishka.integrations.fastapi.FromDishka".split()
)
_PROVIDERS = frozenset({"fastapi.Depends", "fastapi.Security"})


class Values:
    """Infers types of values; remembers each answer.

    The type of a name is inferred from the start wherever it is asked for, so that it does not
    matter which check asks first; only names nested very deeply in each other are given up.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._memo: dict[tuple[str, int, str], str] = {}
        self._callees: dict[tuple[str, int], str] = {}
        self._nested = 0
        self._app_state = AppState(project)

    # Expressions ------------------------------------------------------------------------------

    def type_of(
        self, file: File, expr: Expr | None, function: Function | None = None, depth: int = 0
    ) -> str:
        """Type of a value as seen in a function."""
        if expr is None or depth > _DEPTH:
            return ""
        match expr:
            case tree.Name(id=text):
                return self._of_text(file, text, function)
            case tree.Attr(value=value, attr=attr):
                return self._attribute(self.type_of(file, value, function, depth + 1), attr, depth)
            case tree.CallRef(index=index):
                return self._of_call(file, file.facts.calls[index], function, depth)
            case tree.Op(kind="Await" | "Starred", items=(value,)):
                return self.type_of(file, value, function, depth + 1)
            case tree.Op(kind="NamedExpr", items=(_, value)):
                return self.type_of(file, value, function, depth + 1)
            case tree.Op(kind="IfExp" | "Or" | "And", items=items):
                candidates = items[1:] if expr.kind == "IfExp" else items
                found = (self.type_of(file, item, function, depth + 1) for item in candidates)
                return next((each for each in found if each), "")
            case tree.Const(kind=kind):
                return "" if kind == "NoneType" else f"builtins.{kind}"
            case tree.Fmt():
                return "builtins.str"
            case tree.Seq(kind=kind):
                return f"builtins.{kind}"
            case tree.Map():
                return "builtins.dict"
        return ""

    def _of_text(self, file: File, text: str, function: Function | None) -> str:
        memo = (file.path, function.index if function is not None else -1, text)
        known = self._memo.get(memo)
        if known is None and self._nested < _NESTED:
            self._memo[memo] = ""
            self._nested += 1
            try:
                known = self._memo[memo] = self._infer(file, text, function)
            finally:
                self._nested -= 1
        return known or ""

    def _infer(self, file: File, text: str, function: Function | None) -> str:
        head, dot, last = text.rpartition(".")
        if not dot:
            return self._of_name(file, text, function, 0)
        known = self._attribute(self._of_text(file, head, function), last, 0)
        known = known or self.type_of_name(file.resolve(text, function))
        return known or (self._app_state.type_of(text) if head.endswith(".state") else "")

    def _of_name(self, file: File, name: str, function: Function | None, depth: int) -> str:
        binding, owner = self.project.names.binding(file, name, function)
        if owner is not None:
            found = self._of_local(file, name, binding, owner, depth)
            if found or isinstance(binding, tree.Param):
                return found
        method = function
        while method is not None and method.fact.cls < 0 and method.parent is not None:
            method = method.parent
        if method is not None and method.cls is not None and binding is None:
            return ""
        return self.type_of_name(file.resolve(name, function))

    def _of_local(self, file: File, name: str, binding: object, owner: Function, depth: int) -> str:
        if isinstance(binding, tree.Param):
            return self._of_param(file, binding, owner, depth)
        if isinstance(binding, Assign):
            if binding.annotation is not None:
                return self.of_annotation(file, binding.annotation, owner)
            if len(binding.targets) == 1 and isinstance(binding.targets[0], tree.Name):
                return self.type_of(file, binding.value, owner, depth + 1)
            return self._unpacked(file, binding, name, owner, depth + 1)
        if isinstance(binding, Target):
            return self._of_target(file, binding, owner, depth)
        return ""

    def _unpacked(
        self, file: File, assign: Assign, name: str, owner: Function | None, depth: int
    ) -> str:
        """Type of one of the names that ``a, b = f()`` binds."""
        names = assign.targets[0].items if isinstance(assign.targets[0], tree.Seq) else ()
        place = next((i for i, each in enumerate(names) if each == tree.Name(name)), -1)
        value = assign.value
        if isinstance(value, tree.Op) and value.kind == "Await":
            value = value.items[0]
        if place < 0 or not isinstance(value, tree.CallRef):
            return ""
        callee = self.callee_of(file, file.facts.calls[value.index].func, owner, depth)
        known = wellknown.SEVERAL.get(callee, ())
        function = self.project.names.function_named(callee)
        if function is None:
            return known[place] if place < len(known) else ""
        for each in function.returned:
            if isinstance(each, tree.Seq) and place < len(each.items):
                return self.type_of(function.file, each.items[place], function, depth + 1)
        return ""

    def _of_target(self, file: File, target: Target, owner: Function | None, depth: int) -> str:
        """Type of a name bound by with, for or except."""
        if target.kind == "except":
            return "" if isinstance(target.expr, tree.Seq) else file.resolve(target.expr, owner)
        if target.kind in {"with", "async with"}:
            manager = self.type_of(file, target.expr, owner, depth + 1)
            for name in ("__enter__", "__aenter__"):
                enter = self.project.names.function_named(f"{manager}.{name}") if manager else None
                if enter is not None:
                    return self._returned(enter, depth + 1) or manager
            return manager
        if isinstance(target.expr, tree.CallRef):
            call = file.facts.calls[target.expr.index]
            callee = self.callee_of(file, call.func, owner, depth + 1)
            function = self.project.names.function_named(callee)
            if function is not None and function.fact.generator:
                return self._returned(function, depth + 1)
        return ""

    def _of_param(self, file: File, param: tree.Param, owner: Function, depth: int) -> str:
        cls = owner.cls
        first = owner.fact.params[0].name if owner.fact.params else ""
        if cls is not None and param.name == first and param.annotation is None:
            static = owner.decorated_by("builtins.staticmethod")
            return "" if static else cls.key
        found = self.of_annotation(file, param.annotation, owner)
        if found or param.default is None:
            return found
        if isinstance(param.default, tree.CallRef):
            call = file.facts.calls[param.default.index]
            if file.resolve(call.func, owner) in _PROVIDERS and call.args:
                return self._result_of(file.resolve(call.args[0], owner), depth)
        return ""

    # Annotations --------------------------------------------------------------------------------

    def of_annotation(self, file: File, expr: Expr | None, function: Function | None = None) -> str:
        """Class an annotation names; Annotated, Optional, unions with None, aliases unwrapped."""
        for _ in range(_DEPTH):
            match expr:
                case None:
                    return ""
                case tree.Const(kind="str", value=str(text)):
                    text = text.strip().split("|")[0].strip()
                    return file.resolve(text, function) if text.isidentifier() else ""
                case tree.Bin(op="BitOr", items=items):
                    rest = [item for item in items if not _is_none(item)]
                    expr = rest[0] if len(rest) == 1 else None
                case tree.Item(value=value, index=index):
                    name = file.resolve(value, function)
                    if name in _UNWRAP:
                        expr = (
                            index.items[0] if isinstance(index, tree.Seq) and index.items else index
                        )
                    elif name == "typing.Union" and isinstance(index, tree.Seq):
                        rest = [item for item in index.items if not _is_none(item)]
                        expr = rest[0] if len(rest) == 1 else None
                    else:
                        return name
                case tree.Name():
                    name = file.resolve(expr, function)
                    alias = self.project.names.assignment_named(name)
                    if alias is None or not isinstance(alias[1].value, (tree.Item, tree.Bin)):
                        return name
                    file, expr, function = alias[0], alias[1].value, None
                case _:
                    return file.resolve(expr, function)
        return ""

    # Calls --------------------------------------------------------------------------------------

    def callee(self, call: Call) -> str:
        """Canonical name of what a call calls.

        ``self.repo.get(...)`` becomes ``app.repo.UserRepository.get`` where the attribute's
        class is known; otherwise the name as far as imports and aliases lead.
        """
        memo = (call.file.path, call.index)
        known = self._callees.get(memo)
        if known is None:
            self._callees[memo] = ""
            known = self._callees[memo] = self.callee_of(call.file, call.fact.func, call.function)
        return known

    def callee_of(
        self, file: File, func: Expr, function: Function | None = None, depth: int = 0
    ) -> str:
        """Canonical name of a callee expression."""
        if depth > _DEPTH:
            return ""
        match func:
            case tree.Name(id=text):
                head, dot, last = text.rpartition(".")
                if dot:
                    owner = self._of_text(file, head, function)
                    if owner and not owner.startswith("builtins."):
                        return f"{owner}.{last}"
                return file.resolve(func, function)
            case tree.Attr(value=value, attr=attr):
                owner = self.type_of(file, value, function, depth + 1)
                if not owner and isinstance(value, tree.CallRef):
                    inner = file.facts.calls[value.index].func
                    made = self.callee_of(file, inner, function, depth + 1)
                    return f"{made}().{attr}" if made else ""
                return f"{owner}.{attr}" if owner else ""
            case tree.CallRef() | tree.Item():
                return self.type_of(file, func, function, depth + 1)
        return ""

    def _of_call(self, file: File, call: tree.Call, function: Function | None, depth: int) -> str:
        func = call.func
        name = self.callee_of(file, func, function, depth + 1)
        if isinstance(func, tree.Name):
            instance = self._of_text(file, func.id, function)
            if instance:
                return wellknown.INSTANCES.get(instance) or self._result_of(
                    f"{instance}.__call__", depth
                )
        if name in {"builtins.next", "builtins.anext"} and call.args:
            found = self.type_of(file, call.args[0], function, depth + 1)
            return "" if found.startswith("builtins.") else found
        if name == "builtins.super" and function is not None and function.cls is not None:
            return next(iter(function.cls.ancestors), "")
        return self._result_of(name, depth)

    def _result_of(self, name: str, depth: int) -> str:
        """Type of the result of calling what a canonical name stands for."""
        if not name or depth > _DEPTH:
            return ""
        if name in self.project.classes.by_key:
            return name
        function = self.project.names.function_named(name)
        if function is not None:
            return self._returned(function, depth)
        foreign = self.project.layout.split(name) is None
        found = wellknown.made_by(name) if foreign and "." in name else ""
        if found:
            return found
        last = name.rpartition(".")[2]
        made = last[:1].isupper() and not last.isupper() and not name.startswith("builtins.")
        if made or name in wellknown.INSTANCES:
            return name
        head, dot, method = name.rpartition(".")
        if dot and method in {"from_url", "from_env", "create", "from_settings"}:
            return head if head.rpartition(".")[2][:1].isupper() else ""
        return ""

    def _returned(self, function: Function, depth: int) -> str:
        if function.fact.returns is not None:
            found = self.of_annotation(function.file, function.fact.returns, function)
            if found not in {"", "typing.Any", "builtins.object"}:
                if found == "typing.Self" and function.cls is not None:
                    return function.cls.key
                return found
        kinds = {"yield"} if function.fact.generator else {"return"}
        for statement in function.statements:
            if statement.kind in kinds and statement.value is not None:
                found = self.type_of(function.file, statement.value, function, depth + 1)
                if found:
                    return found
        return ""

    # Attributes and named objects ---------------------------------------------------------------

    def _attribute(self, owner: str, attr: str, depth: int) -> str:
        """Type of an attribute of a typed value."""
        if not owner or depth > _DEPTH:
            return ""
        cls = self.project.classes.by_key.get(owner)
        if cls is None:
            return ""
        for name in (owner, *cls.ancestors):
            current = self.project.classes.by_key.get(name)
            if current is None:
                continue
            found = self._own_attribute(current, attr, depth)
            if found:
                return found
        return ""

    def _own_attribute(self, cls: Class, attr: str, depth: int) -> str:
        fact = cls.attributes.get(attr)
        if fact is not None:
            found = self.of_annotation(cls.file, fact.annotation)
            return found or self.type_of(cls.file, fact.value, None, depth + 1)
        method = cls.methods.get(attr)
        if method is not None and method.decorated_by(
            "builtins.property", "functools.cached_property"
        ):
            return self._returned(method, depth + 1)
        for method, assign in cls.own_assigns.get(attr, ()):
            if len(assign.targets) == 1:
                found = self.of_annotation(cls.file, assign.annotation, method)
                found = found or self.type_of(cls.file, assign.value, method, depth + 1)
                if found:
                    return found
        return ""

    def type_of_name(self, name: str) -> str:
        """Type of the object a canonical name stands for (module-level variables of any file)."""
        if name in wellknown.OBJECTS:
            return wellknown.OBJECTS[name]
        memo = ("", -2, name)
        known = self._memo.get(memo)
        if known is None and self._nested < _NESTED:
            self._memo[memo] = ""
            self._nested += 1
            try:
                known = self._memo[memo] = self._of_object(name)
            finally:
                self._nested -= 1
        return known or ""

    def _of_object(self, name: str) -> str:
        split = self.project.layout.split(name)
        if split is not None:
            bound = split[0].scope.module.get(split[1])
            if isinstance(bound, Target):
                return self._of_target(split[0], bound, None, 1)
        found = self.project.names.assignment_named(name)
        if found is not None:
            file, assign = found
            named = self.of_annotation(file, assign.annotation)
            if named or assign.op.startswith("type"):
                return named
            if len(assign.targets) == 1 and isinstance(assign.targets[0], tree.Name):
                return self.type_of(file, assign.value, None, 1)
            return self._unpacked(file, assign, name.rpartition(".")[2], None, 1)
        head, dot, last = name.rpartition(".")
        if dot and head in self.project.classes.by_key:
            return self._attribute(head, last, 1)
        if dot and self.project.names.assignment_named(head) is not None:
            return self._attribute(self.type_of_name(head), last, 1)
        return ""


def _is_none(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"
