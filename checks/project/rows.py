"""Rows of a file as subjects: functions, classes, calls, except clauses, raises, imported names.

Each is a thin view of a row of :class:`~checks.facts.tree.PyFacts` that knows its file; it
answers questions about itself, and asks the project where other files are concerned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr

if TYPE_CHECKING:
    from checks.project.subjects import File


class Row:
    """A row of one table of one file."""

    __slots__ = ("__dict__", "fact", "file", "index", "last")

    def __init__(self, file: File, index: int) -> None:
        self.file = file
        self.index = index

    @property
    def path(self) -> str:
        """Path of its file."""
        return self.file.path

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row) or type(other) is not type(self):
            return False
        return other.file is self.file and other.index == self.index

    def __hash__(self) -> int:
        return hash((self.file.path, self.index))


class Function(Row):
    """A function or method; ``fact`` is its row."""

    def __init__(self, file: File, index: int) -> None:
        super().__init__(file, index)
        self.fact: tree.Function = file.facts.functions[index]

    def __repr__(self) -> str:
        return f"Function({self.symbol!r})"

    @property
    def name(self) -> str:
        """Its own name."""
        return self.fact.name

    @property
    def line(self) -> int:
        """Line of its def."""
        return self.fact.line

    @property
    def end_line(self) -> int:
        """Its last line."""
        return self.fact.end_line

    @property
    def key(self) -> str:
        """Canonical name: key of the file and qualified name."""
        return f"{self.file.key}.{self.fact.qualname}"

    @property
    def symbol(self) -> str:
        """``module:qualname`` for people."""
        return f"{self.file.module}:{self.fact.qualname}"

    @property
    def cls(self) -> Class | None:
        """The class whose method it is."""
        return self.file.class_of(self.fact.cls)

    @property
    def parent(self) -> Function | None:
        """The function it is nested in."""
        return self.file.function_of(self.fact.parent)

    @property
    def is_async(self) -> bool:
        """Declared with async def."""
        return self.fact.is_async

    @property
    def is_public(self) -> bool:
        """Public by the vocabulary: no leading underscore anywhere, not nested in a function."""
        if self.fact.parent >= 0 or (self.name.startswith("_") and self.name != "__init__"):
            return False
        if any(part.startswith("_") for part in self.fact.qualname.split(".")[:-1]):
            return False
        return not self.file.stem.startswith("_") or self.file.is_package

    @cached_property
    def calls(self) -> list[Call]:
        """Calls in its own body (nested functions left out), header left out, in source order."""
        rows = self.file.scope.calls.get(self.index, ())
        calls = self.file.calls
        return [calls[index] for index in rows]

    @cached_property
    def raises(self) -> list[Raise]:
        """Raise statements in its own body."""
        rows = self.file.tables.raises.get(self.index, ())
        return [self.file.raises[index] for index in rows]

    @cached_property
    def excepts(self) -> list[Except]:
        """Except clauses in its own body."""
        rows = self.file.tables.excepts.get(self.index, ())
        return [Except(self.file, index) for index in rows]

    @cached_property
    def statements(self) -> list[tree.Statement]:
        """Returns, yields, expression statements ... of its own body."""
        return list(self.file.tables.statements.get(self.index, ()))

    @property
    def blocks(self) -> Iterator[tuple[int, tree.Block]]:
        """Blocks of its own body with their indices, in source order."""
        rows = self.file.facts.blocks
        return ((index, rows[index]) for index in self.file.tables.blocks.get(self.index, ()))

    @property
    def assigns(self) -> Sequence[tree.Assign]:
        """Assignments in its own body."""
        return self.file.tables.assigns.get(self.index, ())

    @property
    def returned(self) -> list[Expr]:
        """Values of its return statements."""
        return [s.value for s in self.statements if s.kind == "return" and s.value is not None]

    def param(self, name: str) -> tree.Param | None:
        """Parameter of this name."""
        return self._params.get(name)

    @cached_property
    def _params(self) -> dict[str, tree.Param]:
        return {param.name: param for param in reversed(self.fact.params)}

    def decorated_by(self, *names: str) -> bool:
        """Whether a decorator (called or not) resolves to one of these canonical names."""
        return any(self.file.resolve(each.value) in names for each in self.fact.decorators)


class Class(Row):
    """A class; ``fact`` is its row."""

    def __init__(self, file: File, index: int) -> None:
        super().__init__(file, index)
        self.fact: tree.Class = file.facts.classes[index]

    def __repr__(self) -> str:
        return f"Class({self.key!r})"

    @property
    def name(self) -> str:
        """Its own name."""
        return self.fact.name

    @property
    def line(self) -> int:
        """Line of the class statement."""
        return self.fact.line

    @property
    def end_line(self) -> int:
        """Its last line."""
        return self.fact.end_line

    @property
    def key(self) -> str:
        """Canonical name."""
        return f"{self.file.key}.{self.fact.qualname}"

    @property
    def symbol(self) -> str:
        """``module:qualname`` for people."""
        return f"{self.file.module}:{self.fact.qualname}"

    @property
    def is_public(self) -> bool:
        """Public by the vocabulary."""
        private = any(part.startswith("_") for part in self.fact.qualname.split("."))
        hidden = self.file.stem.startswith("_") and not self.file.is_package
        return not private and not hidden and self.fact.function < 0

    @cached_property
    def methods(self) -> dict[str, Function]:
        """Methods defined in its own body, by name (the last definition wins)."""
        rows = (self.file.functions[i] for i in self.file.tables.methods.get(self.index, ()))
        return {row.name: row for row in rows}

    @cached_property
    def attributes(self) -> dict[str, tree.Assign]:
        """Assignments in its own body by name."""
        found: dict[str, tree.Assign] = {}
        for fact in self.file.tables.class_assigns.get(self.index, ()):
            for target in fact.targets:
                if isinstance(target, tree.Name):
                    found.setdefault(target.id, fact)
        return found

    @cached_property
    def own_assigns(self) -> dict[str, list[tuple[Function, tree.Assign]]]:
        """Assignments of its methods to attributes of the object, by attribute."""
        found: dict[str, list[tuple[Function, tree.Assign]]] = {}
        for method in self.methods.values():
            own = method.fact.params[0].name if method.fact.params else "self"
            for row in method.assigns:
                names = {each.id for each in row.targets if isinstance(each, tree.Name)}
                for name in sorted(name for name in names if name.startswith(f"{own}.")):
                    found.setdefault(name[len(own) + 1 :], []).append((method, row))
        return found

    @property
    def ancestors(self) -> list[str]:
        """Canonical names of all bases, near ones first, third-party ones as they resolve."""
        return self.file.project.classes.ancestors(self)

    def inherits(self, *names: str) -> bool:
        """Whether any ancestor has one of these canonical names."""
        return any(name in names for name in self.ancestors)


class Call(Row):
    """A call; ``fact`` is its row, ``last`` the last name of the callee."""

    def __init__(self, file: File, index: int) -> None:
        super().__init__(file, index)
        self.fact: tree.Call = file.facts.calls[index]
        self.last = self.fact.last

    def __repr__(self) -> str:
        return f"Call({self.file.path}:{self.line} {self.last})"

    @property
    def line(self) -> int:
        """First line."""
        return self.fact.line

    @cached_property
    def name(self) -> str:
        """Canonical name of the callee, of methods as ``type.method``; "" if unknown."""
        return self.file.project.values.callee(self)

    @property
    def function(self) -> Function | None:
        """The function whose body it stands in."""
        return self.file.function_of(self.fact.function)

    @property
    def receiver(self) -> Expr | None:
        """What the method is called on: the callee without its last name."""
        func = self.fact.func
        if isinstance(func, tree.Name):
            head, dot, _ = func.id.rpartition(".")
            return tree.Name(head) if dot else None
        return func.value if isinstance(func, tree.Attr) else None

    def arg(self, position: int, name: str) -> Expr | None:
        """The argument at a position or of a name, None when it is not given."""
        value = self.fact.keyword(name) if name else None
        if value is None and 0 <= position < len(self.fact.args):
            value = self.fact.args[position]
        return value

    @property
    def arguments(self) -> tuple[Expr, ...]:
        """All that is passed, by position and by keyword."""
        return (*self.fact.args, *(item.value for item in self.fact.keywords))

    @property
    def spreads(self) -> bool:
        """Whether it passes ``**mapping``, so that any keyword may be among them."""
        return any(not item.name for item in self.fact.keywords)


class Except(Row):
    """An except clause; the index is that of its block."""

    @property
    def block(self) -> tree.Block:
        """Its row."""
        return self.file.facts.blocks[self.index]

    @property
    def line(self) -> int:
        """Line of the except."""
        return self.block.line

    @property
    def end_line(self) -> int:
        """Its last line."""
        return self.block.end_line

    @property
    def bound(self) -> str:
        """Name the exception is bound to, "" for none."""
        return self.block.name

    @property
    def function(self) -> Function | None:
        """The function it stands in."""
        return self.file.function_of(self.block.function)

    @cached_property
    def types(self) -> list[str]:
        """Canonical names of what it catches; empty for a bare except."""
        if not self.block.exprs:
            return []
        parts = self.file.project.names.members(self.file, self.block.exprs[0], self.function)
        return [file.resolve(part, function) for file, part, function in parts]

    @cached_property
    def calls(self) -> list[Call]:
        """Calls in its body, nested blocks included, nested functions left out."""
        calls = self.file.calls
        return [calls[index] for index in self.file.tables.calls_inside(self.index)]

    @cached_property
    def raises(self) -> list[Raise]:
        """Raise statements in its body."""
        return [self.file.raises[index] for index in self.file.tables.raises_inside(self.index)]

    @cached_property
    def statements(self) -> list[tree.Statement]:
        """Returns, yields, expression statements ... of its body."""
        return self.file.tables.statements_inside(self.index)


class Loop(Except):
    """A for, async for or while loop or a comprehension; calls, raises, statements of its body.

    The calls of a ``for`` header (the iterable) are not in the block and so not in the body;
    the test of a ``while`` likewise.
    """


class Raise(Row):
    """A raise statement; ``fact`` is its row."""

    def __init__(self, file: File, index: int) -> None:
        super().__init__(file, index)
        self.fact: tree.Raise = file.facts.raises[index]

    @property
    def line(self) -> int:
        """Its line."""
        return self.fact.line

    @property
    def function(self) -> Function | None:
        """The function it stands in."""
        return self.file.function_of(self.fact.function)

    @property
    def handler(self) -> Except | None:
        """The innermost except clause around it in the same function."""
        for index, block in self.file.blocks_around(self.fact.block):
            if block.kind == "except":
                return Except(self.file, index)
        return None

    @cached_property
    def name(self) -> str:
        """Canonical name of the class raised ("" for a bare raise or an unknown value)."""
        exc = self.fact.exc
        if isinstance(exc, tree.CallRef):
            return self.file.resolve(self.file.facts.calls[exc.index].func, self.function)
        return self.file.resolve(exc, self.function)


class ImportedName(Row):
    """One imported name; see :class:`checks.facts.tree.Import`."""

    def __init__(self, file: File, index: int) -> None:
        super().__init__(file, index)
        self.fact: tree.Import = file.facts.imports[index]

    @property
    def line(self) -> int:
        """Line of the statement."""
        return self.fact.line

    @cached_property
    def target(self) -> str:
        """Absolute dotted name as written, first-party ones as canonical key of what they name."""
        return self.file.project.names.import_target(self.file, self.fact)

    @cached_property
    def definer(self) -> File | None:
        """The first-party file that defines what is imported, followed through ``__init__``."""
        return self.file.project.names.definer(self.target)

    @property
    def distribution(self) -> str:
        """First segment of the absolute name (``fastapi``), "" for a relative import."""
        return "" if self.fact.level else self.fact.module.partition(".")[0]
