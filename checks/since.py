"""Which findings of a commit an earlier one had already, whatever moved in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from checks.fingerprint import anchors
from checks.ground import Between, Side, known_rules, sites
from checks.matching import match
from checks.model import Finding
from checks.outcomes import unpack
from checks.source import Source


class State(NamedTuple):
    """A judged commit: where it is read, what was found, and the packed answers behind it."""

    source: Source
    findings: Sequence[Finding]
    answers: bytes


def carried(before: State, now: State) -> frozenset[tuple[str, str]]:
    """Check and fingerprint of each finding of now that stood before.

    One that was suppressed before did not count then, so it is not carried.
    """
    counted = [finding for finding in before.findings if not finding.suppressed]
    pairs = _pairs(before._replace(findings=counted), now)
    found = (now.findings[index] for index in pairs.values())
    return frozenset((each.check, each.fingerprint) for each in found)


def names(before: State, now: State) -> Mapping[str, str]:
    """Fingerprint of before to fingerprint of now, of findings that stand in both."""
    pairs = _pairs(before, now)
    return {
        before.findings[old].fingerprint: now.findings[new].fingerprint
        for old, new in pairs.items()
    }


def missing_names(known: Mapping[str, str], now: Sequence[Finding]) -> dict[str, str]:
    """Those of some names that no finding of now has as its own.

    A waiver that is written down names a finding as one commit or the other calls it; what the
    judged one has is meant as it stands there.
    """
    own = {each.fingerprint for each in now}
    return {old: new for old, new in known.items() if old not in own}


def _pairs(before: State, now: State) -> dict[int, int]:
    """Place among the findings of before to place among those of now."""
    sides = Side(before.source), Side(now.source)
    old = sites(before.findings, anchors(unpack(before.answers)), sides[0])
    new = sites(now.findings, anchors(unpack(now.answers)), sides[1])
    return match(old, new, Between(*sides), known_rules)
