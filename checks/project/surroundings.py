"""What stands around all handlers: middleware, hooks and dependencies of our own.

Answers what these say, as texts in lower case: names of headers, directives, messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Class, File, Function

_LEVELS = 2
_AFTER = (".after_request", ".before_request", ".teardown_request", ".after_app_request")


class Surroundings:
    """What runs for every request, before a handler and after it."""

    def __init__(self, project: Project) -> None:
        self.project = project

    # Code -----------------------------------------------------------------------------------------

    @cached_property
    def functions(self) -> list[Function]:
        """First-party functions that run for every request, with what is nested in them."""
        found: dict[str, Function] = {}
        for each in self.project.routes.middleware:
            if each.function is not None and each.call.file.is_production:
                for function in _family(each.function):
                    found[function.key] = function
        for file in self.project.production:
            for function in file.functions:
                if function.fact.decorators and any(
                    file.resolve(each.value, function.parent).endswith(_AFTER)
                    for each in function.fact.decorators
                ):
                    found[function.key] = function
        for function in self._dependencies():
            found[function.key] = function
        return list(found.values())

    def _dependencies(self) -> Iterator[Function]:
        """Dependencies that an application asks of all its routes."""
        providers = self.project.routes.providers
        for app in self.project.routes.applications:
            given = app.option("dependencies")
            for dep in providers.listed(given) if given is not None else ():
                if dep.function is not None:
                    yield dep.function

    @cached_property
    def reached(self) -> list[Function]:
        """The same with what they call."""
        found: dict[str, Function] = {}
        for each in self.functions:
            for function in self.project.calls.reachable(each, _LEVELS):
                found[function.key] = function
        return list(found.values())

    @cached_property
    def texts(self) -> frozenset[str]:
        """Texts that they hold, in lower case: of constants and class attributes too."""
        found: set[str] = set()
        for each in self.reached:
            found |= function_texts(each)
        for row in self.project.routes.middleware:
            if row.call.file.is_production:
                for value in row.call.arguments:
                    found |= set(_texts(row.call.file, value, row.call.function))
        return frozenset(found)

    def says(self, *wanted: str) -> bool:
        """Whether any of their texts holds one of these."""
        return any(part.lower() in text for text in self.texts for part in wanted)


def function_texts(function: Function) -> set[str]:
    """Texts in the body of a function, its class and the constants that it names."""
    found: set[str] = set()
    for place in function.file.tables.expressions.get(function.index, ()):
        found |= set(_texts(function.file, place.expr, function))
    for row in function.assigns:
        for target in row.targets:
            found |= set(_texts(function.file, target, function))
    if function.cls is not None:
        for fact in function.cls.attributes.values():
            if fact.value is not None:
                found |= set(_texts(function.file, fact.value, None))
    return found


def _texts(file: File, expr: Expr, function: Function | None) -> Iterator[str]:
    """The texts of an expression in lower case, those of module constants that it names too."""
    names = file.project.names
    for node in tree.walk(expr, file.facts):
        text = _text_of(node)
        if text is not None:
            yield text.lower()
        elif isinstance(node, tree.Name):
            constant = names.assignment_named(file.resolve(node, function))
            if constant is None or constant[1].value is None:
                continue
            for inner in tree.walk(constant[1].value, constant[0].facts):
                text = _text_of(inner)
                if text is not None:
                    yield text.lower()


def _text_of(expr: Expr) -> str | None:
    """A text, or the name of a header that is written as bytes."""
    if isinstance(expr, tree.Const) and expr.kind in {"str", "bytes"}:
        return str(expr.value or "")
    return None


def _family(function: Function) -> Iterator[Function]:
    """A function with the functions nested in it; of a method all methods of its class."""
    cls: Class | None = function.cls
    own = list(cls.methods.values()) if cls is not None else [function]
    indices = {each.index for each in own}
    for each in function.file.functions:
        outer: Function | None = each
        while outer is not None and outer.index not in indices:
            outer = outer.parent
        if outer is not None:
            yield each
