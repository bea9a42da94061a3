"""Finds what nobody works on, from the rows alone, and rings again.

Guarantee: what stopped answering is taken over when its lease ends, at most three times, and then
fails visibly; what was asked for and never rung is rung. Any number of processes may sweep.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from dashboard import queue
from dashboard.models import (
    ACTIVE_STATES,
    MAX_ATTEMPTS,
    Branch,
    PeriodicRun,
    Repository,
    Scan,
    ScanState,
    Trigger,
    WebhookDelivery,
    Worker,
)
from dashboard.services import (
    attestations,
    audit,
    backfill,
    endings,
    lease,
    origins,
    registration,
    rollout,
    scanning,
    simulating,
    source_view,
    waivers,
)

logger = structlog.get_logger(__name__)

RING_AGAIN_AFTER = 4  # sweeps
RINGS_PER_SWEEP = 200
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
KEEP_DELIVERIES = timedelta(days=30)
POISON = "poison"


def attempt() -> None:
    """Sweep; with a database that is busy or away the next beat tries again."""
    try:
        sweep()
    except DatabaseError as error:
        logger.warning("sweep missed", error=str(error))


def sweep() -> None:
    """Find what nobody works on, and ring again. Does nothing when another process just did."""
    if not PeriodicRun.objects.claim("sweep", settings.SWEEP_EVERY * 0.9):
        return
    lease.expire_dead(Scan.objects.all())
    _end_poison()
    _queue_owed()
    for pk in _unheard().values_list("pk", flat=True)[:RINGS_PER_SWEEP]:
        scanning.ring(pk)
    source_view.ring_unheard()
    registration.ring_unheard()
    origins.ring_behind()
    backfill.ring_unheard(settings.SWEEP_EVERY * RING_AGAIN_AFTER)
    simulating.ring_unheard()
    if Repository.objects.due_for_polling().exists():
        queue.ring(queue.POLL)
    if PeriodicRun.objects.claim("what-ends-and-begins", HOUR):
        attestations.judge_ended()
        waivers.judge_ended()
        rollout.judge_begun()
    if PeriodicRun.objects.claim("audit", DAY):
        audit.nightly()
    if PeriodicRun.objects.claim("announce", DAY):
        endings.announce()
    if PeriodicRun.objects.claim("forget", DAY):
        _forget()


def _forget() -> None:
    """Delete what nobody looks at any more."""
    Worker.objects.filter(seen_at__lt=Now() - DAY).delete()
    WebhookDelivery.objects.filter(received_at__lt=Now() - KEEP_DELIVERIES).delete()
    source_view.forget_old()
    simulating.forget_old()


def _end_poison() -> None:
    for scan in Scan.objects.dead().select_related("branch"):
        scanning.fail(
            scan,
            POISON,
            f"The scan ended its worker {MAX_ATTEMPTS} times while {scan.get_phase_display()}. "
            "Look at the worker's log and memory, then start it again by hand.",
        )


def _queue_owed() -> None:
    active = Scan.objects.filter(repository=OuterRef("repository"), state__in=ACTIVE_STATES)
    owed = Branch.objects.filter(~Exists(active), wanted__gt=F("done"))
    for branch in owed.select_related("repository")[:RINGS_PER_SWEEP]:
        with transaction.atomic():
            locked = Repository.objects.select_for_update(no_key=True).get(pk=branch.repository_id)
            scanning.queue_scan(locked, branch, Trigger.POLL)


def _unheard() -> models.QuerySet[Scan]:
    """Return what can be claimed and was not rung for a while, oldest first."""
    silent = Q(rung_at__isnull=True) | Q(
        rung_at__lt=Now() - settings.SWEEP_EVERY * RING_AGAIN_AFTER
    )
    expired = Q(state=ScanState.RUNNING)
    waiting = scanning.free(Scan.objects.filter(state=ScanState.QUEUED)).filter(silent)
    return (
        Scan.objects.claimable()
        .filter(expired | Q(pk__in=waiting.values("pk")), attempt__lt=MAX_ATTEMPTS)
        .order_by("created_at", "pk")
    )
