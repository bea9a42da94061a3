"""Shapes of statements: what a main guard, a table of data and a stub look like."""

from __future__ import annotations

import ast

_LITERALS = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.JoinedStr)
_COMPUTED = (ast.Call, ast.Await, ast.comprehension, ast.Lambda, ast.Subscript, ast.Compare)


def is_main_guard(test: ast.expr) -> bool:
    """Whether a condition is ``__name__ == "__main__"``."""
    if not isinstance(test, ast.Compare) or len(test.comparators) != 1:
        return False
    sides = (test.left, test.comparators[0])
    names = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
    texts = any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
    return names and texts


def is_data(node: ast.stmt) -> bool:
    """Whether a module-level statement only names a literal (imports allowed)."""
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=value):
            return value is None or (isinstance(value, _LITERALS) and not _computes(value))
        case ast.Expr(value=ast.Constant()):
            return True
        case _:
            return False


def _computes(value: ast.expr) -> bool:
    return any(isinstance(node, _COMPUTED) for node in ast.walk(value))


def shape(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """``literal``, ``stub`` or "" (see :class:`checks.facts.tree.Function`)."""
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        if body[0].value.value is ...:
            return "stub" if len(body) == 1 else ""
        body = body[1:]
    if not body:
        return "stub"
    if len(body) > 1:
        return ""
    match body[0]:
        case ast.Return(value=value) if isinstance(value, _LITERALS):
            return "literal"
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return "stub"
        case ast.Raise(exc=exc):
            name = exc.func if isinstance(exc, ast.Call) else exc
            return "stub" if isinstance(name, ast.Name) and name.id == "NotImplementedError" else ""
        case _:
            return ""


def pattern_values(pattern: ast.pattern) -> list[ast.expr]:
    """The values that the pattern of a case compares with: ``"a" | "b"``, ``Kind.A``."""
    found: list[ast.expr] = []
    waiting = [pattern]
    for each in waiting:
        if isinstance(each, ast.MatchValue):
            found.append(each.value)
        elif isinstance(each, ast.MatchOr):
            waiting += each.patterns
    return found
