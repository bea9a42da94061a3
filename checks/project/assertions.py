"""What a test asserts: each assertion, where it stands, and which object it examines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.names import Target

if TYPE_CHECKING:
    from checks.project.subjects import Call, Function

_STEPS = 12
_LEVELS = 3
_CONTEXTS = frozenset(
    "raises warns deprecated_call assertRaises assertRaisesRegex assertWarns assertWarnsRegex "
    "assertLogs assertNumQueries assertRaisesMessage assertNoLogs raises_group RaisesGroup".split()
)
_HELPER = re.compile(
    r"_*(?:assert|check|expect|verify|ensure)(?:_\w+|[A-Z]\w*)?|fail|to_(?:be|have|contain)_?\w*"
)
_SNAPSHOT = frozenset({"assert_match", "match_snapshot", "assertMatchSnapshot", "raise_for_status"})
_WRAPPERS = ("builtins.", "json.", "math.", "pytest.", "typing.", "dataclasses.", "copy.", "uuid.",
             "datetime.", "decimal.", "numpy.", "orjson.", "pathlib.", "os.path.", "re.",
             "sqlalchemy.", "inspect.", "operator.", "itertools.", "unittest.")  # fmt: skip


class Assertion(msgspec.Struct, frozen=True):
    """One assertion of a test.

    Attributes:
        kind: ``assert``, ``context`` (``with pytest.raises(...)``), ``mock`` or ``helper``.
        line: Its first line.
        end_line: Its last line.
        block: The block it stands in.
        exprs: What it compares, one per and-joined condition.
        call: The call that it is, index in its file; -1 for a statement.
    """

    kind: str
    line: int
    end_line: int
    block: int
    exprs: tuple[Expr, ...]
    call: int = -1


def assertions(test: Function) -> list[Assertion]:
    """The assertions of a test's own body, in order of line."""
    found = [
        Assertion("assert", row.line, row.end_line, row.block, _conditions(row.value))
        for row in test.statements
        if row.kind == "assert"
    ]
    found += _contexts(test)
    found += (each for call in test.calls if (each := _by_call(call)) is not None)
    return sorted(found, key=lambda each: (each.line, each.end_line))


def asserts(test: Function) -> bool:
    """Whether a test asserts anything, in helpers of the tests that it calls too."""
    files = test.file.project.calls
    seen = {test}
    front = [test]
    for _ in range(_LEVELS):
        if any(_has_any(each) for each in front):
            return True
        callees = (target for each in front for _, target in files.callees(each))
        nested = (
            each.file.functions[index]
            for each in front
            for index in each.file.tables.inner_functions.get(each.index, ())
        )
        front = [f for f in dict.fromkeys((*callees, *nested)) if f.file.is_test and f not in seen]
        seen.update(front)
    return False


def _has_any(function: Function) -> bool:
    return bool(assertions(function)) or any(
        isinstance(expr, tree.CallRef) and function.file.calls[expr.index].last == "AssertionError"
        for expr in (row.fact.exc for row in function.raises)
    )


def _conditions(test: Expr | None) -> tuple[Expr, ...]:
    if isinstance(test, tree.Op) and test.kind == "And":
        return test.items
    return () if test is None else (test,)


def _contexts(test: Function) -> Iterator[Assertion]:
    facts = test.file.facts
    for index, block in test.blocks:
        if block.kind in {"with", "async with"}:
            for expr in block.exprs:
                if isinstance(expr, tree.CallRef) and facts.calls[expr.index].last in _CONTEXTS:
                    yield Assertion(
                        "context", block.line, block.end_line, index, (expr,), expr.index
                    )
                    break


def _by_call(call: Call) -> Assertion | None:
    last = call.last
    kind = ""
    if last in _CONTEXTS:
        kind = "helper" if len(call.fact.args) > 1 and call.fact.statement else ""
    elif last.startswith(("assert_called", "assert_awaited", "assert_any", "assert_has_",
                          "assert_not_called", "assert_not_awaited")):  # fmt: skip
        kind = "mock"
    elif last in _SNAPSHOT or (_HELPER.fullmatch(last) and _stands_alone(call)):
        kind = "helper"
    if not kind:
        return None
    fact = call.fact
    subject: tuple[Expr, ...] = fact.args[:1]
    if (
        kind == "mock"
        or (last in _SNAPSHOT and call.receiver is not None)
        or last.startswith("to_")
    ):
        subject = () if call.receiver is None else (call.receiver,)
    return Assertion(kind, fact.line, fact.end_line, fact.block, subject, call.index)


