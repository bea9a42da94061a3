"""Checks of plain definitions: constants in upper case, and classes that only hold data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.subjects import Class, File, Function

_UPPER = re.compile(r"_*[A-Z][A-Z0-9_]*")
_FIXED = frozenset(
    "revision down_revision branch_labels depends_on app_name pytest_plugins default_app_config "
    "collect_ignore collect_ignore_glob handler404 handler500".split()
)
_CONFIGURATIONS = re.compile(r"(gunicorn.*|.*gunicorn|celeryconfig|uwsgi|.*[.]conf|conf)")
_CONSTANT_TYPES = frozenset({"int", "float", "complex", "str", "bytes"})
_DECLARED = frozenset({"typing.Final", "typing.ClassVar", "typing_extensions.Final"})
_LOOPS = frozenset({"for", "async for", "while"})
_DATA_METHODS = frozenset({"__init__", "__repr__", "__eq__", "__hash__"})
_NEUTRAL = frozenset({"builtins.object", "typing.Generic"})


@check("upper-case-constants")
def upper_case_constants(file: File) -> Answer:
    """A constant is written in upper case.

    The spelling tells a reader that the value never changes.

    Instead: rename the constant to ``UPPER_SNAKE_CASE``.

    Known problems: a name that another module assigns again is taken for a constant; files that
    configure a server by their names (gunicorn, Celery) are left out, truth values are no site.
    """
    if _CONFIGURATIONS.fullmatch(file.stem):
        return Skip("its names are those of a server's configuration")
    count, found = 0, []
    for name, assign in _constants(file):
        count += 1
        if not _UPPER.fullmatch(name):
            message = f"The constant `{name}` is not written in upper case"
            found.append(At(assign.line, message, column=assign.column, anchor=name))
    return Sites(count, found) if count else Skip("no constant")


def _constants(file: File) -> Iterator[tuple[str, Assign]]:
    """Names of modules, and declared ones of classes, that are bound once to a literal."""
    facts = file.facts
    own = [assign for assign in facts.assigns if assign.function < 0]
    bound = Counter(
        (assign.cls, node.id)
        for assign in own
        for target in assign.targets
        for node in tree.walk(target)
        if isinstance(node, tree.Name)
    )
    bound.update((-1, row.alias or row.name) for row in facts.imports if row.function < 0)
    moved = {name for each in facts.statements if each.kind == "global" for name in each.names}
    for assign in own:
        target = assign.targets[0]
        if not isinstance(target, tree.Name) or assign.op or not _is_literal(file, assign.value):
            continue
        name = target.id
        if "." in name or name in _FIXED or (name.startswith("__") and name.endswith("__")):
            continue
        looped = any(block.kind in _LOOPS for _, block in file.blocks_around(assign.block))
        if bound[assign.cls, name] > 1 or name in moved or looped or not name.strip("_"):
            continue
        kind = file.resolve(assign.annotation)
        if kind in _DECLARED if assign.cls >= 0 else kind != "typing.TypeAlias":
            yield name, assign


def _is_literal(file: File, value: Expr | None) -> bool:
    """A number, a text, bytes, or a tuple or frozenset of such."""
    stack = [] if value is None else [value]
    if isinstance(value, tree.CallRef):
        call = file.facts.calls[value.index]
        if call.last != "frozenset" or len(call.args) != 1 or call.keywords:
            return False
        first = call.args[0]
        stack = list(first.items) if isinstance(first, tree.Seq) else [first]
    while stack:
        node = stack.pop()
        if isinstance(node, (tree.Seq, tree.Op)) and node.kind in {"tuple", "USub", "UAdd"}:
            stack.extend(node.items)
        elif not isinstance(node, tree.Const) or node.kind not in _CONSTANT_TYPES:
            return False
    return value is not None


@check("plain-data-class")
def plain_data_class(cls: Class, *, min_fields: int = 2) -> One:
    """A class that only holds data is a dataclass or a model.

    An ``__init__`` by hand repeats each name three times, and comes without ``__eq__`` and
    ``__repr__``.

    Instead: turn it into a dataclass or a Pydantic model.

    Known problems: a class that inherits from one of a library is left out.
    """
    init = cls.methods.get("__init__")
    if init is None:
        return Skip("no __init__ of its own")
    if set(cls.methods) - _DATA_METHODS or cls.fact.decorators or "__slots__" in cls.attributes:
        return None
    parents = [
        cls.file.project.classes.by_key.get(name) for name in cls.ancestors if name not in _NEUTRAL
    ]
    if any(parent is None or set(parent.methods) - _DATA_METHODS for parent in parents):
        return None
    params = list(init.fact.params[1:])
    if len(params) < min_fields or not _only_keeps(init, {param.name for param in params}):
        return None
    if any(param.kind in {"vararg", "kwarg"} or _is_injected(init, param) for param in params):
        return None
    return f"`{cls.name}` only keeps what its __init__ is given"


def _only_keeps(init: Function, names: set[str]) -> bool:
    """Whether a body only assigns each parameter to the attribute of its name."""
    facts, own = init.file.facts, init.fact.params[0].name if init.fact.params else "self"
    kept = set()
    for assign in facts.assigns:
        if assign.function == init.index:
            value = tree.dotted(assign.value)
            if value not in names or assign.targets != (tree.Name(f"{own}.{value}"),):
                return False
            kept.add(value)
    others = [each for each in init.statements if not isinstance(each.value, tree.Const)]
    return (
        kept == names
        and not others
        and not any(block.function == init.index for block in facts.blocks)
    )


def _is_injected(init: Function, param: tree.Param) -> bool:
    """Whether FastAPI fills a parameter, so that the class is a dependency."""
    facts = init.file.facts
    written = (*tree.walk(param.default), *tree.walk(param.annotation))
    return any(
        isinstance(node, tree.CallRef)
        and init.file.resolve(facts.calls[node.index].func).startswith("fastapi.")
        for node in written
    )
