"""Judgements of commits: the scan, its result per standard and per clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, override

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from dashboard.models.lease import QUIET, Fenced, LeasedQuerySet
from dashboard.models.people import User
from dashboard.models.repository import Branch, Component, Repository
from dashboard.models.standard import Clause, Standard

if TYPE_CHECKING:
    from dashboard.models.people import Reader


class ScanState(models.TextChoices):
    """The life of a scan. Every scan ends in exactly one of the last five."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    SUPERSEDED = "superseded", "Superseded"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_STATES = (ScanState.QUEUED, ScanState.RUNNING)
RESULT_STATES = (ScanState.COMPLETE, ScanState.PARTIAL)


class Trigger(models.TextChoices):
    """Why a scan was asked for."""

    REGISTRATION = "registration", "Registration"
    PUSH = "push", "Push"
    MANUAL = "manual", "By hand"
    POLL = "poll", "Polling"
    STANDARDS = "standards", "Changed standards"
    ROLLOUT = "rollout", "A clause came into force"
    CONFLICTS = "conflicts", "Decided contradictions"
    COMPONENTS = "components", "Changed folders"
    BRANCH = "branch", "Changed branch"
    TABLES = "tables", "Refreshed data"
    ATTESTATION = "attest", "Attestation"
    WAIVERS = "waivers", "Waivers"


class Phase(models.TextChoices):
    """What a running scan is doing."""

    WAITING = "waiting", "Waiting for a worker"
    FETCHING = "fetching", "Fetching the repository"
    READING = "reading", "Reading files"
    JUDGING = "judging", "Judging"
    STORING = "storing", "Storing the result"
    DONE = "done", "Done"


class ScanQuerySet(LeasedQuerySet["Scan"]):
    """Scans: asked for by a reader, or by the queue."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the scans of repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))

    def active(self) -> Self:
        """Return the scans that wait or run."""
        return self.filter(state__in=ACTIVE_STATES)

    def with_result(self) -> Self:
        """Return the scans whose result counts, newest first."""
        return self.filter(state__in=RESULT_STATES).order_by("-number")

    def claimable(self) -> Self:
        """Return the scans a worker may take: queued, or running with a lease that ran out."""
        due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
        return self.filter(Q(due, state=ScanState.QUEUED) | QUIET)


class Scan(Fenced):
    """One judgement of one commit, and at the same time its place in the queue.

    ``wanted`` is the branch's counter when the scan began. ``ruling`` is by what it judged
    (:mod:`dashboard.services.judging`), ``before`` the scan its change is told from.
    """

    SHOWS = ("phase", "phase_done", "phase_total")
    SHOWN_SINCE = "phase_since"

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="scans")
    branch = models.ForeignKey(Branch, models.DB_CASCADE, related_name="scans")
    number = models.PositiveIntegerField()
    commit = models.CharField(max_length=64, blank=True)
    commit_time = models.DateTimeField(null=True)
    commit_subject = models.CharField(max_length=200, blank=True)
    trigger = models.CharField(max_length=14, choices=Trigger)
    requested_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")

    state = models.CharField(max_length=10, choices=ScanState, default=ScanState.QUEUED)
    wanted = models.BigIntegerField(default=0)
    rung_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)

    phase = models.CharField(max_length=10, choices=Phase, default=Phase.WAITING)
    phase_done = models.PositiveIntegerField(default=0)
    phase_total = models.PositiveIntegerField(default=0)
    phase_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    manifest = models.JSONField(null=True)
    ruling = models.JSONField(null=True)
    before = models.ForeignKey("self", models.DB_SET_NULL, null=True, related_name="+")
    gate = models.JSONField(null=True, help_text="what the gates said; null when none was asked")
    timings = models.JSONField(default=dict)

    score = models.FloatField(null=True)
    raw_score = models.FloatField(null=True)
    low = models.FloatField(null=True)
    letter = models.CharField(max_length=1, blank=True)
    coverage = models.FloatField(null=True)
    open_must = models.PositiveIntegerField(default=0)
    findings_count = models.PositiveIntegerField(default=0)
    suppressed_count = models.PositiveIntegerField(default=0)
    waived_count = models.PositiveIntegerField(default=0)
    suppressions = models.JSONField(null=True, help_text="null when nobody has looked")
    opened_count = models.PositiveIntegerField(default=0)
    fixed_count = models.PositiveIntegerField(default=0)

    objects = ScanQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "number"], name="scan_number_once"),
            models.UniqueConstraint(
                fields=["repository"], condition=Q(state="queued"), name="scan_one_queued"
            ),
            models.UniqueConstraint(
                fields=["repository"], condition=Q(state="running"), name="scan_one_running"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "created_at"],
                condition=Q(state__in=["queued", "running"]),
                name="scan_active",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"scan {self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of the scan's page."""
        return reverse("scan", args=[self.repository.slug, self.number])

    @property
    def is_active(self) -> bool:
        """True while the scan waits or runs."""
        return self.state in ACTIVE_STATES

    @property
    def has_result(self) -> bool:
        """True when the scan ended with a judgement."""
        return self.state in RESULT_STATES

    @property
    def short_commit(self) -> str:
        """First ten digits of the commit id."""
        return self.commit[:10]

    @property
    def grown(self) -> int:
        """How many findings more it found than the scan before, below 0 when there were fewer."""
        return self.findings_count - (self.before.findings_count if self.before else 0)

    @property
    def fallen(self) -> int:
        """How many findings fewer it found than the scan before."""
        return -self.grown


