"""From ast expressions to the small trees of :mod:`checks.facts.tree`.

Works without unbounded recursion: left-deep operator chains are flattened in a loop and
nesting beyond :data:`~checks.facts.tree.MAX_DEPTH` is forgotten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any, Protocol

from checks.facts.tree import (
    MAX_DEPTH,
    Access,
    Attr,
    Bin,
    Call,
    CallRef,
    Const,
    Expr,
    Fmt,
    Item,
    Keyword,
    Map,
    Name,
    Op,
    Seq,
)

MAX_TEXT = 4_000
"""Characters of a string literal that are kept."""
_BIG = 1 << 62
_DEEP = Op("Deep")
_OWN = frozenset({"self", "cls"})
_TESTS = ("Compare:", "Not", "And", "Or")
_HEADER = re.compile(rb"[A-Za-z][A-Za-z-]{1,40}")
_ADDRESS = re.compile(r"[a-zA-Z][\w+.-]{0,24}://[^\s]|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\Z")


class Place(Protocol):
    """Where the walk is: indices of the enclosing function, class and block, and its counters."""

    function: int
    cls: int
    block: int

    def decide(self, count: int) -> None:
        """Add decision points to the enclosing function."""
        ...

    def open_comprehension(self, node: ast.expr, exprs: tuple[Expr, ...]) -> int:
        """Open a block for a comprehension or lambda; returns the block to restore."""
        ...

    def bind(self, node: ast.NamedExpr, target: Expr, value: Expr) -> None:
        """Record ``target := value``."""
        ...

    def give(self, node: ast.expr, value: Expr | None) -> None:
        """Record a yield."""
        ...

    def look_up(self, node: ast.expr, base: Expr, key: Expr) -> None:
        """Record a read of the environment, where this is one."""
        ...

    def span(self, node: ast.expr) -> None:
        """Record a text of several lines."""
        ...


def clean(text: str) -> str:
    """Text that can be stored: cut, lone surrogates replaced."""
    text = text[:MAX_TEXT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class Expressions:
    """Converts expressions of one file and collects their calls."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.calls: list[Call | None] = []
        self.depth = 0
        self.attributes: set[str] = set()
        self.accesses: list[Access] = []
        self.addresses: list[tuple[int, str]] = []
        self._table: dict[type[ast.expr], Callable[[Any], Expr]] = {
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Constant: self._constant,
            ast.Call: self._call,
            ast.Subscript: self._subscript,
            ast.List: lambda node: Seq("list", self.many(node.elts)),
            ast.Tuple: lambda node: Seq("tuple", self.many(node.elts)),
            ast.Set: lambda node: Seq("set", self.many(node.elts)),
            ast.Dict: self._dict,
            ast.JoinedStr: self._joined,
            ast.FormattedValue: lambda node: self.one(node.value),
            ast.BinOp: self._binary,
            ast.BoolOp: self._bool,
            ast.UnaryOp: lambda node: Op(type(node.op).__name__, (self.one(node.operand),)),
            ast.Compare: self._compare,
            ast.IfExp: self._conditional,
            ast.Await: self._await,
            ast.Starred: lambda node: Op("Starred", (self.one(node.value),)),
            ast.Slice: self._slice,
            ast.Yield: self._yield,
            ast.YieldFrom: self._yield,
            ast.NamedExpr: self._walrus,
            ast.Lambda: self._lambda,
            ast.ListComp: self._comprehension,
            ast.SetComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.DictComp: self._comprehension,
        }

    def forget(self) -> None:
        """Drop the bound methods: they tie every file's tables into a cycle."""
        self._table.clear()

    def one(self, node: ast.expr) -> Expr:
        """Convert one expression."""
        kind = type(node)
        if kind is ast.Name:
            return Name(node.id)  # type: ignore[attr-defined]  # the commonest kind, without a call
        if self.depth >= MAX_DEPTH:
            return _DEEP
        self.depth += 1
        try:
            return self._table[kind](node)
        finally:
            self.depth -= 1

    def maybe(self, node: ast.expr | None) -> Expr | None:
        """Convert an expression that may be missing."""
        return None if node is None else self.one(node)

    def keyword(self, node: ast.keyword) -> Keyword:
        """A keyword argument of a call or of a class statement."""
        return Keyword(node.arg or "", self.one(node.value), node.lineno)

    def many(self, nodes: list[ast.expr]) -> tuple[Expr, ...]:
        """Convert several expressions."""
        one = self.one
        return tuple([one(node) for node in nodes])

    def _name(self, node: ast.Name) -> Expr:
        return Name(node.id)

    def _attribute(self, node: ast.Attribute, *, called: bool = False) -> Expr:
        names = [node.attr]
        value = node.value
        while type(value) is ast.Attribute:
            names.append(value.attr)
            value = value.value
        self.attributes.update(names[1:] if called else names)
        if type(value) is ast.Name:
            names.append(value.id)
            names.reverse()
            text = ".".join(names)
            if "._" in text:
                self._access(node, names)
            return Name(text)
        base = self.one(value)
        if len(names) > MAX_DEPTH:
            return _DEEP
        for name in reversed(names):
            if name[0] == "_" and not name.endswith("__"):
                self.accesses.append(Access(node.lineno, base, name, self.place.function))
            base = Attr(base, name)
        return base

    def _access(self, node: ast.Attribute, names: list[str]) -> None:
        """Note the names with a leading underscore in a chain of names."""
        for place, name in enumerate(names):
            if place and name[0] == "_" and not name.endswith("__"):
                base = ".".join(names[:place])
                if base not in _OWN:
                    access = Access(node.lineno, Name(base), name, self.place.function)
                    self.accesses.append(access)

    def _constant(self, node: ast.Constant) -> Expr:
        value = node.value
        kind = type(value).__name__
        if kind == "str":
            if node.end_lineno != node.lineno:
                self.place.span(node)
            text = clean(str(value))
            if _ADDRESS.match(text):
                self.addresses.append((node.lineno, text))
            return Const(kind, text)
        if kind == "int" and not -_BIG < value < _BIG:  # type: ignore[operator]
            return Const(kind)
        if kind in {"int", "float", "bool", "NoneType"}:
            return Const(kind, value)  # type: ignore[arg-type]
        if isinstance(value, bytes) and _HEADER.fullmatch(value):
            return Const(kind, value.decode())
        return Const(kind)

    def _call(self, node: ast.Call) -> Expr:
        return self.call(node)

    def call(self, node: ast.Call, *, awaited: bool = False, statement: bool = False) -> CallRef:
        """Convert a call and enter it into the table of calls, in source order of its start."""
        index = len(self.calls)
        self.calls.append(None)
        place = self.place
        func_node = node.func
        if type(func_node) is ast.Attribute:
            func = self._attribute(func_node, called=True)
        else:
            func = self.one(func_node)
        self.calls[index] = Call(
            line=node.lineno,
            column=node.col_offset + 1,
            end_line=node.end_lineno or node.lineno,
            func=func,
            args=self.many(node.args),
            keywords=tuple([self.keyword(each) for each in node.keywords]),
            function=place.function,
            cls=place.cls,
            block=place.block,
            awaited=awaited,
            statement=statement,
        )
        return CallRef(index)

    def _subscript(self, node: ast.Subscript) -> Expr:
        base, key = self.one(node.value), self.one(node.slice)
        if type(base) is Name and type(node.ctx) is ast.Load:
            self.place.look_up(node, base, key)
        return Item(base, key)

    def _dict(self, node: ast.Dict) -> Expr:
        return Map(tuple([self.maybe(key) for key in node.keys]), self.many(node.values))

    def _joined(self, node: ast.JoinedStr) -> Expr:
        if node.end_lineno != node.lineno:
            self.place.span(node)
        return Fmt(self.many(node.values))

    def _binary(self, node: ast.BinOp) -> Expr:
        kind = type(node.op)
        operands: list[ast.expr] = []
        current: ast.expr = node
        while type(current) is ast.BinOp and type(current.op) is kind:
            operands.append(current.right)
            current = current.left
        operands.append(current)
        operands.reverse()
        return Bin(kind.__name__, self.many(operands))

    def _bool(self, node: ast.BoolOp) -> Expr:
        self.place.decide(len(node.values) - 1)
        return Op(type(node.op).__name__, self.many(node.values))

    def _compare(self, node: ast.Compare) -> Expr:
        kinds = ",".join([type(op).__name__ for op in node.ops])
        operands = (self.one(node.left), *self.many(node.comparators))
        if kinds in {"In", "NotIn"} and type(operands[1]) is Name:
            self.place.look_up(node, operands[1], operands[0])
        return Op(f"Compare:{kinds}", operands)

    def _conditional(self, node: ast.IfExp) -> Expr:
        self.place.decide(1)
        return Op("IfExp", (self.one(node.test), self.one(node.body), self.one(node.orelse)))

    def _await(self, node: ast.Await) -> Expr:
        if type(node.value) is ast.Call:
            return Op("Await", (self.call(node.value, awaited=True),))
        return Op("Await", (self.one(node.value),))

    def _slice(self, node: ast.Slice) -> Expr:
        bounds = (node.lower, node.upper, node.step)
        return Op("Slice", tuple([self.one(bound) for bound in bounds if bound is not None]))

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> Expr:
        value = self.maybe(node.value)
        self.place.give(node, value)
        return Op(type(node).__name__, () if value is None else (value,))

    def _walrus(self, node: ast.NamedExpr) -> Expr:
        target, value = self.one(node.target), self.one(node.value)
        self.place.bind(node, target, value)
        return Op("NamedExpr", (target, value))

    def _lambda(self, node: ast.Lambda) -> Expr:
        outer = self.place.open_comprehension(node, ())
        body = self.one(node.body)
        self.place.block = outer
        return Op("Lambda", (body,))

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> Expr:
        first = self.one(node.generators[0].iter)
        outer = self.place.open_comprehension(node, (self.one(node.generators[0].target), first))
        rest: list[Expr] = [first]
        for number, part in enumerate(node.generators):
            self.place.decide(len(part.ifs) + 1)
            if number:
                rest.append(self.one(part.iter))
            rest.extend(_condition(each) for each in self.many(part.ifs))
        heads = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        elements = self.many(heads)
        self.place.block = outer
        return Op(type(node).__name__, (*elements, *rest))


def _condition(test: Expr) -> Expr:
    """A condition of a comprehension.

    One that is a mere value is marked, since it looks like what the next ``for`` goes through.
    """
    if isinstance(test, Op) and test.kind.startswith(_TESTS):
        return test
    return Op("If", (test,))
