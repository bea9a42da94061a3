"""Checks of what route handlers do themselves."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import At, One, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.routes import Route, is_infrastructure
from checks.project.subjects import Call, Function
from checks.rules.applies import has_routes

_PROBES = ("/health*", "/ready*", "/live*", "/metrics", "/ping")
_HEADERS = frozenset({"if", "for", "async for", "while", "with", "async with", "match"})
_BRANCHES = frozenset({"if", "for", "async for", "while", "match"})
_ARITHMETIC = frozenset({"Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow"})
_AGGREGATES = frozenset({"builtins.sum", "builtins.sorted", "functools.reduce"})
_COMPREHENSIONS = {"ListComp": 1, "SetComp": 1, "GeneratorExp": 1, "DictComp": 2}
_TESTS = ("Compare:", "Not", "And", "Or")
_HTTP_WORK = frozenset(
    "set_cookie delete_cookie headers cookies status_code media_type init_headers".split()
)
_NO_BUSINESS = frozenset(
    "page pages size limit offset skip per timedelta now utcnow time monotonic start started "
    "elapsed expires expire duration ttl path dir directory folder root url prefix".split()
)
_NO_NUMBERS = frozenset(
    "builtins.str builtins.bytes builtins.list builtins.tuple builtins.set builtins.dict "
    "pathlib.Path datetime.datetime datetime.timedelta".split()
)


@check("thin-routes", applies=has_routes)
def thin_routes(route: Route, *, max_statements: int = 8, max_branches: int = 2) -> One:
    """A handler speaks HTTP and calls a service; it decides nothing.

    Logic in a handler can be neither reused nor tested without HTTP.

    Instead: move the work to a service and return what it gives.

    Known problems: whether two operands are business values is told by their names and types.
    """
    if any(is_infrastructure(path, _PROBES) for path in (*route.paths, route.own_path)):
        return Skip("a probe")
    bodies = [Body(function) for function in _functions(route)]
    statements = sum(len(body.statements) for body in bodies)
    if statements > max_statements:
        text = f"`{route.name}` has {statements} statements"
        return At(route.line, text, measured=str(statements), limit=str(max_statements))
    branches = sum(body.branches for body in bodies)
    if branches > max_branches:
        text = f"`{route.name}` has {branches} branches and loops"
        return At(route.line, text, measured=str(branches), limit=str(max_branches))
    what = next(filter(None, (body.computes() for body in bodies)), "")
    return At(route.line, f"`{route.name}` {what}") if what else None


def _functions(route: Route) -> Iterator[Function]:
    """The handler and the functions nested in it."""
    inside = {route.function.index}
    yield route.function
    for index in range(route.function.index + 1, len(route.file.functions)):
        function = route.file.functions[index]
        if function.line > route.end_line:
            break
        if function.fact.parent in inside:
            inside.add(function.index)
            yield function


class Body:
    """What a function does beside translating errors, logging and guarding.

    Attributes:
        function: The function.
        passed: Indices of blocks that only raise: guards, and clauses that translate.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.file = function.file
        logs = self.file.project.logs.calls(self.file)
        self.logged = {call.index for call in function.calls if call.index in logs}
        self.passed = {i for i, block in function.blocks if self._only_raises(i, block)}

    def _only_raises(self, index: int, block: tree.Block) -> bool:
        """A clause that ends in a raise; a guard of nothing but log calls and one raise."""
        if block.kind not in {"if", "except", "else"} or block.last != "Raise":
            return False
        tables = self.file.tables
        if index in tables.children:
            return False
        if block.kind == "except":
            return not any(self._is_data_work(row.value) for row in tables.statements_inside(index))
        if tables.assigns_inside(index):
            return False
        return all(self._is_logged(row.value) for row in tables.statements_inside(index))

    def _is_data_work(self, expr: Expr | None) -> bool:
        """``await session.rollback()``: more than a translation."""
        if isinstance(expr, tree.Op) and expr.kind == "Await":
            expr = expr.items[0]
        if not isinstance(expr, tree.CallRef):
            return False
        return bool(self.file.project.database.operation(Call(self.file, expr.index)))

    def _is_logged(self, expr: Expr | None) -> bool:
        if isinstance(expr, tree.Op) and expr.kind == "Await":
            expr = expr.items[0]
        return isinstance(expr, tree.CallRef) and expr.index in self.logged

    def _counts(self, block: int) -> bool:
        return all(index not in self.passed for index, _ in self.file.blocks_around(block))

    @property
    def statements(self) -> set[tuple[int, str]]:
        """Places of the statements that count; each once."""
        found = {
            (row.line, "assign")
            for row in self.function.assigns
            if self._counts(row.block) and not _is_http(row.targets)
        }
        for statement in self.function.statements:
            value = statement.value
            quiet = tree.text_of(value) is not None and statement.kind == "expr"
            quiet = quiet or self._is_logged(value) or self._builds_response(value)
            if self._counts(statement.block) and not quiet and statement.kind != "pass":
                found.add((statement.line, "statement"))
        found |= {(r.line, "raise") for r in self.function.raises if self._counts(r.fact.block)}
        return found | {
            (block.line, block.kind)
            for index, block in self.function.blocks
            if block.kind in _HEADERS and self._counts(index)
        }

    def _builds_response(self, expr: Expr | None) -> bool:
        if not isinstance(expr, tree.CallRef):
            return False
        call = Call(self.file, expr.index)
        return call.last in _HTTP_WORK or ".headers." in f".{tree.dotted(call.fact.func)}"

    @property
    def branches(self) -> int:
        """Branches and loops that count."""
        return sum(
            block.kind in _BRANCHES and self._counts(index) for index, block in self.function.blocks
        )

    def computes(self) -> str:
        """What it computes with business values, "" for nothing."""
        for call in self.function.calls:
            if call.name in _AGGREGATES and call.index not in self.logged:
                return f"aggregates with `{call.last}`"
        for root in self._expressions():
            for node in tree.walk(root):
                if isinstance(node, tree.Op) and _has_condition(node):
                    return "selects with a comprehension"
                if isinstance(node, tree.Bin) and self._is_arithmetic(node):
                    return "computes with business values"
        return ""

    def _expressions(self) -> Iterator[Expr]:
        yield from (row.value for row in self.function.assigns if row.value)
        yield from (row.value for row in self.function.statements if row.value)
        for call in self.function.calls:
            if call.index not in self.logged:
                yield from call.fact.args
                yield from (item.value for item in call.fact.keywords)

    def _is_arithmetic(self, node: tree.Bin) -> bool:
        if node.op not in _ARITHMETIC:
            return False
        if any(isinstance(item, tree.Fmt) or tree.text_of(item) is not None for item in node.items):
            return False
        values = [i for i in node.items if not isinstance(i, (tree.Const, tree.Seq, tree.Map))]
        if len(values) < 2:
            return False
        if any(self.file.type_of(item, self.function) in _NO_NUMBERS for item in values):
            return False
        return not any(
            _NO_BUSINESS & set(words(part))
            for item in values
            for part in _names(item, self.file.facts)
        )


def _names(expr: Expr, facts: tree.PyFacts) -> Iterator[str]:
    for node in tree.walk(expr, facts):
        if isinstance(node, tree.Name):
            yield node.id
        elif isinstance(node, tree.Attr):
            yield node.attr


def _is_http(targets: tuple[Expr, ...]) -> bool:
    """``response.headers[...] = ...`` and ``response.status_code = ...``."""
    for target in targets:
        base = target.value if isinstance(target, tree.Item) else target
        if tree.dotted(base).rpartition(".")[2] in _HTTP_WORK and "." in tree.dotted(base):
            return True
    return False


def _has_condition(node: tree.Op) -> bool:
    heads = _COMPREHENSIONS.get(node.kind)
    if heads is None:
        return False
    return any(
        isinstance(item, tree.Op) and (item.kind == "If" or item.kind.startswith(_TESTS))
        for item in node.items[heads + 1 :]
    )
