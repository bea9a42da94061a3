"""Checks of state: what lives as long as the process."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.project import Project
from checks.project.subjects import Call, File, Function

_CONTAINERS = frozenset(
    "builtins.list builtins.dict builtins.set builtins.bytearray collections.deque "
    "collections.defaultdict collections.OrderedDict collections.Counter "
    "weakref.WeakValueDictionary weakref.WeakKeyDictionary weakref.WeakSet queue.deque".split()
)
_CACHES = ("cachetools.", "cacheout.", "expiringdict.")
_CHANGES = frozenset(
    "append appendleft extend insert remove update setdefault pop popleft popitem add discard "
    "clear".split()
)
_DISPLAYS = frozenset({"ListComp", "SetComp", "DictComp"})

type Place = tuple[File, int, str]
"""Where a name is changed, and how."""


@check("no-mutable-global-state")
def no_mutable_global_state(project: Project) -> Sites | Skip:
    """No function changes what stands at module level.

    Such state leaks from request to request, differs between workers and outlives every test.

    Instead: keep it in an object that is injected, or in the database or cache.

    Known problems: a registry that a decorator of our own fills is taken for set-up.
    """
    held = {f"{f.key}.{name}": f for f in project.production for name in _containers(f)}
    names = frozenset(key.rpartition(".")[2] for key in held)
    changed: dict[str, Place] = {}
    for file in project.production:
        for key, line, what in (*_rebound(file), *_mutations(file, held, names)):
            own = held.get(key, file)
            if key not in changed or (own is file and changed[key][0] is not file):
                changed[key] = (file, line, what)
    found = [
        At(line, f"`{key.rpartition('.')[2]}` {what}", path=file.path, anchor=key)
        for key, (file, line, what) in changed.items()
    ]
    count = len(held.keys() | changed.keys())
    return Sites(count, found) if count else Skip("no mutable object at module level")


def _containers(file: File) -> Iterator[str]:
    """Module-level names that are bound to a container."""
    names = {
        target.id: None
        for row in file.facts.assigns
        if row.function < 0 and row.cls < 0 and not row.op and _is_container(file, row)
        for target in row.targets
        if isinstance(target, tree.Name) and "." not in target.id
    }
    yield from (name for name in names if not name.startswith("__"))


def _is_container(file: File, row: Assign) -> bool:
    match row.value:
        case tree.Map():
            return True
        case tree.Seq(kind=kind):
            return kind in {"list", "set"}
        case tree.Op(kind=kind):
            return kind in _DISPLAYS
        case tree.CallRef():
            made = file.resolve(row.value)
            return made in _CONTAINERS or made.startswith(_CACHES)
    return False


def _rebound(file: File) -> Iterator[tuple[str, int, str]]:
    """Names that functions rebind through ``global``."""
    for statement in file.facts.statements:
        if statement.kind != "global":
            continue
        for name in statement.names:
            rows = file.tables.assigns_to.get(name, ())
            if any(row.function == statement.function for row in rows):
                yield f"{file.key}.{name}", statement.line, "is rebound by a function"


def _mutations(
    file: File, held: dict[str, File], names: frozenset[str]
) -> Iterator[tuple[str, int, str]]:
    """Changes of containers in functions, with the canonical name of the container."""
    for expr, line, index in _touched(file, names):
        function = file.function_of(index)
        if function is None or _is_set_up(function):
            continue
        binding, owner = file.project.names.binding(file, expr.id.partition(".")[0], function)
        if owner is not None and not isinstance(binding, tree.Import):
            continue
        key = file.resolve(expr, function)
        if key in held:
            yield key, line, "is changed by a function"


def _touched(file: File, names: frozenset[str]) -> Iterator[tuple[tree.Name, int, int]]:
    """Names that are subscripted as a target, deleted from, or called a changing method on."""
    for row in file.facts.assigns:
        for target in row.targets:
            base = _base(target)
            if base is not None and row.function >= 0 and _last(base) in names:
                yield base, row.line, row.function
    for statement in file.facts.statements:
        if statement.kind == "delete" and statement.function >= 0:
            for node in tree.walk(statement.value):
                base = _base(node)
                if base is not None and _last(base) in names:
                    yield base, statement.line, statement.function
    for call in file.calls_named(*_CHANGES):
        receiver = call.receiver if call.fact.function >= 0 else None
        if isinstance(receiver, tree.Name) and _last(receiver) in names:
            yield receiver, call.line, call.fact.function


def _base(target: Expr) -> tree.Name | None:
    """``x`` of ``x[a]`` and ``x[a][b]``."""
    if not isinstance(target, tree.Item):
        return None
    value: Expr = target
    while isinstance(value, tree.Item):
        value = value.value
    return value if isinstance(value, tree.Name) else None


def _last(name: tree.Name) -> str:
    return name.id.rpartition(".")[2]


def _is_set_up(function: Function) -> bool:
    """A function that runs on import: a decorator of ours, a hook of a class, module code."""
    outer = function
    while outer.parent is not None:
        outer = outer.parent
    if outer.name in {"__init_subclass__", "__set_name__"}:
        return True
    project = function.file.project
    if outer.key in project.calls.decorators:
        return True
    callers: list[Call] = project.calls.callers(outer)
    return bool(callers) and all(call.fact.function < 0 for call in callers)
