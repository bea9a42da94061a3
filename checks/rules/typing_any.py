"""Checks of types: where ``Any`` gives up."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import File, Function

_MAPPINGS = frozenset(
    f"{module}.{name}"
    for module in ("typing", "collections.abc", "collections", "builtins")
    for name in (
        "dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "DefaultDict", "defaultdict",
    )
)  # fmt: skip
_FIXED = frozenset(
    "field_validator model_validator validator root_validator field_serializer model_serializer "
    "listens_for listens_for_args validates hybrid_property override singledispatch register "
    "fixture overload exception_handler".split()
)
_HOOKS = frozenset(
    "model_post_init model_dump model_dump_json model_validate model_construct dict json "
    "process_bind_param process_result_value emit format filter".split()
)
_WRAPPING = frozenset(
    f"{module}.{name}"
    for module in ("pydantic", "pydantic.functional_validators", "pydantic.functional_serializers")
    for name in (
        "AfterValidator", "BeforeValidator", "PlainValidator", "WrapValidator", "PlainSerializer",
        "WrapSerializer",
    )
)  # fmt: skip
"""Annotations that hand a value to a function whose signature pydantic fixes."""
_UNDERSCORED = frozenset(
    "langchain langchain_core langchain_community llama_index crewai haystack".split()
)
"""Libraries whose classes ask for methods with an underscore to be overridden."""


@check("no-any")
def no_any(file: File, *, allow_json_values: bool = True, allow_kwargs: bool = True) -> Answer:
    """Annotations say a type and not Any.

    Any switches the type checker off for everything that the value touches.

    Instead: name the real type, a union, a Protocol or a type variable.

    Known problems: signatures that a base class of a library fixes are told by the class having
    such a base, those with an underscore by few libraries. Functions given to pydantic's
    ``BeforeValidator`` and its kin are known in their own file; annotations written as text are
    not read.
    """
    sites, found = 0, []
    for function in file.functions:
        written = list(_signature(function, allow_kwargs=allow_kwargs))
        if not written:
            continue
        sites += 1
        lines = [at for at, expr in written if _has_any(file, expr, function, allow_json_values)]
        if lines and not _is_fixed(function):
            message = f"The signature of `{function.name}` says Any"
            found.append(At(lines[0], message, symbol=function.symbol, anchor="signature"))
    for assign in file.facts.assigns:
        if assign.annotation is None:
            continue
        sites += 1
        owner = file.function_of(assign.function)
        if _has_any(file, assign.annotation, owner, allow_json_values):
            name = tree.dotted(assign.targets[0])
            found.append(At(assign.line, f"`{name}` is annotated with Any", anchor=name))
    return Sites(sites, found) if sites else Skip("no annotation")


def _signature(function: Function, *, allow_kwargs: bool) -> Iterator[tuple[int, Expr]]:
    """Line and expression of each annotation of a signature."""
    for param in function.fact.params:
        free = allow_kwargs and param.kind in {"vararg", "kwarg"}
        if param.annotation is not None:
            yield param.line, tree.Const("NoneType") if free else param.annotation
    if function.fact.returns is not None:
        yield function.fact.header_end, function.fact.returns


def _has_any(file: File, expr: Expr, function: Function | None, json: bool) -> bool:
    """Whether Any is part of a type, the values of a mapping aside where they are allowed."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.Name):
            if file.resolve(node, function) == "typing.Any":
                return True
        elif isinstance(node, tree.Item):
            name = file.resolve(node.value, function)
            if name.endswith(".Literal"):
                continue
            args = list(node.index.items) if isinstance(node.index, tree.Seq) else [node.index]
            if name.endswith(".Annotated") or (json and name in _MAPPINGS):
                args = args[:1]
            stack += args
        else:
            stack += tree.children(node)
    return False


def _is_fixed(function: Function) -> bool:
    """Whether a framework or a base class says what the signature is."""
    name, cls = function.name, function.cls
    if name.startswith("__") and name.endswith("__") and name != "__init__":
        return True
    lasts = {
        function.file.resolve(each.value, function.parent).rpartition(".")[2]
        for each in function.fact.decorators
    }
    if lasts & _FIXED or (cls is not None and name in _HOOKS):
        return True
    if _is_processor(function) or _is_wrapping(function):
        return True
    if cls is None or name == "__init__":
        return False
    known = function.file.project.classes.by_key
    return any(
        name in known[base].methods if base in known else _asks_for(base, name)
        for base in cls.ancestors
    )


def _asks_for(base: str, name: str) -> bool:
    """Whether a class of a library may fix the signature of a method."""
    own = {"object", "ABC", "Generic", "Protocol", "BaseModel", "BaseSettings", "DeclarativeBase"}
    if name.startswith("_"):
        return base.partition(".")[0] in _UNDERSCORED
    return base.rpartition(".")[2] not in own


def _is_wrapping(function: Function) -> bool:
    """Whether the file gives a function to pydantic as a validator or serializer."""
    known: frozenset[str] | None = function.file.memo.get("pydantic functions")
    if known is None:
        given = (
            tree.dotted(call.fact.args[0])
            for call in function.file.calls_named(*(n.rpartition(".")[2] for n in _WRAPPING))
            if call.fact.args and call.name in _WRAPPING
        )
        known = function.file.memo["pydantic functions"] = frozenset(given)
    return function.parent is None and function.cls is None and function.name in known


def _is_processor(function: Function) -> bool:
    """Whether a function looks like a processor of structlog: logger, method, event."""
    file = function.file
    return len(function.fact.params) == 3 + (function.cls is not None) and (
        function.fact.params[-1].name.endswith(("event_dict", "event", "ed"))
        and any(row.distribution == "structlog" for row in file.imports)
    )
