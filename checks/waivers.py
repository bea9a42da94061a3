"""Accepted exceptions: which findings they cover, and what is left to be judged without those.

A covered finding leaves the violations and the sites of the clauses that it is waived in. It stays
in the raw score. A waiver that matches more findings than it was granted for covers none of them:
what grows beneath it is seen. Pure arithmetic, and the order of waivers changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from checks.fingerprint import Named, Source, named
from checks.gain import Gains
from checks.model import CheckResult, Outcome, StandardResult, WaiverOutcome, WaiverResult
from checks.pathpatterns import PathPatterns
from checks.rules.specs import Key
from checks.scoring import Tally, tallies
from checks.standard import Clause, Standard
from checks.verdict import judge

WAIVED = "every site is waived"
ROOT = "."
"""What a waiver calls the folder of the repository itself."""
type Asking = tuple[Standard, Clause]
"""A clause with its standard: ids are unique only within one."""


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted exception. It matches findings that have all of what it names.

    Attributes:
        id: What reports call it.
        fingerprint: One finding; "" for any.
        path: A pattern as in ``.gitignore``; "" for any path, and for the repository itself.
        check: Id of a check; "" for any.
        clause: ``slug/ID``, or ``ID`` in whatever standard has it; "" for any. It is waived in
            this clause only, and counts as before in others.
        component: The judged folder that it counts in, "." for the root; "" for every one.
        reason: Why it is accepted.
        author: Who asked for it.
        approver: Who granted it.
        expires: Last day on which it counts; None for no end.
        absorbed: Most findings that it may match.
    """

    id: str
    fingerprint: str = ""
    path: str = ""
    check: str = ""
    clause: str = ""
    component: str = ""
    reason: str = ""
    author: str = ""
    approver: str = ""
    expires: date | None = None
    absorbed: int = 1

    def concerns(self, standard: Standard, clause: Clause) -> bool:
        """Whether it may waive something in this clause."""
        return self.clause in ("", clause.id, f"{standard.slug}/{clause.id}")


class _Twin(NamedTuple):
    """The answers of one check without what is waived in some clauses.

    Attributes:
        key: What finds them; no check has such limits.
        outcome: The answers that are left.
        gone: Number of sites that left.
        moved: Where each observation that is left stands now.
    """

    key: Key
    outcome: Outcome
    gone: int
    moved: Mapping[int, int]


