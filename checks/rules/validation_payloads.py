"""Checks of what happens to data that come from outside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from checks.check import At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.payloads import Entry
from checks.project.project import Project
from checks.project.subjects import Call, Class, Function

_VALIDATORS = frozenset(
    "model_validate model_validate_json model_validate_strings parse_obj parse_raw parse_obj_as "
    "validate_python validate_json from_dict structure convert".split()
)
_CHECKING = re.compile(r"_*(?:validate|parse|verify|check|authenticate|decode)(?:_|$)")
_CHECKS = frozenset("validate verify parse check decode authenticate compare".split())
_SCALARS = frozenset("builtins.int builtins.float uuid.UUID decimal.Decimal".split())
_HARMLESS = frozenset(
    f"builtins.{name}" for name in "isinstance len bool type str repr print hasattr id".split()
)
_MOST = 30
"""Places in one function, and callers of one function, that are followed."""
_COPIES = frozenset(f"builtins.{name}" for name in "dict list tuple set sorted enumerate".split())
_GATHERING = frozenset("append extend add update insert setdefault".split())
_READS = frozenset("get items keys values pop".split())
_CHECKED = "pydantic.dataclasses.dataclass"
_STRUCTURED = frozenset(
    "dataclasses.dataclass attrs.define attrs.frozen attr.s attr.dataclass attrs.mutable".split()
)


@check("external-payload-validated")
def external_payload_validated(project: Project) -> Sites | Skip:
    """Validate external payloads with a schema.

    What another program sends changes without notice; a schema says so where it enters, and not
    as a ``KeyError`` three layers further down.

    Instead: ``Model.model_validate(response.json())``.

    Known problems: values are followed through the variables of one function and to its callers;
    a file counts as external when it is uploaded or the caller gives its path; what was put into
    a cache or a column by the project itself is not external. A value that is only compared,
    logged, collected or handed on to the client is not used. Of many places in one function the
    first thirty are followed.
    """
    count, found = 0, []
    followed: Counter[Function] = Counter()
    for entry in project.payloads.all():
        followed[entry.function] += 1
        if followed[entry.function] > _MOST:
            continue
        count += 1
        if _is_used_blindly(entry):
            function = entry.function
            message = f"{entry.what} is used in `{function.name}` without a schema"
            at = At(entry.line, message, path=function.path, symbol=function.symbol,
                    anchor=entry.what)  # fmt: skip
            found.append(at)
    return Sites(count, found) if count else Skip("no external data enter")


def _is_used_blindly(entry: Entry) -> bool:
    """Whether a value is used, here or where it is returned to, and validated in neither."""
    flow = _Flow(entry.function, entry.node, scalar=entry.scalar)
    if flow.is_validated:
        return False
    project = entry.function.file.project
    if not flow.is_returned or project.routes.of(entry.function) is not None:
        return flow.is_used
    flows = [
        _Flow(call.function, tree.CallRef(call.index), scalar=entry.scalar)
        for call in project.calls.callers(entry.function)[:_MOST]
        if call.function is not None and call.function != entry.function
    ]
    if any(each.is_validated for each in flows):
        return False
    return flow.is_used or any(each.is_used for each in flows)


class _Flow:
    """Where a value goes in one function.

    Attributes:
        is_validated: It, or a part of it, goes through a schema or a validating function.
        is_used: It is subscripted, iterated or passed on.
        is_returned: It, or a part of it, is returned.
    """

    def __init__(self, function: Function, node: Expr, *, scalar: bool) -> None:
        self.function = function
        self.file = function.file
        self.node = node
        self.scalar = scalar
        self.names: set[str] = set()
        self.keyed: set[str] = set()
        self._follow()
        self.is_validated = any(self._validates(call) for call in function.calls)
        self.is_used = not self.is_validated and self._find_use()
        self.is_returned = any(
            each.kind == "return" and self._holds(each.value) for each in function.statements
        )

    def _follow(self) -> None:
        """Collect the variables that hold the value or parts of it; twice, for loops."""
        for _ in range(2):
            for row in self.function.assigns:
                if row.value is not None and self._is_part(row.value):
                    for target in row.targets:
                        parts = target.items if isinstance(target, tree.Seq) else (target,)
                        bound = {each.id for each in parts if isinstance(each, tree.Name)}
                        self.names |= bound
                        self.keyed |= bound if self._is_keyed(row.value) else set()
            for _, block in self.function.blocks:
                if block.kind in {"for", "async for", "comp"} and self._is_part(block.exprs[1]):
                    targets = tree.walk(block.exprs[0])
                    self.names |= {each.id for each in targets if isinstance(each, tree.Name)}

    # Expressions ----------------------------------------------------------------------------------

    def _is_source(self, expr: Expr) -> bool:
        if isinstance(self.node, tree.CallRef):
            return isinstance(expr, tree.CallRef) and expr.index == self.node.index
        return expr is self.node

    def _is_part(self, expr: Expr | None) -> bool:
        """Whether an expression is the value, or something taken out of it."""
        for _ in range(tree.MAX_DEPTH):
            if expr is None:
                return False
            if self._is_source(expr):
                return True
            match expr:
                case tree.Name(id=text):
                    return any(text == name or text.startswith(f"{name}.") for name in self.names)
                case tree.Item(value=inner) | tree.Attr(value=inner):
                    expr = inner
                case tree.Op(kind="Await" | "Starred", items=(inner,)):
                    expr = inner
                case tree.Op(kind="NamedExpr", items=(_, inner)):
                    expr = inner
                case tree.Op(kind="Or", items=items):
                    return any(self._is_part(item) for item in items)
                case tree.Op(kind="IfExp", items=(_, *branches)):
                    return any(self._is_part(item) for item in branches)
                case tree.CallRef(index=index):
                    expr = self._taken(self.file.calls[index])
                case _:
                    return False
        return False

    def _taken(self, call: Call) -> Expr | None:
        """What a call takes a part or a copy of: its receiver, or its argument."""
        if call.name in _COPIES and call.fact.args:
            return call.fact.args[0]
        return call.receiver

    def _holds(self, expr: Expr | None) -> bool:
        """Whether the value, or a part of it, is anywhere in an expression."""
        return any(self._is_part(node) for node in tree.walk(expr, self.file.facts))

    # Validation -----------------------------------------------------------------------------------

    def _validates(self, call: Call) -> bool:
        held = [arg for arg in call.arguments if self._holds(arg)]
        if not held:
            return False
        whole = any(not self._is_keyed(arg) for arg in held)
        return self._is_validator(call, whole=whole) or any(
            self._hands_to_validator(call, target)
            for target in self.file.project.calls.resolve(call)[:2]
            if whole and any(tree.dotted(arg) not in self.keyed for arg in held)
        )

    def _is_keyed(self, expr: Expr) -> bool:
        """Whether an expression takes one value out of a document: ``data["id"]``."""
        if self._is_source(expr):
            return False
        if isinstance(expr, tree.CallRef):
            call = self.file.facts.calls[expr.index]
            return call.last in _READS and bool(call.args)
        return isinstance(expr, tree.Item) and tree.text_of(expr.index) is not None

    def _is_validator(self, call: Call, *, whole: bool) -> bool:
        """Whether a call validates what it is given: the whole value, or one value out of it."""
        if call.last in _VALIDATORS:
            return True
        if (whole or self.scalar) and _CHECKING.match(call.last):
            return True
        if self.scalar and (call.name in _SCALARS or not _CHECKS.isdisjoint(words(call.last))):
            return True
        classes = self.file.project.classes.by_key
        cls = classes.get(call.name)
        if _is_schema(cls) or (call.spreads and _is_dataclass(cls)):
            return True
        maker = classes.get(call.name.rpartition(".")[0])
        return call.last.startswith("from_") and (_is_schema(maker) or _is_dataclass(maker))

    def _hands_to_validator(self, call: Call, target: Function) -> bool:
        """Whether a called function validates what it is passed."""
        taken = {param.name for param in target.fact.params}
        for inner in target.calls:
            given = {
                node.id.partition(".")[0]
                for arg in inner.arguments
                for node in tree.walk(arg)
                if isinstance(node, tree.Name)
            }
            if given & taken and self._is_validator(inner, whole=True):
                return True
        return False

    # Uses -----------------------------------------------------------------------------------------

    def _find_use(self) -> bool:
        return (
            any(self._iterates())
            or any(self._passes(call) for call in self.function.calls)
            or (self._subscripts())
        )

    def _iterates(self) -> Iterator[bool]:
        for _, block in self.function.blocks:
            if block.kind in {"for", "async for", "comp"}:
                yield self._is_part(block.exprs[1])

    def _subscripts(self) -> bool:
        """Whether a part is taken out of the value by a key."""
        for place in self.file.tables.expressions.get(self.function.index, ()):
            for node in tree.walk(place.expr, self.file.facts):
                if isinstance(node, tree.Item) and self._is_part(node.value):
                    return True
        return False

    def _passes(self, call: Call) -> bool:
        """Whether a call reads a key of the value, or receives it and may rely on it."""
        reads = call.last in _READS and call.receiver is not None and not self.scalar
        if reads and self._is_part(call.receiver):
            return True
        if call.last in _GATHERING or call.name in _HARMLESS or call.name in _COPIES:
            return False
        if call.index in self.file.project.logs.calls(self.file):
            return False
        values = (*call.fact.args, *(item.value for item in call.fact.keywords))
        return any(self._is_part(value) for value in values) and not self._is_answer(call)

    def _is_answer(self, call: Call) -> bool:
        """Whether a call makes the response that the client receives."""
        return bool(self.file.project.routes.responses.kind_of(call.name))


def _is_schema(cls: Class | None) -> bool:
    """Whether a class checks what it is made of."""
    if cls is None:
        return False
    if cls.file.project.classes.role(cls) in {"schema", "settings", "document"}:
        return True
    return any(cls.file.resolve(each.value) == _CHECKED for each in cls.fact.decorators)


def _is_dataclass(cls: Class | None) -> bool:
    """Whether a class names the fields that it is made of."""
    if cls is None:
        return False
    if cls.inherits("typing.NamedTuple", "msgspec.Struct"):
        return True
    return any(cls.file.resolve(each.value) in _STRUCTURED for each in cls.fact.decorators)
