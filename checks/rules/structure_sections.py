"""Checks of the order in which a module says things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from checks.check import At, One, Skip, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.subjects import Class, File, Function

_SECTIONS = ("imports", "constants", "models", "schemas", "utilities", "routes", "main")
_ROLES = {"orm": "models", "document": "models", "schema": "schemas", "enum": ""}
_BASE = "orm-base"
_TYPE_MAKERS = frozenset(
    {"typing.TypeVar", "typing.ParamSpec", "typing.TypeVarTuple", "typing.NewType",
     "fastapi.APIRouter", "typing.TypeAliasType"}
)  # fmt: skip


class _Statement(msgspec.Struct, frozen=True):
    """One statement of the module body.

    Attributes:
        section: What it belongs to, "" for none.
        names: What it binds.
        used: Expressions that are evaluated when it runs.
        anywhere: Itself in order wherever it stands; what belongs above it is not, below it.
    """

    line: int
    section: str
    what: str
    names: tuple[str, ...]
    used: tuple[Expr, ...]
    anywhere: bool = False


@check("module-section-order")
def module_section_order(file: File, *, order: Sequence[str] = _SECTIONS) -> One:
    """The sections of a module stand in their order.

    Whoever opens a module finds what it needs, holds and offers where every other module has it.

    Instead: move the statement to its section.

    Known problems: what must follow a definition of a later section that it uses when it runs (a
    constant that a function computes, a handler of the application above it) is in order there;
    enums, statements in blocks and names in lower case belong to no section; a base of models may
    stand below functions.
    """
    statements = sorted(_statements(file), key=lambda each: each.line)
    if len({each.section for each in statements if each.section in order}) < 2:
        return Skip("fewer than two sections")
    ranks = {section: number for number, section in enumerate(order)}
    own = [ranks[each.section] for each in statements if each.section in ranks]
    if own == sorted(own):
        return None
    return _first_misplaced(file, statements, ranks)


def _first_misplaced(
    file: File, statements: Sequence[_Statement], ranks: dict[str, int]
) -> At | None:
    late: dict[str, int] = {}
    latest, section = -1, ""
    for each in statements:
        rank = ranks.get(each.section, -1)
        after = max((late.get(name, -1) for name in _heads(file, each)), default=-1)
        for name in each.names:
            late[name] = max(rank, after)
        if rank < 0:
            continue
        if max(rank, after) < latest and not each.anywhere:
            text = f"{each.what} belongs to the {each.section}, above the {section}"
            return At(each.line, text, anchor=each.what, symbol=file.module)
        if rank > latest:
            latest, section = rank, each.section
    return None


def _heads(file: File, statement: _Statement) -> Iterator[str]:
    """First names of all that a statement uses when it runs."""
    for expr in statement.used:
        for node in tree.walk(expr, file.facts):
            if isinstance(node, tree.Name):
                yield node.id.partition(".")[0]


def _statements(file: File) -> Iterator[_Statement]:
    for row in file.facts.imports:
        if row.block < 0 and row.function < 0 and row.cls < 0 and row.module != "__future__":
            name = row.alias or row.name or row.module
            yield _Statement(row.line, "imports", f"The import of `{name}`", (), ())
    for assign in file.tables.assigns.get(-1, ()):
        if assign.cls < 0 and assign.block < 0:
            yield _assignment(file, assign)
    for function in file.functions:
        if function.fact.parent < 0 and function.fact.cls < 0 and function.fact.block < 0:
            section = "routes" if _handles(function) else "utilities"
            what = f"`{function.name}`"
            yield _Statement(function.line, section, what, (function.name,), _header(function))
    for cls in file.classes:
        if cls.fact.parent < 0 and cls.fact.function < 0 and cls.fact.block < 0:
            used = tuple(_run_by(cls))
            base = file.project.classes.role(cls) == _BASE
            section = "models" if base else _section(cls)
            what = f"`{cls.name}`"
            yield _Statement(cls.line, section, what, (cls.name,), used, anywhere=base)
    if file.facts.main_guard[0]:
        yield _Statement(file.facts.main_guard[0], "main", "The main guard", (), ())


def _assignment(file: File, assign: Assign) -> _Statement:
    names = tuple(each.id for each in assign.targets if isinstance(each, tree.Name))
    used = () if assign.value is None else (assign.value,)
    section = ""
    if _is_application(file, assign.value):
        section = "main"
    elif names and all(name.isupper() for name in names) and _is_constant(file, assign):
        section = "constants"
    return _Statement(assign.line, section, f"`{', '.join(names)}`", names, used)


def _is_application(file: File, value: Expr | None) -> bool:
    if not isinstance(value, tree.CallRef):
        return False
    return file.project.routers.kind_of(file.resolve(value)) == "application"


def _is_constant(file: File, assign: Assign) -> bool:
    """Whether an upper-case name holds a value: no logger, no type, no augmented assignment."""
    value = assign.value
    if value is None or assign.op or file.resolve(assign.annotation) == "typing.TypeAlias":
        return False
    if isinstance(value, tree.CallRef):
        made = file.resolve(value)
        return made not in _TYPE_MAKERS and not file.type_of(value).endswith("Logger")
    parts = value.items if isinstance(value, tree.Bin) and value.op == "BitOr" else (value,)
    return not all(_is_type(file, part) for part in parts)


def _is_type(file: File, expr: Expr) -> bool:
    """``dict[str, int]``, ``User``, ``None``: what an alias of a type is made of."""
    if isinstance(expr, tree.Const):
        return expr.kind == "NoneType"
    name = file.resolve(expr)
    head, _, last = name.rpartition(".")
    if name in file.project.classes.by_key or head in {"typing", "collections.abc"}:
        return True
    if isinstance(expr, tree.Item):
        return head == "builtins" and last.islower()
    return head == "builtins" and isinstance(expr, tree.Name) and last in {"str", "int", "float"}


def _handles(function: Function) -> bool:
    """Whether a function answers requests, also over a WebSocket."""
    routes = function.file.project.routes
    if routes.of(function) is not None:
        return True
    sockets = routes.sockets if function.path in routes.socket_modules else ()
    return any(route.function == function for route in sockets)


def _section(cls: Class) -> str:
    role = cls.file.project.classes.role(cls)
    if role in _ROLES:
        return _ROLES[role]
    return "routes" if any(_handles(method) for method in cls.methods.values()) else "utilities"


def _header(function: Function) -> tuple[Expr, ...]:
    """What is evaluated where a function is defined."""
    fact = function.fact
    defaults = (param.default for param in fact.params if param.default is not None)
    hints = (param.annotation for param in fact.params if param.annotation is not None)
    return (*(each.value for each in fact.decorators), *defaults, *hints)


def _run_by(cls: Class) -> Iterator[Expr]:
    """What is evaluated where a class is defined."""
    yield from cls.fact.bases
    yield from (item.value for item in cls.fact.keywords)
    yield from (each.value for each in cls.fact.decorators)
    tables = cls.file.tables
    for index in (cls.index, *tables.inner_classes.get(cls.index, ())):
        for assign in tables.class_assigns.get(index, ()):
            yield from (expr for expr in (assign.value, assign.annotation) if expr is not None)
    for method in cls.methods.values():
        yield from _header(method)
