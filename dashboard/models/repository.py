"""The repositories that are judged, how they are reached, and how they stand at a glance."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self, override

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from dashboard.models.people import Role, Team, User

if TYPE_CHECKING:
    from dashboard.models.people import Reader


class CredentialKind(models.TextChoices):
    """How a git server is convinced."""

    TOKEN = "token", "User name and token"
    SSH_KEY = "ssh-key", "SSH key"


class Credential(models.Model):
    """A secret for one git host, readable only by the fetch. ``secret`` is a Fernet token.

    ``identity`` goes into the plaintext, so a ciphertext copied to another row is refused.
    """

    identity = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, models.DB_CASCADE, related_name="credentials")
    host = models.CharField(max_length=253)
    kind = models.CharField(max_length=10, choices=CredentialKind)
    username = models.CharField(max_length=200, blank=True)
    secret = models.TextField()
    host_key = models.TextField(blank=True, help_text="known_hosts line confirmed by a person")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(db_default=Now())


class RepositoryState(models.TextChoices):
    """What the last contact with the git server said."""

    NEW = "new", "Never fetched"
    READY = "ready", "Ready"
    EMPTY = "empty", "Empty"
    BRANCH_MISSING = "branch-missing", "Branch missing"
    UNREACHABLE = "unreachable", "Unreachable"
    NO_ACCESS = "no-access", "No access"
    NOT_GIT = "not-git", "Not a git repository"
    GONE = "gone", "Gone"
    REFUSED = "refused", "Address refused"
    TOO_LARGE = "too-large", "Too large"
    WAITING = "waiting", "Waiting"
    BROKEN = "broken", "Copy damaged"


class Standing(models.TextChoices):
    """Whether a repository has a result that says something. Only the last is ever shown green."""

    FAILED = "failed", "Scan failed"
    NEVER = "never", "Never scanned"
    UNKNOWN = "unknown", "Unknown"
    JUDGED = "judged", "Judged"


class RepositoryQuerySet(models.QuerySet["Repository"]):
    """Repositories, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the repositories of the reader's teams; strangers get none."""
        return self.with_role(reader, Role.VIEWER)

    def with_role(self, reader: Reader, role: Role) -> Self:
        """Return the repositories in whose team the reader has at least ``role``."""
        return self.filter(team__in=Team.objects.with_role(reader, role))

    def called(self, text: str) -> Self:
        """Return those in whose name, short name or address a text stands, in order of names."""
        named = Q(name__icontains=text) | Q(slug__icontains=text) | Q(clone_url__icontains=text)
        return self.filter(named).select_related("team").order_by("name", "pk")

    def fleet(self) -> Self:
        """Return the rows of the fleet page with what they show, in one query."""
        return self.select_related("team").fetch_mode(models.FETCH_RAISE)

    def due_for_polling(self) -> Self:
        """Return the repositories whose remote should be asked for news, longest waiting first."""
        return self.filter(poll_at__lte=Now()).order_by("poll_at")


