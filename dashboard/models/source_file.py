"""Source text for the pages, read from the mirrors by workers, never inside a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

from dashboard.models.repository import Repository

if TYPE_CHECKING:
    from datetime import timedelta


class SourceState(models.TextChoices):
    """What is known about the file."""

    WAITING = "waiting", "Waiting to be read"
    READY = "ready", "Ready"
    REFUSED = "refused", "Cannot be shown"


class SourceFileQuerySet(models.QuerySet["SourceFile"]):
    """Source files that pages asked for."""

    def unheard(self, for_at_least: timedelta) -> Self:
        """Return the waiting files that were rung for so long ago that the bell may be lost."""
        return self.filter(state=SourceState.WAITING, rung_at__lte=Now() - for_at_least)


class SourceFile(models.Model):
    """One file at one commit. ``data`` is zlib-compressed UTF-8; ``note`` says what is odd.

    ``path_digest`` is the SHA-256 of the path: an index cannot hold a path of 1,100 characters.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="+")
    commit = models.CharField(max_length=64)
    path = models.CharField(max_length=1100)
    path_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=SourceState, default=SourceState.WAITING)
    data = models.BinaryField(null=True)
    note = models.CharField(max_length=300, blank=True)
    rung_at = models.DateTimeField(db_default=Now())

    objects = SourceFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "commit", "path_digest"], name="source_file_once"
            ),
        ]
