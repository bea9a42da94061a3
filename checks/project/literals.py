"""What an expression is worth, as far as constants, settings and defaults tell.

Follows names to module constants, class attributes, enum members, defaults of settings fields
and of environment look-ups; joins f-strings and ``+``. What cannot be known is :data:`UNKNOWN`,
never guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.given import Given, bound
from checks.project.names import Target

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Class, File, Function

_DEPTH = 16
_MAX_CALL_DEPTH = 6
_MAX_FACTOR = 1 << 40
_STATUS = re.compile(r"HTTP_(\d{3})_\w+\Z")
_ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "os.environ.setdefault"})
_CONFIGS = frozenset(
    {"decouple.config", "starlette.config.Config.__call__", "starlette.config.Config"}
)
_COPIES = frozenset({"builtins.str", "builtins.list", "builtins.tuple", "builtins.set"})
_FIELDS = frozenset({"pydantic.Field", "pydantic.fields.Field", "dataclasses.field"})
_TEXT_METHODS: dict[str, Callable[..., Any]] = {
    "split": str.split,
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "lower": str.lower,
    "upper": str.upper,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
}


class Unknown:
    """The value of what cannot be known without running the program."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = Unknown()


class Literals:
    """Evaluates expressions of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def value(self, given: Given, depth: int = 0) -> Any:
        """Value of an expression as str, int, float, bool, None, list or dict, or UNKNOWN."""
        if depth > _DEPTH:
            return UNKNOWN
        given = given.behind
        match given.expr:
            case tree.Const(kind="bytes"):
                return UNKNOWN
            case tree.Const(kind=kind, value=value):
                return value if value is not None or kind == "NoneType" else UNKNOWN
            case tree.Name():
                return self._of_name(given, given.expr.id, depth)
            case tree.Attr(value=base, attr=attr):
                return self._of_attribute(given, base, attr, depth)
            case tree.Fmt(parts=parts):
                texts = [self.value(given.at(part), depth + 1) for part in parts]
                known = all(isinstance(text, (str, int)) for text in texts)
                return "".join(str(text) for text in texts) if known else UNKNOWN
            case tree.Seq(items=items):
                return self._sequence(given, items, depth)
            case tree.Map(keys=keys, values=values):
                return self._mapping(given, keys, values, depth)
            case tree.Bin(op="Add" | "BitOr", items=items):
                return _joined([self.value(given.at(item), depth + 1) for item in items])
            case tree.Bin(op="Mult", items=items):
                return _product([self.value(given.at(item), depth + 1) for item in items])
            case tree.Op(kind="ListComp" | "GeneratorExp", items=items) if len(items) > 1:
                return self.value(given.at(items[1]), depth + 1)
            case tree.Op(kind="NamedExpr", items=(_, inner)):
                return self.value(given.at(inner), depth + 1)
            case tree.Op(kind="Not", items=(inner,)):
                value = self.value(given.at(inner), depth + 1)
                return UNKNOWN if isinstance(value, Unknown) else not value
            case tree.Op(kind="Or", items=items):
                return self._either(given, items, depth)
            case tree.CallRef(index=index):
                return self._of_call(given, given.file.facts.calls[index], depth)
        return UNKNOWN

    def _either(self, given: Given, items: tuple[Expr, ...], depth: int) -> Any:
        value: Any = UNKNOWN
        for item in items:
            value = self.value(given.at(item), depth + 1)
            if isinstance(value, Unknown) or value:
                break
        return value

    def _sequence(self, given: Given, items: tuple[Expr, ...], depth: int) -> list[Any]:
        found: list[Any] = []
        for item in items:
            if isinstance(item, tree.Op) and item.kind == "Starred":
                inner = self.value(given.at(item.items[0]), depth + 1)
                found.extend(inner if isinstance(inner, list) else [UNKNOWN])
            else:
                found.append(self.value(given.at(item), depth + 1))
        return found

    def _mapping(
        self, given: Given, keys: tuple[Expr | None, ...], values: tuple[Expr, ...], depth: int
    ) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, item in zip(keys, values, strict=True):
            value = self.value(given.at(item), depth + 1)
            name = None if key is None else self.value(given.at(key), depth + 1)
            if key is None:
                found.update(value if isinstance(value, dict) else {UNKNOWN: UNKNOWN})
            elif not isinstance(name, (list, dict)):
                found[name] = value
        return found

    # Names ----------------------------------------------------------------------------------------

    def _of_name(self, given: Given, text: str, depth: int) -> Any:
        file, function = given.file, given.function
        head, _, rest = text.partition(".")
        binding, owner = self.project.names.binding(file, head, function)
        if owner is not None and not rest:
            assigned = _plain_value(binding)
            if assigned is not None:
                return self.value(Given(file, assigned, owner, given.known), depth + 1)
            if isinstance(binding, Target) and binding.kind == "comp" and binding.expr is not None:
                return self.value(Given(file, binding.expr, owner, given.known), depth + 1)
            if isinstance(binding, tree.Param):
                return self._of_parameter(binding, owner, depth)
            if not isinstance(binding, tree.Import):
                return UNKNOWN
        if rest:
            base, _, attr = text.rpartition(".")
            owned = self._of_attribute(given, tree.Name(base), attr, depth)
            if not isinstance(owned, Unknown):
                return owned
        return self.named(file.resolve(text, function), depth + 1)

    def _of_parameter(self, param: tree.Param, owner: Function, depth: int) -> Any:
        """What all callers pass for a parameter, where they agree; else UNKNOWN."""
        if depth > _MAX_CALL_DEPTH:
            return UNKNOWN
        found: list[Any] = []
        for call in self.project.calls.callers(owner):
            given = bound(owner, call, call.function).get(param.name)
            value = UNKNOWN if given is None else self.value(given, depth + 1)
            if isinstance(value, Unknown) or (found and value != found[0]):
                return UNKNOWN
            found.append(value)
        return found[0] if found else UNKNOWN

    def _of_attribute(self, given: Given, base: Expr, attr: str, depth: int) -> Any:
        """Value of an attribute: a settings field, a class constant, an enum member's value."""
        if attr in {"value", "name"}:
            member = self.value(given.at(base), depth + 1)
            if not isinstance(member, Unknown):
                return member
        owner = given.file.type_of(base, given.function)
        cls = self.project.classes.by_key.get(owner)
        if cls is None:
            name = given.file.resolve(base, given.function)
            return self.named(f"{name}.{attr}", depth + 1) if name else UNKNOWN
        return self.field(cls, attr, depth)

    def named(self, name: str, depth: int = 0) -> Any:
        """Value of what a canonical name stands for."""
        status = _STATUS.fullmatch(name.rpartition(".")[2])
        if status is not None:
            return int(status[1])
        if name.startswith("http.HTTPStatus."):
            member = HTTPStatus.__members__.get(name.split(".")[2])
            return UNKNOWN if member is None else int(member)
        found = self.project.names.assignment_named(name)
        if found is not None:
            file, assign = found
            if assign.value is None or assign.op or not isinstance(assign.targets[0], tree.Name):
                return UNKNOWN
            return self.value(Given(file, assign.value), depth + 1)
        head, dot, attr = name.rpartition(".")
        cls = self.project.classes.by_key.get(head) if dot else None
        return UNKNOWN if cls is None else self.field(cls, attr, depth)

    def field(self, cls: Class, attr: str, depth: int = 0) -> Any:
        """Default of a field of a class, inherited ones included; UNKNOWN without a default."""
        given = self.default(cls, attr)
        return UNKNOWN if given is None else self.value(given, depth + 1)

    def default(self, cls: Class, attr: str) -> Given | None:
        """The default expression of a field of a class: behind ``Field(...)``, properties too."""
        for name in (cls.key, *cls.ancestors):
            owner = self.project.classes.by_key.get(name)
            if owner is None:
                continue
            fact = owner.attributes.get(attr)
            if fact is not None:
                return self._behind_field(owner.file, fact)
            method = owner.methods.get(attr)
            if method is not None and len(method.returned) == 1:
                return Given(owner.file, method.returned[0], method)
        return None

    def _behind_field(self, file: File, fact: Assign) -> Given | None:
        value = fact.value
        if value is None:
            return self._annotated_default(file, fact.annotation)
        if isinstance(value, tree.CallRef):
            call = file.calls[value.index]
            if file.resolve(call.fact.func) in _FIELDS:
                default = call.arg(0, "default")
                if isinstance(default, tree.Const) and default.kind == "ellipsis":
                    return None
                factory = call.arg(-1, "default_factory")
                if default is None and isinstance(factory, tree.Op) and factory.kind == "Lambda":
                    default = factory.items[0]
                return None if default is None else Given(file, default)
        return Given(file, value)

    def _annotated_default(self, file: File, annotation: Expr | None) -> Given | None:
        if not isinstance(annotation, tree.Item) or not isinstance(annotation.index, tree.Seq):
            return None
        for item in annotation.index.items[1:]:
            if isinstance(item, tree.CallRef):
                call = file.calls[item.index]
                if file.resolve(call.fact.func) in _FIELDS:
                    default = call.arg(-1, "default")
                    return None if default is None else Given(file, default)
        return None

    # Calls ----------------------------------------------------------------------------------------

    def _of_call(self, given: Given, call: tree.Call, depth: int) -> Any:
        func = call.func
        last = call.last
        if last in _TEXT_METHODS and not call.keywords:
            value = self._text_method(given, call, depth)
            if not isinstance(value, Unknown):
                return value
        name = given.file.resolve(func, given.function)
        if name in _ENVIRONMENT or name in _CONFIGS or self._is_environ(given, call):
            default = call.keyword("default") or (call.args[1] if len(call.args) > 1 else None)
            return UNKNOWN if default is None else self.value(given.at(default), depth + 1)
        if name in _COPIES and call.args:
            return self.value(given.at(call.args[0]), depth + 1)
        if name == "builtins.dict" and not call.args:
            return {
                item.name: self.value(given.at(item.value), depth + 1) for item in call.keywords
            }
        function = self.project.names.function_named(name) if name else None
        if function is not None and not function.fact.params and len(function.returned) == 1:
            inner = Given(function.file, function.returned[0], function)
            return self.value(inner, depth + 1)
        return UNKNOWN

    def _is_environ(self, given: Given, call: tree.Call) -> bool:
        """``env.str("X", ...)`` of environs, and the readers of starlette and decouple."""
        head = tree.dotted(call.func).partition(".")[0]
        if not head:
            return False
        kind = given.file.type_of(tree.Name(head), given.function)
        return kind in {"starlette.config.Config", "environs.Env", "environ.Env", "decouple.Config"}

    def _text_method(self, given: Given, call: tree.Call, depth: int) -> Any:
        func = call.func
        if isinstance(func, tree.Attr):
            base: Expr = func.value
        elif isinstance(func, tree.Name) and "." in func.id:
            base = tree.Name(func.id.rpartition(".")[0])
        else:
            return UNKNOWN
        value = self.value(given.at(base), depth + 1)
        if isinstance(value, list) and call.last == "strip":
            return value
        args = [self.value(given.at(arg), depth + 1) for arg in call.args]
        if not isinstance(value, str) or not all(isinstance(arg, (str, int)) for arg in args):
            return UNKNOWN
        try:
            return _TEXT_METHODS[call.last](value, *args)
        except (TypeError, ValueError):
            return UNKNOWN


def _plain_value(binding: object) -> Expr | None:
    """What a simple assignment to one name assigns."""
    if not isinstance(binding, Assign) or binding.op or len(binding.targets) != 1:
        return None
    return binding.value if isinstance(binding.targets[0], tree.Name) else None


def _joined(values: list[Any]) -> Any:
    """``+`` and ``|`` of plain values."""
    if all(isinstance(value, str) for value in values):
        return "".join(values)
    if all(isinstance(value, dict) for value in values):
        return {key: item for value in values for key, item in value.items()}
    if any(isinstance(value, list) for value in values):
        parts = (value if isinstance(value, list) else [UNKNOWN] for value in values)
        return [item for part in parts for item in part]
    return UNKNOWN


def _product(values: list[Any]) -> Any:
    """``10 * 1024 * 1024``."""
    if all(isinstance(value, int) and abs(value) < _MAX_FACTOR for value in values):
        return math.prod(values)
    return UNKNOWN
