"""The past of a repository is judged as well: one commit of each week, newest first.

It stands beside the scans and never in their way. Before each commit it looks whether a scan waits
for a worker, and if so gives its own back. What a killed worker held is taken over when its lease
ends; a commit that ended its worker three times is left out and named.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from checks.errors import InputError
from checks.gitsource import GitSource
from checks.standard import StandardError
from checks.weekly import weekly
from dashboard import queue
from dashboard.models import (
    MAX_ATTEMPTS,
    AuditEntry,
    Backfill,
    BackfillState,
    PastResult,
    PastTrail,
    Repository,
    Scan,
    ScanState,
)
from dashboard.services import (
    attestations,
    components,
    facts,
    judging,
    lease,
    mirrors,
    results,
    scanning,
    stopping,
    unread,
)
from dashboard.services.lease import Heartbeat, LeaseLostError
from dashboard.services.tracing import Tracing
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.model import Report
    from dashboard.models import User
    from dashboard.models.past import BackfillQuerySet
    from dashboard.services.lease import Lease

logger = structlog.get_logger(__name__)

JUDGE_PAST = "dashboard.judge_past"
SLICE = timedelta(minutes=1)
"""How long one turn goes on beginning new commits."""
RINGS_PER_SWEEP = 20


# --- what people do


def begin(repository: Repository, actor: User | None = None) -> None:
    """Judge the past by the rules of today, from the start; nothing when the setting says 0."""
    if not settings.BACKFILL_WEEKS:
        return
    fresh: dict[str, Any] = {
        "state": BackfillState.WAITING,
        "weeks": settings.BACKFILL_WEEKS,
        "commits": None,
        "ruling": None,
        "left_out": {},
        "reason": "",
        "done": 0,
        "attempt": 0,
        "rung_at": None,
        "finished_at": None,
    }
    with transaction.atomic():
        row, made = Backfill.objects.get_or_create(repository=repository, defaults=fresh)
        if not made:
            Backfill.objects.filter(pk=row.pk).update(fence=F("fence") + 1, **fresh)
        if actor is not None:
            AuditEntry.objects.note(repository, actor, "past.begun", weeks=settings.BACKFILL_WEEKS)
        transaction.on_commit(lambda: ring(row.pk), robust=True)


def pause(repository: Repository, actor: User) -> None:
    """Stop after the commit in hand, until somebody resumes."""
    _turn(repository, actor, "paused", Backfill.objects.active(), BackfillState.PAUSED)


def resume(repository: Repository, actor: User) -> None:
    """Go on where it was paused."""
    paused = Backfill.objects.filter(state=BackfillState.PAUSED)
    _turn(repository, actor, "resumed", paused, BackfillState.WAITING)


def cancel(repository: Repository, actor: User) -> None:
    """Stop for good; the points that are there stay."""
    going = Backfill.objects.exclude(state__in=(BackfillState.DONE, BackfillState.CANCELLED))
    with transaction.atomic():
        _turn(repository, actor, "cancelled", going, BackfillState.CANCELLED)
        PastTrail.objects.filter(past__repository=repository).delete()


def _turn(
    repository: Repository, actor: User, verb: str, rows: BackfillQuerySet, state: BackfillState
) -> None:
    """Set a state; whoever works on it loses the right to, and notices before the next commit."""
    with transaction.atomic():
        turned = rows.filter(repository=repository).update(
            state=state, reason="", fence=F("fence") + 1, lease_until=None, rung_at=None
        )
        if turned:
            AuditEntry.objects.note(repository, actor, f"past.{verb}")
            pk = Backfill.objects.values_list("pk", flat=True).get(repository=repository)
            transaction.on_commit(lambda: ring(pk), robust=True)


# --- the queue


def ring(pk: int) -> None:
    """Call a worker to it, if one can be called now."""
    if not _scan_waits() and Backfill.objects.claimable().filter(pk=pk).exists():
        Backfill.objects.filter(pk=pk).update(rung_at=Now())
        queue.ring(JUDGE_PAST, [pk])


def ring_unheard(after: timedelta) -> None:
    """Ring for those that nobody works on and that were not rung for a while."""
    lease.expire_dead(Backfill.objects.all())
    silent = Q(rung_at__isnull=True) | Q(rung_at__lt=Now() - after)
    for pk in (
        Backfill.objects.claimable().filter(silent).values_list("pk", flat=True)[:RINGS_PER_SWEEP]
    ):
        ring(pk)


def _scan_waits() -> bool:
    """Whether a scan could use a worker."""
    waiting = Scan.objects.claimable().filter(state=ScanState.QUEUED, attempt__lt=MAX_ATTEMPTS)
    return scanning.free(waiting).exists()


def _claim(pk: int) -> Lease | None:
    """Take it, unless another of its team is worked on: the other workers stay free."""
    row = Backfill.objects.filter(pk=pk).select_related("repository").first()
    if row is None:
        return None
    beside = Backfill.objects.filter(
        state=BackfillState.RUNNING,
        lease_until__gte=Now(),
        repository__team=row.repository.team_id,
    ).exclude(pk=pk)
    if beside.exists() or _scan_waits():
        return None
    return lease.take(Backfill.objects.claimable(), pk, settings.SCAN_LEASE)


# --- the work


def run(pk: int) -> bool:
    """Judge commits for a while, if it can be claimed; False when there is nothing to do now."""
    held = _claim(pk)
    if held is None:
        return False
    with structlog.contextvars.bound_contextvars(past=pk, fence=held.fence):
        beat = Heartbeat(held)
        try:
            with stopping.stoppable(), beat:
                _work(held, beat)
        except (stopping.StopRequested, KeyboardInterrupt) as stop:
            # A signal may have cut a query off in the middle: its connection answers nothing more.
            connection.close()
            _release(held, counts=beat.overdue)
            if isinstance(stop, KeyboardInterrupt):
                raise
        except LeaseLostError:
            logger.info("judging of the past taken over or stopped")
        except DatabaseError:
            logger.exception("database failed while judging the past")
        except Exception:
            # The attempt counts: after three of them the commit is left out.
            logger.exception("judging of the past crashed")
            _release(held, counts=True)
    ring(pk)
    return True


def _release(held: Lease, *, counts: bool) -> None:
    try:
        held.give_back(BackfillState.WAITING, counts=counts, rung_at=None)
    except LeaseLostError:
        logger.info("judging of the past stopped by a person")


def _work(held: Lease, beat: Heartbeat) -> None:
    row = Backfill.objects.select_related("repository__last_scan").get(pk=held.pk)
    try:
        ruling = judging.ruling(
            row.repository, timezone.localdate(), attestations.in_force(row.repository)
        )
        git_dir = mirrors.path(row.repository)
        if not git_dir.exists():
            git_dir = mirrors.fetch(row.repository, beat.progress).git_dir
        head = GitSource(git_dir, row.repository.scanned_commit, remember=facts.store())
        left = _left(held, row, ruling, head)
    except (InputError, StandardError) as error:
        logger.info("past not judged", reason=str(error))
        held.write(
            state=BackfillState.PAUSED, reason=clean(str(error), 300), lease_until=None, attempt=0
        )
        return
    deadline = time.monotonic() + SLICE.total_seconds()
    trail = Tracing(row)
    while left and time.monotonic() < deadline and not _scan_waits():
        _point(held, row, head.earlier(left.pop(0)), ruling, trail)
        beat.progress("", row.total - len(left), row.total)
    if left:
        _release(held, counts=False)
        return
    # Where following them to the end has ended the worker again and again, it ends without dates.
    tried = Backfill.objects.values_list("attempt", flat=True).get(pk=row.pk)
    began = trail.rest() if tried < MAX_ATTEMPTS else {}
    with transaction.atomic():
        held.write(state=BackfillState.DONE, lease_until=None, finished_at=Now())
        trail.end(began)


def _left(held: Lease, row: Backfill, ruling: judging.Ruling, source: GitSource) -> list[str]:
    """The commits that are still to be judged; by other rules than before, all of them."""
    kept = ruling.kept(list(row.repository.components.judged().values_list("path", flat=True)))
    if row.commits is None or row.ruling != kept:
        row.commits = [commit.oid for commit in weekly(source, row.weeks)]
        row.left_out = {}
        with transaction.atomic():
            held.write(commits=row.commits, ruling=kept, left_out={}, done=0)
            PastResult.objects.filter(repository=row.repository).delete()
            PastTrail.objects.filter(past=row).delete()
    points = PastResult.objects.filter(repository=row.repository)
    judged = set(points.values_list("commit", flat=True))
    left = [oid for oid in row.commits if oid not in judged and oid not in row.left_out]
    if left and row.attempt >= MAX_ATTEMPTS:
        _leave_out(held, row, left.pop(0), "judging it ended the worker three times")
    return left


def _leave_out(held: Lease, row: Backfill, commit: str, reason: str) -> None:
    row.left_out = {**row.left_out, commit: clean(reason, 300)}
    held.write(left_out=row.left_out, attempt=1, done=F("done") + 1)


def _point(
    held: Lease, row: Backfill, source: GitSource, ruling: judging.Ruling, trail: Tracing
) -> None:
    """Judge one commit and store it, or name why it is left out."""
    try:
        folders = components.present(list(row.repository.components.judged()), source)
        looked = [judging.review_past(folder, source, ruling) for folder in folders]
        if not looked:
            _leave_out(held, row, source.commit, "none of the judged folders was there yet")
            return
        point = _row(row.repository, source, [each.report for each in looked])
        step = trail.look(source, {each.report.component: each for each in looked})
    except InputError as error:
        _leave_out(held, row, source.commit, str(error))
        return
    with transaction.atomic():
        held.write(attempt=1, done=F("done") + 1)
        point.save(force_insert=True)
        trail.write(step)


def _row(repository: Repository, source: GitSource, reports: Sequence[Report]) -> PastResult:
    history = source.history()
    told = [
        {"component": each.component, "standards": msgspec.to_builtins(each.standards)}
        for each in reports
    ]
    # What is waived is about findings of today: nothing is waived in the past.
    summary = asdict(results.summarise(reports))
    summary.pop("waived_count")
    return PastResult(
        repository=repository,
        commit=source.commit,
        commit_time=datetime.fromtimestamp(source.time, UTC),
        commit_subject=clean(history[0].subject, 200) if history else "",
        partial=any(unread.paths(each) for each in reports),
        results=zlib.compress(msgspec.json.encode(told)),
        **summary,
    )
