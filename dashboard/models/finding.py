"""Findings: rows with a life, and the events of that life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, override

from django.db import models
from django.db.models import Exists, Func, OuterRef, Q, Value
from django.db.models.functions import Lower, Now
from django.urls import reverse

from dashboard.models.people import User
from dashboard.models.repository import Component, Repository
from dashboard.models.scan import Scan
from dashboard.models.standard import Strength

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

    from dashboard.models.people import Reader


class FindingState(models.TextChoices):
    """The life of a finding. A waiver is laid over it and is no state."""

    OPEN = "open", "Open"
    REOPENED = "reopened", "Reopened"
    FIXED = "fixed", "Fixed"


OPEN_STATES = (FindingState.OPEN, FindingState.REOPENED)


class PathHead(Func):
    """The first 200 characters of a path: an index entry has no room for all 1,100.

    SQLite has no such bound, and would not use an index of beginnings where the whole is asked for.
    """

    template = "LEFT(%(expressions)s, 200)"
    arity = 1
    output_field = models.CharField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """Return the whole path."""
        return self.as_sql(compiler, connection, template="%(expressions)s", **context)


class FindingEventKind(models.TextChoices):
    """What happened to a finding."""

    OPENED = "opened", "Opened"
    FIXED = "fixed", "Fixed by code"
    ATTESTED = "attested", "Attested by a lead"
    WITH_TIME = "with-time", "Gone with time"
    REOPENED = "reopened", "Reopened"
    SUPPRESSED = "suppressed", "Suppressed in the code"
    UNSUPPRESSED = "unsuppressed", "No longer suppressed in the code"
    RULE_GONE = "rule-gone", "Gone because the rules changed"
    WAIVED = "waived", "Waived"
    UNWAIVED = "unwaived", "No longer waived"
    OUT_OF_SCOPE = "out-of-scope", "Gone because the file left the scope"


CAME = (
    FindingEventKind.OPENED,
    FindingEventKind.REOPENED,
    FindingEventKind.UNSUPPRESSED,
)
"""From these turns of the code on a finding counts."""
COUNTS = (*CAME, FindingEventKind.UNWAIVED)
"""From these turns on a finding counts: those of the code, and the end of a waiver."""

_CLOSED = {
    "": "fixed",
    FindingEventKind.FIXED: "fixed",
    FindingEventKind.ATTESTED: "attested",
}
"""What a closed finding counts as, by its last turn; "" where that was not kept."""


class FindingQuerySet(models.QuerySet["Finding"]):
    """Findings, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the findings of repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))

    def open(self) -> Self:
        """Return the findings that count today: neither suppressed in the code nor waived."""
        return self.filter(state__in=OPEN_STATES, suppressed=False, waived_by__isnull=True)

    def owner_names(self) -> list[str]:
        """Return in small letters whom they name as owners, each once."""
        named = self.order_by().values_list("owners", flat=True).distinct()
        return sorted({name.lower() for names in named for name in names})

    def in_file(self, path: str | OuterRef) -> Self:
        """Return the findings of a file, found by the index of paths."""
        given = Value(path) if isinstance(path, str) else path
        return self.alias(path_head=PathHead("path")).filter(path_head=PathHead(given), path=path)

    def waived(self) -> Self:
        """Return the findings that stand, and that a waiver covers."""
        return self.filter(state__in=OPEN_STATES, waived_by__isnull=False)

    def suppressed(self) -> Self:
        """Return the findings that stand, but that the code itself asks to pass over."""
        return self.filter(state__in=OPEN_STATES, suppressed=True)


