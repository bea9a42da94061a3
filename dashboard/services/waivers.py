"""Waivers as a scan counts them, what it makes of them, and how their rows turn."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils import timezone

import checks.waivers as engine
from dashboard.models import (
    OPEN_STATES,
    AuditEntry,
    Finding,
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
    from datetime import date, datetime

    import checks.model as model
    from checks.model import Report
    from dashboard.models import User
    from dashboard.models.finding import FindingQuerySet
    from dashboard.services.transitions import Recognised

SOON = timedelta(days=30)
WANTED = (WaiverState.REQUESTED, WaiverState.GRANTED)
TURNED = (
    "state",
    "approver_id",
    "decision",
    "approved_by",
    "outcome",
    "absorbed",
    "matched",
    "finding_id",
    "note",
)
"""Columns of a waiver that a decision changes, beside the time of it."""


def laid_over[Rows: QuerySet[Any, Any]](rows: Rows) -> Rows:
    """Read with findings the waiver that covers each, and as ``requests`` those asked for."""
    asked = Waiver.objects.filter(state=WaiverState.REQUESTED).order_by("pk")
    requests = Prefetch("waivers", asked.select_related("author"), to_attr="requests")
    return rows.select_related("waived_by__approver").prefetch_related(requests)


def in_force(repository: Repository, day: date) -> list[engine.Waiver]:
    """Return the waivers that count on a day, those of single findings by a name that stays.

    What a finding is called changes when its code moves: :func:`names` tells what it is called
    in the last result, :func:`names_in` what a new report calls it.
    """
    rows = Waiver.objects.filter(repository=repository).in_force(day).order_by("pk")
    return [
        msgspec.structs.replace(as_engine(row), fingerprint=_lasting(row.finding))
        if row.finding
        else as_engine(row)
        for row in rows.select_related("finding", "author", "approver")
    ]


def counted(repository: Repository, day: date) -> list[engine.Waiver]:
    """Return the waivers that count on a day as they match findings of the last result."""
    return engine.followed(in_force(repository, day), names(repository))


def names(repository: Repository) -> dict[str, str]:
    """Return what the last result calls the findings of waivers; nothing for what has gone."""
    return {_lasting(each): each.fingerprint for each in followed(repository) if each.is_open}


def names_in(findings: Iterable[Finding], recognised: Recognised) -> dict[str, str]:
    """Return what a new report of one component calls the findings of waivers.

    Args:
        findings: What :func:`followed` tells, read once for all components.
        recognised: Which finding of the report is which row.
    """
    return {_lasting(each): name for each in findings if (name := recognised.name_of(each))}


def followed(repository: Repository) -> FindingQuerySet:
    """Return the findings that granted waivers follow."""
    granted = Waiver.objects.filter(finding=OuterRef("pk"), state=WaiverState.GRANTED)
    return Finding.objects.filter(Exists(granted), repository=repository)


def _lasting(finding: Finding) -> str:
    """A name for a finding that no commit changes, and that no fingerprint looks like."""
    return f"finding-{finding.pk}"


def as_engine(row: Waiver) -> engine.Waiver:
    """Return a row in the form that the library reads.

    Who granted it stays who granted it when the account is gone; what a file claims of that is no
    grant, and counts for nothing.
    """
    granted = row.approved_by if row.state == WaiverState.GRANTED else ""
    return engine.Waiver(
        id=row.name,
        fingerprint=row.finding.fingerprint if row.finding else row.fingerprint,
        path=row.path_pattern,
        check=row.check_id,
        clause=row.clause,
        component=row.component,
        reason=row.reason,
        author=row.author.get_username() if row.author else row.said_by,
        approver=row.approver.get_username() if row.approver else granted,
        expires=row.expires_on,
        absorbed=row.absorbed,
    )


def record(
    repository: Repository, asked: engine.Waiver, actor: User | None, **fields: Any
) -> Waiver:
    """Store a request and write it down in the audit log.

    Args:
        repository: Whose findings it is about.
        asked: What is asked for.
        actor: Who asks, None for the repository's file.
        fields: What else is stored.
    """
    scope = WaiverScope.PATH if asked.path else WaiverScope.CLAUSE
    row: Waiver = Waiver.objects.create(
        repository=repository,
        scope=WaiverScope.FINDING if asked.fingerprint else scope,
        path_pattern=asked.path,
        check_id=asked.check,
        clause=asked.clause,
        component=asked.component,
        reason=clean(asked.reason, 4_000),
        expires_on=asked.expires,
        said_by=clean(asked.author, 200),
        **fields,
    )
    note(row, actor, "waiver.requested")
    return row


_WORST = [
    WaiverOutcome.UNUSED,
    WaiverOutcome.IN_FORCE,
    WaiverOutcome.EXPIRED,
    WaiverOutcome.REFUSED,
    WaiverOutcome.BROKEN,
]


def tell(repository: Repository, reports: Iterable[Report], now: datetime) -> None:
    """Note on each waiver what a scan made of it; of several folders the worst counts.

    Runs in the transaction that ends the scan, after its findings were written. What has ended is
    noted as ended, which no report says.
    """
    ended = repository.waivers.granted().filter(expires_on__lt=timezone.localdate(now))
    ended.update(outcome=WaiverOutcome.EXPIRED, matched=0, note="")
    seen: dict[str, list[model.WaiverResult]] = defaultdict(list)
    for each in reports:
        for result in each.waivers or ():
            seen[result.id].append(result)
    for name, results in seen.items():
        worst = max(results, key=lambda each: _WORST.index(WaiverOutcome(each.state)))
        Waiver.objects.filter(pk=Waiver.key_of(name)).update(
            outcome=worst.state,
            matched=sum(each.matched for each in results),
            note=clean(worst.note, 500),
        )
    _hand_over(repository)


def _hand_over(repository: Repository) -> None:
    """Let a waiver of one finding go on with the row that it covers now.

    That is another one after the choice of judged folders has changed. An entry of a file names a
    fingerprint alone: from its first scan on it follows the finding as well.
    """
    gone = ~Q(finding__state__in=OPEN_STATES) & Q(finding__isnull=False)
    named = Q(finding__isnull=True) & ~Q(fingerprint="")
    covered = Finding.objects.filter(waived_by=OuterRef("pk"), state__in=OPEN_STATES)
    rows = repository.waivers.granted().filter(gone | named)
    heirs = rows.annotate(heir=Subquery(covered.order_by("pk").values("pk")[:1]))
    for pk, heir in heirs.filter(heir__isnull=False).values_list("pk", "heir"):
        Waiver.objects.filter(pk=pk).update(finding_id=heir)


def turn(row: Waiver, state: WaiverState, actor: User | None, words: str) -> bool:
    """Move a waiver on from the state that it was read in; False when somebody else has by now."""
    turned = Waiver.objects.filter(pk=row.pk, state=row.state).update(
        state=state, approver=actor, decided_at=Now(), decision=clean(words, 2_000), outcome=""
    )
    if turned:
        # What was decided before is overwritten on the row: here it is kept.
        before = {"before": row.state, "said_before": clean(row.decision, 500)}
        said = clean(words, 500)
        note(row, actor, f"waiver.{state.value}", words=said, turned=_turned(row), **before)
    return bool(turned)


def _turned(row: Waiver) -> dict[str, object]:
    """What a turn changes of a waiver, as it was read: by this a decision can be undone."""
    decided = row.decided_at.isoformat() if row.decided_at else None
    return {"decided_at": decided, **{name: getattr(row, name) for name in TURNED}}


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
    parts += [f"folder {row.component}"] if row.component else []
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
