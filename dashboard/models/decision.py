"""Decisions of people that change what a finding or a clause counts for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dashboard.models.finding import Finding
from dashboard.models.people import User
from dashboard.models.repository import Repository

if TYPE_CHECKING:
    from dashboard.models.people import Reader


class WaiverScope(models.TextChoices):
    """What a waiver covers."""

    FINDING = "finding", "One finding"
    PATH = "path", "A path pattern"
    CLAUSE = "clause", "A clause"


class WaiverState(models.TextChoices):
    """The life of a waiver."""

    REQUESTED = "requested", "Requested"
    GRANTED = "granted", "Granted"
    REFUSED = "refused", "Refused"
    REVOKED = "revoked", "Revoked"


class WaiverQuerySet(models.QuerySet["Waiver"]):
    """Waivers, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the waivers of repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))

    def in_force(self) -> Self:
        """Return the granted waivers that have not expired."""
        unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
        return self.filter(unexpired, state=WaiverState.GRANTED)


class Waiver(models.Model):
    """An accepted exception. ``absorbed`` is the number of findings it covered when granted."""

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="waivers")
    scope = models.CharField(max_length=8, choices=WaiverScope)
    finding = models.ForeignKey(Finding, models.DB_CASCADE, null=True, related_name="waivers")
    path_pattern = models.CharField(max_length=1000, blank=True)
    standard_slug = models.SlugField(max_length=80, blank=True)
    clause_number = models.CharField(max_length=40, blank=True)
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=WaiverState, default=WaiverState.REQUESTED)
    author = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    approver = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    absorbed = models.PositiveIntegerField(default=0)

    objects = WaiverQuerySet.as_manager()


class AttestationQuerySet(models.QuerySet["Attestation"]):
    """Attestations, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the attestations of repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))

    def in_force(self) -> Self:
        """Return those that have neither expired nor been withdrawn, and are not out of date."""
        return self.filter(
            expires_at__gt=Now(), withdrawn_at__isnull=True, stale_since__isnull=True
        )


class Attestation(models.Model):
    """A lead's word on a topic that no repository can show, with evidence and an end.

    ``topic`` is what the clauses name in the limits of ``lead-attestation``. The word is about
    files that match ``watched`` as the next scan finds them; their blob ids are kept in ``seen``,
    None until then, and once one of them changes the word is out of date.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="attestations")
    topic = models.CharField(max_length=80)
    statement = models.TextField()
    evidence = models.TextField(blank=True)
    author = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    watched = models.JSONField(default=list)
    seen = models.JSONField(null=True)
    stale_since = models.DateTimeField(null=True)
    stale_reason = models.CharField(max_length=300, blank=True)

    objects = AttestationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]


class Concession(models.Model):
    """A clause of an adopted standard gives way to one of another that contradicts it.

    ``yields_to`` is ``"<standard slug>/<clause number>"``. It counts while both are adopted.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="concessions")
    standard_slug = models.SlugField(max_length=80)
    clause_number = models.CharField(max_length=40)
    yields_to = models.CharField(max_length=125)
    author = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "standard_slug", "clause_number", "yields_to"],
                name="concession_once",
            ),
        ]
