"""From observations to findings: one per place, with a name that outlives line shifts.

A fingerprint is made of the check, the path, the symbol and what the check itself calls the place
(its anchor). Among places that are alike in all of these, position decides: the first is 1, the
next 2. No line number goes into it, so code that is pushed down keeps its findings.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from checks.gain import Change, Gains, change
from checks.model import Finding, Observation, Outcome
from checks.rules.specs import Key
from checks.scoring import Tally, tallies
from checks.standard import Standard

_QUOTED = json.encoder.encode_basestring_ascii
_NUMBER = re.compile(r"\d+")


class _Kind(NamedTuple):
    """What a fingerprint is made of, beside the ordinal."""

    check: str
    path: str
    symbol: str
    anchor: str


class _Place(NamedTuple):
    """Where a finding is; ``nth`` tells apart what one check reports twice at one place."""

    kind: _Kind
    line: int
    column: int
    nth: int


type Source = tuple[Key, int]
"""An outcome, and the index of one of its observations."""
type GainOf = Callable[[str, Sequence[Source]], float]
"""The points of a standard that fixing some observations gains."""


class Named(NamedTuple):
    """One finding before it is put into words: its name, and the observations it is made of."""

    fingerprint: str
    check: str
    path: str
    sources: tuple[Source, ...]


def fingerprint(check: str, path: str, symbol: str, anchor: str, ordinal: int) -> str:
    """32 hexadecimal digits for one finding; ``ordinal`` counts equals from 1."""
    text = f"[{','.join(map(_QUOTED, (check, path, symbol, anchor)))},{ordinal}]"
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def numberless(message: str) -> str:
    """A message that stays the same when only what was measured changes."""
    return _NUMBER.sub("#", message)


def findings(
    outcomes: Mapping[Key, Outcome],
    standards: Sequence[Standard],
    counted: Mapping[Key, Tally] | None = None,
    *,
    gain: GainOf | None = None,
    waived: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Every finding of the checks that the standards demand.

    A check that several clauses ask with different limits is one finding at one place. It is shown
    in the words of the clause that comes first. Where only some accept that a comment suppresses
    it, it is a finding of the others.

    Args:
        outcomes: Answers by check id and canonical limits.
        standards: Whose clauses name what was found, and whose scores would gain.
        counted: The tallies of the outcomes, where somebody has made them.
        gain: What fixing gains, where that is not what the standards and outcomes say.
        waived: Waivers by the fingerprint of the finding that each covers.

    Returns:
        Findings sorted by path, line and check, with the points that each would gain.
    """
    clauses = _clauses(standards)
    points = gain or _gains(outcomes, standards, counted)
    askers = _Askers(clauses)
    found = [
        _finding(each, outcomes, askers, points, waived or {}) for each in named(outcomes, clauses)
    ]
    found.sort(key=lambda each: (each.path, each.line, each.check, each.column, each.fingerprint))
    return tuple(found)


def anchors(outcomes: Mapping[Key, Outcome]) -> dict[tuple[str, str], str]:
    """What each check calls the places it found, by check and fingerprint.

    Args:
        outcomes: The answers that a report was made of, all of them and no others.
    """
    places = {place for key in outcomes for place, _ in _places(outcomes[key])}
    names = _fingerprints(places)
    return {(place.kind.check, name): place.kind.anchor for place, name in names.items()}


def named(outcomes: Mapping[Key, Outcome], keys: Collection[Key]) -> list[Named]:
    """The findings of some outcomes, each with its fingerprint; ``keys`` in order of demand."""
    merged: dict[_Place, list[Source]] = defaultdict(list)
    for key in keys:
        for place, index in _places(outcomes.get(key)):
            merged[place].append((key, index))
    names = _fingerprints(merged)
    return [
        Named(names[place], place.kind.check, place.kind.path, tuple(sources))
        for place, sources in merged.items()
    ]


def _gains(
    outcomes: Mapping[Key, Outcome],
    standards: Iterable[Standard],
    counted: Mapping[Key, Tally] | None,
) -> GainOf:
    known = tallies(outcomes) if counted is None else counted
    gains = {standard.slug: Gains(standard, outcomes, known) for standard in standards}
    asked: tuple[Sequence[Source], Change] = (), ()

    def points(slug: str, sources: Sequence[Source]) -> float:
        # All standards are asked about one finding before the next.
        nonlocal asked
        if asked[0] is not sources:
            asked = sources, change(known, sources)
        return gains[slug].of_change(asked[1], sources)

    return points


class _Askers:
    """Who asks for some outcomes; thousands of findings are made of the same ones."""

    def __init__(self, clauses: Mapping[Key, Sequence[tuple[str, str]]]) -> None:
        self._clauses = clauses
        self._known: dict[tuple[Key, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def of(self, keys: tuple[Key, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Ids of the clauses, and slugs of their standards, in order of demand."""
        known = self._known.get(keys)
        if known is None:
            asked = [each for key in keys for each in self._clauses[key]]
            found = dict.fromkeys(asked)
            ids = tuple(dict.fromkeys(clause for _, clause in found))
            slugs = tuple(dict.fromkeys(slug for slug, _ in found))
            known = self._known[keys] = ids, slugs
        return known


def _clauses(standards: Iterable[Standard]) -> dict[Key, list[tuple[str, str]]]:
    """(slug, clause id) of the clauses that ask for each key, in order of demand."""
    asked: dict[Key, list[tuple[str, str]]] = defaultdict(list)
    for standard in standards:
        for clause in standard.clauses:
            for check in clause.checks:
                asked[check.key].append((standard.slug, clause.id))
    return asked


def _places(outcome: Outcome | None) -> Iterator[tuple[_Place, int]]:
    if outcome is None or outcome.state != "measured":
        return
    seen: Counter[tuple[_Kind, int, int]] = Counter()
    for index, observation in enumerate(outcome.observations):
        kind = _kind(outcome.check, observation)
        where = (kind, observation.line, observation.column)
        yield _Place(*where, seen[where]), index
        seen[where] += 1


def _kind(check: str, observation: Observation) -> _Kind:
    """A place without symbol and anchor is told apart by its message, numbers left out."""
    anchor = observation.anchor
    if not anchor and not observation.symbol:
        anchor = numberless(observation.message)
    return _Kind(check, observation.path, observation.symbol, anchor)


def _fingerprints(places: Iterable[_Place]) -> dict[_Place, str]:
    ordinals: Counter[_Kind] = Counter()
    names = {}
    for place in sorted(places):
        ordinals[place.kind] += 1
        names[place] = fingerprint(*place.kind, ordinals[place.kind])
    return names


def _finding(
    found: Named,
    outcomes: Mapping[Key, Outcome],
    askers: _Askers,
    gain: GainOf,
    waived: Mapping[str, str],
) -> Finding:
    sources = found.sources
    shown = [(key, outcomes[key].observations[index]) for key, index in sources]
    shown = [each for each in shown if not each[1].suppressed] or shown
    keys = tuple([key for key, _ in shown])
    first = shown[0][1]
    clauses, slugs = askers.of(keys)
    return Finding(
        check=found.check,
        clauses=clauses,
        path=first.path,
        line=first.line,
        end_line=max(first.end_line, first.line),
        column=first.column,
        symbol=first.symbol,
        message=first.message,
        measured=first.measured,
        limit=first.limit,
        fingerprint=found.fingerprint,
        suppressed=first.suppressed,
        uncertain=first.weight < 1 or any(outcomes[key].advisory for key in keys),
        gain={slug: gain(slug, sources) for slug in slugs},
        waived=waived.get(found.fingerprint, msgspec.UNSET),
    )
