"""A git server is asked about an address before the repository is registered."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

from dashboard.models.people import Role, Team, User
from dashboard.models.repository import Credential

if TYPE_CHECKING:
    from datetime import timedelta

    from dashboard.models.people import Reader


class ProbeState(models.TextChoices):
    """The life of a probe."""

    WAITING = "waiting", "Waiting for an answer"
    REACHED = "reached", "Reached"
    FAILED = "failed", "Failed"


class ProbeQuerySet(models.QuerySet["Probe"]):
    """Probes: asked for by the person who asked, or by the queue."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the probes of this person, in teams where the person may still register."""
        if not isinstance(reader, User):
            return self.none()
        teams = Team.objects.with_role(reader, Role.LEAD)
        return self.filter(asked_by=reader, team__in=teams)

    def unheard(self, for_at_least: timedelta) -> Self:
        """Return the waiting probes that were rung for so long ago that the bell may be lost."""
        return self.filter(state=ProbeState.WAITING, rung_at__lte=Now() - for_at_least)


class Probe(models.Model):
    """What a git server answered about one address.

    ``branches`` is the list of branch names; ``offered_url`` an address to which the server
    points, for a person to accept; ``message`` one sentence with the next step.
    """

    identity = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, models.DB_CASCADE, related_name="+")
    asked_by = models.ForeignKey(User, models.DB_CASCADE, related_name="+")
    clone_url = models.CharField(max_length=1000)
    credential = models.ForeignKey(Credential, models.DB_SET_NULL, null=True, related_name="+")

    state = models.CharField(max_length=10, choices=ProbeState, default=ProbeState.WAITING)
    code = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    offered_url = models.CharField(max_length=1000, blank=True)
    default_branch = models.CharField(max_length=255, blank=True)
    branches = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    rung_at = models.DateTimeField(db_default=Now())

    objects = ProbeQuerySet.as_manager()
