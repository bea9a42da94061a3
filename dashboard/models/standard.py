"""The written standards, their clauses, and which repository has adopted which version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, override

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from dashboard.models.people import Team, User
from dashboard.models.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from dashboard.models.people import Reader


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
    ``commit`` is where a :class:`StandardOrigin` has read it; "" for what a person brought.
    """

    slug = models.SlugField(max_length=80)
    version = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    source = models.TextField()
    shipped = models.BooleanField(default=False)
    team = models.ForeignKey(Team, models.DB_SET_NULL, null=True, related_name="+")
    commit = models.CharField(max_length=64, blank=True)
    is_latest = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = StandardQuerySet.as_manager()

    class Meta:
        ordering = ["title", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="standard_version_once"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(is_latest=True), name="standard_one_latest"
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


class OriginState(models.TextChoices):
    """How the file stands that a standard is read from."""

    WAITING = "waiting", "Waiting to be read"
    READ = "read", "In step with the repository"
    REFUSED = "refused", "Cannot be used"


class StandardOriginQuerySet(models.QuerySet["StandardOrigin"]):
    """Files that standards are read from."""

    def visible_to(self, reader: Reader) -> Self:
        """Return those of the reader's teams, and those in repositories the reader may see."""
        repositories = Repository.objects.visible_to(reader)
        own = Q(team__in=Team.objects.visible_to(reader))
        return self.filter(own | Q(repository__in=repositories))

    def behind(self, for_at_least: timedelta) -> Self:
        """Return those whose file nobody has read at the judged commit, rung for long ago."""
        judged = F("repository__scanned_commit")
        late = self.filter(rung_at__lte=Now() - for_at_least).exclude(commit=judged)
        return late.exclude(repository__scanned_commit="")


class StandardOrigin(models.Model):
    """A file of a registered repository that a team's standard is read from, again and again.

    ``slug`` is "" until a text could be used; from then on the file brings this standard and no
    other. ``oid`` is the blob that was read last, usable or not, at ``commit``; ``mistakes`` are
    what stands against it.
    """

    team = models.ForeignKey(Team, models.DB_CASCADE, related_name="+")
    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="origins")
    path = models.CharField(max_length=500)
    slug = models.SlugField(max_length=80, blank=True)
    state = models.CharField(max_length=8, choices=OriginState, default=OriginState.WAITING)
    mistakes = models.JSONField(default=list)
    oid = models.CharField(max_length=64, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    read_at = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(db_default=Now())
    registered_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = StandardOriginQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "path"], name="origin_file_once"),
            models.UniqueConstraint(
                fields=["slug"], condition=~Q(slug=""), name="origin_slug_once"
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.path


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
