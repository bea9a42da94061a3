"""The right to work on a scan: taken by one conditional UPDATE, kept by a heartbeat.

Guarantee: of all who hold or held a lease on a scan, only the last can write. Each claim raises
the fence, each write names it; a write of a run that was given up for dead changes no row.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from dashboard.models import MAX_ATTEMPTS, Phase, Scan, ScanState, Team
from dashboard.services import owner, stopping

if TYPE_CHECKING:
    from types import TracebackType

    from django.db.models import QuerySet

logger = structlog.get_logger(__name__)

PROGRESS_SECONDS = 1.0


class LeaseLostError(Exception):
    """Another worker has taken the scan over, or it was deleted: stop, write nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a worker needs to prove that a scan is its own."""

    scan_id: int
    owner: str
    fence: int

    def rows(self) -> QuerySet[Any]:
        """Return the scan while this lease holds, nothing afterwards."""
        return Scan.objects.held_by(self.owner, self.fence).filter(pk=self.scan_id)

    def write(self, **fields: Any) -> None:
        """Change the scan.

        Raises:
            LeaseLostError: It is no longer ours; nothing was changed.
        """
        if self.rows().update(**fields) != 1:
            raise LeaseLostError(f"scan {self.scan_id} is no longer held under fence {self.fence}")

    def renew(self, progress: tuple[str, int, int]) -> None:
        """Hold it for longer, and show the phase, what is done and out of how many.

        Raises:
            LeaseLostError: It is no longer ours; nothing was changed.
        """
        phase, done, total = progress
        self.write(
            lease_until=Now() + settings.SCAN_LEASE,
            phase=phase,
            phase_done=done,
            phase_total=total,
        )


def claim(scan_id: int) -> Lease | None:
    """Take the scan if it waits or its worker has gone quiet; None when there is nothing to take.

    Also None when another scan of the repository runs, or the team runs as many as it may.
    """
    expire_dead(scan_id)
    try:
        with transaction.atomic():
            return _claim(scan_id, owner.name())
    except IntegrityError:
        return None  # another scan of this repository is running


def _claim(scan_id: int, name: str) -> Lease | None:
    scan = Scan.objects.filter(pk=scan_id).values("repository__team").first()
    if scan is None:
        return None
    # Locking the team's row lets two claims count one after the other.
    team = Team.objects.select_for_update(no_key=True).get(pk=scan["repository__team"])
    running = Scan.objects.filter(state=ScanState.RUNNING, repository__team=team)
    if running.exclude(pk=scan_id).count() >= settings.TEAM_SCAN_CAP:
        return None
    claimable = Scan.objects.claimable().filter(pk=scan_id, attempt__lt=MAX_ATTEMPTS)
    taken = claimable.update(
        state=ScanState.RUNNING,
        owner=name,
        fence=F("fence") + 1,
        attempt=F("attempt") + 1,
        lease_until=Now() + settings.SCAN_LEASE,
        started_at=Now(),
        not_before=None,
        phase=Phase.FETCHING,
        phase_done=0,
        phase_total=0,
        error_code="",
        error_message="",
    )
    if taken != 1:
        return None
    return Lease(scan_id, name, Scan.objects.values_list("fence", flat=True).get(pk=scan_id))


def expire_dead(scan_id: int) -> None:
    """End the lease of a process of this machine that no longer lives, without waiting for it."""
    scan = Scan.objects.filter(pk=scan_id, state=ScanState.RUNNING).first()
    if scan is not None and owner.is_dead(scan.owner):
        Lease(scan_id, scan.owner, scan.fence).rows().update(
            lease_until=Now() - timedelta(seconds=1)
        )


def release(
    lease: Lease, *, reason: str = "", code: str = "", wait: timedelta | None = None
) -> None:
    """Put the scan back into the queue; the attempt does not count.

    ``wait`` keeps it there for that long, with the reason on its page. When a newer request is
    queued already, that one does the work and this scan is superseded.
    """
    fields: dict[str, Any] = {
        "lease_until": None,
        "owner": "",
        "phase": Phase.WAITING,
        "phase_done": 0,
        "phase_total": 0,
        "error_code": code,
        "error_message": reason,
    }
    try:
        with transaction.atomic():
            lease.write(
                state=ScanState.QUEUED,
                attempt=F("attempt") - 1,
                rung_at=None,
                not_before=Now() + wait if wait else None,
                **fields,
            )
    except IntegrityError:
        lease.write(state=ScanState.SUPERSEDED, finished_at=Now(), **fields)


class Heartbeat:
    """Renews a lease and shows the progress of its scan, from a thread of its own.

    Progress is kept in memory and written at most once a second, so that a review may report each
    file. After a lost lease :meth:`progress` raises in the thread that works. When the worker has
    to end, or the time of the scan is over, the main thread is interrupted.

    Attributes:
        overdue: True once the scan has used up its time.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._progress: tuple[str, int, int] = (Phase.FETCHING, 0, 0)
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.overdue = False

    def __enter__(self) -> Self:
        """Begin to renew."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop renewing and wait until the last write is done."""
        self._stop.set()
        self._thread.join()

    def progress(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Say what the scan is doing.

        Raises:
            LeaseLostError: Somebody else works on the scan now.
        """
        self._progress = (phase, done, total)
        if self._lost.is_set():
            raise LeaseLostError(f"scan {self._lease.scan_id} was taken over")

    def _run(self) -> None:
        began = renewed = time.monotonic()
        shown = self._progress
        beat = settings.SCAN_HEARTBEAT.total_seconds()
        while not self._stop.wait(min(PROGRESS_SECONDS, beat)) and not self._lost.is_set():
            now, current = time.monotonic(), self._progress
            self.overdue = now - began > settings.SCAN_TIME_LIMIT.total_seconds()
            if self.overdue or stopping.is_announced():
                stopping.interrupt()
                break
            if current == shown and now - renewed < beat:
                continue
            try:
                self._lease.renew(current)
            except LeaseLostError:
                self._lost.set()
            except DatabaseError as error:
                logger.warning("heartbeat not written", scan=self._lease.scan_id, error=str(error))
                connection.close()
                if now - renewed > settings.SCAN_LEASE.total_seconds():
                    self._lost.set()
            else:
                renewed, shown = now, current
        connection.close()
