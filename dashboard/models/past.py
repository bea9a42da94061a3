"""The past of a repository, judged once by the rules of today: a point of each week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from dashboard.models.lease import QUIET, Fenced, LeasedQuerySet
from dashboard.models.repository import Repository

if TYPE_CHECKING:
    from dashboard.models.people import Reader


class BackfillState(models.TextChoices):
    """How far the judging of the past is."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE = (BackfillState.WAITING, BackfillState.RUNNING)


class BackfillQuerySet(LeasedQuerySet["Backfill"]):
    """Judgings of the past, as the queue sees them."""

    def active(self) -> Self:
        """Return those that wait or are worked on."""
        return self.filter(state__in=ACTIVE)

    def claimable(self) -> Self:
        """Return those a worker may take: the repository has a result, and nobody works on it."""
        free = Q(state=BackfillState.WAITING) | QUIET
        return self.filter(free, repository__last_scan__isnull=False)


class Backfill(Fenced):
    """The judging of a repository's past, and at the same time its place in the queue.

    It stands beside the scans and takes the place of none. ``commits`` are those to judge, newest
    first, None until they are chosen; ``ruling`` is by what (:mod:`dashboard.services.judging`).
    ``left_out`` are commits that could not be judged, with the reason; ``reason`` is why it was
    paused without a person.
    """

    repository = models.OneToOneField(Repository, models.DB_CASCADE, related_name="backfill")
    state = models.CharField(max_length=9, choices=BackfillState, default=BackfillState.WAITING)
    weeks = models.PositiveIntegerField()
    commits = models.JSONField(null=True)
    ruling = models.JSONField(null=True)
    left_out = models.JSONField(default=dict)
    reason = models.CharField(max_length=300, blank=True)
    done = models.PositiveIntegerField(default=0)
    rung_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    objects = BackfillQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["state"],
                condition=Q(state__in=["waiting", "running"]),
                name="backfill_active",
            ),
        ]

    @property
    def is_active(self) -> bool:
        """True while it waits or is worked on."""
        return self.state in ACTIVE

    @property
    def total(self) -> int:
        """How many commits were chosen; 0 until then."""
        return len(self.commits or ())

    @property
    def judged(self) -> int:
        """How many of them have a result; those that were left out are done as well."""
        return max(0, self.done - len(self.left_out))


class PastTrail(models.Model):
    """Where the findings of today stood in the commit of the past that was judged last.

    It is there only while the past is judged; ``data`` is written by
    :mod:`dashboard.services.tracing`.
    """

    past = models.OneToOneField(Backfill, models.DB_CASCADE, related_name="trail")
    data = models.BinaryField()


class PastResultQuerySet(models.QuerySet["PastResult"]):
    """Points of the past."""

    def visible_to(self, reader: Reader) -> Self:
        """Return those of repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))


class PastResult(models.Model):
    """What an earlier commit would have been told by the rules of today: a back-filled point.

    The columns are those of a scan. ``results`` are its standards with all their clauses, as a
    report has them, by component: zlib-compressed JSON.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="past")
    commit = models.CharField(max_length=64)
    commit_time = models.DateTimeField()
    commit_subject = models.CharField(max_length=200, blank=True)
    partial = models.BooleanField(default=False)
    score = models.FloatField(null=True)
    raw_score = models.FloatField(null=True)
    low = models.FloatField(null=True)
    letter = models.CharField(max_length=1, blank=True)
    coverage = models.FloatField(null=True)
    open_must = models.PositiveIntegerField(default=0)
    findings_count = models.PositiveIntegerField(default=0)
    suppressed_count = models.PositiveIntegerField(default=0)
    results = models.BinaryField()
    judged_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PastResultQuerySet.as_manager()

    class Meta:
        ordering = ["-commit_time", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "commit"], name="past_result_once"),
        ]

    def get_absolute_url(self) -> str:
        """Return the address of the point's page."""
        return reverse("past", args=[self.repository.slug, self.commit])

    @property
    def short_commit(self) -> str:
        """First ten digits of the commit id."""
        return self.commit[:10]
