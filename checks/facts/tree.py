"""What one Python file says, as flat tables over small expression trees.

The tables are what :mod:`checks.facts.syntax` extracts from one blob and what every check reads;
they are stored by blob id, so they hold no path and nothing of another file. Indices point into
the tables of the same file; -1 stands for "none" (module level, no class, no block).

Expressions keep names, constants, calls and structure, and forget what no check can ask about
(contexts, offsets of operands). A dotted chain of names is one :class:`Name`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from checks.facts.text import Comment, Suppression


class Name(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """A dotted chain of identifiers: ``a`` or ``a.b.c``."""

    id: str


class Const(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """A literal. ``kind`` names its type; big integers and complex keep no value.

    Of bytes only what may be the name of a header is kept, as a text.
    """

    kind: str
    value: str | int | float | bool | None = None


class CallRef(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """A call, by its index into :attr:`PyFacts.calls`."""

    index: int


class Attr(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """``value.attr`` where the value is no plain chain of names."""

    value: Expr
    attr: str


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """``value[index]``."""

    value: Expr
    index: Expr


class Seq(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=6):
    """A list, tuple or set display; ``kind`` is ``list``, ``tuple`` or ``set``."""

    kind: str
    items: tuple[Expr, ...]


class Map(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=7):
    """A dict display; a key is None where a mapping is spread by ``**``."""

    keys: tuple[Expr | None, ...]
    values: tuple[Expr, ...]


class Fmt(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=8):
    """An f-string: constant parts are :class:`Const`, placeholders any other expression."""

    parts: tuple[Expr, ...]


class Bin(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=9):
    """``a op b op c`` of one operator, flattened; ``op`` is the ast class (Add, Mod, BitOr)."""

    op: str
    items: tuple[Expr, ...]


class Op(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=10):
    """Every other operation: ``kind`` and its operands in source order.

    Kinds: And, Or, Not, USub, UAdd, Invert, IfExp (test, body, orelse), Compare:<Op>[,<Op>...],
    Await, Starred, Slice, Yield, YieldFrom, NamedExpr (target, value), Lambda (body),
    ListComp, SetComp, GeneratorExp, DictComp (elements, then iterables and conditions),
    If (a condition of a comprehension that is no comparison, Not, And or Or),
    Deep (nested beyond :data:`MAX_DEPTH`, forgotten).
    """

    kind: str
    items: tuple[Expr, ...] = ()


type Expr = Name | Const | CallRef | Attr | Item | Seq | Map | Fmt | Bin | Op

MAX_DEPTH = 60
"""Nesting of an expression that is kept; deeper operands are forgotten."""


class Keyword(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A keyword argument and its line; ``name`` is "" for ``**value``."""

    name: str
    value: Expr
    line: int = 0


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One call: ``awaited`` directly under ``await``, ``statement`` where it is a whole one."""

    line: int
    column: int
    end_line: int
    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    function: int
    cls: int
    block: int
    awaited: bool
    statement: bool

    def keyword(self, name: str) -> Expr | None:
        """The value passed for a keyword, or None."""
        for item in self.keywords:
            if item.name == name:
                return item.value
        return None

    @property
    def last(self) -> str:
        """Last name of the callee: ``execute`` for ``self.db.execute(...)``; "" for none."""
        func = self.func
        if isinstance(func, Name):
            return func.id.rpartition(".")[2]
        return func.attr if isinstance(func, Attr) else ""


class Param(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A parameter; ``kind``: ``pos`` (positional only), ``arg``, ``vararg``, ``kw``, ``kwarg``."""

    name: str
    kind: str
    line: int
    annotation: Expr | None
    default: Expr | None


