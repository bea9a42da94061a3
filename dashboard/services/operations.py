"""The queue, the workers and recent failures, for the people who run the installation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from dashboard.models import Outbox, Recheck, Repository, RepositoryState, Scan, ScanState, Worker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

SILENT_AFTER = timedelta(minutes=2)
QUEUE_TOO_OLD = timedelta(minutes=5)
SHOWN = 15
SOUND = (RepositoryState.NEW, RepositoryState.READY)


@dataclass(frozen=True)
class WorkerRow:
    """A worker process and whether it was heard of lately."""

    name: str
    seen_at: datetime
    started_at: datetime
    alive: bool


@dataclass(frozen=True)
class Operations:
    """What an operator looks at first. ``alarms`` are sentences, empty when all is well."""

    alarms: Sequence[str]
    scans: Counter[str]
    oldest_queued: datetime | None
    outbox_due: int
    workers: Sequence[WorkerRow]
    waiting: Sequence[Scan]
    failed: Sequence[Scan]
    troubled: Sequence[Repository]
    differing: Sequence[Recheck]
    rechecks: Sequence[Recheck]

    @property
    def alive(self) -> int:
        """Workers that gave a sign of life lately."""
        return sum(worker.alive for worker in self.workers)


def read_operations() -> Operations:
    """Return the state of the installation. A constant number of queries."""
    now = timezone.now()
    active = list(
        Scan.objects.active().select_related("repository").order_by("created_at")[: SHOWN * 4]
    )
    queued = [scan for scan in active if scan.state == ScanState.QUEUED]
    oldest = min((scan.created_at for scan in queued), default=None)
    workers = [
        WorkerRow(row.name, row.seen_at, row.started_at, row.seen_at >= now - SILENT_AFTER)
        for row in Worker.objects.order_by("-seen_at")[:SHOWN]
    ]
    rechecks = Recheck.objects.select_related("repository", "scan")
    differing = list(rechecks.alarming()[:SHOWN])
    failed = Scan.objects.filter(state=ScanState.FAILED).select_related("repository")
    return Operations(
        alarms=[*_alarms(workers, oldest, now), *_differing(differing)],
        scans=Counter(Scan.objects.active().values_list("state", flat=True)),
        oldest_queued=oldest,
        outbox_due=Outbox.objects.due().count(),
        workers=workers,
        waiting=active[:SHOWN],
        failed=list(failed.order_by("-finished_at")[:SHOWN]),
        troubled=list(Repository.objects.exclude(state__in=SOUND).order_by("-state_since")[:SHOWN]),
        differing=differing,
        rechecks=list(rechecks[:SHOWN]),
    )


def _differing(rows: Sequence[Recheck]) -> list[str]:
    """One sentence on the results that an audit could not make again."""
    if not rows:
        return []
    names = ", ".join(row.repository.name for row in rows)
    told = f"An audit made other results than are shown for {names}"
    return [f"{told}: see below, empty the fact store of the workers and scan again."]


def _alarms(workers: Sequence[WorkerRow], oldest: datetime | None, now: datetime) -> list[str]:
    alarms = []
    if not any(worker.alive for worker in workers):
        alarms.append(
            "No worker gave a sign of life in the last two minutes; "
            "scans wait until one is started."
        )
    if oldest and now - oldest > QUEUE_TOO_OLD:
        minutes = int((now - oldest).total_seconds() // 60)
        alarms.append(
            f"The oldest queued scan has been waiting for {minutes} minutes; "
            "start more workers or look at their logs."
        )
    return alarms
