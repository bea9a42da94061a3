"""The written standards, their clauses, and which repository has adopted which version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, override

from django.db import models
from django.db.models.functions import Now

from dashboard.models.people import Team, User
from dashboard.models.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence


class Strength(models.TextChoices):
    """How binding a clause is."""

    MUST = "must", "must"
    SHOULD = "should", "should"
    MAY = "may", "may"


class StandardQuerySet(models.QuerySet["Standard"]):
    """Standards. They are written documents without secrets: every signed-in person reads them."""

    def newest(self) -> Self:
        """Return the newest version of each standard."""
        return self.filter(is_latest=True)


class Standard(models.Model):
    """One version of a standard. Never changed once stored; a new digest is a new row.

    ``source`` is the TOML text the clauses were read from, so an old version can be judged again.
    ``team`` has brought it, and its leads alone bring newer ones; None for what is shipped.
    """

    slug = models.SlugField(max_length=80)
    version = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    source = models.TextField()
    shipped = models.BooleanField(default=False)
    team = models.ForeignKey(Team, models.DB_SET_NULL, null=True, related_name="+")
    is_latest = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = StandardQuerySet.as_manager()

    class Meta:
        ordering = ["title", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="standard_version_once"),
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(is_latest=True), name="standard_one_latest"
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.title


class Clause(models.Model):
    """One demand of one version of a standard. ``number`` is its id, such as ``MB-042``.

    ``checks`` is a list of ``{"id": ..., "params": {...}}``; an empty list means that the clause
    is decided by attestation. ``conflicts`` is a list of ``"<standard slug>/<clause id>"`` texts
    or clause ids as the standard writes them.
    """

    standard = models.ForeignKey(Standard, models.DB_CASCADE, related_name="clauses")
    number = models.CharField(max_length=40)
    position = models.PositiveIntegerField()
    section = models.CharField(max_length=300)
    requirement = models.TextField()
    strength = models.CharField(max_length=6, choices=Strength)
    area = models.CharField(max_length=40, db_index=True)
    automation = models.CharField(max_length=20)
    checks = models.JSONField(default=list)
    conflicts = models.JSONField(default=list)
    trap = models.TextField(blank=True)
    advisory_from = models.DateField(null=True)
    enforced_from = models.DateField(null=True)

    class Meta:
        ordering = ["standard", "position"]
        constraints = [
            models.UniqueConstraint(fields=["standard", "number"], name="clause_once"),
        ]

    @override
    def __str__(self) -> str:
        return self.number

    @property
    def check_ids(self) -> Sequence[str]:
        """Ids of the checks that decide the clause."""
        return [check["id"] for check in self.checks]


class Adoption(models.Model):
    """A repository is judged by this version of this standard; one version of each at a time.

    ``fresh`` are the clauses that the version before did not have, by number, with the day from
    which they count.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="adoptions")
    standard = models.ForeignKey(Standard, models.DB_CASCADE, related_name="adoptions")
    slug = models.SlugField(max_length=80, editable=False)
    adopted_at = models.DateTimeField(db_default=Now(), editable=False)
    adopted_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    fresh = models.JSONField(default=dict)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "slug"], name="adoption_once"),
        ]

    @override
    def save(self, *args: object, **kwargs: object) -> None:
        """Store the row; the slug always follows the standard."""
        self.slug = self.standard.slug
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class DatedTable(models.Model):
    """Data that goes out of date, brought by an operator: advisories, releases of packages.

    ``data`` is zlib-compressed JSON in the form the library reads; ``dated`` is the newest day in
    it, and ``rows`` says how much it holds.
    """

    name = models.CharField(max_length=60, primary_key=True)
    data = models.BinaryField()
    dated = models.DateField()
    rows = models.PositiveIntegerField()
    updated_at = models.DateTimeField(auto_now=True)
