"""Queries for the rows of one model: what is asked of the rows, up to the answer of a handler.

A query is followed from ``select(Model)`` or ``session.query(Model)`` through the variables of its
function, loops and comprehensions, into the functions that receive its rows, and into the schema
that a handler answers with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Call, Class, File, Function

_ROUNDS = 4
_DEPTH = 40
_MANY = frozenset(
    "all scalars unique fetchall partitions yield_per stream_scalars tuples fetchmany".split()
)
_ONE = frozenset(
    "first one one_or_none scalar_one scalar_one_or_none scalar get fetchone get_one".split()
)
_OTHER = frozenset(
    "subquery cte exists count scalar_subquery with_only_columns with_entities delete update "
    "values alias lateral".split()
)
_EXECUTES = {"execute": "rows", "exec": "rows", "stream": "rows", "scalars": "rows",
             "stream_scalars": "rows", "scalar": "one", "paginate": "rows",
             "apaginate": "rows"}  # fmt: skip
_COPIES = frozenset("list tuple sorted set reversed enumerate".split())
_VALIDATES = frozenset({"model_validate", "from_orm", "parse_obj", "validate_python"})
_LOOPS = frozenset({"for", "async for", "comp"})

type _Known = tuple[str, Query]


class Query:
    """One query for rows of a model.

    Attributes:
        call: The ``select`` or ``query`` call.
        cls: The model.
        options: Calls of ``options`` on it.
        many: Whether several rows are taken of it.
        used: Attributes of the rows that are read, as far as they can be followed.
        written: Whether a row is changed.
        escapes: Whether a row is given to something that is not followed.
        routes: Handlers that its rows come to.
    """

    def __init__(self, call: Call, cls: Class) -> None:
        self.call = call
        self.cls = cls
        self.options: dict[int, Call] = {}
        self.many = False
        self.used: set[str] = set()
        self.written = False
        self.escapes = False
        self.routes: list[Route] = []


class Queries:
    """All queries of production files for the rows of one model."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.returning: dict[str, _Known] = {}

    @cached_property
    def all(self) -> list[Query]:
        """Every query, in order of place."""
        seeds: dict[Function, dict[int, Query]] = {}
        for file in self.project.production:
            for call in file.calls_named("select", "query"):
                query = self._seed(call)
                if query is not None and call.function is not None:
                    seeds.setdefault(call.function, {})[call.index] = query
        front = list(seeds)
        for _ in range(_ROUNDS):
            known = set(self.returning)
            for function in front:
                _Body(self, function, seeds.get(function, {})).read()
            fresh = [key for key in self.returning if key not in known]
            front = list(dict.fromkeys(self._callers(fresh)))
        return [query for found in seeds.values() for query in found.values()]

    def _seed(self, call: Call) -> Query | None:
        if len(call.fact.args) != 1 or call.fact.keywords:
            return None
        if call.last == "query":
            if self.project.database.operation(call) != "query":
                return None
        elif call.name != "sqlalchemy.select":
            return None
        cls = self.project.classes.by_key.get(call.file.resolve(call.fact.args[0], call.function))
        if cls is None or self.project.classes.role(cls) != "orm":
            return None
        return Query(call, cls)

    def _callers(self, keys: list[str]) -> Iterator[Function]:
        for key in keys:
            function = self.project.names.function_named(key)
            for call in self.project.calls.callers(function) if function is not None else ():
                if call.function is not None and call.file.is_production:
                    yield call.function

    def of_file(self, file: File) -> list[Query]:
        """The queries that stand in a file."""
        return self._by_path.get(file.path, [])

    @cached_property
    def _by_path(self) -> dict[str, list[Query]]:
        found: dict[str, list[Query]] = {}
        for query in self.all:
            found.setdefault(query.call.path, []).append(query)
        return found


