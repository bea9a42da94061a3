"""The page that says how a score comes about, made by the code that computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.gain import Gains
from checks.model import CheckState, ClauseResult, Outcome, StandardResult
from checks.model import Observation as Seen
from checks.scoring import (
    EXPONENTS,
    HUNDRED,
    LETTERS,
    MODEL,
    WEIGHTS,
    Tally,
    check_value,
    shown_points,
    shown_value,
    units,
)
from checks.standard import STRENGTHS, Clause, ClauseCheck, Standard
from checks.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from checks.model import Strength

SITES = 100
VIOLATIONS = (0, 1, 5, 10, 25, 50, 100)
# clause, strength, sites, violations: a standard small enough to follow by hand
EXAMPLE: Sequence[tuple[str, Strength, int, int]] = (
    ("EX-1", "must", 16, 1),
    ("EX-2", "must", 40, 0),
    ("EX-3", "should", 20, 5),
    ("EX-4", "may", 10, 9),
    ("EX-5", "must", 0, 0),
)


@dataclass(frozen=True)
class Row:
    """What so many violations in a hundred sites leave of a clause, by strength."""

    violations: int
    values: Sequence[tuple[Strength, float]]


@dataclass(frozen=True)
class Line:
    """A clause of the worked example with its result, and what fixing it would gain."""

    result: ClauseResult
    sites: int
    violations: int
    gain: float


@dataclass(frozen=True)
class ScoringPage:
    """The numbers of the model, and examples computed with them now."""

    model: int
    strengths: Sequence[tuple[Strength, int, Fraction]]
    letters: Sequence[tuple[str, int]]
    sites: int
    rows: Sequence[Row]
    example: StandardResult
    lines: Sequence[Line]
    lost: float
    left: float


def read_scoring() -> ScoringPage:
    """Return the page; every number is computed by :mod:`checks.scoring` and its callers."""
    standard, outcomes = _example()
    result = judge(standard, outcomes)
    gains = Gains(standard, outcomes)
    lines = [
        Line(clause, sites, violations, gains.of_clause(clause.id))
        for clause, (_, _, sites, violations) in zip(result.clauses, EXAMPLE, strict=True)
    ]
    lost = sum(units(line.result.loss) for line in lines)
    return ScoringPage(
        model=MODEL,
        strengths=[(each, WEIGHTS[each], EXPONENTS[each]) for each in STRENGTHS],
        letters=[*LETTERS, ("E", 0)],
        sites=SITES,
        rows=[Row(count, [(s, _value(count, s)) for s in STRENGTHS]) for count in VIOLATIONS],
        example=result,
        lines=lines,
        lost=shown_points(lost),
        left=shown_points(HUNDRED - lost),
    )


def _value(violations: int, strength: Strength) -> float:
    return shown_value(check_value(Tally(_outcome("", SITES, violations)).weights, SITES, strength))


def _outcome(check: str, sites: int, violations: int) -> Outcome:
    found = tuple(Seen(line=line, message="") for line in range(1, violations + 1))
    state: CheckState = "measured" if sites else "not-applicable"
    return Outcome(check=check, state=state, sites=sites, observations=found)


def _example() -> tuple[Standard, dict[tuple[str, str], Outcome]]:
    outcomes = {
        (number, "{}"): _outcome(number, sites, violations)
        for number, _, sites, violations in EXAMPLE
    }
    clauses = tuple(
        Clause(
            id=number,
            section="",
            requirement="",
            strength=strength,
            area="",
            automation="automated",
            checks=(ClauseCheck(id=number, params={}, given={}, key=(number, "{}")),),
        )
        for number, strength, _, _ in EXAMPLE
    )
    return Standard(slug="example", title="", version="", summary="", clauses=clauses), outcomes
