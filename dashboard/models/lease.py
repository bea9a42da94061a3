"""Rows that one worker at a time may work on: who holds them, how long, and how often it was tried.

Such a row is its own place in a queue. :mod:`dashboard.services.lease` takes it and gives it back.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now

RUNNING = "running"
"""The state of a row that is worked on, whatever its other states are."""
MAX_ATTEMPTS = 3
QUIET = models.Q(state=RUNNING, lease_until__lt=Now())
"""Its worker has let its lease run out."""


class LeasedQuerySet[Row: Leased](models.QuerySet[Row]):
    """Rows that are worked on under a lease, as the queue sees them."""

    def held_by(self, owner: str, fence: int) -> Self:
        """Return the rows that this owner still holds under this fence."""
        return self.filter(state=RUNNING, owner=owner, **{self.model.FENCED_BY: fence})

    def dead(self) -> Self:
        """Return the rows that have ended their worker too often."""
        return self.filter(QUIET, attempt__gte=MAX_ATTEMPTS)


class Leased(models.Model):
    """A row that is worked on by one worker at a time.

    ``owner`` and ``lease_until`` say who and how long. A claim raises ``attempt``, and so no two
    claims that are alive together have the same: it is the fence as well, where a row has no other.
    """

    FENCED_BY: ClassVar = "attempt"
    SHOWS: ClassVar[tuple[str, ...]] = ()
    """Columns for what is being done, how much of it is done, and out of how much."""
    SHOWN_SINCE: ClassVar = ""
    """Column for when it began to be counted up to that; "" for none."""

    attempt = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Fenced(Leased):
    """A leased row whose attempts begin anew while it is worked on, so its fence is of its own."""

    FENCED_BY = "fence"

    fence = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True