def _stands_alone(call: Call) -> bool:
    """A helper asserts where its result is dropped: ``check_user(user)``."""
    if call.last.startswith(("assert", "_assert", "expect", "fail", "to_")):
        return call.last != "expect" or not call.fact.statement
    return call.fact.statement or call.fact.awaited


# What is examined ---------------------------------------------------------------------------------


def examined(test: Function, expr: Expr, *, depth: int = 0) -> str:
    """A text for the object that a condition looks at; equal for parts of one object."""
    file = test.file
    for _ in range(_STEPS):
        match expr:
            case tree.Name(id=text):
                head = ".".join(text.split(".")[:2]) if text.startswith("self.") else ""
                head = head or text.partition(".")[0]
                source = None if depth > _STEPS else _source(test, head)
                if source is None:
                    return head
                depth += 1
                expr = source
            case tree.Attr(value=inner) | tree.Item(value=inner):
                expr = inner
            case tree.CallRef(index=index):
                inner_expr = _of_call(test, file.calls[index])
                if inner_expr is None:
                    return f"call {index}"
                expr = inner_expr
            case tree.Op(kind="Lambda"):
                return "lambda"
            case tree.Op(items=items) | tree.Bin(items=items) | tree.Seq(items=items) if items:
                comprehension = isinstance(expr, tree.Op) and expr.kind.endswith(("Comp", "Exp"))
                places = items[1:] if comprehension and len(items) > 1 else items
                expr = next((i for i in places if not _is_plain(i)), items[0])
            case tree.Fmt(parts=parts) if parts:
                expr = next((i for i in parts if not isinstance(i, tree.Const)), parts[0])
            case _:
                return "constant"
    return "deep"


def _is_plain(expr: Expr) -> bool:
    """A literal, or a display of literals: what is compared with."""
    if isinstance(expr, tree.Name):
        return expr.id.rpartition(".")[2].isupper()
    return all(isinstance(each, tree.Const | tree.Seq | tree.Map) for each in tree.walk(expr))


def _of_call(test: Function, call: Call) -> Expr | None:
    """The object behind a call: what a method is called on, what a plain function is given."""
    file = test.file
    name = file.resolve(call.fact.func, test)
    if name.startswith(_WRAPPERS):
        return next((arg for arg in call.fact.args if not _is_plain(arg)), None)
    head = tree.dotted(call.fact.func).partition(".")[0]
    if head and call.receiver is not None and _is_acted_on(test, head):
        return None
    binding, owner = file.project.names.binding(file, head, test) if head else (None, None)
    local = owner is not None and not isinstance(binding, tree.Import | tree.Function | tree.Class)
    if call.receiver is not None and (not head or local):
        return call.receiver
    return None


def _is_acted_on(test: Function, head: str) -> bool:
    """A client or a session: what each call of it gives is an object of its own."""
    binding, _ = test.file.project.names.binding(test.file, head, test)
    if isinstance(binding, tree.Param):
        return True
    return isinstance(binding, Target) and "client" in head.lower()


def _source(test: Function, name: str) -> Expr | None:
    """What a local name was taken from, where it is a part of another local object."""
    binding, owner = test.file.project.names.binding(test.file, name, test)
    if owner is None:
        return None
    value: Expr | None = None
    if isinstance(binding, tree.Assign) and not binding.op:
        value = binding.value if isinstance(binding.targets[0], tree.Name) else None
    elif isinstance(binding, Target) and binding.kind in {"for", "async for", "comp"}:
        value = binding.expr
    while isinstance(value, tree.Op) and value.kind == "Await":
        value = value.items[0]
    if isinstance(value, tree.CallRef):
        call = test.file.calls[value.index]
        inner = _of_call(test, call)
        return inner if inner is not None and not isinstance(inner, tree.Const) else None
    if isinstance(value, tree.Name | tree.Item | tree.Attr):
        return value if tree.dotted(value) != name else None
    return None