class ScanStandard(models.Model):
    """What one standard says about one component at one scan."""

    scan = models.ForeignKey(Scan, models.DB_CASCADE, related_name="standards")
    component = models.ForeignKey(Component, models.DB_CASCADE, related_name="+")
    standard = models.ForeignKey(Standard, models.DB_CASCADE, related_name="+")
    version = models.CharField(max_length=64)
    score = models.FloatField(null=True)
    raw_score = models.FloatField(null=True)
    low = models.FloatField(null=True)
    letter = models.CharField(max_length=1, blank=True)
    coverage = models.FloatField()
    open_must = models.PositiveIntegerField()

    class Meta:
        ordering = ["standard__title"]
        constraints = [
            models.UniqueConstraint(
                fields=["scan", "component", "standard"], name="scan_standard_once"
            ),
        ]


class VerdictName(models.TextChoices):
    """The verdict of a clause."""

    HOLDS = "holds", "holds"
    FAILS = "fails", "fails"
    NOT_APPLICABLE = "not-applicable", "not applicable"
    UNKNOWN = "unknown", "unknown"
    ATTESTED = "attested", "attested"
    DUE = "due", "due"


class ClauseResultQuerySet(models.QuerySet["ClauseResult"]):
    """Clause results of one scan."""

    def losing(self) -> Self:
        """Return the clauses that take points, largest loss first: the waterfall."""
        return self.filter(loss__gt=0).order_by("-loss", "clause__position")

    def with_clause(self) -> Self:
        """Return the results with their clauses, in the order of the document."""
        return self.select_related("clause").order_by(
            F("clause__standard_id").asc(), "clause__position"
        )


class ClauseResult(models.Model):
    """Verdict of one clause at one scan. ``loss`` is in points of the standard.

    ``sites``, ``violations`` and ``suppressed`` are sums over the clause's checks; ``checks`` holds
    each check's own numbers as the report shows them.
    """

    scan_standard = models.ForeignKey(ScanStandard, models.DB_CASCADE, related_name="clauses")
    clause = models.ForeignKey(Clause, models.DB_CASCADE, related_name="results")
    verdict = models.CharField(max_length=14, choices=VerdictName)
    score = models.FloatField(null=True)
    weight = models.PositiveSmallIntegerField()
    loss = models.FloatField()
    sites = models.PositiveIntegerField()
    violations = models.PositiveIntegerField()
    suppressed = models.PositiveIntegerField()
    checks = models.JSONField(default=list)

    objects = ClauseResultQuerySet.as_manager()

    class Meta:
        ordering = ["clause__position"]
        constraints = [
            models.UniqueConstraint(fields=["scan_standard", "clause"], name="clause_result_once"),
        ]


class StoredReport(models.Model):
    """The report of the last scan of a component, byte for byte as the command line prints it.

    ``data`` is zlib-compressed JSON, ``answers`` what the checks answered, as
    :mod:`checks.outcomes` packs it: what it would mean under other rules can be told without the
    repository. ``worth`` is what fixing would gain, as :mod:`dashboard.services.worth` packs it,
    ``anatomy`` what is drawn of the commit, as :mod:`checks.anatomy` packs it, and
    ``surroundings`` a digest of the branches and tags around it. One row per component: a new scan
    replaces it.
    """

    component = models.OneToOneField(Component, models.DB_CASCADE, related_name="report")
    scan = models.ForeignKey(Scan, models.DB_CASCADE, related_name="+")
    data = models.BinaryField()
    answers = models.BinaryField(default=b"")
    worth = models.BinaryField(default=b"")
    anatomy = models.BinaryField(default=b"")
    surroundings = models.CharField(max_length=64, blank=True)