class Applied:
    """What waivers do to the answers of one review.

    Attributes:
        results: What each waiver did, by id.
        outcomes: The answers without what is waived.
        waived: The waiver of each finding that counts in no clause any more, by fingerprint.
    """

    def __init__(
        self,
        outcomes: Mapping[Key, Outcome],
        standards: Sequence[Standard],
        waivers: Iterable[Waiver],
        on: date | None,
    ) -> None:
        """Match the waivers; see :func:`apply`."""
        self._outcomes = outcomes
        self._asked = _asked(standards)
        found = named(outcomes, self._asked)
        self._matched: dict[str, list[Named]] = {}
        results = []
        in_force = []
        for waiver in sorted(waivers, key=lambda each: each.id):
            matched = self._matched[waiver.id] = list(self._matches(waiver, found))
            result = self._result(waiver, matched, on)
            results.append(result)
            if result.state == "in-force":
                in_force.append(waiver)
        self.results = tuple(results)
        covered, claims = self._cover(in_force)
        self.waived = {
            each.fingerprint: min(claims[each.fingerprint])
            for each in found
            if each.fingerprint in claims and self._left_by(each, covered) == 0
        }
        self._reduce(standards, covered)

    def standard(self, slug: str) -> Standard:
        """A standard that asks for what is left: judged by :attr:`outcomes`."""
        return self._standards[slug]

    def matched(self, waiver: str) -> tuple[str, ...]:
        """Fingerprints of the findings that a waiver matches, whether it covers them or not."""
        return tuple(each.fingerprint for each in self._matched[waiver])

    def judge(self, standard: Standard, raw: StandardResult) -> StandardResult:
        """The result of a standard with the waived sites gone.

        Args:
            standard: One of those that the waivers were applied to.
            raw: Its result without waivers, whose raw score stays.
        """
        twin = self._standards[standard.slug]
        if twin is standard:
            return raw
        result = judge(twin, self.outcomes, self._counted)
        gone = {each.key: each.gone for each in self._twins.values()}
        clauses = tuple(
            msgspec.structs.replace(
                each,
                checks=tuple(
                    _with_waived(check, gone.get(asked.key, 0))
                    for check, asked in zip(each.checks, clause.checks, strict=True)
                ),
            )
            for each, clause in zip(result.clauses, twin.clauses, strict=True)
        )
        return msgspec.structs.replace(result, raw_score=raw.raw_score, clauses=clauses)

    def gain(self, slug: str, sources: Iterable[Source]) -> float:
        """Points that a standard gains when one finding is fixed; nothing for what is waived."""
        if slug not in self._gains:
            self._gains[slug] = Gains(self._standards[slug], self.outcomes, self._counted)
        return self._gains[slug].of_finding(
            place for source in sources for place in self._places(source)
        )

    def _matches(self, waiver: Waiver, found: Iterable[Named]) -> Iterator[Named]:
        known: dict[str, bool] = {}
        spec = PathPatterns([waiver.path]) if waiver.path else None
        for each in found:
            if waiver.fingerprint not in ("", each.fingerprint):
                continue
            if waiver.check not in ("", each.check) or not self._open(each.sources):
                continue
            if spec and each.path not in known:
                known[each.path] = bool(each.path) and spec.match(each.path)
            if (not spec or known[each.path]) and any(self._asking(waiver, each.sources)):
                yield each

    def _open(self, sources: Iterable[Source]) -> list[Source]:
        """Those that no in-code suppression covers: the others are no violation to be waived."""
        return [
            (key, index)
            for key, index in sources
            if not self._outcomes[key].observations[index].suppressed
        ]

    def _asking(self, waiver: Waiver, sources: Iterable[Source]) -> Iterator[Asking]:
        for key, _ in self._open(sources):
            yield from (each for each in self._asked[key] if waiver.concerns(*each))

    def _result(self, waiver: Waiver, matched: Sequence[Named], on: date | None) -> WaiverResult:
        clauses = [each for found in matched for each in self._asking(waiver, found.sources)]
        state: WaiverOutcome = "in-force"
        note = ""
        if on and waiver.expires and waiver.expires < on:
            state, note = "expired", f"It ended on {waiver.expires}."
        elif not matched:
            state, note = "unused", "It matches no finding."
        elif broken := broken_rule(waiver, clauses, on):
            state, note = "refused", broken
        elif len(matched) > waiver.absorbed:
            state = "broken"
            note = f"It absorbed {waiver.absorbed} when granted, and matches {len(matched)} now."
        return WaiverResult(
            id=waiver.id, state=state, matched=len(matched), absorbed=waiver.absorbed, note=note
        )

    def _cover(self, in_force: Iterable[Waiver]) -> tuple[_Covered, dict[str, set[str]]]:
        """What is waived in each clause, and the waivers that do it by fingerprint."""
        covered: _Covered = defaultdict(set)
        claims: dict[str, set[str]] = defaultdict(set)
        for waiver in in_force:
            for each in self._matched[waiver.id]:
                claims[each.fingerprint].add(waiver.id)
                for key, index in self._open(each.sources):
                    for standard, clause in self._asked[key]:
                        if waiver.concerns(standard, clause):
                            covered[standard.slug, clause.id, key].add(index)
        return covered, claims

    def _left_by(self, found: Named, covered: _Covered) -> int:
        """In how many clauses a finding counts still."""
        return sum(
            index not in covered.get((standard.slug, clause.id, key), ())
            for key, index in self._open(found.sources)
            for standard, clause in self._asked[key]
        )

    def _reduce(self, standards: Iterable[Standard], covered: _Covered) -> None:
        """Give each clause in which something is waived answers of its own."""
        self._twins: dict[tuple[Key, frozenset[int]], _Twin] = {}
        self._standards = {each.slug: self._twin_standard(each, covered) for each in standards}
        made = {twin.key: twin.outcome for twin in self._twins.values()}
        self.outcomes = {**self._outcomes, **made}
        self._counted = tallies(self.outcomes)
        self._gains: dict[str, Gains] = {}
        self._twins_of: dict[Key, list[_Twin]] = defaultdict(list)
        for (key, _), twin in self._twins.items():
            self._twins_of[key].append(twin)

    def _twin_standard(self, standard: Standard, covered: _Covered) -> Standard:
        changed = False
        clauses = []
        for clause in standard.clauses:
            checks = []
            for check in clause.checks:
                gone = frozenset(covered.get((standard.slug, clause.id, check.key), ()))
                checks.append(
                    msgspec.structs.replace(check, key=self._twin(check.key, gone).key)
                    if gone
                    else check
                )
                changed = changed or bool(gone)
            clauses.append(msgspec.structs.replace(clause, checks=tuple(checks)))
        return msgspec.structs.replace(standard, clauses=tuple(clauses)) if changed else standard

    def _twin(self, key: Key, gone: frozenset[int]) -> _Twin:
        if (key, gone) not in self._twins:
            name = (key[0], f"{key[1]} without waived, number {len(self._twins) + 1}")
            self._twins[key, gone] = _without(self._outcomes[key], gone, name)
        return self._twins[key, gone]

    def _places(self, source: Source) -> Iterator[Source]:
        """Where an observation stands, in the answers as they are and in those without waived."""
        key, index = source
        yield source
        for twin in self._twins_of.get(key, ()):
            if index in twin.moved:
                yield twin.key, twin.moved[index]