class _Body:
    """The values of one function that are queries or rows of them."""

    def __init__(self, queries: Queries, function: Function, seeds: dict[int, Query]) -> None:
        self.queries = queries
        self.project = queries.project
        self.function = function
        self.file = function.file
        self.seeds = seeds
        self.names: dict[str, _Known] = {}
        self.loops: dict[str, list[tuple[int, int, Query]]] = {}
        self.calls: dict[int, _Known | None] = {}

    def read(self) -> None:
        """Follow everything, and note what is asked of the rows."""
        for _ in range(2):  # a loop may stand above the assignment that it reads
            self.calls.clear()
            for assign in self.function.assigns:
                known = self.value(assign.value)
                for target in assign.targets if known is not None else ():
                    if isinstance(target, tree.Name) and "." not in target.id and known:
                        self.names[target.id] = known
        self._enter_loops()
        for call in self.function.calls:
            self._handed_on(call)
        for line, expr in self._exprs():
            self._asked(line, expr)
        for assign in self.function.assigns:
            for target in assign.targets:
                head, dot, _ = tree.dotted(target).partition(".")
                query = self._row(head, assign.line) if dot else None
                if query is not None:
                    query.written = True
        for value in self.function.returned:
            self._returned(value)

    # Values ---------------------------------------------------------------------------------------

    def value(self, expr: Expr | None, depth: int = 0) -> _Known | None:
        """What an expression is: statement, rows or row, and of which query."""
        if expr is None or depth > _DEPTH:
            return None
        match expr:
            case tree.Op(kind="Await" | "NamedExpr", items=items):
                return self.value(items[-1], depth + 1)
            case tree.Op(kind="IfExp" | "Or", items=items):
                found = (self.value(each, depth + 1) for each in items)
                return next((each for each in found if each is not None), None)
            case tree.Name(id=text):
                return self.names.get(text)
            case tree.Item(value=value, index=index):
                known = self.value(value, depth + 1)
                sliced = isinstance(index, tree.Op) and index.kind == "Slice"
                if known is None or known[0] != "rows" or sliced:
                    return known
                return "row", self._several(known[1])
            case tree.CallRef(index=index):
                if index not in self.calls:
                    self.calls[index] = None
                    self.calls[index] = self._call(self.file.calls[index], depth)
                return self.calls[index]
        return None

    def _several(self, query: Query) -> Query:
        query.many = True
        return query

    def _call(self, call: Call, depth: int) -> _Known | None:
        if call.index in self.seeds:
            return "statement", self.seeds[call.index]
        known = self.value(call.receiver, depth + 1)
        if known is not None:
            return self._method(call, *known)
        for arg in call.fact.args[:2]:
            known = self.value(arg, depth + 1)
            if known is not None and known[0] == "statement" and call.last in _EXECUTES:
                return _EXECUTES[call.last], known[1]
            if known is not None and call.last in _COPIES:
                return "rows", known[1]
        for target in self.project.calls.resolve(call):
            if target.key in self.queries.returning:
                return self.queries.returning[target.key]
        return None

    def _method(self, call: Call, kind: str, query: Query) -> _Known | None:
        if kind == "row" or call.last in _OTHER:
            return None
        if call.last == "options":
            query.options[call.index] = call
            return kind, query
        if call.last in _MANY:
            return "rows", query
        if call.last in _ONE:
            return "one", query
        return (kind, query) if kind == "statement" else None

    # Rows -----------------------------------------------------------------------------------------

    def _enter_loops(self) -> None:
        for _, block in self.function.blocks:
            if block.kind in _LOOPS and len(block.exprs) > 1:
                known = self.value(block.exprs[1])
                target = block.exprs[0]
                if known is not None and known[0] != "one" and isinstance(target, tree.Name):
                    query = self._several(known[1])
                    rows = self.loops.setdefault(target.id, [])
                    rows.append((block.line, block.end_line, query))
        for rows in self.loops.values():
            rows.sort(key=lambda row: row[:2])

    def _row(self, name: str, line: int) -> Query | None:
        """The query that a variable is a row of, at a line."""
        rows = self.loops.get(name, [])
        place = bisect_right(rows, line, key=lambda row: row[0]) - 1
        if place >= 0 and line <= rows[place][1]:
            return rows[place][2]
        known = self.names.get(name)
        return known[1] if known is not None and known[0] in {"row", "one"} else None

    def _exprs(self) -> Iterator[tuple[int, Expr]]:
        """Every expression of the body with the line of what holds it."""
        for call in self.function.calls:
            yield call.line, call.fact.func
            yield from ((call.line, each) for each in call.arguments)
        for assign in self.function.assigns:
            if assign.value is not None:
                yield assign.line, assign.value
        for statement in self.function.statements:
            if statement.value is not None:
                yield statement.line, statement.value
        for _, block in self.function.blocks:
            yield from ((block.line, each) for each in block.exprs)

    def _asked(self, line: int, expr: Expr) -> None:
        for node in tree.walk(expr):
            if isinstance(node, tree.Name) and "." in node.id:
                head, *rest = node.id.split(".")
                query = self._row(head, line)
                if query is not None:
                    query.used.add(
                        rest[1] if rest[0] == "awaitable_attrs" and rest[1:] else rest[0]
                    )
            elif isinstance(node, tree.Attr):
                known = self.value(node.value)
                if known is not None and known[0] == "row":
                    known[1].used.add(node.attr)

    def _handed_on(self, call: Call) -> None:
        """Rows that are given to a schema, or to something else."""
        for arg in call.fact.args:
            query = self._row(arg.id, call.line) if isinstance(arg, tree.Name) else None
            if query is None:
                continue
            cls = self._schema(call)
            if cls is not None and call.last in _VALIDATES:
                query.used |= self.project.schemas.fields(cls).keys()
            else:
                query.escapes = True
        cls = self.project.classes.by_key.get(call.name)
        if cls is None or not self.project.schemas.is_schema(cls):
            return
        for item in call.fact.keywords:
            known = self.value(item.value)
            field = self.project.schemas.fields(cls).get(item.name)
            if known is not None and known[0] == "rows" and field is not None and field.type:
                self._several(known[1])
                self._answered(known[1], field.type)

    def _schema(self, call: Call) -> Class | None:
        owner = call.name.rpartition(".")[0]
        cls = self.project.classes.by_key.get(owner)
        return cls if self.project.schemas.is_schema(cls) else None

    def _answered(self, query: Query, given: Given) -> None:
        """Note the fields of the schema, of those in a type, that is most like the model."""
        schemas = self.project.schemas
        attributes = set(query.cls.attributes)
        for base in self.project.models.bases(query.cls):
            attributes |= base.attributes.keys()
        found: list[set[str]] = []
        queue = [(given, 0)]
        for each, depth in queue:
            for member in schemas.inner(each):
                cls = schemas.class_of(member)
                if cls is None or not schemas.is_schema(cls):
                    continue
                fields = schemas.fields(cls)
                found.append(set(fields))
                if depth == 0 and not attributes & fields.keys():
                    queue += [(field.type, 1) for field in fields.values() if field.type]
        best = max(found, key=lambda names: len(names & attributes), default=set())
        query.used |= best

    def _returned(self, value: Expr) -> None:
        route = self.project.routes.of(self.function)
        known = self.value(value)
        if route is not None:
            for _, query in {id(each[1]): each for each in self._seen()}.values():
                query.routes.append(route)
            response = self.project.schemas.response_type(route)
            if known is not None and known[0] == "rows" and response is not None:
                self._answered(self._several(known[1]), response)
        elif known is not None and known[0] in {"rows", "statement"}:
            self.queries.returning.setdefault(self.function.key, known)
        if isinstance(value, tree.Seq) and value.kind == "tuple" and value.items and route is None:
            first = self.value(value.items[0])
            if first is not None and first[0] == "rows":
                first[1].escapes = True

    def _seen(self) -> Iterator[_Known]:
        yield from self.names.values()
        yield from (known for known in self.calls.values() if known is not None)
