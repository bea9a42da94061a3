"""Which findings of a commit an earlier one had already, whatever moved in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from checks.fingerprint import anchors
from checks.ground import Between, Side, known_rules, sites
from checks.matching import match
from checks.model import Finding
from checks.outcomes import unpack
from checks.source import Source
from checks.waivers import Waiver


class State(NamedTuple):
    """A judged commit: where it is read, what was found, and the packed answers behind it."""

    source: Source
    findings: Sequence[Finding]
    answers: bytes


class Since:
    """The findings of a judged commit beside those of an earlier one, paired once when needed.

    Args:
        before: The earlier commit.
        now: The judged one.
    """

    def __init__(self, before: State, now: State) -> None:
        self._before, self._now = before, now

    def carried(self) -> frozenset[tuple[str, str]]:
        """Check and fingerprint of each finding of now that stood before.

        One that was suppressed before did not count then, so it is not carried.
        """
        counted = [not finding.suppressed for finding in self._before.findings]
        found = (self._now.findings[new] for old, new in self._pairs.items() if counted[old])
        return frozenset((each.check, each.fingerprint) for each in found)

    def names(self) -> Mapping[str, str]:
        """Fingerprint of before to fingerprint of now, of findings that stand in both."""
        before, now = self._before.findings, self._now.findings
        return {before[old].fingerprint: now[new].fingerprint for old, new in self._pairs.items()}

    def back(self) -> Mapping[str, str]:
        """Fingerprint of now to fingerprint of before."""
        return {new: old for old, new in self.names().items()}

    @cached_property
    def _pairs(self) -> Mapping[int, int]:
        """Place among the findings of before to place among those of now."""
        before, now = self._before, self._now
        sides = Side(before.source), Side(now.source)
        old = sites(before.findings, anchors(unpack(before.answers)), sides[0])
        new = sites(now.findings, anchors(unpack(now.answers)), sides[1])
        return match(old, new, Between(*sides), known_rules)


def missing_names(
    waivers: Iterable[Waiver], names: Callable[[], Mapping[str, str]], now: Sequence[Finding]
) -> dict[str, str]:
    """Names of now for the findings that waivers call by a name that no finding of now has.

    A waiver that is written down names a finding as one commit or the other calls it; what the
    judged one has is meant as it stands there.

    Args:
        waivers: Accepted exceptions.
        names: The names of now by those of before; asked only where a name is missing.
        now: What was found in the judged commit.
    """
    missing = {each.fingerprint for each in waivers} - {each.fingerprint for each in now} - {""}
    known = names() if missing else {}
    return {old: known[old] for old in missing & known.keys()}
