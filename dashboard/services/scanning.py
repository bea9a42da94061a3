"""Asking for scans, and what their end leads to.

Guarantees: news of a branch is counted, so none is lost; a repository has at most one queued and
one running scan, so a thousand pushes make at most two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Greatest, Now

from dashboard import queue
from dashboard.models import (
    Branch,
    Phase,
    Repository,
    Scan,
    ScanState,
    Trigger,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from dashboard.models import User

logger = structlog.get_logger(__name__)

MOST_AT_ONCE = 200


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
        return queue_scan(locked, row, trigger, commit, actor)


def request_idle(repositories: QuerySet[Repository], trigger: Trigger) -> int:
    """Ask for scans of those of the repositories that no scan waits for or works on.

    A few hundred in one turn, drawn at random: those whose scans always fail starve no other.

    Returns:
        How many were asked for.
    """
    idle = repositories.exclude(pk__in=Scan.objects.active().values("repository"))
    found = list(idle.order_by("?")[:MOST_AT_ONCE])
    for repository in found:
        request(repository, trigger)
    return len(found)


def queue_scan(
    repository: Repository,
    branch: Branch,
    trigger: Trigger,
    commit: str = "",
    actor: User | None = None,
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
    transaction.on_commit(lambda: ring(scan.pk), robust=True)
    return scan


def ring(scan_id: int) -> None:
    """Call a worker to the scan, and remember when."""
    if queue.ring(queue.RUN_SCAN, [scan_id]):
        Scan.objects.filter(pk=scan_id).update(rung_at=Now())


def settle(scan: Scan) -> None:
    """Note on the branch what an ended scan has seen, and queue one more when news came since.

    Runs in the transaction that ends the scan.
    """
    Branch.objects.filter(pk=scan.branch_id).update(done=Greatest(F("done"), scan.wanted))
    if Branch.objects.filter(pk=scan.branch_id, wanted__gt=F("done")).exists():
        locked = Repository.objects.select_for_update(no_key=True).get(pk=scan.repository_id)
        queue_scan(locked, scan.branch, Trigger.PUSH)
    transaction.on_commit(lambda: ring_waiting(scan.repository_id), robust=True)


def ring_waiting(repository_id: int) -> None:
    """Ring for the scans that waited for this repository, or for its team, to be free."""
    team = Repository.objects.filter(pk=repository_id).values("team")
    own = Scan.objects.filter(state=ScanState.QUEUED, repository=repository_id)
    for pk in own.values_list("pk", flat=True):
        ring(pk)
    others = free(Scan.objects.filter(state=ScanState.QUEUED, repository__team__in=team))
    waiting = others.exclude(repository=repository_id).order_by("created_at", "pk")
    for pk in waiting.values_list("pk", flat=True)[:1]:
        ring(pk)


def free(scans: models.QuerySet[Scan]) -> models.QuerySet[Scan]:
    """Leave out the scans whose repository is being scanned at the moment."""
    running = Scan.objects.filter(repository=OuterRef("repository"), state=ScanState.RUNNING)
    return scans.filter(~Exists(running))


def fail(scan: Scan, code: str, message: str) -> None:
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
        )
        if ended:
            Repository.objects.filter(pk=scan.repository_id).update(
                failure_code=code, failure_message=message
            )
            settle(Scan.objects.select_related("branch").get(pk=scan.pk))
            logger.warning("scan failed", scan=scan.pk, code=code)
