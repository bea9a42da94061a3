"""Waivers as a scan counts them, what it makes of them, and how their rows turn."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

import checks.waivers as engine
from dashboard.models import (
    OPEN_STATES,
    AuditEntry,
    Repository,
    Trigger,
    Waiver,
    WaiverOutcome,
    WaiverScope,
    WaiverState,
)
from dashboard.services import scanning
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import checks.model as model
    from dashboard.models import User
    from dashboard.services.results import Judged

SOON = timedelta(days=30)
WANTED = (WaiverState.REQUESTED, WaiverState.GRANTED)


def in_force(repository: Repository, day: date) -> list[engine.Waiver]:
    """Return the waivers that count on a day, in the form that the library reads."""
    rows = Waiver.objects.filter(repository=repository).in_force(day).order_by("pk")
    return [as_engine(row) for row in rows.select_related("finding", "author", "approver")]


def as_engine(row: Waiver) -> engine.Waiver:
    """Return a row in the form that the library reads."""
    return engine.Waiver(
        id=row.name,
        fingerprint=row.finding.fingerprint if row.finding else row.fingerprint,
        path=row.path_pattern,
        check=row.check_id,
        clause=row.clause,
        reason=row.reason,
        author=row.author.get_username() if row.author else row.said_by,
        approver=row.approver.get_username() if row.approver else row.approved_by,
        expires=row.expires_on,
        absorbed=row.absorbed,
    )


_WORST = [
    WaiverOutcome.UNUSED,
    WaiverOutcome.IN_FORCE,
    WaiverOutcome.EXPIRED,
    WaiverOutcome.REFUSED,
    WaiverOutcome.BROKEN,
]


def tell(
    repository: Repository, reports: Iterable[Judged], counted: Iterable[engine.Waiver], day: date
) -> None:
    """Note on each waiver what a scan made of it; of several folders the worst counts.

    What had ended on the day of the scan is noted as ended, which no report says. A finding whose
    code has moved is known by its new name from now on: where a waiver has looked for the old one,
    the commit is judged once more.
    """
    ended = repository.waivers.granted().filter(expires_on__lt=day)
    ended.update(outcome=WaiverOutcome.EXPIRED, matched=0, note="")
    seen: dict[str, list[model.WaiverResult]] = defaultdict(list)
    for each in reports:
        for result in each.report.waivers or ():
            seen[result.id].append(result)
    for name, results in seen.items():
        worst = max(results, key=lambda each: _WORST.index(WaiverOutcome(each.state)))
        Waiver.objects.filter(pk=Waiver.key_of(name)).update(
            outcome=worst.state,
            matched=sum(each.matched for each in results),
            note=clean(worst.note, 500),
        )
    sought = {each.id: each.fingerprint for each in counted if each.fingerprint}
    rows = repository.waivers.granted().filter(finding__state__in=OPEN_STATES)
    if any(
        row.finding and sought.get(row.name, row.finding.fingerprint) != row.finding.fingerprint
        for row in rows.select_related("finding")
    ):
        scanning.request(repository, Trigger.WAIVERS)


def turn(row: Waiver, state: WaiverState, actor: User | None, words: str) -> bool:
    """Move a waiver on from the state that it was read in; False when somebody else has by now."""
    turned = Waiver.objects.filter(pk=row.pk, state=row.state).update(
        state=state, approver=actor, decided_at=Now(), decision=clean(words, 2_000), outcome=""
    )
    if turned:
        note(row, actor, f"waiver.{state.value}", words=clean(words, 500))
    return bool(turned)


def note(row: Waiver, actor: User | None, action: str, **detail: object) -> None:
    """Write down in the audit log what became of a waiver."""
    end = row.expires_on.isoformat() if row.expires_on else ""
    AuditEntry.objects.note(
        row.repository, actor, action, waiver=row.pk, scope=scope_words(row), expires=end, **detail
    )


def scope_words(row: Waiver) -> str:
    """Return what a waiver is about, in words."""
    if row.scope == WaiverScope.FINDING:
        return f"the finding {row.fingerprint or row.finding_id}"
    parts = [row.path_pattern or "any path"]
    parts += [f"check {row.check_id}"] if row.check_id else []
    parts += [f"clause {row.clause}"] if row.clause else []
    return ", ".join(parts)


def judge_ended() -> int:
    """Have the repositories judged again whose last result rests on a waiver that has ended since.

    Returns:
        How many were asked for.
    """
    ended = Waiver.objects.filter(
        Q(repository=OuterRef("pk")),
        Q(outcome=WaiverOutcome.IN_FORCE),
        state=WaiverState.GRANTED,
        expires_on__lt=timezone.localdate(),
    )
    return scanning.request_idle(Repository.objects.filter(Exists(ended)), Trigger.WAIVERS)
