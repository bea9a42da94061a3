"""The arithmetic of a score, model 1, in whole numbers: no rounding that depends on order.

The value of a check or a clause is counted in units of 10^-12 of 1, points of a standard in units
of 10^-6 of a point. Both are rounded down, so 100 points always mean that nothing fails and a
letter is never given for a score that merely rounds up to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from checks.model import Observation, Outcome, Strength

MODEL = 1
FULL = 10**12
POINT = 10**6
HUNDRED = 100 * POINT
WEIGHTS: Mapping[Strength, int] = {"must": 4, "should": 1, "may": 0}
"""What a clause weighs where its standard does not say."""
HALF = Fraction(1, 2)
EXPONENTS: Mapping[Strength, Fraction] = {
    "must": HALF,
    "should": Fraction(1),
    "may": Fraction(1),
}
"""What the share of violating sites is raised to: 1, or a half."""
LETTERS = (("A", 90), ("B", 80), ("C", 65), ("D", 50))

type Weights = Mapping[Fraction, int]
"""How many violating sites there are of each weight."""


class Share(NamedTuple):
    """What one clause puts into the score of its standard.

    Attributes:
        weight: What :func:`weight_of` says of a clause; 1 for each check of a clause.
        value: How far it is met, in units of 10^-12.
        capped: True when it counts only where it lowers the score: it fails while another of its
            checks is unknown, so that nobody can say what it would be worth; or it has no site
            that complies, so that it would be gone without its violations.
    """

    weight: int
    value: int
    capped: bool = False


class Average(NamedTuple):
    """The weighted mean of shares, kept as two whole numbers.

    Attributes:
        total: Sum of weight times value over the shares that count.
        weight: Sum of their weights.
        everything: Sum of all weights, of capped shares as well.
    """

    total: int
    weight: int
    everything: int

    @property
    def points(self) -> int:
        """The score in units of 10^-6 of a point, rounded down."""
        return HUNDRED * self.total // (FULL * self.weight)

    def counted(self, share: Share) -> int:
        """The value that a share has in this mean, rounded down: capped ones never lift it."""
        return min(share.value, self.total // self.weight) if share.capped else share.value

    def loss(self, share: Share) -> Fraction:
        """What a share takes from 100, in units of 10^-6 of a point, exactly."""
        value = Fraction(share.value)
        if share.capped:
            value = min(value, Fraction(self.total, self.weight))
        return HUNDRED * share.weight * (FULL - value) / (FULL * self.everything)


class Tally:
    """The violating sites of one outcome, ready to be counted with some of them fixed."""

    def __init__(self, outcome: Outcome, *, suppressed_count: bool = False) -> None:
        """Count the sites; suppressed observations only when ``suppressed_count``."""
        self.sites: dict[str | int, dict[int, float]] = {}
        self._site_of: dict[int, str | int] = {}
        for index, observation in enumerate(outcome.observations):
            if observation.suppressed and not suppressed_count:
                continue
            site = observation.site or index
            self._site_of[index] = site
            self.sites.setdefault(site, {})[index] = min(max(observation.weight, 0.0), 1.0)
        self._heaviest = {site: _heaviest(found.values()) for site, found in self.sites.items()}
        self._counts = Counter(most for most, _ in self._heaviest.values())
        self.weights: Weights = _exact(self._counts)
        self.total = max(outcome.sites, 0) or len(self.sites)

    def change(self, index: int) -> tuple[float | None, float | None]:
        """Weight of an observation's site as it is, and with the observation fixed; None for none.

        Nothing else distinguishes observations, so thousands of them make a few changes.
        """
        site = self._site_of.get(index)
        if site is None:
            return None, None
        most, next_most = self._heaviest[site]
        return most, next_most if self.sites[site][index] == most else most

    def without(self, fixed: Iterable[int]) -> Weights:
        """What is left when the observations with these indices are fixed."""
        gone: dict[str | int, set[int]] = {}
        for index in fixed:
            if index in self._site_of:
                gone.setdefault(self._site_of[index], set()).add(index)
        left = self._counts.copy()
        for site, indices in gone.items():
            found = self.sites[site]
            left[self._heaviest[site][0]] -= 1
            rest = [weight for index, weight in found.items() if index not in indices]
            if rest:
                left[max(rest)] += 1
        return _exact(left)


def _exact(weights: Mapping[float, int]) -> Weights:
    """Numbers of sites by weights that add up without rounding; none of no site."""
    return {Fraction(weight): count for weight, count in weights.items() if count}


def tallies[Each](outcomes: Mapping[Each, Outcome]) -> dict[Each, Tally]:
    """The violating sites of each outcome, counted once for all standards that ask for it."""
    return {key: Tally(outcome) for key, outcome in outcomes.items()}


def weight_of(strength: Strength, own: int | None) -> int:
    """What a clause weighs: what its standard lets it weigh, else by strength; a may nothing."""
    usual = WEIGHTS[strength]
    return own or usual if usual else 0


def check_value(weights: Weights, sites: int, strength: Strength) -> int:
    """``1 - (violations / sites) ^ g`` in units of 10^-12, g as in :data:`EXPONENTS`."""
    share = violating_share(weights, sites)
    if EXPONENTS[strength] == HALF:
        scaled = share * FULL * FULL
        root = isqrt(scaled.numerator // scaled.denominator)
        return FULL - (root if root * root == scaled else root + 1)
    scaled = share * FULL
    return FULL - -(-scaled.numerator // scaled.denominator)


def violating_share(weights: Weights, sites: int) -> Fraction:
    """Violations per site, 0 to 1; an uncertain violation counts by its weight.

    Where most sites violate, a violation that counts half would pull the share *down*, and
    removing it would lower the score. Such violations are left out with their sites.
    """
    bad = sum((weight * count for weight, count in weights.items()), Fraction(0))
    for weight in sorted(weights):
        if weight == 1 or weight * sites >= bad:
            break
        bad -= weight * weights[weight]
        sites -= weights[weight]
    return Fraction(1) if bad >= sites > 0 or sites <= 0 < bad else bad / max(sites, 1)


def all_violate(weights: Weights, sites: int) -> bool:
    """Whether no site complies, so that nothing would be left without the violations."""
    return sum(weights.values()) >= sites


def average(shares: Iterable[Share]) -> Average | None:
    """The mean of all shares, capped ones only while they lower it; None without any weight."""
    total = weight = everything = 0
    capped: list[Share] = []
    for share in shares:
        everything += share.weight
        if share.capped:
            capped.append(share)
        else:
            total += share.weight * share.value
            weight += share.weight
    for share in sorted(capped, key=lambda share: share.value):
        if weight and share.value * weight >= total:
            break
        total += share.weight * share.value
        weight += share.weight
    return Average(total, weight, everything) if weight else None


def waterfall(mean: Average, shares: Sequence[Share]) -> list[int]:
    """The loss of each share in units of 10^-6 of a point; 100 minus their sum is the score.

    Each is rounded down; the units that this leaves over go to the largest remainders, the
    earlier share first.
    """
    exact = [mean.loss(share) for share in shares]
    losses = [int(loss) for loss in exact]
    over = HUNDRED - mean.points - sum(losses)
    order = sorted(range(len(exact)), key=lambda index: (losses[index] - exact[index], index))
    for index in order[:over]:
        losses[index] += 1
    return losses


def letter(points: int) -> str:
    """The letter of a score in units of 10^-6 of a point."""
    return next((name for name, least in LETTERS if points >= least * POINT), "E")


def mean_points(points: Sequence[int]) -> int:
    """The mean of some scores in units of 10^-6 of a point, rounded down."""
    return sum(points) // len(points)


def units(points: float) -> int:
    """Points as whole units of 10^-6 of a point; undoes :func:`shown_points` exactly."""
    return round(points * POINT)


def shown_points(points: int) -> float:
    """Units of 10^-6 of a point as points."""
    return points / POINT


def shown_value(value: int) -> float:
    """Units of 10^-12 as a number from 0 to 1."""
    return value / FULL


def shown_ratio(part: int, whole: int) -> float:
    """A part of a whole with six decimals, rounded down; 0 of nothing is 0."""
    return part * POINT // whole / POINT if whole else 0.0


def _heaviest(weights: Collection[float]) -> tuple[float, float | None]:
    """The greatest weight of a site, and the greatest of the others, which may be as great."""
    most = max(weights)
    if len(weights) == 1:
        return most, None
    others = list(weights)
    others.remove(most)
    return most, max(others)


def violations(tally: Tally) -> int:
    """How many sites violate; never more than there are."""
    return min(len(tally.sites), tally.total)


def suppressed(observations: Collection[Observation]) -> int:
    """How many observations an in-code suppression covers."""
    return sum(observation.suppressed for observation in observations)
