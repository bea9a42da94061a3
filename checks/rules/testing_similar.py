"""The check of tests that are written out again with other literals."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr, PyFacts
from checks.project.subjects import File, Function
from checks.rules.applies import has_tests

type _Key = tuple[object, ...]

_EXPANDS = frozenset({"parameterized.parameterized.expand", "parameterized.expand"})


@check("parametrize-similar-tests", scope="test", applies=has_tests)
def parametrize_similar_tests(file: File, *, min_group: int = 3, style: str = "pytest") -> Answer:
    """Tests that differ in literals alone are one test with parameters.

    A copied test is mended in one place and forgotten in the others.

    Instead: ``pytest.mark.parametrize``, with ``ids`` where the names said something.

    Known problems: names of local variables have to agree; tests of a class are compared within
    that class.
    """
    tests = file.project.suite.collected(file)
    if len(tests) < 2:
        return Skip("fewer than two tests")
    groups: dict[_Key, list[Function]] = {}
    for test in tests:
        if test.fact.shape != "stub" and (test.calls or test.statements):
            groups.setdefault(_likeness(test), []).append(test)
    alike = [group for group in groups.values() if len(group) > 1]
    found = [
        At(group[1].line, f"`{group[1].name}` and {len(group) - 1} more differ in literals alone",
           symbol=group[1].symbol, measured=str(len(group)), limit=str(min_group - 1))
        for group in alike
        if len(group) >= min_group
    ]  # fmt: skip
    others = [test for test in tests if _is_other_style(test, style)]
    found += [
        At(test.line, f"`{test.name}` is not parametrized by {_NAMES[style]}", symbol=test.symbol)
        for test in others
    ]
    count = len(alike) + len(others)
    return Sites(count, found) if count else Skip("no two tests are alike")


_NAMES = {"pytest": "pytest.mark.parametrize", "parameterized.expand": "parameterized.expand"}


def _is_other_style(test: Function, style: str) -> bool:
    names = {test.file.resolve(each.value) for each in test.fact.decorators}
    if style == "pytest":
        return not names.isdisjoint(_EXPANDS)
    return "pytest.mark.parametrize" in names


def _likeness(test: Function) -> _Key:
    """What a test does, literals left out; equal for tests that differ in literals alone."""
    facts = test.file.facts
    rows = _rows(test)
    for nested in _nested(test):
        params = tuple(param.name for param in nested.fact.params)
        rows += [(nested.line, 3, ("def", nested.name, params)), *_rows(nested)]
    rows.sort(key=lambda row: row[:2])
    decorators = tuple(each.value for each in test.fact.decorators)
    params = tuple(param.name for param in test.fact.params)
    head = (test.fact.cls, test.is_async, params, *_texts(decorators, facts))
    return (*head, *(key for _, _, key in rows))


def _nested(test: Function) -> Iterator[Function]:
    """The functions that a test defines in its body, and what these define."""
    functions = test.file.functions
    for index in range(test.index + 1, len(functions)):
        if functions[index].line > test.end_line:
            return
        yield functions[index]


def _rows(function: Function) -> list[tuple[int, int, _Key]]:
    """What a function does, by line and kind of statement; nested functions left out."""
    facts = function.file.facts
    blocks = dict(function.blocks)
    start = min(blocks, default=0)
    rows: list[tuple[int, int, _Key]] = []
    for row in function.assigns:
        parts = (*row.targets, *(() if row.value is None else (row.value,)))
        place = row.block - start if row.block in blocks else -1
        rows.append((row.line, 0, ("assign", row.op, place, *_texts(parts, facts))))
    for statement in function.statements:
        value = () if statement.value is None else (statement.value,)
        if statement.kind == "expr" and isinstance(statement.value, tree.Const):
            continue
        place = statement.block - start if statement.block in blocks else -1
        rows.append((statement.line, 1, (statement.kind, place, *_texts(value, facts))))
    for index, block in blocks.items():
        parts = (*block.exprs, *(each for each in block.targets if each is not None))
        key = (block.kind, index - start, block.name, *_texts(parts, facts))
        rows.append((block.line, 2, key))
    for each in function.raises:
        raised = () if each.fact.exc is None else (each.fact.exc,)
        rows.append((each.line, 4, ("raise", *_texts(raised, facts))))
    return rows


def _texts(exprs: tuple[Expr, ...], facts: PyFacts) -> list[str]:
    """The expressions as flat words, each literal as the same word."""
    words: list[str] = []
    stack = [*reversed(exprs)]
    while stack:
        node = stack.pop()
        if _is_literal(node):
            words.append("literal")
        elif isinstance(node, tree.Name):
            words.append(node.id)
        elif isinstance(node, tree.CallRef):
            call = facts.calls[node.index]
            names = ",".join(item.name for item in call.keywords)
            words.append(f"call {len(call.args)} {names}")
            stack.extend(item.value for item in reversed(call.keywords))
            stack.extend([*reversed(call.args), call.func])
        else:
            below = tree.children(node)
            words.append(f"{_kind(node)} {len(below)}")
            stack.extend(reversed(below))
    return words


def _kind(node: Expr) -> str:
    if isinstance(node, tree.Attr):
        return f".{node.attr}"
    if isinstance(node, tree.Bin):
        return node.op
    return node.kind if isinstance(node, tree.Op | tree.Seq) else type(node).__name__


def _is_literal(node: Expr) -> bool:
    """A constant, its negative, or a display of such."""
    if isinstance(node, tree.Const):
        return True
    if isinstance(node, tree.Op):
        return node.kind in {"USub", "UAdd"} and isinstance(node.items[0], tree.Const)
    if not isinstance(node, tree.Seq | tree.Map):
        return False
    return all(
        isinstance(each, tree.Const | tree.Seq | tree.Map)
        or (isinstance(each, tree.Op) and each.kind in {"USub", "UAdd"})
        for each in tree.walk(node)
    )
