"""Checks of how a test is built: one act, few assertions, no repetition."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from checks.check import Answer, At, Sites, Skip, check
from checks.project.acts import second_act
from checks.project.assertions import Assertion, assertions, asserts, examined
from checks.project.subjects import File, Function
from checks.rules.applies import has_tests

_BRANCHES = frozenset({"for", "async for", "while", "if", "else", "loopelse", "case"})
_QUIET = re.compile(
    r"not_?raise|no_?raise|without_?(?:error|raising|exception|crash)|no_?(?:error|exception|crash)"
    r"|not_?(?:crash|fail|throw)|never_?(?:raise|fail|crash)|doesnt_?(?:raise|crash|fail)"
    r"|(?:does|should|must|will) not (?:raise|fail|crash|throw)|doesn't (?:raise|fail|crash)"
    r"|no exception|not raise|without (?:error|raising|exception|crash)|only checks? that",
    re.IGNORECASE,
)


@check("test-assertion-count", scope="test", applies=has_tests)
def assertion_count(file: File, *, max: int = 4) -> Answer:
    """A test examines few objects, so that its failure says what is wrong.

    The first assertion that fails hides all that come after it.

    Instead: several tests, or one comparison of the whole object.

    Known problems: assertions on parts of one object count once, and so do those on what was
    taken from it by attribute, item or a method; assertions inside of helpers are not counted.
    """
    tests = file.project.suite.collected(file)
    found = []
    for test in tests:
        rows = assertions(test)
        allowed = 2 * max if len(rows) > max and file.project.suite.is_wide(test) else max
        count = _objects(test, rows) if sum(len(row.exprs) or 1 for row in rows) > allowed else 0
        if count > allowed:
            message = f"`{test.name}` asserts on {count} things"
            found.append(
                At(test.line, message, symbol=test.symbol, measured=str(count), limit=str(allowed))
            )
    return Sites(len(tests), found) if tests else Skip("no test function")


def _objects(test: Function, rows: list[Assertion]) -> int:
    """How many objects the assertions of a test examine."""
    seen = set()
    for row in rows:
        if row.kind == "context":
            seen.add(f"context {row.line}")
        seen.update(examined(test, expr) for expr in row.exprs if row.kind != "context")
        if not row.exprs:
            seen.add(f"line {row.line}")
    return len(seen)


@check("arrange-act-assert", scope="test", applies=has_tests)
def arrange_act_assert(file: File, *, max_rounds: int = 1) -> Answer:
    """A test prepares, acts once, and asserts.

    A test of several rounds says less about what broke, and stops at the first of them.

    Instead: one test per act; ``pytest.mark.parametrize`` for a loop.

    Known problems: reading a changed object again is no act, nor is a GET after a request that
    writes; what a helper of the tests does inside is not seen. A test says by its name, its
    docstring or a comment that it only must not raise.
    """
    tests = file.project.suite.collected(file)
    found = []
    for test in tests:
        answer = _rounds(test, max_rounds)
        if answer is not None:
            found.append(answer)
    return Sites(len(tests), found) if tests else Skip("no test function")


def _rounds(test: Function, max_rounds: int) -> At | None:
    rows = assertions(test)
    if not rows and not asserts(test):
        if _may_be_quiet(test):
            return None
        return At(test.line, f"`{test.name}` asserts nothing", symbol=test.symbol, anchor="none")
    for row in rows:
        around = (b for _, b in test.file.blocks_around(row.block))
        kind = next((b.kind for b in around if b.kind in _BRANCHES), "")
        if kind:
            word = "loop" if kind in {"for", "async for", "while", "loopelse"} else "branch"
            message = f"`{test.name}` asserts inside a {word}"
            return At(test.line, message, symbol=test.symbol, anchor=word)
    allowed = max_rounds + (1 if test.file.project.suite.is_wide(test) else 0)
    line = second_act(test, rows, allowed)
    if not line:
        return None
    message = f"`{test.name}` acts again after it has asserted"
    return At(line, message, symbol=test.symbol, anchor="act")


def _may_be_quiet(test: Function) -> bool:
    if _QUIET.search(test.name) or _QUIET.search(test.fact.docstring or ""):
        return True
    if test.fact.shape == "stub" and test.fact.last == "Raise":
        return True
    comments = test.file.facts.comments
    first = bisect_left(comments, test.line, key=lambda each: each.line)
    last = bisect_right(comments, test.end_line, key=lambda each: each.line)
    return any(_QUIET.search(each.text) for each in comments[first:last])
