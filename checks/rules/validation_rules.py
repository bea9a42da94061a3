"""Checks of where rules about input are written down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from checks.check import At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.layers import is_service_class
from checks.project.names import Target
from checks.project.project import Project
from checks.project.subjects import Call, Class, Function, Raise
from checks.rules.applies import has_routes

_STATUSES = frozenset({400, 422})
_REFUSING = ("validation", "invalid", "bad request", "unprocessable", "value error")
_PURE = ("builtins.", "re.", "string.", "math.", "unicodedata.")
_PURE_NAMES = frozenset(
    "re string math datetime.timedelta decimal.Decimal uuid.UUID datetime.datetime.strptime "
    "datetime.datetime.fromisoformat datetime.date.fromisoformat".split()
)
_IMPURE = frozenset(
    f"builtins.{name}" for name in "open input getattr globals locals vars print".split()
)
_TRANSPARENT = frozenset({"try", "with", "async with", "finally", "tryelse"})
_LOOPS = frozenset({"for", "comp"})
_DEPTH = 12


@check("validation-in-schemas", applies=has_routes)
def validation_in_schemas(project: Project) -> Sites | Skip:
    """Validate input in schemas.

    A rule in the schema holds for every caller, is answered with all other mistakes at once, and
    is documented.

    Instead: move the rule to a ``field_validator`` or ``model_validator`` of the schema.

    Known problems: a test is a rule of the schema where it asks nothing but the schema's values,
    constants and pure functions; tests for None, and whether an optional or boolean field is
    given, count as choices of a mode. A helper that raises is not followed.
    """
    schemas = project.schemas.requested
    if not schemas:
        return Skip("no request schema")
    names = {cls.key for cls in schemas}
    count, found = len(schemas), []
    for function in _receivers(project):
        roots = _roots(function, names)
        if not roots:
            continue
        count += 1
        at = _Body(function, roots).tested()
        if at is not None:
            found.append(at)
    return Sites(count, found)


def _receivers(project: Project) -> Iterator[Function]:
    """Handlers, and the functions of services."""
    handlers = project.routes.by_function
    for file in project.production:
        service = project.layers.is_service_module(file)
        for function in file.functions:
            owner = function.cls
            if service or function.key in handlers or (owner and is_service_class(owner)):
                yield function


def _roots(function: Function, names: set[str]) -> dict[str, Class]:
    """Parameters that receive a request schema, by name."""
    schemas = function.file.project.schemas
    found: dict[str, Class] = {}
    for param in function.fact.params:
        if param.annotation is not None:
            given = Given(function.file, param.annotation, function.parent)
            for cls in schemas.contained(given):
                if cls.key in names:
                    found.setdefault(param.name, cls)
    return found


class _Body:
    """What a function tests of the schemas it receives.

    Attributes:
        function: The function.
        roots: The schemas by the names of their parameters.
    """

    def __init__(self, function: Function, roots: dict[str, Class]) -> None:
        self.function = function
        self.file = function.file
        self.roots = roots
        self._pure: dict[str, bool] = {}
        self._attempts: dict[int, int] = {}

    def tested(self) -> At | None:
        """The first test of the schema's own values behind which the input is refused."""
        lines = [
            line for each in self.function.raises if _refuses(each) and (line := self._behind(each))
        ]
        if not lines:
            return None
        name = self.function.name
        message = f"`{name}` tests values of its schema and refuses them, which the schema can do"
        at = min(lines)
        return At(at, message, path=self.function.path, symbol=self.function.symbol, anchor=name)

    def _behind(self, raised: Raise) -> int:
        """Line of the innermost test that leads to a raise, 0 when more than the schema decides."""
        line = 0
        for _, block in self.file.blocks_around(raised.fact.block):
            if block.kind in {"if", "else", "while"}:
                test = block.exprs[0] if block.exprs else None
                if test is None or not self._is_pure(test):
                    return 0
                owner = self.file.facts.blocks[block.peer] if block.kind == "else" else block
                if not line and self._mentions(test) and not self._is_choice(test):
                    line = owner.line
            elif block.kind in _LOOPS:
                if not self._is_pure(block.exprs[1]):
                    return 0
            elif block.kind == "except":
                found = self._parsed(block.peer)
                if not found:
                    return 0
                line = line or found
            elif block.kind not in _TRANSPARENT:
                return 0
        return line

    def _parsed(self, attempt: int) -> int:
        """Line of the call in a ``try`` that parses a value of the schema, 0 for anything else."""
        if attempt not in self._attempts:
            self._attempts[attempt] = self._find_parsed(attempt)
        return self._attempts[attempt]

    def _find_parsed(self, attempt: int) -> int:
        rows = self.file.tables.calls_inside(attempt)
        calls = [self.file.facts.calls[row] for row in rows]
        if not calls or not all(self._is_pure(tree.CallRef(row)) for row in rows):
            return 0
        return next((c.line for c in calls if any(self._mentions(arg) for arg in c.args)), 0)

    # Expressions ----------------------------------------------------------------------------------

    def _mentions(self, expr: Expr) -> bool:
        """Whether a value of a schema is in an expression, or a variable made of one."""
        for node in tree.walk(expr, self.file.facts):
            if isinstance(node, tree.Name):
                head, dot, _ = node.id.partition(".")
                if head in self.roots and dot:
                    return True
                if head in self._derived:
                    return True
        return False

    @cached_property
    def _derived(self) -> frozenset[str]:
        """Local variables that are made of values of a schema."""
        found: set[str] = set()
        sources: list[tuple[tuple[Expr, ...], Expr | None]] = [
            (row.targets, row.value) for row in self.function.assigns
        ]
        sources += [
            (block.exprs[:1], block.exprs[1])
            for _, block in self.function.blocks
            if block.kind in _LOOPS and len(block.exprs) > 1
        ]
        for targets, value in sources:
            heads = {
                node.id.partition(".")[0]
                for node in tree.walk(value, self.file.facts)
                if isinstance(node, tree.Name)
            }
            if any(head in self.roots or head in found for head in heads):
                found |= {each.id for each in targets if isinstance(each, tree.Name)}
        return frozenset(found)

    def _is_choice(self, test: Expr) -> bool:
        """Whether a test only asks which of the optional values are there."""
        match test:
            case tree.Op(kind="Not", items=(inner,)):
                return self._is_choice(inner)
            case tree.Op(kind="And" | "Or", items=items):
                return all(self._is_choice(item) for item in items)
            case tree.Op(kind="Compare:Is" | "Compare:IsNot"):
                return True
            case tree.Op(kind="Compare:Eq" | "Compare:NotEq", items=items):
                kinds = {item.kind for item in items if isinstance(item, tree.Const)}
                return bool(kinds & {"NoneType", "bool"})
            case tree.Name(id=text):
                return self._is_optional(text)
        return False

    def _is_optional(self, text: str) -> bool:
        """Whether an attribute may be left out, or is a switch; true for what is not known."""
        head, _, attr = text.partition(".")
        cls = self.roots.get(head)
        field = None if cls is None else self.file.project.schemas.fields(cls).get(attr)
        if field is None or field.type is None:
            return head not in self._derived
        members = self.file.project.schemas.members(field.type)
        if any(each.name == "builtins.bool" for each in members):
            return True
        return field.default is not None or _allows_none(field.type)

    def _is_pure(self, expr: Expr) -> bool:
        """Whether nothing but values of schemas, constants and pure functions is asked."""
        for node in tree.walk(expr, self.file.facts):
            if isinstance(node, tree.Op) and node.kind in {"Await", "Deep", "Yield"}:
                return False
            if isinstance(node, tree.Name) and not self._is_pure_name(node.id):
                return False
        return True

    def _is_pure_name(self, text: str) -> bool:
        known = self._pure.get(text)
        if known is None:
            self._pure[text] = True  # a variable that is made of itself adds nothing
            known = self._pure[text] = self._judge_name(text)
        return known

    def _judge_name(self, text: str) -> bool:
        head = text.partition(".")[0]
        if head in self.roots:
            return True
        project = self.file.project
        binding, owner = project.names.binding(self.file, head, self.function)
        if owner is not None:
            if isinstance(binding, Assign):
                rows = [r for r in self.function.assigns if tree.Name(head) in r.targets]
                return bool(rows) and all(
                    r.value is not None and self._is_pure(r.value) for r in rows
                )
            if isinstance(binding, Target) and binding.kind in _LOOPS:
                return binding.expr is not None and self._is_pure(binding.expr)
            return False
        name = self.file.resolve(text, self.function)
        if name.startswith(_PURE) or name in _PURE_NAMES:
            return name not in _IMPURE
        function = project.names.function_named(name)
        if function is not None:
            return _is_pure_function(function)
        return _is_constant(project, name)


