"""Checks of security: text from outside does not become code."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.database import CURSORS, is_sql, literal_text
from checks.project.names import Target
from checks.project.subjects import Call, File, Function

_RECEIVERS = ("execute", "executemany", "executescript", "text", "raw", "literal_column", "exec_driver_sql",
              "query", "query_and_wait", "fetch", "fetchrow", "fetchval", "mogrify", "scalar", "scalars", "exec",
              "stream", "fetch_all", "fetch_one", "order_by")  # fmt: skip
_TEXT = frozenset({"sqlalchemy.text", "sqlalchemy.literal_column", "sqlalchemy.sql.literal_column"})
_CONVERSIONS = frozenset(
    "builtins.int builtins.float builtins.len builtins.bool builtins.abs uuid.UUID "
    "psycopg.sql.Identifier psycopg2.sql.Identifier psycopg.sql.Placeholder "
    "sqlalchemy.sql.quoted_name sqlalchemy.sql.elements.quoted_name".split()
)
_DEPTH = 4


@check("parameterized-queries", scope="production+migration")
def parameterized_queries(file: File) -> Answer:
    """Values reach the database as bound parameters, never inside the text.

    Text that is put together from values lets whoever gives the value write the query.

    Instead: bound parameters, or SQLAlchemy expressions.

    Known problems: a text that is built in another function is followed through one assignment.
    """
    count, found = 0, []
    for call in file.calls_named(*_RECEIVERS, *_wrappers(file)):
        argument = _sql(call)
        if argument is None:
            continue
        built, line = _built(file, argument, call)
        if not is_sql(literal_text(built)) and not _always_sql(call):
            continue
        count += 1
        if _interpolates(file, built, call.function, 0):
            text = f"The SQL given to `{call.last}` is built from values"
            found.append(At(line, text, code="S608", noqa_line=line, anchor=call.last))
    return Sites(count, found) if count else Skip("no SQL text")


def _wrappers(file: File) -> list[str]:
    """Last names of calls that receive SQL text written at the call."""
    database = file.project.database
    return sorted(
        {
            call.last
            for call in file.calls
            if call.last not in _RECEIVERS and call.last
            and database.sql_argument(call) is not None and _reaches_database(call)
        }
    )  # fmt: skip


def _reaches_database(call: Call) -> bool:
    """Whether a first-party function executes what it is given, one level down."""
    database = call.file.project.database
    return any(
        inner.last in {"execute", "text", "query", "raw", "executemany"}
        or database.operation(inner)
        for target in call.file.project.calls.resolve(call)
        for inner in target.calls
    )


def _sql(call: Call) -> Expr | None:
    """The argument that is, or may be, SQL text."""
    if call.last == "order_by":
        return None
    argument = call.arg(0, "sql") or call.arg(-1, "statement") or call.arg(-1, "query")
    if argument is None:
        return None
    if isinstance(argument, tree.CallRef):
        inner = Call(call.file, argument.index)
        if inner.last != "format":
            return None  # text(...) and select(...) inside are calls of their own
    return argument


def _always_sql(call: Call) -> bool:
    """Calls whose argument is SQL whatever it looks like."""
    name = call.file.resolve(call.fact.func, call.function)
    if name in _TEXT:
        return True
    if call.last not in {"execute", "executemany", "exec_driver_sql", "executescript"}:
        return False
    if call.file.project.database.operation(call):
        return True
    return call.file.type_of(call.receiver, call.function) in CURSORS


def _built(file: File, argument: Expr, call: Call) -> tuple[Expr, int]:
    """The expression that builds a text, followed through a variable, and its line."""
    if isinstance(argument, tree.Name) and "." not in argument.id:
        rows = [
            assign
            for assign in file.facts.assigns
            if assign.function == call.fact.function
            and assign.line <= call.line
            and assign.value is not None
            and any(isinstance(t, tree.Name) and t.id == argument.id for t in assign.targets)
        ]
        dirty = [a for a in rows if a.value and _interpolates(file, a.value, call.function, 0)]
        chosen = (dirty or rows)[-1:]
        if chosen and chosen[0].value is not None:
            return chosen[0].value, chosen[0].line
    return argument, call.line


def _interpolates(file: File, expr: Expr, function: Function | None, depth: int) -> bool:
    """Whether a text has a part that is no constant."""
    return any(not _safe(file, part, function, depth) for part in _parts(file, expr))


def _parts(file: File, expr: Expr) -> Iterator[Expr]:
    """What is put into a text: placeholders, operands, arguments of format."""
    match expr:
        case tree.Fmt(parts=parts):
            yield from parts
        case tree.Bin(op="Add", items=items):
            for item in items:
                if isinstance(item, (tree.Fmt, tree.Bin)):
                    yield from _parts(file, item)
                else:
                    yield item
        case tree.Bin(op="Mod", items=items):
            for item in items[1:]:
                yield from item.items if isinstance(item, tree.Seq) else (item,)
        case tree.CallRef(index=index):
            call = Call(file, index)
            if call.last == "format" and literal_text(call.receiver):
                yield from call.fact.args
                yield from (item.value for item in call.fact.keywords)


def _safe(file: File, part: Expr, function: Function | None, depth: int) -> bool:
    """Constants, enum members, columns, numbers, quoted identifiers, generated placeholders."""
    if depth > _DEPTH or isinstance(part, tree.Const):
        return True
    if isinstance(part, (tree.Fmt, tree.Bin)):
        return not _interpolates(file, part, function, depth + 1)
    if isinstance(part, tree.Op) and part.kind == "IfExp":
        return all(_safe(file, item, function, depth + 1) for item in part.items[1:])
    if isinstance(part, tree.CallRef):
        return _safe_call(file, Call(file, part.index), function, depth)
    if isinstance(part, tree.Name):
        return _safe_name(file, part, function, depth)
    return False


def _safe_call(file: File, call: Call, function: Function | None, depth: int) -> bool:
    name = call.name or file.resolve(call.fact.func, function)
    if name in _CONVERSIONS or name.endswith((".Identifier", ".quoted_name")):
        return True
    if call.last == "join" and call.fact.args:
        argument = call.fact.args[0]
        if isinstance(argument, tree.Bin) and argument.op == "Mult":
            return True
        if isinstance(argument, (tree.Op, tree.Seq)):
            items = argument.items[:1] if isinstance(argument, tree.Op) else argument.items
            return all(_safe(file, item, function, depth + 1) for item in items)
        return _safe(file, argument, function, depth + 1)
    return False


def _safe_name(file: File, part: tree.Name, function: Function | None, depth: int) -> bool:
    project = file.project
    name = file.resolve(part, function)
    if "__tablename__" in part.id or ".__table__" in part.id or part.id.endswith(".c"):
        return True
    constant = project.names.assignment_named(name)
    if constant is not None:
        value = constant[1].value
        return value is not None and not isinstance(value, tree.CallRef) and not constant[1].op
    owner = project.classes.by_key.get(name.rpartition(".")[0].removesuffix(".value"))
    if owner is None:
        owner = project.classes.by_key.get(name.rpartition(".")[0].rpartition(".")[0])
    if owner is not None and project.classes.role(owner) in {"enum", "orm"}:
        return True
    binding, holder = project.names.binding(file, part.id.partition(".")[0], function)
    if isinstance(binding, tree.Param):
        kind = file.type_of(part, function)
        if kind in {"builtins.int", "builtins.float", "builtins.bool", "uuid.UUID"}:
            return True
        return _checked_against_list(file, part, function)
    if isinstance(binding, Target) and binding.kind in {"for", "async for", "comp"}:
        return _lists_constants(file, binding.expr, function)
    if isinstance(binding, tree.Assign) and holder is not None and "." not in part.id:
        value = binding.value
        if value is not None and _safe(file, value, holder, depth + 1) and _is_built(value):
            return True
        return _checked_against_list(file, part, function)
    return _checked_against_list(file, part, function)


def _lists_constants(file: File, expr: Expr | None, function: Function | None) -> bool:
    """Whether what a loop runs over is a list of literals, written here or a module constant."""
    if isinstance(expr, tree.Name):
        constant = file.project.names.assignment_named(file.resolve(expr, function))
        expr = constant[1].value if constant is not None else None
    if isinstance(expr, tree.Map):
        return all(isinstance(key, tree.Const) for key in expr.keys)
    return isinstance(expr, tree.Seq) and all(isinstance(i, tree.Const) for i in expr.items)


def _is_built(value: Expr) -> bool:
    """Values that :func:`_safe` has looked into."""
    return isinstance(value, (tree.Const, tree.Fmt, tree.Bin, tree.CallRef, tree.Op, tree.Name))


def _checked_against_list(file: File, part: tree.Name, function: Function | None) -> bool:
    """Compared with an allow-list (``if column not in ALLOWED``) in the same function."""
    if function is None:
        return False
    for block in file.facts.blocks:
        if block.function != function.index or block.kind not in {"if", "for", "comp"}:
            continue
        for node in tree.walk(block.exprs[0]) if block.exprs else ():
            if isinstance(node, tree.Op) and node.kind in {"Compare:In", "Compare:NotIn"}:
                if node.items[0] == part:
                    return True
    return False
