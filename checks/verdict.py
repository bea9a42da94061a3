"""From outcomes to the verdict of each clause and the score of a standard. Pure arithmetic.

What is unknown never holds, never counts as met and never lifts a score: see ``docs/scoring.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from checks.model import (
    ADVISORY,
    NOT_BUILT,
    CheckResult,
    ClauseResult,
    Outcome,
    StandardResult,
    Strength,
    VerdictName,
)
from checks.rules.specs import ATTESTATION, Key
from checks.scoring import (
    Average,
    Share,
    Tally,
    all_violate,
    average,
    check_value,
    letter,
    shown_points,
    shown_ratio,
    shown_value,
    suppressed,
    tallies,
    violations,
    waterfall,
    weight_of,
)
from checks.standard import Clause, ClauseCheck, Standard

ANSWERS: frozenset[VerdictName] = frozenset({"holds", "fails", "attested", "due"})
OPEN: frozenset[VerdictName] = frozenset({"fails", "due"})


class Measured(NamedTuple):
    """One check of one clause.

    Attributes:
        check: Which, with which limits.
        outcome: What it answered.
        tally: Its violating sites.
        fails: True when at least one site violates.
        value: The value under the clause's strength, None when it was not measured.
        raw: The value with suppressed sites counted as violations.
        whole: True when every site violates.
        raw_whole: The same with suppressed sites counted as violations.
    """

    check: ClauseCheck
    outcome: Outcome
    tally: Tally
    fails: bool = False
    value: int | None = None
    raw: int | None = None
    whole: bool = False
    raw_whole: bool = False

    @property
    def unknown(self) -> bool:
        """True when it could not be told."""
        return self.outcome.state == "unknown"

    @property
    def broke(self) -> bool:
        """True when it is unknown in this run, not because nobody has built the check."""
        return self.unknown and self.outcome.reason != NOT_BUILT


class Judged(NamedTuple):
    """One clause with its verdict and the measured checks behind it."""

    clause: Clause
    verdict: VerdictName
    checks: tuple[Measured, ...]

    @property
    def weight(self) -> int:
        """What the clause weighs in its standard."""
        return weight_of(self.clause.strength, self.clause.weight)

    @property
    def share(self) -> Share | None:
        """What the clause puts into the score; None when it gives no answer."""
        return self._share([(e.value, e.whole) for e in self.checks if e.value is not None])

    @property
    def raw_share(self) -> Share | None:
        """The same with suppressions ignored, over the same clauses."""
        return self._share([(e.raw, e.raw_whole) for e in self.checks if e.raw is not None])

    @property
    def low_share(self) -> Share | None:
        """The same where a clause with a check that broke in this run is not met at all.

        Not the mean with the broken check at zero: fixing the last finding of such a clause turns
        it from failing to unknown, and must not lower this end either.
        """
        if self.verdict != "not-applicable" and any(each.broke for each in self.checks):
            return Share(self.weight, 0)
        return self.share

    def _share(self, values: Sequence[tuple[int, bool]]) -> Share | None:
        """The mean of its measured checks.

        A check all of whose sites violate is gone when they are deleted, and a clause of nothing
        else with it. Uncertain violations leave such a check a value above 0: counted where that
        lifts the mean, deleting them would lower it.
        """
        mean = average(Share(1, value, whole) for value, whole in values)
        if mean is None or self.verdict not in ANSWERS:
            return None
        capped = any(each.unknown for each in self.checks) or all(whole for _, whole in values)
        return Share(self.weight, mean.total // mean.weight, capped)


def judge(
    standard: Standard,
    outcomes: Mapping[Key, Outcome],
    counted: Mapping[Key, Tally] | None = None,
) -> StandardResult:
    """The result of a standard.

    Args:
        standard: What is demanded.
        outcomes: Answers by check id and canonical limits; a key that is absent is a check that
            is not built.
        counted: The tallies of the outcomes, where somebody has made them.

    Returns:
        Verdicts, score, its lower end, coverage, and losses that add up to 100 minus the score.
    """
    tallied = tallies(outcomes) if counted is None else counted
    judged = [judge_clause(clause, outcomes, tallied) for clause in standard.clauses]
    shares = [each.share for each in judged]
    mean = average(share for share in shares if share)
    raw = average(share for each in judged if (share := each.raw_share))
    low = average(share for each in judged if (share := each.low_share)) if mean else None
    return StandardResult(
        slug=standard.slug,
        version=standard.version,
        score=_points(mean),
        raw_score=_points(raw),
        low=_points(low),
        letter=letter(mean.points) if mean else None,
        coverage=_coverage(judged),
        open_must=sum(e.clause.strength == "must" and e.verdict in OPEN for e in judged),
        clauses=_clause_results(judged, shares, mean),
    )


def judge_clause(
    clause: Clause, outcomes: Mapping[Key, Outcome], tallies: Mapping[Key, Tally]
) -> Judged:
    """One clause, with the tallies of its outcomes already made."""
    checks = tuple(_measure(check, clause.strength, outcomes, tallies) for check in clause.checks)
    return Judged(clause, verdict(clause, checks), checks)


def verdict(clause: Clause, checks: Sequence[Measured]) -> VerdictName:
    """What the checks say of a clause together.

    One violation or one attestation that is due settles it, whatever else is unknown. Otherwise
    every check that applies has to be known. An attestation never overrides a finding.
    """
    failing = {each.check.id for each in checks if each.fails}
    if failing:
        return "due" if failing == {ATTESTATION} else "fails"
    if all(each.value is None and not each.unknown for each in checks):
        return "not-applicable"
    if any(each.unknown for each in checks):
        return "unknown"
    return "attested" if clause.attested_only else "holds"


def _measure(
    check: ClauseCheck,
    strength: Strength,
    outcomes: Mapping[Key, Outcome],
    tallies: Mapping[Key, Tally],
) -> Measured:
    outcome = outcomes.get(check.key)
    if outcome is None:
        outcome = Outcome(check=check.id, params=check.key[1], state="unknown", reason=NOT_BUILT)
        return Measured(check, outcome, Tally(outcome))
    tally = tallies[check.key]
    seen = outcome.state == "measured" and (outcome.sites or outcome.observations)
    if not seen or outcome.advisory:
        return Measured(check, outcome, tally)
    value = raw = check_value(tally.weights, tally.total, strength)
    whole = raw_whole = all_violate(tally.weights, tally.total)
    if suppressed(outcome.observations):
        everything = Tally(outcome, suppressed_count=True)
        raw = check_value(everything.weights, everything.total, strength)
        raw_whole = all_violate(everything.weights, everything.total)
    return Measured(check, outcome, tally, bool(tally.sites), value, raw, whole, raw_whole)


def _clause_results(
    judged: Sequence[Judged], shares: Sequence[Share | None], mean: Average | None
) -> tuple[ClauseResult, ...]:
    counted = [share for share in shares if share]
    losses = iter(waterfall(mean, counted) if mean else [0] * len(counted))
    return tuple(
        ClauseResult(
            id=each.clause.id,
            strength=each.clause.strength,
            verdict=each.verdict,
            score=_score(each, share, mean),
            weight=each.weight,
            loss=shown_points(next(losses)) if share else 0.0,
            checks=tuple(_check_result(measured) for measured in each.checks),
        )
        for each, share in zip(judged, shares, strict=True)
    )


def _score(judged: Judged, share: Share | None, mean: Average | None) -> float | None:
    """The value that the clause has in the score; that of a may clause is for show."""
    if share is None:
        return None
    return shown_value(mean.counted(share) if mean and share.weight else share.value)


def _check_result(each: Measured) -> CheckResult:
    advisory = each.outcome.advisory
    measured = each.value is not None or advisory
    state = each.outcome.state
    return CheckResult(
        id=each.check.id,
        sites=each.tally.total if measured else 0,
        violations=violations(each.tally) if measured else 0,
        suppressed=suppressed(each.outcome.observations) if measured else 0,
        state="not-applicable" if state == "measured" and not measured else state,
        reason=ADVISORY if advisory else each.outcome.reason,
        params=each.check.given,
        score=None if each.value is None else shown_value(each.value),
    )


def _coverage(judged: Iterable[Judged]) -> float:
    """Weight that gave an answer per weight that applies."""
    answered = applicable = 0
    for each in judged:
        applicable += each.weight * (each.verdict != "not-applicable")
        answered += each.weight * (each.verdict in ANSWERS)
    return shown_ratio(answered, applicable)


def _points(mean: Average | None) -> float | None:
    return shown_points(mean.points) if mean else None
