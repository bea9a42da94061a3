"""Whether the parts of the installation answer, and how old what they said last is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from dashboard import queue
from dashboard.models import PeriodicRun, Scan, ScanState, Worker

MISSED_BEATS = 4
QUEUE_TOO_OLD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: ``ok``, and a sentence with its age or with what to do."""

    name: str
    ok: bool
    detail: str


def parts() -> list[Part]:
    """Ask database, broker and workers. Never raises; a part that does not answer is not ok."""
    try:
        return [_database(), _broker(), _workers(), _sweep(), _queue()]
    except DatabaseError as error:
        connection.close()
        detail = f"does not answer ({type(error).__name__}); check DATABASE_URL and its server"
        return [Part("database", ok=False, detail=detail), _broker()]


def _database() -> Part:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Part("database", ok=True, detail="answers")


def _broker() -> Part:
    error = queue.unreachable()
    if error:
        return Part("broker", ok=False, detail=f"does not answer ({error}); check REDIS_URL")
    return Part("broker", ok=True, detail="answers")


def _workers() -> Part:
    number = Worker.objects.alive(settings.SWEEP_EVERY * MISSED_BEATS).count()
    if number:
        return Part("workers", ok=True, detail=f"{number} alive")
    return Part("workers", ok=False, detail="none gives a sign of life; start a worker")


def _sweep() -> Part:
    row = PeriodicRun.objects.filter(name="sweep").values_list("last_run", Now()).first()
    if row is None or row[0] is None:
        return Part("sweep", ok=False, detail="has never run; start a worker or the scheduler")
    age = row[1] - row[0]
    detail = f"ran {_seconds(age)} ago"
    return Part("sweep", ok=age <= settings.SWEEP_EVERY * MISSED_BEATS, detail=detail)


def _queue() -> Part:
    waiting = Scan.objects.filter(state=ScanState.QUEUED, not_before__isnull=True)
    row = waiting.order_by("created_at").values_list("created_at", Now()).first()
    if row is None:
        return Part("queue", ok=True, detail="empty")
    age = row[1] - row[0]
    return Part("queue", ok=age <= QUEUE_TOO_OLD, detail=f"oldest waits for {_seconds(age)}")


def _seconds(age: timedelta) -> str:
    return f"{age.total_seconds():.0f} s"
