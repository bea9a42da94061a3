"""Which findings of a commit an earlier one had already, whatever moved in between."""

from __future__ import annotations

from collections.abc import Sequence
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
    sides = Side(before.source), Side(now.source)
    counted = [finding for finding in before.findings if not finding.suppressed]
    old = sites(counted, anchors(unpack(before.answers)), sides[0])
    new = sites(now.findings, anchors(unpack(now.answers)), sides[1])
    pairs = match(old, new, Between(*sides), known_rules)
    return frozenset((new[index].check, new[index].fingerprint) for index in pairs.values())