class Finding(models.Model):
    """One violating site from the scan that first saw it to the scan that saw it fixed.

    ``number`` of lines and columns is 1-based, 0 when there is none. ``severity`` orders by the
    strongest clause it breaks: 0 must, 1 should, 2 may. ``last_seen`` is written when the finding
    goes, or stays open without having been found; while it is empty, the repository's last scan has
    seen it.

    ``fingerprint`` is the name it had last: a finding that moves takes the new one, so of those
    that are fixed several may have had the same. ``anchor``, ``text`` (a digest of the line) and
    ``blob`` (the content of the file) are what it is recognised by next time. ``since`` is the date
    of the commit that brought it, null where that is not known.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="findings")
    component = models.ForeignKey(Component, models.DB_CASCADE, related_name="findings")
    check_id = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=FindingState, default=FindingState.OPEN)
    strength = models.CharField(max_length=6, choices=Strength)
    severity = models.PositiveSmallIntegerField()
    clauses = models.JSONField(default=list)
    area = models.CharField(max_length=40, blank=True)

    path = models.CharField(max_length=1100, blank=True)
    line = models.PositiveIntegerField(default=0)
    end_line = models.PositiveIntegerField(default=0)
    column = models.PositiveIntegerField(default=0)
    symbol = models.CharField(max_length=500, blank=True)
    message = models.TextField()
    measured = models.CharField(max_length=500, blank=True)
    limit = models.CharField(max_length=500, blank=True)
    suppressed = models.BooleanField(default=False)
    uncertain = models.BooleanField(default=False)
    waived_by = models.ForeignKey(
        "dashboard.Waiver", models.DB_SET_NULL, null=True, related_name="covered"
    )
    gain = models.JSONField(default=dict)
    gain_total = models.FloatField(default=0)

    anchor = models.CharField(max_length=300, blank=True)
    text = models.CharField(max_length=16, blank=True)
    blob = models.CharField(max_length=64, blank=True)
    owners = models.JSONField(default=list)

    first_scan = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="+")
    last_seen = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="+")
    fixed_scan = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField(db_default=Now())
    fixed_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=14, choices=FindingEventKind, blank=True)
    since = models.DateTimeField(null=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["repository", "path", "line", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "check_id", "fingerprint"],
                condition=Q(state__in=["open", "reopened"]),
                name="finding_once",
            ),
        ]
        indexes = [
            models.Index(fields=["component", "fingerprint"], name="finding_name"),
            models.Index(
                fields=["repository", "severity", "id"],
                condition=Q(state__in=["open", "reopened"]),
                name="finding_open",
            ),
            models.Index(fields=["repository", "check_id", "state"], name="finding_check"),
            models.Index("repository", PathHead("path"), name="finding_path"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.check_id} at {self.path}:{self.line}"

    def get_absolute_url(self) -> str:
        """Return the address of the finding's page."""
        return reverse("finding", args=[self.pk])

    @property
    def age_from(self) -> datetime:
        """When it came into the code, as far as that is known."""
        return self.since or self.opened_at

    @property
    def standing(self) -> str:
        """What it counts as today: its state, or what keeps an open one from counting.

        One that is closed says how: by code, by a lead's word, or otherwise.
        """
        if not self.is_open:
            return _CLOSED.get(self.ended, "gone")
        if self.waived_by_id is not None:
            return "waived"
        return "suppressed" if self.suppressed else self.state

    @property
    def is_open(self) -> bool:
        """True while the site violates."""
        return self.state in OPEN_STATES

    @property
    def is_unseen(self) -> bool:
        """True while it stays open though the last scan did not find it: it could not tell."""
        return self.is_open and self.last_seen_id is not None


class FindingCause(models.TextChoices):
    """What brought a finding, where it was not the code of a commit."""

    TIME = "time", "with time"
    WORD = "word", "because the word of a lead counts no longer"
    RULES = "rules", "with the rules"


class FindingEventQuerySet(models.QuerySet["FindingEvent"]):
    """Turns of findings."""

    def of_open(self) -> Self:
        """Return those of findings that count today, as :meth:`FindingQuerySet.open` has them."""
        return self.filter(
            finding__state__in=OPEN_STATES,
            finding__suppressed=False,
            finding__waived_by__isnull=True,
        )

    def last_counting(self) -> Self:
        """Return the turn since which each finding counts, of those that were turns to count.

        One scan may tell two of a finding: the first of these knows the commit.
        """
        turns = FindingEvent.objects.filter(finding=OuterRef("finding"), kind__in=COUNTS)
        later = turns.filter(scan__number__gt=OuterRef("scan__number"))
        sooner = turns.filter(scan=OuterRef("scan"), pk__lt=OuterRef("pk"))
        return self.filter(~Exists(later), ~Exists(sooner), kind__in=COUNTS)


class FindingEvent(models.Model):
    """One turn in the life of a finding.

    ``commit`` is the one that brought the turn about, "" where history does not tell; with
    ``at_least`` it may have been an older one: history was cut there, or tells of several. Of its
    author only the name is kept. ``cause`` says what brought the finding beside code, "" for code.
    """

    finding = models.ForeignKey(Finding, models.DB_CASCADE, related_name="events")
    scan = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="finding_events")
    kind = models.CharField(max_length=14, choices=FindingEventKind)
    cause = models.CharField(max_length=5, choices=FindingCause, blank=True)
    actor = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    commit = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=200, blank=True)
    committed_at = models.DateTimeField(null=True)
    at_least = models.BooleanField(default=False)
    at = models.DateTimeField(db_default=Now(), editable=False)

    objects = FindingEventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            models.Index(Lower("author"), condition=~Q(author=""), name="finding_event_author"),
        ]

    @property
    def word(self) -> str:
        """What its commit did, in words that its id follows."""
        return "removed by" if self.kind == FindingEventKind.FIXED else "brought by"
