"""SQL text: what a call receives as SQL, how it was put together, and from which parts.

A part is safe when nobody outside the code can choose it: a literal, a constant, a member of an
enum, a column, a number, a quoted identifier, or a value that the same function compares with an
allow-list. A text is followed through variables of its own function and constants of its module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.subjects import Call, Function

_WHOLE = re.compile(
    r"^\s*(\(?\s*SELECT\b.+?\bFROM\b|INSERT\s+(OR\s+\w+\s+)?INTO\b|UPDATE\s+\S+\s+SET\b"
    r"|DELETE\s+FROM\b|WITH\s+\w+\s+AS\b|(ALTER|CREATE|DROP)\s+[A-Z ]*?TABLE\b|TRUNCATE\b)",
    re.I | re.S,
)
_NUMBERS = frozenset({"builtins.int", "builtins.float", "builtins.bool", "uuid.UUID"})
_CONVERSIONS = _NUMBERS | {
    "builtins.len",
    "builtins.abs",
    "psycopg.sql.Identifier",
    "psycopg2.sql.Identifier",
    "psycopg.sql.Placeholder",
    "sqlalchemy.sql.quoted_name",
    "sqlalchemy.sql.elements.quoted_name",
}
_PLAIN_ITERATORS = frozenset({"enumerate", "sorted", "reversed", "list", "tuple", "set", "zip"})
_VIEWS = frozenset({"items", "keys", "values"})
_GROWS = frozenset({"append", "extend", "insert", "add"})
_MEMBERSHIP = frozenset({"Compare:In", "Compare:NotIn"})
_DEPTH = 12


def literal_text(expr: Expr | None) -> str:
    """Text of a literal, an f-string or a concatenation; placeholders become ``?``."""
    match expr:
        case tree.Const(kind="str", value=str(text)):
            return text
        case tree.Fmt(parts=parts):
            return "".join(literal_text(part) or "?" for part in parts)
        case tree.Bin(op="Add", items=items):
            return "".join(literal_text(item) or "?" for item in items)
        case tree.Bin(op="Mod", items=items):
            return literal_text(items[0])
    return ""


def is_sql(text: str) -> bool:
    """Whether a text has the structure of SQL, not only its words."""
    return bool(text) and bool(_WHOLE.match(text))


class SqlText:
    """The SQL text that one call receives.

    Args:
        call: The call.
        argument: What it is given.

    Attributes:
        line: Line of the assignment that builds the text, else of the call.
        text: The text as far as it is written in the code, placeholders as ``?``; "" when the
            argument is no text that is written here.
    """

    def __init__(self, call: Call, argument: Expr) -> None:
        self.call = call
        self.file = call.file
        self.function = call.function
        self.line = call.line
        self._asked: set[str] = set()
        self._known: dict[tuple[int, frozenset[str]], bool] = {}
        self._parts: tuple[Expr, ...] = (argument,)
        if isinstance(argument, tree.Name):
            self._follow(argument)
        self.text = next(filter(None, map(self._literal, self._parts)), "")

    def interpolates(self) -> bool:
        """Whether a part of the text may be chosen from outside."""
        return any(
            not self._safe(part, 0) for built in self._parts for part in self._inserted(built)
        )

    # How it is built ------------------------------------------------------------------------------

    def _follow(self, name: tree.Name) -> None:
        """From a variable to what was assigned to it before the call."""
        rows = self._assigned(name.id) or self._constant(name)
        before = [row for row in rows if row.function < 0 or row.line <= self.call.line]
        around = {index for index, _ in self.file.blocks_around(self.call.fact.block)} | {-1}
        sure = [i for i, row in enumerate(before) if not row.op and row.block in around]
        live = before[sure[-1] :] if sure else before
        if not live:
            return
        self._parts = tuple(row.value for row in live if row.value is not None)
        dirty = (r for r in live if any(not self._safe(p, 0) for p in self._inserted(r.value)))
        self.line = next(dirty, live[0]).line

    def _assigned(self, name: str) -> list[Assign]:
        """Assignments to a variable in the function of the call."""
        if "." in name or self.function is None:
            return []
        return _function_of(self.function).bound.get(name, [])

    def _constant(self, name: tree.Name) -> list[Assign]:
        """The assignment of a constant of the same module."""
        found = self.file.project.names.assignment_named(self.file.resolve(name, self.function))
        return [found[1]] if found is not None and found[0] is self.file else []

    def _literal(self, expr: Expr | None) -> str:
        """Text of an expression, of the template of a ``format`` and of a named template."""
        if isinstance(expr, tree.CallRef):
            made = Call(self.file, expr.index)
            if made.last == "join":
                return next(filter(None, map(literal_text, self._pieces(made))), "")
            return self._template(made.receiver) if made.last == "format" else ""
        if isinstance(expr, tree.Bin) and expr.op == "Mod":
            return self._template(expr.items[0])
        return literal_text(expr) if _holds_text(expr) else ""

    def _pieces(self, call: Call) -> list[Expr]:
        """What ``"".join(parts)`` puts together, as far as the function writes it."""
        if tree.text_of(call.receiver) is None or not call.fact.args:
            return []
        given = call.fact.args[0]
        if isinstance(given, tree.Seq):
            return list(given.items)
        if not isinstance(given, tree.Name):
            return []
        rows = (row.value for row in self._assigned(given.id))
        written = [item for row in rows if isinstance(row, tree.Seq) for item in row.items]
        return [*written, *self._grown(given.id)]

    def _template(self, expr: Expr | None) -> str:
        if isinstance(expr, tree.Name):
            rows = self._assigned(expr.id)[-1:] or self._constant(expr)
            return literal_text(rows[0].value) if rows else ""
        return literal_text(expr)

    def _inserted(self, expr: Expr | None) -> Iterator[Expr]:
        """What is put into a text: placeholders, operands, arguments of ``format``."""
        match expr:
            case tree.Fmt(parts=parts):
                yield from parts
            case tree.Bin(op="Add", items=items):
                for item in items:
                    if isinstance(item, (tree.Fmt, tree.Bin)):
                        yield from self._inserted(item)
                    else:
                        yield item
            case tree.Bin(op="Mod", items=items):
                for item in items[1:]:
                    yield from _elements(item)
            case tree.CallRef(index=index):
                call = Call(self.file, index)
                if call.last == "format" and self._template(call.receiver):
                    yield from call.fact.args
                    yield from (item.value for item in call.fact.keywords)
                elif call.last == "join":
                    for piece in self._pieces(call):
                        yield from self._inserted(piece)

    # Which parts are safe -------------------------------------------------------------------------

    def _safe(self, part: Expr | None, depth: int) -> bool:
        """Constants, enum members, columns, numbers, quoted identifiers, generated placeholders."""
        if depth > _DEPTH:
            return False
        memo = (id(part), frozenset(self._asked))
        known = self._known.get(memo)
        if known is None:
            known = self._known[memo] = self._is_safe(part, depth)
        return known

    def _is_safe(self, part: Expr | None, depth: int) -> bool:
        match part:
            case None | tree.Const():
                return True
            case tree.Fmt() | tree.Bin():
                return all(self._safe(item, depth + 1) for item in self._inserted(part))
            case tree.Op(kind="IfExp", items=items):
                return all(self._safe(item, depth + 1) for item in items[1:])
            case tree.Op(kind="Or" | "And", items=items):
                return all(self._safe(item, depth + 1) for item in items)
            case tree.Seq(items=items):
                return all(self._safe(item, depth + 1) for item in items)
            case tree.Item(value=value):
                return self._is_constant_table(value)
            case tree.CallRef(index=index):
                return self._safe_call(Call(self.file, index), depth)
            case tree.Name():
                return self._safe_name(part, depth)
        return False

    def _safe_call(self, call: Call, depth: int) -> bool:
        name = call.name or self.file.resolve(call.fact.func, self.function)
        if name in _CONVERSIONS or name.endswith((".Identifier", ".quoted_name")):
            return True
        if call.last == "get" and len(call.fact.args) == 2:
            return self._is_constant_table(call.receiver) and self._safe(call.fact.args[1], depth)
        if call.last == "format":
            return all(self._safe(item, depth + 1) for item in self._inserted(_ref(call)))
        if call.last != "join" or not call.fact.args:
            return False
        argument = call.fact.args[0]
        if isinstance(argument, tree.Bin) and argument.op == "Mult":
            return True
        if isinstance(argument, tree.Op):
            return self._safe(argument.items[0], depth + 1)
        return self._safe(argument, depth + 1)

    def _safe_name(self, part: tree.Name, depth: int) -> bool:
        if "__tablename__" in part.id or ".__table__" in part.id or part.id.endswith(".c"):
            return True
        if self._is_member(part) or self._checked_against_list(part):
            return True
        if self.file.type_of(part, self.function) in _NUMBERS or part.id in self._asked:
            return True
        rows = self._assigned(part.id)
        if rows:
            self._asked.add(part.id)
            values = [*(_bound(row, part.id) for row in rows), *self._grown(part.id)]
            safe = all(self._safe(value, depth + 1) for value in values)
            self._asked.discard(part.id)
            return safe
        looped = self._looped_over(part.id.partition(".")[0])
        if looped is not None:
            return self._lists_constants(looped, depth)
        name = self.file.resolve(part, self.function)
        constant = self.file.project.names.assignment_named(name)
        if constant is None or constant[1].op:
            return False
        return constant[1].value is not None and not isinstance(constant[1].value, tree.CallRef)

    def _is_member(self, part: tree.Name) -> bool:
        """A member of an enum, a column of a model, a literal attribute of a class."""
        classes = self.file.project.classes
        text = part.id.removesuffix(".value")
        own = classes.by_key.get(self.file.type_of(tree.Name(text), self.function))
        if own is not None and classes.role(own) == "enum":
            return True
        head, _, last = text.rpartition(".")
        named = classes.by_key.get(self.file.resolve(head, self.function)) if head else None
        if named is not None and classes.role(named) in {"enum", "orm"}:
            return True
        owner = named or classes.by_key.get(self.file.type_of(tree.Name(head), self.function))
        if owner is None or classes.role(owner) in {"settings", "schema", "orm"}:
            return False
        fact = owner.attributes.get(last)
        return fact is not None and isinstance(fact.value, tree.Const) and fact.value.kind == "str"

    def _grown(self, name: str) -> list[Expr]:
        """What is appended to a list in the function of the call."""
        if self.function is None:
            return []
        return _function_of(self.function).grown.get(name, [])

    def _looped_over(self, name: str) -> Expr | None:
        """What the innermost loop around the call that binds a name runs over."""
        for block in self._loops():
            if name in {t.id for t in tree.walk(block.exprs[0]) if isinstance(t, tree.Name)}:
                return block.exprs[1]
        return None

    def _loops(self) -> Iterator[tree.Block]:
        """Loops around the call, and comprehensions of its statement."""
        for _, block in self.file.blocks_around(self.call.fact.block):
            if block.kind in {"for", "async for", "comp"}:
                yield block
        yield from self.file.tables.comprehensions(self.call.line, self.call.fact.end_line)

    def _lists_constants(self, expr: Expr, depth: int) -> bool:
        """Whether what a loop runs over is written in the code, down to its elements."""
        if depth > _DEPTH:
            return False
        match expr:
            case tree.Const():
                return True
            case tree.Seq(items=items):
                return all(self._lists_constants(item, depth + 1) for item in items)
            case tree.Item(value=value):
                return self._lists_constants(value, depth + 1)
            case tree.Map(keys=keys, values=values):
                every = (*(key for key in keys if key is not None), *values)
                return None not in keys and all(
                    self._lists_constants(item, depth + 1) or self._safe(item, depth + 1)
                    for item in every
                )
            case tree.CallRef(index=index):
                call = Call(self.file, index)
                if call.last in _VIEWS | {"get"} and call.receiver is not None:
                    return self._lists_constants(call.receiver, depth + 1)
                given = call.fact.args if call.last in _PLAIN_ITERATORS else ()
                return bool(given) and all(self._lists_constants(a, depth + 1) for a in given)
            case tree.Name(id=name):
                outer = None if "." in name else self._looped_over(name)
                if outer is not None and outer != expr:
                    return self._lists_constants(outer, depth + 1)
                return self._constant_lists(expr, depth)
        return False

    def _constant_lists(self, name: tree.Name, depth: int) -> bool:
        rows = self._assigned(name.id)
        if not rows:
            named = self.file.resolve(name, self.function)
            found = self.file.project.names.assignment_named(named)
            rows = [found[1]] if found is not None else []
        return bool(rows) and all(
            row.value is not None and self._lists_constants(row.value, depth + 1) for row in rows
        )

    def _is_constant_table(self, expr: Expr | None) -> bool:
        """A mapping or list whose values are written in the code."""
        if isinstance(expr, tree.Name):
            return self._constant_lists(expr, 0)
        return isinstance(expr, (tree.Map, tree.Seq)) and self._lists_constants(expr, 0)

    def _checked_against_list(self, part: tree.Name) -> bool:
        """Compared with an allow-list (``if column not in ALLOWED``) in the same function."""
        return self.function is not None and part.id in _function_of(self.function).compared


def _holds_text(expr: Expr | None) -> bool:
    """A text with at least one literal piece."""
    if isinstance(expr, tree.Bin):
        return any(_holds_text(item) for item in expr.items)
    return isinstance(expr, tree.Fmt) or tree.text_of(expr) is not None


def _elements(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case tree.Seq(items=items):
            return items
        case tree.Map(values=values):
            return values
    return (expr,)


class _Function(msgspec.Struct, frozen=True):
    """What one function does with names; worked out once for all texts in it.

    Attributes:
        bound: Assignments by name, of single names and of each name of a tuple.
        grown: What is appended to a list, by the name of the list.
        compared: Names that are compared with the items of a list.
    """

    bound: dict[str, list[Assign]]
    grown: dict[str, list[Expr]]
    compared: set[str]


def _function_of(function: Function) -> _Function:
    key = f"sql text of {function.index}"
    known: _Function | None = function.file.memo.get(key)
    if known is None:
        known = function.file.memo[key] = _Function(
            _bound_names(function), _grown_lists(function), _compared(function)
        )
    return known


def _bound_names(function: Function) -> dict[str, list[Assign]]:
    found: dict[str, list[Assign]] = {}
    for row in function.assigns:
        if row.cls >= 0:
            continue
        targets = (t.items if isinstance(t, tree.Seq) else (t,) for t in row.targets)
        items = (item for group in targets for item in group)
        for name in dict.fromkeys(item.id for item in items if isinstance(item, tree.Name)):
            found.setdefault(name, []).append(row)
    return found


def _grown_lists(function: Function) -> dict[str, list[Expr]]:
    found: dict[str, list[Expr]] = {}
    for call in function.calls:
        if call.last in _GROWS:
            found.setdefault(tree.dotted(call.receiver), []).extend(call.fact.args)
    return found


def _compared(function: Function) -> set[str]:
    return {
        tree.dotted(node.items[0])
        for _, block in function.blocks
        if block.kind in {"if", "for", "comp"} and block.exprs
        for node in tree.walk(block.exprs[0])
        if isinstance(node, tree.Op) and node.kind in _MEMBERSHIP
    }


def _bound(row: Assign, name: str) -> Expr | None:
    """What an assignment gives a name, element by element where both sides are written out."""
    match row.targets[0], row.value:
        case tree.Seq(items=targets), tree.Seq(items=values) if len(targets) == len(values):
            pairs = zip(targets, values, strict=True)
            return next((v for t, v in pairs if t == tree.Name(name)), row.value)
    return row.value


def _ref(call: Call) -> Expr:
    return tree.CallRef(call.index)
