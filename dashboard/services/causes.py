"""What brought a turn of a finding about where no commit did: time, a lead's word, the rules.

Nobody who happens to commit next is named for it. A finding that rests on a word comes and goes
with the word. One whose check looks at the date, or at dated tables, comes and goes with time as
long as its file is as it was.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils import timezone

from checks.rules.specs import ATTESTATION, specs
from dashboard.models import FindingCause, FindingEventKind
from dashboard.services import attestations, rollout, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dashboard.models import Component, Finding
    from dashboard.services.identity import Changes, Seen

DATED = frozenset({*tables.USED_BY, "dependency-update-cadence"})
"""Checks whose answer changes by itself: with the date, or with a table that says what is known."""


class Causes:
    """What brings findings of one component, and takes them away, between two of its scans.

    Args:
        component: What was judged; its repository still has the result before this one.
        seen: The commit with the one before it; without it nothing is known of files.
        changes: What else changed between the two.
    """

    def __init__(self, component: Component, seen: Seen | None, changes: Changes) -> None:
        self._repository = component.repository
        self._seen = seen
        self._changes = changes

    def of(self, row: Finding) -> FindingCause | None:
        """Return what brought a finding other than code; None for code and on a first look."""
        changes, check = self._changes, row.check_id
        if changes.last is None:
            return None
        if check == ATTESTATION:
            asked = changes.asked_before(check, _with_topic(row.anchor))
            return self._of_word(row) if asked else self._of_rules(row)
        as_it_was = self._as_it_was(row.path, row.blob)
        if check in DATED and as_it_was and not changes.rules(check):
            return FindingCause.TIME
        if changes.newly(check) or (changes.rules(check) and as_it_was):
            return self._of_rules(row)
        return None

    def named(self, rows: Iterable[Finding]) -> dict[tuple[str, str], FindingCause]:
        """Return what brought findings other than code, by check and fingerprint."""
        found = {(row.check_id, row.fingerprint): self.of(row) for row in rows}
        return {key: cause for key, cause in found.items() if cause is not None}

    def nameless(self, row: Finding, cause: FindingCause | None) -> bool:
        """Whether no commit brought what a finding is about: a word, or what a date says."""
        if row.check_id == ATTESTATION:
            return cause is not None
        return cause == FindingCause.TIME and row.check_id in DATED

    def gone(self, row: Mapping[str, Any]) -> FindingEventKind | None:
        """Return the word for what took a finding away that is asked for still; None for others."""
        check, changes = row["check_id"], self._changes
        if check == ATTESTATION and changes.asked_before(check, _with_topic(row["anchor"])):
            return FindingEventKind.ATTESTED
        if check in DATED and self._as_it_was(row["path"], row["blob"]):
            return None if changes.rules(check) else FindingEventKind.WITH_TIME
        return None

    def _as_it_was(self, path: str, blob: str) -> bool:
        """Whether the file of a finding has the content that it had."""
        if not self._changes.commit:
            return True
        seen = self._seen
        if seen is None or seen.before is None or not blob:
            return False
        return seen.before.blob(path) == blob == seen.now.blob(path)

    def _of_word(self, row: Finding) -> FindingCause | None:
        lost = attestations.lost(self._repository, row.anchor)
        if lost == "changed":
            return None
        return FindingCause.TIME if lost == "ended" else FindingCause.WORD

    def _of_rules(self, row: Finding) -> FindingCause:
        return FindingCause.TIME if self._begun & {*row.clauses} else FindingCause.RULES

    @cached_property
    def _begun(self) -> frozenset[str]:
        """Clauses that ask for the first time since the last result."""
        last = self._changes.last
        if last is None or last.started_at is None:
            return frozenset()
        return rollout.begun(self._repository, timezone.localdate(last.started_at))


def _with_topic(topic: str) -> Callable[[str], bool]:
    """Whether limits of the check, as they were stored, are those of one topic."""

    def asks(params: str) -> bool:
        limits = specs()[ATTESTATION].merged(msgspec.json.decode(params))
        return bool(limits["topic"] == topic)

    return asks
