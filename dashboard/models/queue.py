"""Work that must not be lost, periodic work, and the workers that do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class OutboxQuerySet(models.QuerySet["Outbox"]):
    """Messages to the outside."""

    def due(self) -> Self:
        """Return what should be sent now, oldest first."""
        return self.filter(due__lte=Now(), done_at__isnull=True).order_by("due", "pk")


class Outbox(models.Model):
    """One message to the outside that is sent at least once. ``key`` makes it one per subject."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    due = models.DateTimeField(db_default=Now())
    attempt = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "outbox"
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="outbox_once")]
        indexes = [
            models.Index(fields=["due"], condition=Q(done_at__isnull=True), name="outbox_due"),
        ]


class PeriodicRunQuerySet(models.QuerySet["PeriodicRun"]):
    """Periodic jobs and when each last began."""

    def claim(self, name: str, every: timedelta) -> bool:
        """Take the turn of the job ``name``; False when another process had it within ``every``.

        One conditional UPDATE by the database's clock, so any number of schedulers may ask.
        """
        self.bulk_create([PeriodicRun(name=name)], ignore_conflicts=True)
        turn = Q(last_run__isnull=True) | Q(last_run__lte=Now() - every)
        return self.filter(turn, name=name).update(last_run=Now()) == 1

    def claim_once(self, name: str) -> bool:
        """Take a job that is done once in the life of the installation; False ever after."""
        self.bulk_create([PeriodicRun(name=name)], ignore_conflicts=True)
        return self.filter(name=name, last_run__isnull=True).update(last_run=Now()) == 1


class PeriodicRun(models.Model):
    """When a job last began."""

    name = models.CharField(max_length=80, primary_key=True)
    last_run = models.DateTimeField(null=True)

    objects = PeriodicRunQuerySet.as_manager()


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Worker processes."""

    def alive(self, within: timedelta) -> Self:
        """Return the workers that gave a sign of life within that time."""
        return self.filter(seen_at__gte=Now() - within)


class Worker(models.Model):
    """A worker process and its last sign of life."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(db_default=Now())

    objects = WorkerQuerySet.as_manager()
