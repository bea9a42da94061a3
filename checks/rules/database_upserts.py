"""Checks of upserts: one statement instead of a read and a write."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Block, Expr
from checks.project.given import Given, source
from checks.project.lookups import Lookup, bare, bound_to, uses_of
from checks.project.project import Project
from checks.project.sqltext import literal_text
from checks.project.statements import statement_of
from checks.project.subjects import Call, Class, File
from checks.rules.applies import depends_on
from checks.rules.database_shape import POSTGRES_DRIVERS

_LOOKUPS = ("scalar_one", "scalar_one_or_none", "one_or_none", "one", "first", "scalar", "get")
_ADDS = frozenset({"add", "add_all", "bulk_save_objects", "bulk_insert_mappings"})
_CONFLICTS = ("on_conflict_do_update", "on_conflict_do_nothing")
_ENDS = frozenset({"Return", "Raise", "Continue", "Break"})
_UPDATES = frozenset({"sqlmodel_update", "update_from_dict"})
_STAMP = "updated_at"


@check(
    "upsert-on-conflict",
    each="require",
    applies=(depends_on("sqlalchemy", "sqlmodel"), depends_on(*POSTGRES_DRIVERS)),
)
def upsert_on_conflict(file: File, entry: str, *, require: Sequence[str] = ("atomic",)) -> Answer:
    """An upsert is one statement.

    Between a read and a write another request adds the same key; and a row that ON CONFLICT
    changes keeps its old ``updated_at``, since no default of the model runs.

    Instead: ``insert().on_conflict_do_update(index_elements=..., set_={..., "updated_at": ...})``.

    Known problems: read, insert and update are looked for in one function and by operations of
    the session itself; values of ``set_`` that cannot be resolved are believed.
    """
    count, found = _stamped(file) if entry == "updated-at" else _atomic(file)
    return Sites(count, found) if count else Skip("no upsert")


def _atomic(file: File) -> tuple[int, list[At]]:
    count, found = 0, []
    for call in file.calls_named(*_CONFLICTS):
        if _is_other_dialect(call):
            continue
        count += 1
        if call.last == "on_conflict_do_update" and _assigned_columns(call) is None:
            text = "`on_conflict_do_update` says nothing to set"
            found.append(At(call.line, text, column=call.fact.column, anchor="set_"))
    for call in file.calls_named(*_LOOKUPS):
        if not _finds_by_key(call) or not _adds_or_changes(call):
            continue
        count += 1
        line = _line_of_select(call)
        text = "The row is read, then added or changed: two requests may add it"
        found.append(At(line, text, anchor=f"{call.last} {bound_to(call)[1]}"))
    return count, found


def _is_other_dialect(call: Call) -> bool:
    """An insert of SQLite or MySQL."""
    for each in (call, *Lookup(call).links):
        name = each.file.resolve(each.fact.func, each.function)
        if name.startswith(("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.mysql")):
            return True
    return False


def _assigned_columns(call: Call) -> Expr | None:
    """What ``set_`` is given; the call itself where a mapping is spread into it."""
    if call.spreads:
        return call.fact.func
    return call.arg(3, "set_")


# Read, then write --------------------------------------------------------------------------------


def _finds_by_key(call: Call) -> bool:
    if call.receiver is None or call.function is None or not bound_to(call)[1]:
        return False
    database = call.file.project.database
    if call.last in {"get", "scalar"}:
        return database.operation(call) == call.last
    lookup = Lookup(call)
    if not lookup.is_lookup or lookup.always_finds:
        return False
    narrowing = {"where", "filter", "filter_by", "get"}
    return any(each.last in narrowing for each in lookup.links) or lookup.root is None


def _line_of_select(call: Call) -> int:
    root = Lookup(call).root if call.last != "get" else None
    if call.last == "scalar" and call.fact.args and isinstance(call.fact.args[0], tree.CallRef):
        root = None
    return call.line if root is None else root.line


def _adds_or_changes(call: Call) -> bool:
    """Whether the function adds the row where none was found, and changes it otherwise."""
    file, function = call.file, call.function
    row, name = bound_to(call)
    if function is None or row is None:
        return False
    for index in _asking(file).get((function.index, name), ()):
        block = file.facts.blocks[index]
        if block.line < row.line or _rebound(call, name, row, block):
            continue
        missing = _asks_missing(block.exprs[0], name)
        if missing is None:
            continue
        other = _else_of(file, index)
        inside, outside = (index, other) if missing else (other, index)
        ends = block.last in _ENDS
        adds = _adds(file, inside, name) if inside is not None else False
        changes = _changes(file, outside, name) if outside is not None else False
        if missing and not changes and not (ends and other is None):
            changes = _changes_after(call, block, name)
        if missing and ends and not changes:
            changes = _changes_after(call, block, name)
        if not missing and not adds and ends:
            adds = _adds_after(call, block)
        if adds and changes:
            return True
    return False


def _asking(file: File) -> dict[tuple[int, str], list[int]]:
    """Every ``if`` that asks for one name, by its function and that name."""
    known: dict[tuple[int, str], list[int]] | None = file.memo.get("asking")
    if known is None:
        known = file.memo["asking"] = {}
        for index, block in enumerate(file.facts.blocks):
            for node in tree.walk(block.exprs[0]) if block.kind == "if" else ():
                if isinstance(node, tree.Name):
                    known.setdefault((block.function, node.id), []).append(index)
    return known


def _rebound(call: Call, name: str, row: tree.Assign, block: Block) -> bool:
    """Whether the name holds another value by the time it is asked for."""
    lines = uses_of(call.file).rebound.get((row.function, name), [])
    place = bisect_right(lines, row.line)
    return place < len(lines) and lines[place] < block.line


def _asks_missing(test: Expr, name: str) -> bool | None:
    """True for ``x is None`` and ``not x``, False for the opposite, None for other questions."""
    match test:
        case tree.Op(kind="Not", items=(inner,)):
            found = _asks_missing(inner, name)
            return None if found is None else not found
        case tree.Op(kind="Compare:Is" | "Compare:Eq", items=(left, tree.Const(kind="NoneType"))):
            return True if bare(left) == tree.Name(name) else None
        case tree.Op(
            kind="Compare:IsNot" | "Compare:NotEq", items=(left, tree.Const(kind="NoneType"))
        ):
            return False if bare(left) == tree.Name(name) else None
    return False if bare(test) == tree.Name(name) else None


def _else_of(file: File, index: int) -> int | None:
    known: dict[int, int] | None = file.memo.get("else")
    if known is None:
        known = file.memo["else"] = {
            block.peer: place
            for place, block in enumerate(file.facts.blocks)
            if block.kind == "else"
        }
    return known.get(index)


def _adds(file: File, block: int, name: str) -> bool:
    calls = (Call(file, index) for index in file.tables.calls_inside(block))
    return any(_is_add(call) for call in calls)


def _is_add(call: Call) -> bool:
    database = call.file.project.database
    operation = database.operation(call)
    if operation in _ADDS:
        return True
    if operation not in {"execute", "exec", "scalar", "scalars"} or not call.fact.args:
        return False
    made = statement_of(call, call.fact.args[0])
    return made is not None and made.verb == "insert"


def _changes(file: File, block: int, name: str) -> bool:
    """Whether a block sets attributes of the row, or updates it."""
    if any(_sets(row, name) for row in file.tables.assigns_inside(block)):
        return True
    return any(_is_update(Call(file, index), name) for index in file.tables.calls_inside(block))


def _sets(row: tree.Assign, name: str) -> bool:
    return any(tree.dotted(target).startswith(f"{name}.") for target in row.targets)


def _is_update(call: Call, name: str) -> bool:
    if call.last == "setattr":
        return bool(call.fact.args) and call.fact.args[0] == tree.Name(name)
    if call.last in _UPDATES:
        return tree.dotted(call.receiver) == name
    operation = call.file.project.database.operation(call)
    if operation not in {"execute", "exec"} or not call.fact.args:
        return False
    made = statement_of(call, call.fact.args[0])
    return made is not None and made.verb == "update"


def _changes_after(call: Call, block: Block, name: str) -> bool:
    """Whether the row is changed behind the ``if`` that added it."""
    lasts = _lasts(call)
    return max(lasts.get(("set", name), 0), lasts.get(("update", ""), 0)) > block.end_line


def _adds_after(call: Call, block: Block) -> bool:
    """Whether a row is added behind the ``if`` that returned the one found."""
    lasts = _lasts(call)
    around = [-1, *(index for index, _ in call.file.blocks_around(block.parent))]
    return any(lasts.get(("add", str(index)), 0) > block.end_line for index in around)


def _lasts(call: Call) -> dict[tuple[str, str], int]:
    """Last lines of a function on which a name is changed, or a block adds a row."""
    function = call.function
    memo = call.file.memo.setdefault("last changes", {})
    known: dict[tuple[str, str], int] | None = memo.get(call.fact.function)
    if known is not None or function is None:
        return known or {}
    found: dict[tuple[str, str], int] = {}

    def note(kind: str, name: str, line: int) -> None:
        found[kind, name] = max(found.get((kind, name), 0), line)

    for row in function.assigns:
        for target in row.targets if row.cls < 0 else ():
            head, dot, _ = tree.dotted(target).partition(".")
            note("set", head if dot else "", row.line)
    for each in function.calls:
        first = next(iter(each.fact.args), None)
        if each.last == "setattr":
            note("set", tree.dotted(first), each.line)
        elif each.last in _UPDATES:
            note("set", tree.dotted(each.receiver), each.line)
        elif _is_add(each):
            note("add", str(each.fact.block), each.line)
        elif _is_update(each, ""):
            note("update", "", each.line)
    memo[function.index] = found
    return found


# The time of the last change ---------------------------------------------------------------------


def _stamped(file: File) -> tuple[int, list[At]]:
    count, found = 0, []
    for call in file.calls_named("on_conflict_do_update"):
        model = _inserted(call)
        if model is None or _is_other_dialect(call) or not _has_stamp(model):
            continue
        count += 1
        given = _assigned_columns(call)
        if given is None or not (_names_stamp(call, given) or _by_trigger(file.project)):
            text = f"The upsert of `{model.name}` does not set `{_STAMP}`"
            found.append(At(call.line, text, column=call.fact.column, anchor=_STAMP))
    return count, found


def _inserted(call: Call) -> Class | None:
    """The model that is inserted."""
    for each in Lookup(call).links:
        if each.last in {"insert", "pg_insert"} or each.name.endswith(".insert"):
            name = each.file.resolve(next(iter(each.arguments), None), each.function)
            return each.file.project.classes.by_key.get(name.removesuffix(".__table__"))
    return None


def _has_stamp(model: Class) -> bool:
    models = model.file.project.models
    return any(
        column.name == _STAMP
        for cls in (model, *models.bases(model))
        for column in models.declared(cls)
    )


def _names_stamp(call: Call, expr: Expr) -> bool:
    """Whether the values set name the column, or cannot be known."""
    given = source(Given(call.file, expr, call.function))
    keys = list(_keys(call, expr)) if isinstance(expr, tree.Name) else []
    match given.expr:
        case tree.Map(keys=names, values=values):
            keys += [text for key in names if key is not None and (text := _key(key))]
            spread = [v for k, v in zip(names, values, strict=True) if k is None]
            if any(not isinstance(each, tree.Op) for each in spread):
                return True
        case tree.Op(kind="DictComp"):
            keys += _mentioned(call)
        case tree.CallRef(index=index):
            made = Call(given.file, index)
            if made.name != "builtins.dict" or made.fact.args or made.spreads:
                return True
            keys += [item.name for item in made.fact.keywords]
        case _:
            return True
    return _STAMP in keys


def _key(key: Expr) -> str:
    return tree.text_of(key) or tree.dotted(key).rpartition(".")[2]


def _keys(call: Call, expr: tree.Name) -> Iterator[str]:
    """Keys that are assigned to a mapping one by one."""
    for row in call.function.assigns if call.function is not None else ():
        for target in row.targets:
            if isinstance(target, tree.Item) and target.value == expr:
                yield _key(target.index)


def _mentioned(call: Call) -> Iterator[str]:
    """Columns that the function assigns in ``values(...)`` or in a mapping."""
    function = call.function
    for each in function.calls if function is not None else call.file.calls:
        yield from (item.name for item in each.fact.keywords)
        for argument in each.arguments:
            for node in tree.walk(argument):
                if isinstance(node, tree.Map):
                    yield from (_key(key) for key in node.keys if key is not None)
    for row in function.assigns if function is not None else ():
        for node in tree.walk(row.value):
            if isinstance(node, tree.Map):
                yield from (_key(key) for key in node.keys if key is not None)


def _by_trigger(project: Project) -> bool:
    """Whether a migration makes a trigger that keeps the column."""
    memo = project.models.memo
    if "trigger" not in memo:
        memo["trigger"] = any(
            "TRIGGER" in text.upper() and _STAMP in text.lower()
            for file in project.migrations
            for call in file.calls
            for argument in call.fact.args
            if (text := literal_text(argument))
        )
    return bool(memo["trigger"])