def _is_constant(project: Project, name: str) -> bool:
    """Whether a canonical name stands for a literal, a pattern or the member of an enum."""
    for candidate in (name, name.rpartition(".")[0]):
        cls = project.classes.by_key.get(candidate)
        if cls is not None:
            return project.classes.role(cls) == "enum"
        found = project.names.assignment_named(candidate)
        if found is not None and found[1].value is not None:
            file, row = found
            return all(
                not isinstance(node, tree.Name) or file.resolve(node).startswith(_PURE)
                for node in tree.walk(row.value, file.facts)
            )
    return False


def _is_pure_function(function: Function) -> bool:
    """A plain function that calls nothing but built-in functions and methods of its arguments."""
    if function.is_async or function.cls is not None or function.fact.generator:
        return False
    own = {param.name for param in function.fact.params}
    for call in function.calls:
        head = tree.dotted(call.receiver).partition(".")[0]
        if head not in own and not call.name.startswith(_PURE):
            return False
    return True


def _allows_none(given: Given) -> bool:
    for node in tree.walk(given.expr):
        if isinstance(node, tree.Const) and node.kind == "NoneType":
            return True
        if isinstance(node, tree.Name) and given.at(node).name == "typing.Optional":
            return True
    return False


def _refuses(raised: Raise) -> bool:
    """Whether a raise says that the input is wrong."""
    name = raised.name
    project = raised.file.project
    if name == "fastapi.HTTPException":
        if not isinstance(raised.fact.exc, tree.CallRef):
            return False
        status = Call(raised.file, raised.fact.exc.index).arg(0, "status_code")
        return status is not None and _status(Given(raised.file, status, raised.function))
    if name == "builtins.ValueError":
        return True
    last = " ".join(words(name.rpartition(".")[2]))
    if name and any(word in last for word in _REFUSING):
        return True
    cls = project.classes.by_key.get(name)
    fact = None if cls is None else cls.attributes.get("status_code")
    return (
        cls is not None
        and fact is not None
        and fact.value is not None
        and _status(Given(cls.file, fact.value))
    )


def _status(given: Given) -> bool:
    value = given.value
    return isinstance(value, int) and value in _STATUSES