class Repository(models.Model):
    """A git repository that is judged.

    The columns from ``score`` to ``scanned_at`` repeat its last result, because grouping findings
    on the fly costs the fleet page seconds. ``gate_untold``: a condition of the gate has nothing to
    compare with yet. ``failure_code`` and its message are those of a scan that ended without a
    result since; "" when the last one had a result.
    """

    team = models.ForeignKey(Team, models.DB_CASCADE, related_name="repositories")
    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    clone_url = models.CharField(max_length=1000)
    credential = models.ForeignKey(
        Credential, models.DB_SET_NULL, null=True, blank=True, related_name="repositories"
    )
    watched_branch = models.CharField(
        max_length=255, blank=True, help_text="empty: the default branch of the remote"
    )
    default_branch = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")

    state = models.CharField(
        max_length=16, choices=RepositoryState, default=RepositoryState.NEW, db_index=True
    )
    state_message = models.TextField(blank=True)
    state_since = models.DateTimeField(db_default=Now())
    fetched_at = models.DateTimeField(null=True)
    mirror_bytes = models.BigIntegerField(null=True)
    mirror_rebuilt_at = models.DateTimeField(null=True)
    polled_at = models.DateTimeField(null=True)
    poll_at = models.DateTimeField(db_default=Now(), db_index=True)
    poll_failures = models.PositiveIntegerField(default=0)

    gate = models.JSONField(
        default=dict, blank=True, help_text="what every scan has to reach; empty for no gate"
    )
    failure_code = models.CharField(max_length=40, blank=True)
    failure_message = models.TextField(blank=True)

    scan_count = models.PositiveIntegerField(default=0)
    last_scan = models.ForeignKey(
        "dashboard.Scan", models.DB_SET_NULL, null=True, blank=True, related_name="+"
    )
    score = models.FloatField(null=True)
    raw_score = models.FloatField(null=True)
    previous_score = models.FloatField(null=True)
    score_change = models.GeneratedField(
        expression=F("score") - F("previous_score"),
        output_field=models.FloatField(null=True),
        db_persist=True,
    )
    letter = models.CharField(max_length=1, blank=True)
    gate_passed = models.BooleanField(null=True)
    gate_untold = models.BooleanField(default=False)
    coverage = models.FloatField(null=True)
    open_must = models.PositiveIntegerField(default=0)
    findings_count = models.PositiveIntegerField(default=0)
    suppressed_count = models.PositiveIntegerField(default=0)
    due_count = models.PositiveIntegerField(default=0)
    waived_count = models.PositiveIntegerField(default=0)
    waiver_mistakes = models.JSONField(default=list)
    owners = models.JSONField(
        default=list, help_text="in small letters, whom its open findings name as owners"
    )
    scanned_at = models.DateTimeField(null=True)
    scanned_commit = models.CharField(max_length=64, blank=True)

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name_plural = "repositories"
        indexes = [
            models.Index(fields=["team", "score"], name="repository_team_score"),
            models.Index(fields=["name", "id"], name="repository_name"),
        ]

    @override
    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the repository's page."""
        return reverse("repository", args=[self.slug])

    @property
    def branch_name(self) -> str:
        """The branch that is judged: the chosen one, else the remote's default, else ""."""
        return self.watched_branch or self.default_branch

    @property
    def standing(self) -> Standing:
        """Whether there is a result, and whether it says something."""
        if self.failure_code:
            return Standing.FAILED
        if self.scanned_at is None:
            return Standing.NEVER
        return Standing.UNKNOWN if self.score is None else Standing.JUDGED

    @property
    def short_commit(self) -> str:
        """First ten digits of the commit that was judged last."""
        return self.scanned_commit[:10]


class ComponentQuerySet(models.QuerySet["Component"]):
    """Components of repositories."""

    def judged(self) -> Self:
        """Return those that scans judge; what was retired keeps its history only."""
        return self.filter(retired_at__isnull=True)


class Component(models.Model):
    """A folder of a repository that is judged as a unit; ``path`` "" is the whole repository."""

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="components")
    path = models.CharField(max_length=500, blank=True)
    name = models.CharField(max_length=200, blank=True)
    retired_at = models.DateTimeField(null=True)

    objects = ComponentQuerySet.as_manager()

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "path"], name="component_once"),
        ]


class Branch(models.Model):
    """A branch and how often news of it arrived: ``wanted`` counts news, ``done`` what a scan saw.

    ``wanted > done`` means that a scan is owed. A thousand pushes raise ``wanted`` a thousand
    times and still make at most two scans.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="branches")
    name = models.CharField(max_length=255, blank=True)
    wanted = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="branch_once"),
        ]
        indexes = [
            models.Index(
                fields=["repository"], condition=Q(wanted__gt=F("done")), name="branch_owed"
            ),
        ]
