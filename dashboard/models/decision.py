"""Decisions of people that change what a finding or a clause counts for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dashboard.models.finding import Finding
from dashboard.models.people import Role, User
from dashboard.models.repository import Repository

if TYPE_CHECKING:
    from datetime import date

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
    WITHDRAWN = "withdrawn", "Withdrawn"


class WaiverOutcome(models.TextChoices):
    """What a waiver did in the last scan."""

    IN_FORCE = "in-force", "In force"
    UNUSED = "unused", "Unused"
    BROKEN = "broken", "Broken"
    EXPIRED = "expired", "Expired"
    REFUSED = "refused", "Against the rules"


class WaiverQuerySet(models.QuerySet["Waiver"]):
    """Waivers, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the waivers of repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))

    def granted(self) -> Self:
        """Return what somebody has granted, and nobody has taken back."""
        return self.filter(state=WaiverState.GRANTED)

    def in_force(self, day: date) -> Self:
        """Return the granted waivers whose last day is not past."""
        return self.granted().filter(Q(expires_on__isnull=True) | Q(expires_on__gte=day))

    def concerning(self, reader: User) -> Self:
        """Return what the reader asked for, granted, or has to look after as a lead."""
        led = Repository.objects.with_role(reader, Role.LEAD)
        own = Q(author=reader) | Q(approver=reader) | Q(repository__in=led)
        return self.visible_to(reader).filter(own)

    def ended(self, day: date) -> Self:
        """Return what covers nothing any more, whatever becomes of the findings."""
        over = [WaiverState.REFUSED, WaiverState.REVOKED, WaiverState.WITHDRAWN]
        return self.filter(Q(state__in=over) | Q(state=WaiverState.GRANTED, expires_on__lt=day))


class Waiver(models.Model):
    """An accepted exception. ``absorbed`` is the number of findings it covered when granted.

    ``component`` is the judged folder in which it counts, "." for the root, "" for every one.
    ``file_id`` names the entry of the repository's file that asks for it. ``said_by`` and
    ``approved_by`` are the names that stand there, until somebody grants it; they are kept for the
    day when the account of the author or of the approver is gone. ``outcome``, ``matched`` and
    ``note`` are what the last scan made of it.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="waivers")
    scope = models.CharField(max_length=8, choices=WaiverScope)
    finding = models.ForeignKey(Finding, models.DB_CASCADE, null=True, related_name="waivers")
    fingerprint = models.CharField(max_length=200, blank=True)
    path_pattern = models.CharField(max_length=1000, blank=True)
    check_id = models.CharField(max_length=200, blank=True)
    clause = models.CharField(max_length=200, blank=True)
    component = models.CharField(max_length=1000, blank=True)
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=WaiverState, default=WaiverState.REQUESTED)
    author = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    approver = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    decision = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_at = models.DateTimeField(null=True)
    expires_on = models.DateField(null=True)
    absorbed = models.PositiveIntegerField(default=0)
    announced_at = models.DateTimeField(null=True, editable=False)

    file_id = models.CharField(max_length=20, blank=True)
    said_by = models.CharField(max_length=200, blank=True)
    approved_by = models.CharField(max_length=200, blank=True)

    outcome = models.CharField(max_length=8, choices=WaiverOutcome, blank=True)
    matched = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=500, blank=True)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "file_id"],
                condition=~Q(file_id=""),
                name="waiver_file_once",
            ),
        ]

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"waiver-{self.pk}"

    @property
    def asker(self) -> str:
        """Who asks for it, by name."""
        return self.author.username if self.author else self.said_by or "nobody named"

    @property
    def clause_number(self) -> str:
        """The clause without its standard, as findings name it."""
        return self.clause.rpartition("/")[2]

    @property
    def standing(self) -> str:
        """Where it stands: what the last scan made of a granted one, else its state."""
        return self.outcome or self.state if self.state == WaiverState.GRANTED else self.state

    @staticmethod
    def key_of(name: str) -> int:
        """The primary key of the waiver that reports call so."""
        return int(name.removeprefix("waiver-"))


class AttestationQuerySet(models.QuerySet["Attestation"]):
    """Attestations, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the attestations of repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))

    def concerning(self, reader: User) -> Self:
        """Return what the reader has said, and the words in repositories that they lead."""
        led = Repository.objects.with_role(reader, Role.LEAD)
        return self.visible_to(reader).filter(Q(author=reader) | Q(repository__in=led))

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
    announced_at = models.DateTimeField(null=True, editable=False)

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
