"""What a pydantic class and its bases set in their configuration, in either style of pydantic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.project.given import Given, argument, source

if TYPE_CHECKING:
    from checks.project.subjects import Class

_HOLDERS = ("model_config", "Config")


def configured(cls: Class, name: str) -> Iterator[Given]:
    """Values of an option, those of the class before those of its bases.

    Read are ``model_config``, ``class Config`` and the arguments of the class statement.
    """
    by_key = cls.file.project.classes.by_key
    for key in dict.fromkeys((cls.key, *cls.ancestors)):
        owner = by_key.get(key)
        if owner is not None:
            yield from _own(owner, name)


def _own(cls: Class, name: str) -> Iterator[Given]:
    for keyword in cls.fact.keywords:
        if keyword.name == name:
            yield Given(cls.file, keyword.value)
    for holder in _HOLDERS:
        row = cls.attributes.get(holder)
        if row is not None and row.value is not None:
            yield from _held(source(Given(cls.file, row.value)), name)
    inner = cls.file.project.classes.by_key.get(f"{cls.key}.Config")
    row = None if inner is None else inner.attributes.get(name)
    if inner is not None and row is not None and row.value is not None:
        yield Given(inner.file, row.value)


def _held(config: Given, name: str) -> Iterator[Given]:
    """The option in a ``ConfigDict(...)`` or in a mapping."""
    if isinstance(config.expr, tree.CallRef):
        found = argument(config.file.calls[config.expr.index], (name,))
        if found is not None:
            yield found
    elif isinstance(config.expr, tree.Map):
        for key, value in zip(config.expr.keys, config.expr.values, strict=True):
            if tree.text_of(key) == name:
                yield config.at(value)
