"""Checks of names: whether they tell what they hold or do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.subjects import Class, File, Function
from checks.rules.naming import asked_by_library

type Rule = Literal["single-letter", "vague", "boolean-prefix"]

_NUMBERED = frozenset({"data", "info", "value", "item", "result", "object"})
_DIGITS = re.compile(r"(.*?[a-z])_?\d+")
_MATHS = frozenset("xyzijknXYZIJKN")
_NUMBERS = frozenset(
    "builtins.int builtins.float builtins.complex numpy.ndarray decimal.Decimal "
    "torch.Tensor".split()
)
_ARITHMETIC = frozenset("Add Sub Mult Div FloorDiv Mod Pow LShift RShift MatMult".split())
_TYPE_MAKERS = frozenset(
    "typing.TypeVar typing.ParamSpec typing.TypeVarTuple typing.NewType".split()
)
_NATURAL = re.compile(r"(?:enabled|active|debug|required|verified)|\w+_(?:enabled|only|allowed)")
_PREDICATES = frozenset("exists contains startswith endswith matches equals differs".split())
_LOOPS = frozenset({"for", "async for", "comp"})
_OPTIONS = frozenset({"Config", "Meta", "Params", "Media"})
_FIELDS = frozenset({"schema", "settings"})


class Defined(msgspec.Struct, frozen=True):
    """A name that a file defines, where it first does.

    Attributes:
        name: The name alone.
        line: Line of its definition.
        kind: ``function``, ``class``, ``parameter``, ``variable``, ``attribute``, ``entered`` (by
            ``with``) or ``loop`` (also of a comprehension).
        annotation: What annotates it (of a function: what it returns).
        value: What it is bound to (of a parameter: its default).
        function: The function that it is a name of, or is.
        cls: The class that it is an attribute or a method of.
    """

    name: str
    line: int
    kind: str
    annotation: Expr | None
    value: Expr | None
    function: Function | None
    cls: Class | None


@check("descriptive-names", each="rules")
def descriptive_names(
    file: File,
    rule: Rule,
    *,
    rules: Sequence[Rule] = ("single-letter", "vague"),
    vague: Sequence[str] = (
        "foo", "bar", "baz", "tmp", "temp", "stuff", "thing", "things", "obj", "var", "dummy",
        "xxx", "do_it", "do_stuff", "process_data", "handle_data", "myfunc",
    ),
    abbreviations: Sequence[str] = (
        "usr", "mgr", "calc", "cnt", "acct", "amt", "flg", "clnt", "vals", "elem", "fld",
    ),
    boolean_prefixes: Sequence[str] = (
        "is", "has", "can", "should", "was", "will", "did", "does", "are", "allow", "allows",
        "use", "uses", "enable", "enabled", "disable", "include", "exclude", "needs", "requires",
        "supports",
    ),
) -> Answer:  # fmt: skip
    """A name tells what it holds or does.

    A name is read far more often than written, mostly by somebody who does not know the place.

    Instead: rename it so that it tells what it holds or does.

    Known problems: whether code is about numbers is told by annotations and by what is assigned.
    Names that a base class prescribes are told by the base being first-party, or of a library that
    asks for names to be overridden. Attributes of enums are values, and judged by no rule. Names
    that a comprehension binds are reported at its first line.
    """
    count, found = 0, []
    meaningless, shortened = frozenset(vague), frozenset(abbreviations)
    prefixes = frozenset(boolean_prefixes)
    for each in defined(file):
        if rule == "boolean-prefix":
            if not _is_boolean(file, each):
                continue
            fails = not _asks(file, each, prefixes)
            message = f"The name `{each.name}` of a truth value does not begin with a verb"
        elif rule == "single-letter":
            fails = len(each.name) == 1 and each.name != "_" and not _is_customary(file, each)
            message = f"The name `{each.name}` is a single letter"
        else:
            fails = _is_vague(each.name, meaningless, shortened)
            message = f"The name `{each.name}` does not tell what it holds or does"
        count += 1
        if fails and not _is_prescribed(each):
            found.append(At(each.line, message, anchor=f"{rule} {each.name}"))
    return Sites(count, found) if count else Skip("no such name")


def defined(file: File) -> list[Defined]:
    """Names that a file defines, each once per function or class; worked out once."""
    known: list[Defined] | None = file.memo.get("defined names")
    if known is None:
        known, seen = [], set()
        for each in _definitions(file):
            place = (each.function, each.cls, each.kind == "attribute", each.name)
            if place not in seen and not (each.name.startswith("__") and each.name.endswith("__")):
                seen.add(place)
                known.append(each)
        file.memo["defined names"] = known
    return known


def _definitions(file: File) -> Iterator[Defined]:
    for cls in file.classes:
        yield Defined(cls.name, cls.line, "class", None, None, None, None)
    for function in file.functions:
        fact = function.fact
        owner = function.cls
        yield Defined(function.name, fact.line, "function", fact.returns, None, function, owner)
        takes_self = owner is not None and not function.decorated_by("builtins.staticmethod")
        for param in fact.params[int(takes_self) :]:
            yield Defined(
                param.name, param.line, "parameter", param.annotation, param.default, function, None
            )
    for assign in file.facts.assigns:
        if assign.op not in {"", ":="}:
            continue
        function_of, cls_of = file.function_of(assign.function), file.class_of(assign.cls)
        for target in assign.targets:
            yield from _bound(assign, target, function_of, cls_of)
    for block in file.facts.blocks:
        for bound in block.targets:
            name = tree.dotted(bound)
            if name and "." not in name:
                owner_of = file.function_of(block.function)
                yield Defined(name, block.line, "entered", None, None, owner_of, None)
        if block.kind in _LOOPS and block.exprs:
            for name in _named(block.exprs[0]):
                owner_of = file.function_of(block.function)
                yield Defined(name, block.line, "loop", None, None, owner_of, None)


def _named(target: Expr) -> Iterator[str]:
    """The names that a loop binds, through tuples."""
    for node in tree.walk(target):
        if isinstance(node, tree.Name) and "." not in node.id:
            yield node.id


def _bound(
    assign: tree.Assign, target: Expr, function: Function | None, cls: Class | None
) -> Iterator[Defined]:
    """The names that one target of an assignment binds."""
    if isinstance(target, tree.Seq):
        for item in target.items:
            if isinstance(item, tree.Op) and item.kind == "Starred":
                item = item.items[0]
            if isinstance(item, tree.Name) and "." not in item.id:
                yield Defined(item.id, assign.line, "variable", None, None, function, cls)
        return
    name = tree.dotted(target)
    if not name:
        return
    if "." not in name:
        kind = "variable" if cls is None else "attribute"
        yield Defined(name, assign.line, kind, assign.annotation, assign.value, function, cls)
    elif name.startswith("self.") and name.count(".") == 1 and function is not None:
        yield Defined(
            name[5:], assign.line, "attribute", assign.annotation, assign.value, None, function.cls
        )


def _is_prescribed(each: Defined) -> bool:
    """Whether a base class, an enum or a framework asks for the name."""
    if each.function is not None and each.kind in {"function", "parameter"}:
        method = each.function
        if method.name.startswith("__") and method.name.endswith("__"):
            return each.kind == "parameter"
        return method.cls is not None and (asked_by_library(method) or _overrides(method))
    if each.cls is None or each.kind != "attribute":
        return False
    role = each.cls.file.project.classes.role(each.cls)
    if role == "enum" or each.cls.name in _OPTIONS:
        return True
    own = each.annotation is not None or role in _FIELDS or each.function is not None
    return not own and any(
        name not in each.cls.file.project.classes.by_key and name not in _PLAIN
        for name in each.cls.ancestors
    )


_PLAIN = frozenset({"builtins.object", "typing.Generic", "abc.ABC", "typing.Protocol"})


def _overrides(method: Function) -> bool:
    """Whether a first-party base of its class has a method of this name."""
    cls = method.cls
    by_key = method.file.project.classes.by_key
    return cls is not None and any(
        method.name in by_key[name].methods for name in cls.ancestors if name in by_key
    )


# One letter -------------------------------------------------------------------------------------


def _is_customary(file: File, each: Defined) -> bool:
    """Whether custom allows one letter here."""
    name = each.name
    owner = each.cls if each.kind == "attribute" else None
    if owner is not None and file.project.classes.role(owner) == "schema":
        return True  # a field is named as the JSON is that it reads or writes
    if name == "e" and each.annotation is not None:
        caught = file.project.values.of_annotation(file, each.annotation)
        return caught.endswith(("Error", "Exception"))
    if each.kind == "entered":
        return name == "f"
    if each.kind == "loop":
        return True
    if each.kind == "class":
        return False
    if isinstance(each.value, tree.CallRef) and file.resolve(each.value) in _TYPE_MAKERS:
        return True
    return name in _MATHS and _is_number(file, each)


def _is_number(file: File, each: Defined) -> bool:
    if each.annotation is not None:
        return file.project.values.of_annotation(file, each.annotation) in _NUMBERS
    value = each.value
    if isinstance(value, tree.Op) and value.kind in {"USub", "UAdd"}:
        value = value.items[0]
    match value:
        case tree.Const(kind=kind):
            return kind in {"int", "float", "complex"}
        case tree.Bin(op=op, items=items):
            texts = any(isinstance(i, tree.Fmt) or tree.text_of(i) is not None for i in items)
            return op in _ARITHMETIC and not texts
        case tree.CallRef():
            name = file.resolve(value)
            return name in _NUMBERS | {"builtins.len", "builtins.sum", "builtins.round"} or (
                name.partition(".")[0] in {"math", "numpy", "random"}
            )
    return _in_arithmetic(each) if value is None else False


def _in_arithmetic(each: Defined) -> bool:
    """Whether a parameter, or a name of a tuple, is an operand of a calculation."""
    if each.function is None:
        return False
    facts = each.function.file.facts
    values = [assign.value for assign in each.function.assigns]
    values += [statement.value for statement in each.function.statements]
    for value in values:
        for node in tree.walk(value, facts):
            if not isinstance(node, tree.Bin) or node.op not in _ARITHMETIC:
                continue
            if any(tree.dotted(item) == each.name for item in node.items):
                return True
    return False


# Words --------------------------------------------------------------------------------------------


def _is_vague(name: str, vague: frozenset[str], abbreviations: frozenset[str]) -> bool:
    plain = name.strip("_").lower()
    if plain in vague or not abbreviations.isdisjoint(words(name)):
        return True
    numbered = _DIGITS.fullmatch(plain)
    return numbered is not None and numbered[1].rstrip("_") in vague | _NUMBERED


# Truth values -------------------------------------------------------------------------------------


def _is_boolean(file: File, each: Defined) -> bool:
    """Whether a name is annotated bool, or bound to a truth value or a comparison."""
    if each.kind in {"class", "entered", "loop"}:
        return False
    if each.annotation is not None:
        return _is_bool(file, each.annotation)
    return each.kind != "function" and _is_truth(each.value)


def _is_bool(file: File, annotation: Expr) -> bool:
    """``bool``, ``bool | None``, ``Mapped[bool]``, ``Annotated[bool, ...]``."""
    if isinstance(annotation, tree.Item):
        index = annotation.index
        first = index.items[0] if isinstance(index, tree.Seq) and index.items else index
        outer = file.resolve(annotation.value).rpartition(".")[2]
        return outer in {"Mapped", "Annotated", "Optional", "Final"} and _is_bool(file, first)
    if isinstance(annotation, tree.Bin):
        named = [item for item in annotation.items if isinstance(item, tree.Name)]
        return len(named) == 1 and _is_bool(file, named[0])
    return tree.dotted(annotation) == "bool"


def _is_truth(value: Expr | None) -> bool:
    match value:
        case tree.Const(kind="bool"):
            return True
        case tree.Op(kind=kind) if kind == "Not" or kind.startswith("Compare:"):
            return True
        case tree.Op(kind="And" | "Or", items=items):
            return all(
                isinstance(item, tree.Op)
                and (item.kind == "Not" or item.kind.startswith("Compare:"))
                for item in items
            )
    return False


def _asks(file: File, each: Defined, prefixes: frozenset[str]) -> bool:
    """Whether the name of a truth value reads as a question or a statement."""
    parts = words(each.name)
    if not parts or parts[0] in prefixes:
        return True
    if each.kind == "function":
        return not _PREDICATES.isdisjoint((parts[0], parts[-1])) or "".join(parts) in _PREDICATES
    natural = _NATURAL.fullmatch("_".join(parts)) is not None
    if natural and each.cls is not None and each.kind == "attribute":
        classes = file.project.classes
        return classes.role(each.cls) in _FIELDS or each.cls.key in classes.settings_parts
    return natural and each.kind == "variable" and each.function is None and each.name.isupper()
