"""Functions of a version of a file: what their docstrings say of what, and what their bodies do."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator

import msgspec

from checks.facts.parse import parse
from checks.facts.text import decode, split_lines

type Def = ast.FunctionDef | ast.AsyncFunctionDef


class Hinted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A parameter, with the names in its annotation; None without one."""

    name: str
    hint: tuple[str, ...] | None


class Documented(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A function.

    Attributes:
        name: Qualified name; a function that is defined twice is there twice.
        line: Line of its ``def``.
        docstring: What it says, "" without one.
        params: Its parameters.
    """

    name: str
    line: int
    docstring: str
    params: tuple[Hinted, ...]


def documented(data: bytes) -> list[Documented]:
    """All functions and methods; none of what is no Python."""
    return [
        Documented(
            name,
            each.lineno,
            (ast.get_docstring(each, clean=False) or "").strip(),
            tuple(Hinted(param.arg, _names(param.annotation)) for param in _parameters(each)),
        )
        for name, each in _functions(data)
    ]


def shapes(data: bytes) -> list[tuple[str, bytes]]:
    """A digest of the body of each function, in the order of :func:`documented`.

    Docstrings, layout and the function's own names count not.
    """
    return [
        (
            name,
            hashlib.blake2b(repr(_shape(each)).encode("utf-8", "replace"), digest_size=16).digest(),
        )
        for name, each in _functions(data)
    ]


def _functions(data: bytes) -> Iterator[tuple[str, Def]]:
    text = decode(data).text
    module, *_ = parse(text, split_lines(text))
    stack: list[tuple[str, ast.AST]] = [("", module)] if module is not None else []
    while stack:
        prefix, node = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{child.name}", child
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                stack.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, ast.stmt):
                stack.append((prefix, child))


def _parameters(function: Def) -> list[ast.arg]:
    given = function.args
    rest = [each for each in (given.vararg, given.kwarg) if each is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *rest]


def _names(expr: ast.expr | None) -> tuple[str, ...] | None:
    if expr is None:
        return None
    found = (
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(expr)
        if isinstance(node, ast.Name | ast.Attribute)
    )  # fmt: skip
    return tuple(dict.fromkeys(found))


def _shape(function: Def) -> list[object]:
    """The body of a function without its docstring; its own names are numbers."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    nodes = [node for statement in body for node in ast.walk(statement)]
    own = {each.arg: number for number, each in enumerate(_parameters(function))}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.setdefault(node.id, len(own))
    found: list[object] = []
    for node in nodes:
        if not isinstance(node, ast.expr_context | ast.Pass):
            found.append(type(node).__name__)
        if isinstance(node, ast.Name):
            found.append(own.get(node.id, node.id))
        else:
            found += [
                value
                for name, value in ast.iter_fields(node)
                if name != "kind" and isinstance(value, str | int | float | bytes | bool)
            ]
    return found
