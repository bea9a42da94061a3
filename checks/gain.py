"""Points to gain: what a score would be with something fixed, evaluated and never summed.

Fixing a finding turns its site into one that complies; the number of sites stays. A gain is the
difference of two scores as they are shown, so score plus gain is the score after the fix.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import copy

from checks.model import Outcome
from checks.rules.specs import Key
from checks.scoring import (
    Average,
    Share,
    Tally,
    Weights,
    all_violate,
    average,
    check_value,
    shown_points,
    tallies,
)
from checks.standard import Standard
from checks.verdict import Judged, judge_clause, verdict

type Fixed = Mapping[Key, Iterable[int]]
"""Which observations are fixed: indices into the observations of each outcome."""
type Change = tuple[tuple[Key, tuple[float | None, float | None]], ...]
"""What fixing one finding does to the weights of its sites, in each outcome that holds it."""


def change(tallied: Mapping[Key, Tally], sources: Iterable[tuple[Key, int]]) -> Change:
    """What fixing a finding changes: thousands of findings are alike."""
    return tuple([(key, tallied[key].change(index)) for key, index in sources if key in tallied])


class Gains:
    """The points that one standard would gain, for any choice of findings.

    Findings that change the same numbers gain the same, so each distinct change is evaluated once.

    Attributes:
        points: The score in units of 10^-6 of a point; None when nothing is measured.
    """

    points: int | None

    def __init__(
        self,
        standard: Standard,
        outcomes: Mapping[Key, Outcome],
        counted: Mapping[Key, Tally] | None = None,
    ) -> None:
        """Judge the standard once as it is; ``counted`` are the tallies of the outcomes."""
        self.standard = standard
        self.outcomes = {key: outcomes[key] for key in standard.demanded() if key in outcomes}
        known = tallies(self.outcomes) if counted is None else counted
        self._tallies = {key: known[key] for key in self.outcomes}
        self._judged = [
            judge_clause(clause, self.outcomes, self._tallies) for clause in standard.clauses
        ]
        self._clauses_of: dict[Key, set[int]] = defaultdict(set)
        for index, clause in enumerate(standard.clauses):
            for check in clause.checks:
                self._clauses_of[check.key].add(index)
        self._known: dict[object, float]
        self._shares: list[Share | None]
        self._begin()

    def of(self, fixed: Fixed) -> float:
        """Points gained when all these observations are fixed together."""
        left = {
            key: self._tallies[key].without(indices)
            for key, indices in fixed.items()
            if key in self._tallies
        }
        change = frozenset((key, frozenset(weights.items())) for key, weights in left.items())
        if change not in self._known:
            self._known[change] = self._evaluate(left)
        return self._known[change]

    def of_finding(self, sources: Iterable[tuple[Key, int]]) -> float:
        """Points gained when one finding is fixed.

        Args:
            sources: The outcomes that hold it, and its index in each.
        """
        held = list(sources)
        return self.of_change(change(self._tallies, held), held)

    def of_change(self, alike: Change, sources: Iterable[tuple[Key, int]]) -> float:
        """The same, where somebody knows already what it changes; see :func:`change`."""
        points = self._known.get(alike)
        if points is None:
            fixed = {key: (index,) for key, index in sources if key in self._tallies}
            points = self._known[alike] = self.of(fixed)
        return points

    def of_file(self, path: str) -> float:
        """Points gained when every finding in a file is fixed."""
        return self.of(
            {
                key: [i for i, each in enumerate(outcome.observations) if each.path == path]
                for key, outcome in self.outcomes.items()
            }
        )

    def of_check(self, check: str) -> float:
        """Points gained when a check has no finding left, under any of its limits."""
        return self.of_keys(key for key in self.outcomes if key[0] == check)

    def of_clause(self, clause: str) -> float:
        """Points gained when no check of a clause has a finding left, in other clauses as well."""
        return self.of_keys(
            check.key
            for each in self.standard.clauses
            if each.id == clause
            for check in each.checks
        )

    def of_keys(self, keys: Iterable[Key]) -> float:
        """Points gained when these outcomes have no finding left."""
        left: dict[Key, Weights] = {key: {} for key in keys if key in self._tallies}
        change = frozenset(left)
        if change not in self._known:
            self._known[change] = self._evaluate(left)
        return self._known[change]

    def after(self, keys: Iterable[Key]) -> Gains:
        """The same once these outcomes have no finding left; what is not built stays unknown."""
        left: dict[Key, Weights] = {key: {} for key in keys if key in self._tallies}
        later = copy(self)
        later._judged = [_refigured(judged, left) for judged in self._judged]
        later._begin()
        return later

    def _begin(self) -> None:
        self._shares = [judged.share for judged in self._judged]
        self._before = _average(self._shares)
        mean = _average(self._shares)
        self.points = mean.points if mean else None
        self._known = {}

    def _evaluate(self, left: Mapping[Key, Weights]) -> float:
        shares = list(self._shares)
        for index in {index for key in left for index in self._clauses_of[key]}:
            shares[index] = _refigured(self._judged[index], left).share
        after = _average(shares)
        return 0.0 if self.points is None or not after else shown_points(after.points - self.points)


def _average(shares: Iterable[Share | None]) -> Average | None:
    return average(share for share in shares if share)


def _refigured(judged: Judged, left: Mapping[Key, Weights]) -> Judged:
    """The clause as it would be with only these violations left."""
    clause = judged.clause
    checks = []
    for each in judged.checks:
        weights = left.get(each.check.key)
        if weights is None or each.value is None:
            checks.append(each)
            continue
        value = check_value(weights, each.tally.total, clause.strength)
        whole = all_violate(weights, each.tally.total)
        checks.append(each._replace(fails=bool(weights), value=value, whole=whole))
    return Judged(clause, verdict(clause, checks), tuple(checks))
