"""What to fix first: exact gains of clauses, checks and files, and a cheap way to a letter.

A plan is greedy: step by step it takes what gains most for each finding that has to be fixed, and
of all places where one more step reaches the goal it ends at the cheapest. It is cheap, not proven
the cheapest of all. The score after each step is evaluated with everything before it fixed, never
summed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

from checks.fingerprint import named
from checks.gain import Gains
from checks.model import Outcome
from checks.rules.specs import Key
from checks.scoring import LETTERS, POINT, letter, shown_points, units
from checks.standard import Standard

type Kind = Literal["clause", "check", "file"]
KINDS: tuple[Kind, ...] = ("clause", "check", "file")


class Gain(NamedTuple):
    """What fixing all findings of one thing gains.

    Attributes:
        name: Id of a clause or a check, or a path; "" for the repository itself.
        findings: How many findings count there.
        points: Gained when all of them are fixed, and nothing else.
    """

    name: str
    findings: int
    points: float


class Step(NamedTuple):
    """One step of a plan.

    Attributes:
        name: The clause or check that has no finding left afterwards.
        findings: How many of them the steps before it have left.
        points: What the step adds.
        score: Where the standard stands after it.
    """

    name: str
    findings: int
    points: float
    score: float


class Plan(NamedTuple):
    """A way from a score to a letter.

    Attributes:
        goal: The letter.
        least: The score where it begins.
        start: The score now.
        steps: What to fix, in order.
        reached: False when fixing every finding does not lead there.
    """

    goal: str
    least: int
    start: float
    steps: tuple[Step, ...]
    reached: bool

    @property
    def findings(self) -> int:
        """How many findings are to be fixed in all."""
        return _cost(self.steps)

    @property
    def score(self) -> float:
        """Where the plan ends."""
        return self.steps[-1].score if self.steps else self.start


class Worth:
    """What can be gained in one standard."""

    def __init__(self, standard: Standard, outcomes: Mapping[Key, Outcome]) -> None:
        """Look the findings up once; ``outcomes`` are the answers of a review."""
        self.standard = standard
        self.gains = Gains(standard, outcomes)
        self._places: dict[Key, set[int]] = defaultdict(set)
        self._files: dict[str, dict[Key, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._in_file: dict[str, int] = defaultdict(int)
        keys = [key for key in standard.demanded() if key in outcomes]
        for number, finding in enumerate(named(outcomes, keys)):
            counted = [
                (key, index)
                for key, index in finding.sources
                if not outcomes[key].observations[index].suppressed and not outcomes[key].advisory
            ]
            for key, index in counted:
                self._places[key].add(number)
                self._files[finding.path][key].append(index)
            self._in_file[finding.path] += bool(counted)

    def listed(self, kind: Kind) -> list[Gain]:
        """The gains of all clauses, checks or files with findings, the largest first."""
        found = list(self._of_files() if kind == "file" else self._of_keys(kind))
        return sorted(found, key=lambda each: (-each.points, each.findings, each.name))

    def _of_files(self) -> Iterator[Gain]:
        for path, fixed in self._files.items():
            if self._in_file[path]:
                yield Gain(path, self._in_file[path], self.gains.of(fixed))

    def _of_keys(self, kind: Kind) -> Iterator[Gain]:
        for name, keys in self._groups(kind).items():
            if count := self._count(keys, ()):
                yield Gain(name, count, self.gains.of_keys(keys))

    def plan(self, goal: str = "", kind: Kind = "clause") -> Plan | None:
        """A cheap way to a letter.

        Args:
            goal: The letter; "" for the one above the present.
            kind: Whether a step fixes a clause or a check.

        Returns:
            None when nothing is measured, or the letter is reached already.
        """
        points = self.gains.points
        goal = goal or (_above(points) if points is not None else "")
        least = dict(LETTERS).get(goal, 0)
        if points is None or points >= least * POINT:
            return None
        steps, reached = self._way(points, least * POINT, self._groups(kind))
        return Plan(goal, least, shown_points(points), steps, reached)

    def _way(self, now: int, goal: int, left: dict[str, set[Key]]) -> tuple[tuple[Step, ...], bool]:
        """Greedy steps, cut off where one more step reaches the goal at the least cost in all."""
        state = self.gains
        steps: list[Step] = []
        done: set[Key] = set()
        best: tuple[Step, ...] = ()
        cost = 0
        while now < goal and (not best or cost < _cost(best)):
            options = self._options(state, left, done, now)
            if not options:
                break
            last = [step for step in options if units(step.score) >= goal]
            if last:
                way = (*steps, min(last, key=lambda step: step.findings))
                best = min(best or way, way, key=_cost)
            step = max(options, key=lambda e: (Fraction(units(e.points), e.findings), e.points))
            steps.append(step)
            cost += step.findings
            now = units(step.score)
            keys = left.pop(step.name)
            done |= keys
            state = state.after(keys)
        return best or tuple(steps), bool(best)

    def _options(
        self, state: Gains, left: Mapping[str, set[Key]], done: set[Key], now: int
    ) -> list[Step]:
        """The steps that gain something where the plan has come to."""
        return [
            Step(name, count, gained, shown_points(now + units(gained)))
            for name, keys in left.items()
            if (count := self._count(keys, done)) and (gained := state.of_keys(keys)) > 0
        ]

    def _groups(self, kind: Kind) -> dict[str, set[Key]]:
        """The outcomes behind each clause or check, in the order of the standard."""
        groups: dict[str, set[Key]] = defaultdict(set)
        for clause in self.standard.clauses:
            for check in clause.checks:
                groups[clause.id if kind == "clause" else check.id].add(check.key)
        return groups

    def _count(self, keys: Iterable[Key], done: Collection[Key]) -> int:
        return len(set().union(*(self._places.get(key, set()) for key in keys if key not in done)))


def _cost(steps: Iterable[Step]) -> int:
    return sum(step.findings for step in steps)


def _above(points: int) -> str:
    """The letter above that of a score; "" above the best."""
    names = [name for name, _ in LETTERS]
    now = letter(points)
    if now == names[0]:
        return ""
    return names[-1] if now not in names else names[names.index(now) - 1]