type _Covered = defaultdict[tuple[str, str, Key], set[int]]
"""Waived observations by standard, clause and outcome."""


def apply(
    outcomes: Mapping[Key, Outcome],
    standards: Sequence[Standard],
    waivers: Iterable[Waiver],
    on: date | None = None,
) -> Applied:
    """What waivers do.

    Args:
        outcomes: Answers by check id and canonical limits.
        standards: Whose clauses are waived, and whose rules a waiver has to keep.
        waivers: In any order, each with an id of its own.
        on: The day; without one nothing has ended and no end is too far away.
    """
    return Applied(outcomes, standards, waivers, on)


def within(waivers: Iterable[Waiver], folder: str) -> list[Waiver]:
    """Those that count in a judged folder, "" for the root."""
    return [each for each in waivers if each.component in ("", folder or ROOT)]


def followed(waivers: Iterable[Waiver], names: Mapping[str, str]) -> list[Waiver]:
    """The waivers, those of single findings under the names that these have now.

    Args:
        waivers: Accepted exceptions.
        names: What each finding is called now, by what its waiver calls it. What is not in it
            keeps its name.
    """
    return [
        msgspec.structs.replace(each, fingerprint=names.get(each.fingerprint, each.fingerprint))
        for each in waivers
    ]


def broken_rule(waiver: Waiver, clauses: Iterable[Asking], on: date | None) -> str:
    """The rule of a standard that a waiver of these clauses breaks, as a sentence; "" for none."""
    for standard, clause in clauses:
        rules, name = standard.waivers, f"{standard.slug}/{clause.id}"
        if waiver.expires is None:
            if clause.strength == "must":
                return f"{name} is a must, which is never waived for ever: give it an end."
            if rules.max_days is not None:
                return f"{standard.slug} wants an end of each waiver, and this has none."
        elif on and waiver.expires > on + timedelta(days=rules.longest):
            return f"It ends on {waiver.expires}; {name} allows {rules.longest} days at most."
        if rules.approver == "other" and waiver.approver in ("", waiver.author):
            return f"{standard.slug} wants it granted by somebody else than who asked for it."
    return ""


def _asked(standards: Iterable[Standard]) -> dict[Key, list[Asking]]:
    asked: dict[Key, list[Asking]] = defaultdict(list)
    for standard in standards:
        for clause in standard.clauses:
            for check in clause.checks:
                asked[check.key].append((standard, clause))
    return asked


def _without(outcome: Outcome, gone: Collection[int], key: Key) -> _Twin:
    """An outcome without some observations, and without the sites that nothing else violates."""
    tally = Tally(outcome)
    left = [index for index in range(len(outcome.observations)) if index not in gone]
    sites = sum(all(index in gone for index in found) for found in tally.sites.values())
    total = max(tally.total - sites, len(tally.sites) - sites)
    reduced = msgspec.structs.replace(
        outcome,
        sites=total,
        observations=tuple(outcome.observations[index] for index in left),
        state="measured" if total else "not-applicable",
        reason=outcome.reason if total else WAIVED,
    )
    return _Twin(key, reduced, sites, {old: new for new, old in enumerate(left)})


def _with_waived(check: CheckResult, gone: int) -> CheckResult:
    return msgspec.structs.replace(check, waived=gone) if gone else check
