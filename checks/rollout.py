"""What a standard asks on a given day: new clauses are announced, then shown, then count."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date

import msgspec

from checks.standard import Clause, Standard


def as_of(standard: Standard, day: date) -> Standard:
    """The standard as it counts on a day.

    A clause asks for nothing before its ``advisory_from``. From then to its ``enforced_from`` it is
    judged and shown and costs nothing, like a *may*.
    """
    return _changed(standard, lambda clause: _on(clause, day))


def _on(clause: Clause, day: date) -> Clause:
    if clause.advisory_from is not None and day < clause.advisory_from:
        return _asking_nothing(clause)
    if clause.enforced_from is not None and day < clause.enforced_from:
        return _advisory(clause)
    return clause


def advisory(standard: Standard, clauses: Collection[str]) -> Standard:
    """The same, with these clauses judged and shown and costing nothing."""
    return _changed(standard, lambda each: _advisory(each) if each.id in clauses else each)


def without(standard: Standard, clauses: Collection[str]) -> Standard:
    """The same, with nothing asked by these clauses: they give way and do not apply."""
    return _changed(standard, lambda each: _asking_nothing(each) if each.id in clauses else each)


def _advisory(clause: Clause) -> Clause:
    return msgspec.structs.replace(clause, strength="may")


def _asking_nothing(clause: Clause) -> Clause:
    return msgspec.structs.replace(clause, checks=())


def _changed(standard: Standard, change: Callable[[Clause], Clause]) -> Standard:
    return msgspec.structs.replace(standard, clauses=tuple(map(change, standard.clauses)))
