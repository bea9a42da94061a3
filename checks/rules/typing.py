"""Checks of types: that signatures have them, and in which syntax they are written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.facts.lint import Diagnostic
from checks.facts.tree import Expr
from checks.project.subjects import Class, File, Function
from checks.rules.style import reported

ANNOTATION_CODES = (
    "ANN001", "ANN002", "ANN003", "ANN201", "ANN202", "ANN204", "ANN205", "ANN206",
)  # fmt: skip

type Syntax = Literal[
    "pep604-optional", "typing-optional", "pep585-collections", "typing-collections",
    "pep695-generics", "typevar-generics",
]  # fmt: skip


@check("function-signatures-annotated")
def function_signatures_annotated(
    function: Function,
    *,
    suppress_none_returning: bool = False,
    mypy_init_return: bool = True,
    allow_star_arg_any: bool = True,
) -> One:
    """Every signature says what goes in and what comes out.

    Instead: annotate the parameters and the return value.

    Known problems: what a decorator does to the signature is not seen.
    """
    fact = function.fact
    own = _reported(function.file).get(function.index, [])
    silent = suppress_none_returning and all(_is_none(value) for value in function.returned)
    if silent or _is_setter(fact):
        own = [each for each in own if not each.code.startswith("ANN2")]
    if not own:
        strict = fact.name == "__init__" and fact.returns is None and not mypy_init_return
        return f"`{function.name}` does not say the type of its return value" if strict else None
    first = min(own, key=partial(_hidden, function.file))
    missing = "its return value" if first.code.startswith("ANN2") else "a parameter"
    also = " (among others)" if len(own) > 1 else ""
    message = f"`{function.name}` does not say the type of {missing}{also}"
    return reported(first, message, line=fact.line, anchor="signature")


def _hidden(file: File, each: Diagnostic) -> int:
    """How well a comment hides it: not at all, without a reason, or with one."""
    covered = [file.suppressed(each.noqa_line, each.code, reasoned=why) for why in (False, True)]
    return sum(covered)


def _is_setter(fact: tree.Function) -> bool:
    return any(tree.dotted(each.value).endswith(".setter") for each in fact.decorators)


def _reported(file: File) -> dict[int, list[Diagnostic]]:
    """What ruff says of signatures, by function; worked out once per file."""
    known: dict[int, list[Diagnostic]] | None = file.memo.get("signatures")
    if known is None:
        known = file.memo["signatures"] = {}
        for each in file.lint(*ANNOTATION_CODES):
            known.setdefault(file.tables.signature_at(each.line), []).append(each)
    return known


@check("annotation-syntax")
def annotation_syntax(file: File, *, syntax: Syntax = "pep604-optional") -> Answer:
    """Annotations use one syntax.

    Instead: rewrite the annotation in the prescribed syntax.

    Known problems: annotations inside comments (``# type:``) are not read.
    """
    oldest = file.project.manifests.min_python
    needed = {"pep604-optional": (3, 10), "pep695-generics": (3, 12)}.get(syntax)
    if needed and oldest is not None and oldest < needed:
        return Skip(f"the project supports Python {oldest[0]}.{oldest[1]}")
    if syntax.endswith("generics"):
        return _generics(file, syntax)
    count, found = 0, []
    for line, kind, used, text in _written(file):
        if kind != syntax.partition("-")[2]:
            continue
        count += 1
        if used != syntax:
            symbol = file.symbol_at(line)
            message = f"The annotation is written `{text}`, not as {_WANTED[syntax]}"
            found.append(At(line, message, symbol=symbol, anchor=text))
    return Sites(count, found) if count else Skip("no annotation of this kind")


def _written(file: File) -> list[tuple[int, str, str, str]]:
    """Line, kind, syntax and text of every judged annotation; worked out once per file."""
    found: list[tuple[int, str, str, str]] | None = file.memo.get("annotation-syntax")
    if found is None:
        found = [
            (line, *form)
            for line, expr, function in written_annotations(file)
            for node in tree.walk(expr)
            if (form := _form(file, node, function)) is not None
        ]
        file.memo["annotation-syntax"] = found
    return found


_WANTED = {
    "pep604-optional": "`X | None`",
    "typing-optional": "`Optional[X]`",
    "pep585-collections": "a built-in generic",
    "typing-collections": "a generic of `typing`",
}
_OLD = {f"typing.{name}" for name in "List Dict Set FrozenSet Tuple Type Deque DefaultDict".split()}
_NEW = {f"builtins.{name}" for name in "list dict set frozenset tuple type".split()}


def _form(file: File, node: Expr, function: Function | None) -> tuple[str, str, str] | None:
    """(kind, syntax it is written in, text) of one node of an annotation."""
    match node:
        case tree.Item(value=value, index=index):
            name = file.resolve(value, function)
            last = name.rpartition(".")[2]
            if name == "typing.Optional":
                return "optional", "typing-optional", "Optional[...]"
            members = index.items if isinstance(index, tree.Seq) else ()
            if name == "typing.Union" and any(_is_none(item) for item in members):
                return "optional", "typing-optional", "Union[..., None]"
            if name in _OLD:
                return "collections", "typing-collections", f"{last}[...]"
            if name in _NEW:
                return "collections", "pep585-collections", f"{last}[...]"
        case tree.Bin(op="BitOr", items=items) if any(_is_none(item) for item in items):
            return "optional", "pep604-optional", "... | None"
    return None


def _is_none(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"


def written_annotations(file: File) -> Iterator[tuple[int, Expr, Function | None]]:
    """All annotations of a file with their line, and what ``cast`` and type aliases name."""
    facts = file.facts
    for function in file.functions:
        for param in function.fact.params:
            if param.annotation is not None:
                yield param.line, param.annotation, function
        if function.fact.returns is not None:
            yield function.fact.header_end, function.fact.returns, function
    for assign in facts.assigns:
        owner = file.function_of(assign.function)
        if assign.annotation is not None:
            yield assign.line, assign.annotation, owner
        alias = file.resolve(assign.annotation, owner) == "typing.TypeAlias"
        if assign.value is not None and (alias or assign.op.startswith("type")):
            yield assign.line, assign.value, owner
    for call in file.calls_named("cast"):
        if call.name == "typing.cast" and call.fact.args:
            yield call.line, call.fact.args[0], call.function


def _generics(file: File, syntax: str) -> Answer:
    """Definitions of generic functions, classes and aliases, by either syntax."""
    old: list[tuple[int, str]] = []
    new: list[tuple[int, str]] = []
    for cls in file.classes:
        if cls.fact.typevars:
            new.append((cls.line, cls.symbol))
        elif _is_generic(cls):
            old.append((cls.line, cls.symbol))
    for function in file.functions:
        if function.fact.typevars:
            new.append((function.line, function.symbol))
        elif _is_generic_function(function):
            old.append((function.line, function.symbol))
    for assign in file.facts.assigns:
        if assign.op == "type[]":
            new.append((assign.line, ""))
        elif file.resolve(assign.annotation) == "typing.TypeAlias" and _varies(file, assign.value):
            old.append((assign.line, ""))
    wrong, text = (old, "`TypeVar`") if syntax == "pep695-generics" else (new, "brackets")
    if not old and not new:
        return Skip("no generic definition")
    found = [
        At(line, f"The definition is generic by {text}", symbol=symbol, anchor=text)
        for line, symbol in wrong
    ]
    return Sites(len(old) + len(new), found)


def _is_generic(cls: Class) -> bool:
    """Whether a base is ``Generic[T]``, ``Protocol[T]`` or another class of a type variable."""
    owner = cls.file.function_of(cls.fact.function)
    return any(isinstance(b, tree.Item) and _varies(cls.file, b, owner) for b in cls.fact.bases)


def _is_generic_function(function: Function) -> bool:
    """Whether a signature names a type variable that its class does not bind."""
    if function.cls is not None and _is_generic(function.cls):
        return False
    annotations = [param.annotation for param in function.fact.params]
    return any(
        _varies(function.file, each, function) for each in (*annotations, function.fact.returns)
    )


def _varies(file: File, expr: Expr | None, function: Function | None = None) -> bool:
    """Whether an annotation names a type variable, of this file or of another."""
    names = (node for node in tree.walk(expr) if isinstance(node, tree.Name))
    return any(_is_typevar(file, name, function) for name in names)


def _is_typevar(file: File, name: tree.Name, function: Function | None) -> bool:
    made = file.project.names.assignment_named(file.resolve(name, function))
    if made is None or not isinstance(made[1].value, tree.CallRef):
        return False
    return made[0].resolve(made[1].value) in _TYPEVARS


_TYPEVARS = frozenset({"typing.TypeVar", "typing.ParamSpec", "typing.TypeVarTuple"})