class Function(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One def. ``qualname`` has no ``<locals>``: nested functions are ``outer.inner``.

    Attributes:
        line: Line of the ``def`` keyword's statement, 1-based, decorators left out.
        header_end: Last line of the signature.
        body_lines: Lines from the first statement after the docstring to the last line,
            blank and comment-only lines left out; docstrings of nested functions left out too.
        complexity: Cyclomatic complexity, closures left out (radon's count).
        shape: ``literal`` when the body is one return of a literal, ``stub`` when it is only
            ``...``, ``pass`` or ``raise NotImplementedError`` (docstring aside), else "".
        typevars: Number of bracket type parameters (PEP 695).
        last: Index of what ends the body: kind of its last statement (Return, Raise, Expr ...).
    """

    name: str
    qualname: str
    line: int
    column: int
    end_line: int
    header_end: int
    is_async: bool
    generator: bool
    params: tuple[Param, ...]
    returns: Expr | None
    decorators: tuple[Decorator, ...]
    docstring: str | None
    body_lines: int
    complexity: int
    shape: str
    typevars: int
    last: str
    parent: int
    cls: int
    block: int


class Decorator(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One decorator and its line."""

    line: int
    value: Expr


class Class(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One class statement; ``parent`` and ``function`` are what encloses it."""

    name: str
    qualname: str
    line: int
    column: int
    end_line: int
    bases: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    decorators: tuple[Decorator, ...]
    docstring: str | None
    typevars: int
    parent: int
    function: int
    block: int


class Assign(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An assignment; ``op`` is "" for ``=``, the operator for an augmented one, ``:=`` or ``type``.

    ``cls`` is the class whose body holds it (-1 in functions, methods included). ``value`` is
    None for a bare annotation.
    """

    line: int
    end_line: int
    column: int
    targets: tuple[Expr, ...]
    annotation: Expr | None
    value: Expr | None
    op: str
    function: int
    cls: int
    block: int


class Import(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One imported name.

    ``import a.b as c``: module ``a.b``, name "", alias ``c`` (alias "" binds the first segment).
    ``from ..a import b as c``: module ``a``, level 2, name ``b``, alias ``c`` (defaults to b).
    ``type_checking`` is True below ``if TYPE_CHECKING:``.
    """

    line: int
    column: int
    end_line: int
    module: str
    level: int
    name: str
    alias: str
    type_checking: bool
    function: int
    cls: int
    block: int


class Raise(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One raise statement; ``cause`` is what follows ``from`` (a None literal is a Const)."""

    line: int
    end_line: int
    column: int
    exc: Expr | None
    cause: Expr | None
    function: int
    block: int


class Statement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A return, yield, expression, delete, assert, global, nonlocal, pass, break or continue.

    ``kind`` is the ast class name in lower case (``return``, ``yield``, ``expr``, ``delete``,
    ``assert``, ``global`` ...); ``names`` holds what global and nonlocal name.
    """

    kind: str
    line: int
    end_line: int
    value: Expr | None
    names: tuple[str, ...]
    function: int
    cls: int
    block: int


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A region of statements with a header.

    Kinds and ``exprs``: ``for``/``async for`` (target, iterable), ``while`` (test), ``loopelse``,
    ``if``/``else`` (test), ``try``, ``except`` (types, one expression or none; ``name`` is the
    bound name), ``tryelse``, ``finally``, ``with``/``async with`` (context expressions; ``names``
    the bound targets), ``match`` (subject), ``case`` (guard or none; ``targets`` the values its
    pattern compares with), ``comp`` (iterables; a comprehension), ``lambda``. ``peer`` of except,
    tryelse, finally is the ``try`` block; of ``else`` and ``loopelse`` the ``if`` or loop; of
    ``case`` the ``match``.
    ``last`` is the kind of the last statement as in :class:`Function`.
    """

    kind: str
    line: int
    end_line: int
    column: int
    exprs: tuple[Expr, ...]
    name: str
    targets: tuple[Expr | None, ...]
    parent: int
    peer: int
    function: int
    last: str


class Lookup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A read of the environment that is no call: ``os.environ[key]`` or ``key in os.environ``.

    ``base`` is what is called environ there, under whatever name it was imported.
    """

    line: int
    base: Expr
    key: Expr
    function: int


class Access(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A use of an attribute with a leading underscore, of anything but ``self`` and ``cls``."""

    line: int
    base: Expr
    name: str
    function: int


class PyFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything that one Python blob says.

    Attributes:
        error: Why the blob could not be parsed, with its line; "" when it was.
        error_line: 1-based line of the syntax error, 0 without one.
        note: A remark of decoding or of a repaired newer syntax; "" usually.
        lines: Number of lines (a trailing newline makes none).
        code_lines: Lines that are neither blank nor only a comment.
        docstring: Module docstring or None.
        generated: The first five lines say that the file is generated.
        statements_count: Statements of the module body beside the docstring.
        data_only: The module body consists of literal assignments (and imports) only.
        main_guard: (first, last) line of ``if __name__ == "__main__":``, or (0, 0).
        suppressions: Comments that silence a tool, in order of line.
        skips_isort: The file says ``isort: skip_file``.
        attributes: Names of attributes that are used otherwise than by calling them at once.
        accesses: Uses of others' private attributes.
        addresses: Line and text of the literals that begin with a scheme or are an IP address.
        texts: First line, line of the first word and last line of each string that is a statement:
            docstrings, and what stands below attributes.
    """

    error: str = ""
    error_line: int = 0
    note: str = ""
    lines: int = 0
    code_lines: int = 0
    docstring: str | None = None
    generated: bool = False
    statements_count: int = 0
    data_only: bool = False
    main_guard: tuple[int, int] = (0, 0)
    suppressions: tuple[Suppression, ...] = ()
    skips_isort: bool = False
    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    calls: tuple[Call, ...] = ()
    assigns: tuple[Assign, ...] = ()
    imports: tuple[Import, ...] = ()
    raises: tuple[Raise, ...] = ()
    statements: tuple[Statement, ...] = ()
    blocks: tuple[Block, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    comments: tuple[Comment, ...] = ()
    attributes: tuple[str, ...] = ()
    accesses: tuple[Access, ...] = ()
    addresses: tuple[tuple[int, str], ...] = ()
    texts: tuple[tuple[int, int, int], ...] = ()


DECODER = msgspec.msgpack.Decoder(PyFacts)
ENCODER = msgspec.msgpack.Encoder()


def children(expr: Expr) -> tuple[Expr, ...]:
    """Direct operands of an expression; calls are references and have none here."""
    match expr:
        case Name() | Const() | CallRef():
            return ()
        case Attr(value=value):
            return (value,)
        case Item(value=value, index=index):
            return (value, index)
        case Map(keys=keys, values=values):
            return tuple(key for key in keys if key is not None) + values
        case Fmt(parts=items) | Seq(items=items) | Bin(items=items) | Op(items=items):
            return items


_LEAVES = frozenset({Name, Const})


def is_leaf(expr: Expr | None) -> bool:
    """Whether nothing stands below an expression: most are names and constants."""
    return type(expr) in _LEAVES


def walk(expr: Expr | None, facts: PyFacts | None = None) -> Iterator[Expr]:
    """The expression and all below it, without recursion; with ``facts``, through calls too."""
    stack = [] if expr is None else [expr]
    while stack:
        node = stack.pop()
        yield node
        if type(node) in _LEAVES:  # most are, and asking for their operands costs more
            continue
        if type(node) is CallRef:
            if facts is not None:
                call = facts.calls[node.index]
                stack += [item.value for item in call.keywords[::-1]]
                stack += call.args[::-1]
                stack.append(call.func)
        elif type(node) is Attr:
            stack.append(node.value)
        else:
            stack += children(node)[::-1]


def dotted(expr: Expr | None) -> str:
    """The dotted text of a plain chain of names, else ""."""
    return expr.id if isinstance(expr, Name) else ""


def text_of(expr: Expr | None) -> str | None:
    """The value of a string literal, else None."""
    if isinstance(expr, Const) and expr.kind == "str" and isinstance(expr.value, str):
        return expr.value
    return None
