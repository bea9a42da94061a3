"""Exceptions: whose they are, what a clause catches, and how far what is raised gets."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.project.names import Target
from checks.project.subjects import Except

if TYPE_CHECKING:
    from checks.facts.tree import Expr
    from checks.project.project import Project
    from checks.project.subjects import Class, File, Function, Raise

_BROAD = ("builtins.Exception", "builtins.BaseException")
_BASES: dict[str, tuple[str, ...]] = {
    "sqlalchemy.exc": (
        "sqlalchemy.exc.DatabaseError",
        "sqlalchemy.exc.DBAPIError",
        "sqlalchemy.exc.StatementError",
        "sqlalchemy.exc.SQLAlchemyError",
    ),
    "httpx": ("httpx.TransportError", "httpx.RequestError", "httpx.HTTPError"),
    "requests.exceptions": ("requests.RequestException", "requests.exceptions.RequestException"),
    "requests": ("requests.RequestException", "requests.exceptions.RequestException"),
    "aiohttp": ("aiohttp.ClientError",),
    "redis.exceptions": ("redis.RedisError", "redis.exceptions.RedisError"),
}
"""Bases that the exceptions of a library share, nearly all of them."""
_NO_DOMAIN = frozenset(
    f"builtins.{name}"
    for name in "Warning UserWarning DeprecationWarning RuntimeWarning FutureWarning".split()
)
_MANAGERS = frozenset({"__exit__", "__aexit__"})
_SUPPRESS = "contextlib.suppress"


class Exceptions:
    """Exceptions over all files of a project; each answer is remembered."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._lineages: dict[str, frozenset[str]] = {}
        self._escaping: dict[tuple[str, int], dict[str, Raise]] = {}

    # Classes --------------------------------------------------------------------------------------

    @cached_property
    def domain(self) -> list[Class]:
        """The domain exceptions of production files, in order of path and line."""
        return [
            cls
            for file in self.project.production
            for cls in file.classes
            if self.is_domain(cls.key)
        ]

    @cached_property
    def imported(self) -> frozenset[str]:
        """The names that production files import from anywhere."""
        files = self.project.production
        return frozenset(row.name for file in files for row in file.facts.imports)

    def is_domain(self, name: str) -> bool:
        """Whether a canonical name is that of a domain exception."""
        cls = self.project.classes.by_key.get(name)
        if cls is None or self.project.classes.role(cls) != "exception":
            return False
        return _NO_DOMAIN.isdisjoint(cls.ancestors)

    def is_first_party(self, name: str) -> bool:
        """Whether a name is ours, also where what it names is not to be found."""
        if self.project.layout.split(name) is not None:
            return True
        return name.partition(".")[0] in self._folders

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(folder.partition("/")[0] for folder in self.project.python_folders)

    def lineage(self, name: str) -> frozenset[str]:
        """A class and all its bases as far as they are known, ``Exception`` among them."""
        known = self._lineages.get(name)
        if known is None:
            cls = self.project.classes.by_key.get(name)
            names = [name] if cls is None else [name, *cls.ancestors]
            found = {*names, *_BROAD}
            for each in names:
                found.update(_foreign_bases(each))
            known = self._lineages[name] = frozenset(found)
        return known

    # Clauses --------------------------------------------------------------------------------------

    def catches(self, clause: Except, name: str) -> bool:
        """Whether a clause catches a class; what it names and we cannot tell may be it."""
        types = clause.types
        if not types or "" in types:
            return True
        return not self.lineage(name).isdisjoint(types)

    def clauses_of(self, file: File, tried: int) -> list[Except]:
        """The except clauses of a ``try`` block, in order."""
        key = "clauses by try"
        table: dict[int, list[Except]] | None = file.memo.get(key)
        if table is None:
            table = file.memo[key] = {}
            for clause in file.excepts:
                table.setdefault(clause.block.peer, []).append(clause)
        return table.get(tried, [])

    def around(self, file: File, block: int, function: Function | None) -> Iterator[list[Except]]:
        """The clauses of each ``try`` and manager around a block, innermost first.

        A ``with`` of a first-party context manager gives the clauses inside of it.
        """
        for index, each in file.blocks_around(block):
            if each.kind == "try":
                yield self.clauses_of(file, index)
            elif each.kind in {"with", "async with"}:
                for manager in self._managers(file, each, function):
                    yield manager.excepts

    def _managers(
        self, file: File, block: tree.Block, function: Function | None
    ) -> Iterator[Function]:
        for expr in block.exprs:
            if isinstance(expr, tree.CallRef):
                name = file.calls[expr.index].name
                made = self.project.names.function_named(name)
                if made is not None and made.fact.generator:
                    yield made
            yield from self.exits(file.type_of(expr, function))

    def exits(self, name: str) -> Iterator[Function]:
        """The methods that end a first-party context manager."""
        cls = self.project.classes.by_key.get(name)
        for method in sorted(_MANAGERS) if cls is not None else ():
            found = None if cls is None else self.project.classes.method(cls, method)
            if found is not None:
                yield found

    def suppressed(self, file: File, block: int, function: Function | None) -> list[str]:
        """What ``with suppress(...)`` around a block swallows."""
        found = []
        for _, each in file.blocks_around(block):
            if each.kind in {"with", "async with"}:
                for expr in each.exprs:
                    if isinstance(expr, tree.CallRef):
                        call = file.calls[expr.index]
                        if file.resolve(call.fact.func, function) == _SUPPRESS:
                            found += [file.resolve(arg, function) for arg in call.fact.args]
        return found

    def decorated(self, function: Function) -> Iterator[Except]:
        """Clauses inside the first-party decorators of a function."""
        for decorator in function.fact.decorators:
            name = function.file.resolve(decorator.value, function.parent)
            made = self.project.names.function_named(name) if name else None
            if made is None and name in self.project.classes.by_key:
                made = self.project.names.function_named(f"{name}.__call__")
            if made is not None:
                for inner in nested(made):
                    yield from inner.excepts

    def passes_on(self, clause: Except) -> bool:
        """Whether a clause raises again what it caught."""
        return any(self.is_again(each, clause) for each in clause.raises)

    def is_again(self, raised: Raise, clause: Except) -> bool:
        """``raise`` and ``raise exc`` inside a clause that bound ``exc``."""
        if raised.fact.exc is None:
            return True
        return bool(clause.bound) and tree.dotted(raised.fact.exc) == clause.bound

    def stops(self, file: File, block: int, function: Function | None, name: str) -> bool:
        """Whether something around a block catches a class and does not raise it again."""
        if not self.lineage(name).isdisjoint(self.suppressed(file, block, function)):
            return True
        for clauses in self.around(file, block, function):
            for clause in clauses:
                if self.catches(clause, name):
                    if self.passes_on(clause):
                        break
                    return True
        return False

    # What is raised -------------------------------------------------------------------------------

    def raised(self, each: Raise) -> str:
        """Canonical class that is raised; "" for a re-raise and where it is not known.

        Variables are followed to their assignment, calls of functions to what they return.
        """
        exc, file, function = each.fact.exc, each.file, each.function
        if isinstance(exc, tree.Name) and "." not in exc.id:
            binding, owner = self.project.names.binding(file, exc.id, function)
            if owner is not None and isinstance(binding, (tree.Param, Target)):
                return ""
            if owner is not None and isinstance(binding, tree.Assign):
                return self._made(file, binding.value, function)
        name = each.name
        if not name or self._is_class(name):
            return name
        head = name.rpartition(".")[0]  # ValidationError.from_exception_data(...)
        if head.endswith(("Error", "Exception")) and self._is_class(head):
            return head
        return self._made(file, exc, function)

    def _made(self, file: File, expr: Expr | None, function: Function | None) -> str:
        """Class of the exception that an expression makes."""
        if isinstance(expr, tree.CallRef):
            name = file.resolve(file.calls[expr.index].fact.func, function)
            if self._is_class(name):
                return name
        found = file.type_of(expr, function)
        return found if self._is_class(found) else ""

    def _is_class(self, name: str) -> bool:
        if name in self.project.classes.by_key:
            return True
        head, _, last = name.rpartition(".")
        if not head or not last[:1].isupper() or head.partition(".")[0] in {"self", "cls"}:
            return False
        split = self.project.layout.split(name)
        return split is None or not split[1]

    def escaping(self, function: Function, levels: int) -> dict[str, Raise]:
        """Domain exceptions that leave a function, raised in it or so many levels below."""
        memo = (function.key, levels)
        known = self._escaping.get(memo)
        if known is not None:
            return known
        found = self._escaping[memo] = {}
        for each in function.raises:
            name = self.raised(each)
            if name in found or not self.is_domain(name):
                continue
            if not self.stops(function.file, each.fact.block, function, name):
                found[name] = each
        if levels:
            for call, target in self.project.calls.callees(function):
                for name, each in self.escaping(target, levels - 1).items():
                    if name not in found and not self.stops(
                        function.file, call.fact.block, function, name
                    ):
                        found[name] = each
        return found


def nested(function: Function) -> Iterator[Function]:
    """A function and those defined in it, at any depth."""
    inside = {function.index}
    yield function
    for index in range(function.index + 1, len(function.file.functions)):
        each = function.file.functions[index]
        if each.line > function.end_line:
            break
        if each.fact.parent in inside:
            inside.add(each.index)
            yield each


def _foreign_bases(name: str) -> Iterable[str]:
    """Bases of a built-in or third-party exception, as far as they are known."""
    module, _, last = name.rpartition(".")
    if module == "builtins":
        cls = getattr(builtins, last, None)
        mro = cls.__mro__ if isinstance(cls, type) else ()
        return frozenset(f"builtins.{each.__name__}" for each in mro)
    return _BASES.get(module, ())
