"""Which conditions hold only in development: ``if settings.debug``, ``env == "local"``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr

if TYPE_CHECKING:
    from checks.project.subjects import Class, File

_DEVELOPMENT = frozenset(
    "dev develop development local localhost debug test testing tests ci".split()
)
_HUMP = re.compile(r"([a-z0-9])([A-Z])")
_BREAK = re.compile(r"[^A-Za-z0-9]+")
_PRODUCTION = frozenset("prod production prd live staging stage release".split())


def words(text: str) -> list[str]:
    """The words of a name in snake_case or CamelCase, in lower case."""
    return list(_words(text))


@lru_cache(maxsize=1 << 16)
def _words(text: str) -> tuple[str, ...]:
    spaced = _HUMP.sub(r"\1 \2", text)
    return tuple(word.lower() for word in _BREAK.split(spaced) if word)


def development(test: Expr, file: File) -> bool | None:
    """Whether a condition is true only in development (True) or only outside of it (False).

    None when it says nothing about the environment.
    """
    match test:
        case tree.Name(id=text):
            return _by_name(text.rpartition(".")[2])
        case tree.Attr(attr=attr):
            return _by_name(attr)
        case tree.CallRef(index=index):
            call = file.facts.calls[index]
            texts = [tree.text_of(arg) or "" for arg in call.args]
            found = [_by_name(name) for name in (call.last, *texts) if name]
            return next((each for each in found if each is not None), None)
        case tree.Op(kind="Not", items=(inner,)):
            found_inner = development(inner, file)
            return None if found_inner is None else not found_inner
        case tree.Op(kind="And", items=items):
            parts = [development(item, file) for item in items]
            return next((part for part in parts if part is not None), None)
        case tree.Op(kind="Or", items=items):
            parts = [development(item, file) for item in items]
            return parts[0] if len(set(parts)) == 1 else None
        case tree.Op(kind=kind, items=(left, right)) if kind.startswith("Compare:"):
            return _compared(kind.partition(":")[2], left, right, file)
    return None


def _by_name(name: str) -> bool | None:
    found = words(name)
    if not _PRODUCTION.isdisjoint(found):
        return False
    return None if _DEVELOPMENT.isdisjoint(found) else True


def _compared(op: str, left: Expr, right: Expr, file: File) -> bool | None:
    value = _environment(right)
    if value is None:
        value = _environment(left)
    if value is None and isinstance(right, tree.Const) and isinstance(right.value, bool):
        by_name = development(left, file)
        value = by_name if by_name is None or right.value else not by_name
    if value is None:
        return None
    if op in {"Eq", "In", "Is"}:
        return value
    return not value if op in {"NotEq", "NotIn", "IsNot"} else None


def _environment(expr: Expr) -> bool | None:
    """True when an expression names development environments only, False for others."""
    items = expr.items if isinstance(expr, tree.Seq) else (expr,)
    found = set()
    for item in items:
        text = tree.text_of(item)
        if text is None and isinstance(item, tree.Name) and "." in item.id:
            text = item.id.removesuffix(".value").rpartition(".")[2]
        found.add(_by_name(text) if text else None)
    return found.pop() if len(found) == 1 else None


def only_in_development(file: File, block: int) -> bool:
    """Whether a block of statements runs only in debug mode or in development."""
    for _, each in file.blocks_around(block):
        if each.kind not in {"if", "else"} or not each.exprs:
            continue
        if development(each.exprs[0], file) is (each.kind == "if"):
            return True
    return False


def is_development_class(cls: Class) -> bool:
    """Whether a settings class, or its module, is meant for development only."""
    return any(
        not _DEVELOPMENT.isdisjoint(words(name)) and _PRODUCTION.isdisjoint(words(name))
        for name in (cls.name, cls.file.stem)
    )
