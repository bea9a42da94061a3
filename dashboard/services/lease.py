"""The right to work on a row: taken in one transaction, kept by a heartbeat.

Guarantee: of all who hold or held a lease on a row, only the last can write. Each claim raises
the fence, each write names it; a write of a run that was given up for dead changes no row.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, override

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Case, F, When
from django.db.models.functions import Now

from dashboard.models import MAX_ATTEMPTS, RUNNING, Phase, Scan, ScanState, Team
from dashboard.models.lease import LeasedQuerySet
from dashboard.services import owner, stopping

if TYPE_CHECKING:
    from types import TracebackType

    from dashboard.models import Leased

logger = structlog.get_logger(__name__)

PROGRESS_SECONDS = 1.0


class LeaseLostError(Exception):
    """Another worker has taken the row over, or it was deleted: stop, write nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a worker needs to prove that a row is its own."""

    model: type[Leased]
    pk: int
    owner: str
    fence: int

    @override
    def __str__(self) -> str:
        return f"{self.model._meta.verbose_name} {self.pk}"

    def rows(self) -> LeasedQuerySet[Any]:
        """Return the row while this lease holds, nothing afterwards."""
        return LeasedQuerySet(self.model).held_by(self.owner, self.fence).filter(pk=self.pk)

    def write(self, **fields: Any) -> None:
        """Change the row.

        Raises:
            LeaseLostError: It is no longer ours; nothing was changed.
        """
        if self.rows().update(**fields) != 1:
            raise LeaseLostError(f"{self} is no longer held under fence {self.fence}")

    def renew(self, progress: tuple[str, int, int]) -> None:
        """Hold it for longer, and show the phase, what is done and out of how many.

        Raises:
            LeaseLostError: It is no longer ours; nothing was changed.
        """
        shown: dict[str, Any] = dict(zip(self.model.SHOWS, progress, strict=False))
        if since := self.model.SHOWN_SINCE:
            phase, _, total = self.model.SHOWS
            same = When(**{phase: shown[phase], total: shown[total]}, then=F(since))
            shown[since] = Case(same, default=Now())
        self.write(lease_until=Now() + settings.SCAN_LEASE, **shown)

    def give_back(self, state: str, *, counts: bool = False, **fields: Any) -> None:
        """Work on it no longer.

        Args:
            state: The row's new one.
            counts: Whether the attempt counts.
            fields: What else is written.

        Raises:
            LeaseLostError: It is no longer ours; nothing was changed.
        """
        tried = F("attempt") if counts else F("attempt") - 1
        self.write(state=state, attempt=tried, owner="", lease_until=None, **fields)


def take(rows: LeasedQuerySet[Any], pk: int, hold: timedelta, **fields: Any) -> Lease | None:
    """Take a row, if it is among these; None when it is not, or not any more.

    Args:
        rows: Those that may be taken now.
        pk: Which of them.
        hold: How long it is ours without being renewed.
        fields: What else is written.
    """
    model, name = rows.model, owner.name()
    with transaction.atomic():
        # Locked first: a condition on another table is not asked again by an UPDATE that waited.
        free = rows.filter(pk=pk).select_for_update(of=("self",), no_key=True)
        fence = free.values_list(model.FENCED_BY, flat=True).first()
        if fence is None:
            return None
        raised = {column: F(column) + 1 for column in {"attempt", model.FENCED_BY}}
        until = Now() + hold
        LeasedQuerySet(model).filter(pk=pk).update(
            state=RUNNING, owner=name, lease_until=until, **raised, **fields
        )
    return Lease(model, pk, name, fence + 1)


def expire_dead(rows: LeasedQuerySet[Any]) -> None:
    """End the leases of processes of this machine that no longer live, without waiting for them."""
    for row in rows.filter(state=RUNNING):
        if owner.is_dead(row.owner):
            dead = Lease(rows.model, row.pk, row.owner, getattr(row, row.FENCED_BY))
            dead.rows().update(lease_until=Now() - timedelta(seconds=1))


# --- of a scan


def claim(scan_id: int) -> Lease | None:
    """Take the scan if it waits or its worker has gone quiet; None when there is nothing to take.

    Also None when another scan of the repository runs, or the team runs as many as it may.
    """
    expire_dead(Scan.objects.filter(pk=scan_id))
    try:
        with transaction.atomic():
            return _claim(scan_id)
    except IntegrityError:
        return None  # another scan of this repository is running


def _claim(scan_id: int) -> Lease | None:
    scan = Scan.objects.filter(pk=scan_id).values("repository__team").first()
    if scan is None:
        return None
    # Locking the team's row lets two claims count one after the other.
    team = Team.objects.select_for_update(no_key=True).get(pk=scan["repository__team"])
    running = Scan.objects.filter(state=ScanState.RUNNING, repository__team=team)
    if running.exclude(pk=scan_id).count() >= settings.TEAM_SCAN_CAP:
        return None
    return take(
        Scan.objects.claimable().filter(attempt__lt=MAX_ATTEMPTS),
        scan_id,
        settings.SCAN_LEASE,
        started_at=Now(),
        not_before=None,
        phase=Phase.FETCHING,
        phase_done=0,
        phase_total=0,
        phase_since=Now(),
        error_code="",
        error_message="",
    )


def release(
    lease: Lease, *, reason: str = "", code: str = "", wait: timedelta | None = None
) -> None:
    """Put the scan back into the queue; the attempt does not count.

    ``wait`` keeps it there for that long, with the reason on its page. When a newer request is
    queued already, that one does the work and this scan is superseded.
    """
    fields: dict[str, Any] = {
        "phase": Phase.WAITING,
        "phase_done": 0,
        "phase_total": 0,
        "phase_since": None,
        "error_code": code,
        "error_message": reason,
    }
    until = Now() + wait if wait else None
    try:
        with transaction.atomic():
            lease.give_back(ScanState.QUEUED, rung_at=None, not_before=until, **fields)
    except IntegrityError:
        lease.give_back(ScanState.SUPERSEDED, counts=True, finished_at=Now(), **fields)


class Heartbeat:
    """Renews a lease and shows the progress of its row, from a thread of its own.

    Progress is kept in memory and written at most once a second, so that a review may report each
    file. After a lost lease :meth:`progress` raises in the thread that works. When the worker has
    to end, or the time of the work is over, the main thread is interrupted.

    Attributes:
        overdue: True once the work has used up its time.
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
        """Say what is being done.

        Raises:
            LeaseLostError: Somebody else works on it now.
        """
        self._progress = (phase, done, total)
        if self._lost.is_set():
            raise LeaseLostError(f"{self._lease} was taken over")

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
                logger.warning("heartbeat not written", held=str(self._lease), error=str(error))
                connection.close()
                if now - renewed > settings.SCAN_LEASE.total_seconds():
                    self._lost.set()
            else:
                renewed, shown = now, current
        connection.close()
