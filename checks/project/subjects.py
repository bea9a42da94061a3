"""The subjects that checks are asked about: files, and their rows (:mod:`checks.project.rows`)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from checks.facts import tree
from checks.facts.tree import Expr, PyFacts
from checks.project.names import Scope
from checks.project.rows import Call, Class, Except, Function, ImportedName, Loop, Raise
from checks.project.tables import Tables

if TYPE_CHECKING:
    from checks.facts.lint import Diagnostic, LongLine
    from checks.facts.text import Suppression
    from checks.project.project import Project

__all__ = [
    "Call", "Class", "Except", "File", "Function", "ImportedName", "Loop", "Raise",
]  # fmt: skip

NO_FACTS = PyFacts()
type _Stretches = dict[str, tuple[list[int], list[int]]]
"""First and last lines of the stretches that comments cover, in order, by code."""


class File:
    """One tracked Python file.

    Attributes:
        project: The repository it belongs to.
        path: Repository-relative path with forward slashes.
        key: Dotted path from the repository root (``backend.app.main``), unique; the prefix of
            every canonical name defined here.
        is_package: True for an ``__init__.py``.
        memo: What a check has worked out of this file and asks again under other limits.
    """

    def __init__(self, project: Project, path: str, oid: str, encoded: bytes | None) -> None:
        self.project = project
        self.path = path
        self.oid = oid
        self._encoded = encoded
        stem = path[: -len(".pyi" if path.endswith(".pyi") else ".py")]
        parts = stem.split("/")
        self.is_package = parts[-1] == "__init__"
        self.key = ".".join(parts[:-1] if self.is_package else parts)
        self.segments = tuple(parts[:-1])
        self.name = path.rpartition("/")[2]
        self.stem = parts[-1]
        self.memo: dict[str, Any] = {}
        self._merged: dict[tuple[str, ...], list[Diagnostic]] = {}

    def __repr__(self) -> str:
        return f"File({self.path!r})"

    @cached_property
    def facts(self) -> PyFacts:
        """The tables of this file; empty when it was not analysed."""
        return NO_FACTS if self._encoded is None else tree.DECODER.decode(self._encoded)

    @property
    def encoded(self) -> bytes | None:
        """The same as it is stored, None when it was not analysed."""
        return self._encoded

    @cached_property
    def tables(self) -> Tables:
        """Its rows by function, class, block and name."""
        return Tables(self.facts)

    @cached_property
    def scope(self) -> Scope:
        """What its functions bind, and what names have been found to mean here."""
        return Scope(self)

    @property
    def parsed(self) -> bool:
        """Whether the file was read and understood."""
        return self._encoded is not None and not self.facts.error

    @property
    def package(self) -> str:
        """Key of the package that relative imports of level one start from."""
        return self.key if self.is_package else self.key.rpartition(".")[0]

    @property
    def module(self) -> str:
        """Importable dotted name, relative to the import root (``app.main``)."""
        return self.project.layout.module_name(self)

    # Kinds of file, by the vocabulary of the catalogue ---------------------------------------

    @property
    def is_excluded(self) -> bool:
        """Vendored or generated."""
        return self.project.layout.is_excluded(self)

    @property
    def is_test(self) -> bool:
        """A test file."""
        return self.project.layout.is_test(self)

    @property
    def is_migration(self) -> bool:
        """A migration file (Alembic, Django, aerich, yoyo)."""
        return self.project.layout.is_migration(self)

    @property
    def is_production(self) -> bool:
        """A production file: none of the above, and parsed."""
        return self.path in self.project.layout.production

    @property
    def layer(self) -> str:
        """Layer of the file (routes, services, repositories, models, schemas), "" for none."""
        return self.project.layers.of(self)

    # What stands in it ------------------------------------------------------------------------

    @cached_property
    def functions(self) -> list[Function]:
        """All functions and methods, nested ones included, in source order."""
        return [Function(self, index) for index in range(len(self.facts.functions))]

    @cached_property
    def classes(self) -> list[Class]:
        """All classes, nested ones included, in source order."""
        return [Class(self, index) for index in range(len(self.facts.classes))]

    @cached_property
    def calls(self) -> list[Call]:
        """All calls in source order of their start; indices equal those of the facts."""
        return [Call(self, index) for index in range(len(self.facts.calls))]

    @cached_property
    def calls_by_name(self) -> dict[str, list[Call]]:
        """Calls by the last name of the callee."""
        found: dict[str, list[Call]] = {}
        for call in self.calls:
            found.setdefault(call.last, []).append(call)
        return found

    def calls_named(self, *names: str) -> list[Call]:
        """Calls whose callee's last name is one of these, in source order."""
        by_name = self.calls_by_name
        if len(names) == 1:
            return by_name.get(names[0], [])
        if by_name.keys().isdisjoint(names):
            return []
        found = [call for name in names for call in by_name.get(name, ())]
        return sorted(found, key=lambda call: call.index)

    @cached_property
    def excepts(self) -> list[Except]:
        """All except clauses in source order."""
        blocks = self.facts.blocks
        found = [Except(self, i) for i, block in enumerate(blocks) if block.kind == "except"]
        return sorted(found, key=lambda each: each.line)

    @cached_property
    def raises(self) -> list[Raise]:
        """All raise statements."""
        return [Raise(self, index) for index in range(len(self.facts.raises))]

    @cached_property
    def loops(self) -> list[Loop]:
        """All for and while loops and comprehensions."""
        kinds = {"for", "async for", "while", "comp"}
        return [Loop(self, i) for i, b in enumerate(self.facts.blocks) if b.kind in kinds]

    @cached_property
    def imports(self) -> list[ImportedName]:
        """All imported names, one row each."""
        return [ImportedName(self, index) for index in range(len(self.facts.imports))]

    def function_of(self, index: int) -> Function | None:
        """The function with this index, None for -1."""
        return None if index < 0 else self.functions[index]

    def class_of(self, index: int) -> Class | None:
        """The class with this index, None for -1."""
        return None if index < 0 else self.classes[index]

    def blocks_around(self, block: int) -> Iterator[tuple[int, tree.Block]]:
        """The block and its ancestors inside the same function, innermost first."""
        blocks = self.facts.blocks
        while block >= 0:
            yield block, blocks[block]
            block = blocks[block].parent

    def inside(self, block: int, outer: int) -> bool:
        """Whether a block is, or lies in, another one."""
        return any(index == outer for index, _ in self.blocks_around(block))

    # Questions ----------------------------------------------------------------------------------

    def resolve(self, expr: Expr | str | None, function: Function | None = None) -> str:
        """Canonical dotted name of an expression as seen here (:mod:`checks.project.names`)."""
        # Asked hundreds of thousands of times, mostly for a name that was asked for before.
        if type(expr) is tree.Name:
            answers = self.scope.resolved.get(-1 if function is None else function.index)
            known = None if answers is None else answers.get(expr.id)
            if known is not None:
                return known
        return self.project.names.resolve(self, expr, function)

    def type_of(self, expr: Expr | None, function: Function | None = None) -> str:
        """Canonical class name of a value (:mod:`checks.project.values`), "" when unknown."""
        return self.project.values.type_of(self, expr, function)

    @cached_property
    def _lint(self) -> dict[str, list[Diagnostic]]:
        fact = self.project.lint.get(self.path)
        found: dict[str, list[Diagnostic]] = {}
        for each in fact.diagnostics if fact is not None else ():
            found.setdefault(each.code, []).append(each)
        return found

    def lint(self, *codes: str) -> list[Diagnostic]:
        """What ruff reports here for these codes, suppressed or not, in order of line."""
        if len(codes) == 1:
            return self._lint.get(codes[0], [])
        known = self._merged.get(codes)
        if known is None:
            found = [each for code in codes for each in self._lint.get(code, ())]
            found.sort(key=lambda each: (each.line, each.column))
            known = self._merged[codes] = found
        return known

    def lint_at(self, line: int, code: str) -> list[Diagnostic]:
        """What ruff reports at a line for a code."""
        found = self._lint.get(code, [])
        start = bisect_left(found, line, key=lambda each: each.line)
        end = bisect_right(found, line, key=lambda each: each.line)
        return found[start:end]

    @property
    def long_lines(self) -> Sequence[LongLine]:
        """Lines wider than the narrowest limit any standard sets."""
        fact = self.project.lint.get(self.path)
        return () if fact is None else fact.long_lines

    @property
    def linted(self) -> bool:
        """Whether ruff could read the file."""
        return self.path in self.project.lint

    def suppressed(self, line: int, code: str, *, reasoned: bool = False) -> bool:
        """Whether a ``noqa`` naming exactly this code covers a line; or one that says why."""
        starts, ends = (self._reasoned if reasoned else self._noqa).get(code, ((), ()))
        place = bisect_right(starts, line) - 1
        return place >= 0 and line <= ends[place]

    @cached_property
    def _noqa(self) -> _Stretches:
        return _stretches(self.facts.suppressions)

    @cached_property
    def _reasoned(self) -> _Stretches:
        return _stretches(each for each in self.facts.suppressions if each.reason)

    def symbol_at(self, line: int) -> str:
        """``module:qualname`` of the innermost function or class around a line."""
        best = self.tables.symbol_at(line)
        return f"{self.module}:{best}" if best else self.module


def _stretches(comments: Iterable[Suppression]) -> _Stretches:
    found: _Stretches = {}
    for each in comments:
        if each.kind != "noqa" or each.file_wide:
            continue
        for code in each.codes:
            starts, ends = found.setdefault(code, ([], []))
            starts.append(each.line)
            ends.append(max(each.end_line, each.line, *ends[-1:]))
    return found
