"""Asking for scans, and making sure that every scan that was asked for comes to an end.

Guarantees: news of a branch is counted, so none is lost; a repository has at most one queued and
one running scan, so a thousand pushes make at most two; what stops answering is taken over when
its lease ends, three times, and then fails visibly.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest, Now

from dashboard import queue
from dashboard.models import (
    ACTIVE_STATES,
    MAX_ATTEMPTS,
    Branch,
    PeriodicRun,
    Phase,
    Repository,
    Scan,
    ScanState,
    Trigger,
)

if TYPE_CHECKING:
    from dashboard.models import User

logger = structlog.get_logger(__name__)

RING_AGAIN = timedelta(seconds=60)
RINGS_PER_SWEEP = 200
POISON = "poison"


def request(
    repository: Repository,
    trigger: Trigger,
    *,
    commit: str = "",
    actor: User | None = None,
) -> Scan:
    """Note that the watched branch has news and return the queued scan that will look at it.

    Args:
        repository: What to scan.
        trigger: Why.
        commit: The commit that was announced, shown while the scan waits; the fetch finds the head.
        actor: The person who asked, if one did.
    """
    with transaction.atomic():
        # One request per repository at a time: the rest sees the scan the first has queued.
        locked = Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
        row, _ = Branch.objects.get_or_create(repository=locked, name=locked.branch_name)
        Branch.objects.filter(pk=row.pk).update(wanted=F("wanted") + 1)
        return _queue(locked, row, trigger, commit, actor)


def _queue(
    repository: Repository, branch: Branch, trigger: Trigger, commit: str, actor: User | None
) -> Scan:
    """Return the queued scan of a locked repository, pointed at the branch; made if need be."""
    queued = Scan.objects.filter(repository=repository, state=ScanState.QUEUED)
    if queued.update(branch=branch, commit=commit):
        return queued.get()
    number = repository.scan_count + 1
    Repository.objects.filter(pk=repository.pk).update(scan_count=number)
    scan = Scan.objects.create(
        repository=repository,
        branch=branch,
        number=number,
        commit=commit,
        trigger=trigger,
        requested_by=actor,
    )
    transaction.on_commit(lambda: _ring(scan.pk), robust=True)
    return scan


def _ring(scan_id: int) -> None:
    if queue.ring(queue.RUN_SCAN, [scan_id]):
        Scan.objects.filter(pk=scan_id).update(rung_at=Now())


def settle(scan: Scan) -> None:
    """Note on the branch what an ended scan has seen, and queue one more when news came since.

    Runs in the transaction that ends the scan.
    """
    Branch.objects.filter(pk=scan.branch_id).update(done=Greatest(F("done"), scan.wanted))
    if Branch.objects.filter(pk=scan.branch_id, wanted__gt=F("done")).exists():
        locked = Repository.objects.select_for_update(no_key=True).get(pk=scan.repository_id)
        _queue(locked, scan.branch, Trigger.PUSH, "", None)
    transaction.on_commit(lambda: ring_waiting(scan.repository_id), robust=True)


def ring_waiting(repository_id: int) -> None:
    """Ring for the scans that waited for this repository, or for its team, to be free."""
    team = Repository.objects.filter(pk=repository_id).values("team")
    own = Scan.objects.filter(state=ScanState.QUEUED, repository=repository_id)
    for pk in own.values_list("pk", flat=True):
        _ring(pk)
    others = _free(Scan.objects.filter(state=ScanState.QUEUED, repository__team__in=team))
    waiting = others.exclude(repository=repository_id).order_by("created_at", "pk")
    for pk in waiting.values_list("pk", flat=True)[:1]:
        _ring(pk)


def _free(scans: models.QuerySet[Scan]) -> models.QuerySet[Scan]:
    """Leave out the scans whose repository is being scanned at the moment."""
    running = Scan.objects.filter(repository=OuterRef("repository"), state=ScanState.RUNNING)
    return scans.filter(~Exists(running))


def fail(scan: Scan, code: str, message: str, **fields: object) -> None:
    """End the scan without a result, if it still runs under the fence it was read with."""
    with transaction.atomic():
        held = Scan.objects.held_by(scan.owner, scan.fence).filter(pk=scan.pk)
        ended = held.update(
            state=ScanState.FAILED,
            phase=Phase.DONE,
            error_code=code,
            error_message=message,
            finished_at=Now(),
            lease_until=None,
            **fields,
        )
        if ended:
            settle(scan)
            logger.warning("scan failed", scan=scan.pk, code=code)


def sweep() -> None:
    """Find what nobody works on, and ring again. Does nothing when another process just did."""
    if not PeriodicRun.objects.claim("sweep", settings.SWEEP_EVERY * 0.9):
        return
    _end_poison()
    _queue_owed()
    for pk in _unheard().values_list("pk", flat=True)[:RINGS_PER_SWEEP]:
        _ring(pk)
    if Repository.objects.due_for_polling().exists():
        queue.ring(queue.POLL)


def _end_poison() -> None:
    dead = Scan.objects.filter(
        state=ScanState.RUNNING, lease_until__lt=Now(), attempt__gte=MAX_ATTEMPTS
    )
    for scan in dead.select_related("branch"):
        fail(
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
            _queue(locked, branch, Trigger.POLL, "", None)


def _unheard() -> models.QuerySet[Scan]:
    """Return what can be claimed and was not rung for a while, oldest first."""
    silent = Q(rung_at__isnull=True) | Q(rung_at__lt=Now() - RING_AGAIN)
    expired = Q(state=ScanState.RUNNING)
    waiting = _free(Scan.objects.filter(state=ScanState.QUEUED)).filter(silent)
    return (
        Scan.objects.claimable()
        .filter(expired | Q(pk__in=waiting.values("pk")), attempt__lt=MAX_ATTEMPTS)
        .order_by("created_at", "pk")
    )
