"""Checks of documentation inside the code."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.subjects import Class, File, Function

_SELF_EXPLAINING = frozenset({"typing.overload", "typing.override"})


@check("docstrings-present")
def docstrings_present(file: File, *, scope: str = "public", min_words: int = 1) -> Answer:
    """Functions and classes say what a caller must know.

    Instead: add a docstring.

    Known problems: a docstring that a decorator sets is not seen.
    """
    count, found = 0, []
    for subject in _subjects(file, scope):
        count += 1
        words = (subject.fact.docstring or "").split()
        if len([word for word in words if any(char.isalnum() for char in word)]) < min_words:
            message = f"`{subject.name}` has no docstring"
            found.append(At(subject.line, message, symbol=subject.symbol))
    return Sites(count, found) if count else Skip("nothing to document")


def _subjects(file: File, scope: str) -> Iterator[Function | Class]:
    for function in file.functions:
        if function.fact.parent >= 0 or _in_function(function):
            continue
        if (scope == "all" or function.is_public) and not _excused(function):
            yield function
    if scope == "public-functions":
        return
    for cls in file.classes:
        nested = cls.fact.parent >= 0 and cls.name in {"Config", "Meta"}
        if cls.fact.function < 0 and not nested and (scope == "all" or cls.is_public):
            yield cls


def _in_function(function: Function) -> bool:
    cls = function.cls
    return cls is not None and cls.fact.function >= 0


def _excused(function: Function) -> bool:
    """Overloads, setters, overrides and dunder methods that their base explains."""
    name = function.name
    dunder = name.startswith("__") and name.endswith("__")
    if dunder and (name != "__init__" or len(function.fact.params) < 2):
        return True
    for decorator in function.fact.decorators:
        if tree.dotted(decorator.value).endswith((".setter", ".deleter")):
            return True
        if function.file.resolve(decorator.value) in _SELF_EXPLAINING:
            return True
    cls = function.cls
    if cls is None:
        return False
    classes = function.file.project.classes
    for ancestor in cls.ancestors:
        parent = classes.by_key.get(ancestor)
        base = parent.methods.get(name) if parent is not None else None
        if base is not None and base.fact.docstring:
            return True
    return False
