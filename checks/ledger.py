"""Why a score moved: the change between two judgements, split into parts that leave no residual.

Between the old judgement and the new one stand judgements that differ from the one before in one
thing only: by the new tool, then in the new scope, by the new rules, with the new waivers, and at
last of the new commit. The differences between neighbours add up to the whole change, whatever
the judgements say. One that cannot be made is left out, and its cause shares a part with the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from checks.model import StandardResult
from checks.scoring import mean_points, units

type Cause = Literal["tool", "scope", "rules", "waivers", "code"]
CAUSES: tuple[Cause, ...] = ("tool", "scope", "rules", "waivers", "code")
"""In the order in which they are told apart."""


class Standing(NamedTuple):
    """Where one standard, or a repository, stands.

    Attributes:
        points: The score in units of 10^-6 of a point.
        losses: What each clause takes from 100, in the same units; of a repository none.
    """

    points: int
    losses: Mapping[str, int] = {}


class Step(NamedTuple):
    """One thing that changed, and where it led; None where nobody can tell."""

    cause: Cause
    standing: Standing | None


class Part(NamedTuple):
    """One part of a change.

    Attributes:
        causes: What it is owed to; several when they cannot be told apart.
        points: How far the score moved, in units of 10^-6 of a point.
        clauses: How far each clause moved it, those that did; they add up to the points.
    """

    causes: tuple[Cause, ...]
    points: int
    clauses: Mapping[str, int]


def standing(result: StandardResult) -> Standing | None:
    """Where a standard stands; None when it is not scored."""
    if result.score is None:
        return None
    return Standing(units(result.score), {each.id: units(each.loss) for each in result.clauses})


def together(results: Iterable[StandardResult]) -> Standing | None:
    """Where a repository stands: the mean of its scored standards, None without any."""
    points = [units(each.score) for each in results if each.score is not None]
    return Standing(mean_points(points)) if points else None


def split(start: Standing, steps: Sequence[Step]) -> tuple[Part, ...]:
    """The parts of a change: none where its end is not scored.

    Args:
        start: Where it began.
        steps: What changed, one thing after the other; the last is where it ended.

    Returns:
        Parts whose points add up to the end minus the start; one that moved nothing is left out.
    """
    parts = []
    causes: tuple[Cause, ...] = ()
    for step in steps:
        causes = (*causes, step.cause)
        if step.standing is not None:
            parts.append(_part(causes, start, step.standing))
            start, causes = step.standing, ()
    # What stays open has no end, so that nothing can be said of the whole.
    return () if causes else tuple(part for part in parts if part.points or part.clauses)


def _part(causes: tuple[Cause, ...], before: Standing, after: Standing) -> Part:
    moved = {
        clause: before.losses.get(clause, 0) - after.losses.get(clause, 0)
        for clause in {**before.losses, **after.losses}
    }
    clauses = {clause: points for clause, points in moved.items() if points}
    return Part(causes, after.points - before.points, clauses)
