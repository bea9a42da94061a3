"""What people did, kept after the people and the things are gone."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

from dashboard.models.people import Team, User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboard.models.people import Reader
    from dashboard.models.repository import Repository

_NOTED: ContextVar[list[AuditEntry] | None] = ContextVar("noted", default=None)


@contextmanager
def noting() -> Iterator[list[AuditEntry]]:
    """Collect what is noted of repositories meanwhile, so that a person can be offered a way back.

    Only what this thread notes: others write entries of their own at the same time.
    """
    noted: list[AuditEntry] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Audit entries, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the entries of the reader's teams; administrators see all."""
        if isinstance(reader, User) and reader.is_superuser:
            return self.all()
        return self.filter(team__in=Team.objects.visible_to(reader))

    def note(
        self, repository: Repository, actor: User | None, action: str, **detail: object
    ) -> AuditEntry:
        """Write down what somebody did to a repository."""
        entry = self.create(
            actor=actor,
            team_id=repository.team_id,
            action=action,
            subject=repository.slug,
            detail=detail,
        )
        noted = _NOTED.get()
        if noted is not None:
            noted.append(entry)
        return entry


class AuditEntry(models.Model):
    """One deed: who, what, to which thing (as text: the thing may be deleted), when."""

    at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)
    actor = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    team = models.ForeignKey(Team, models.DB_SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    detail = models.JSONField(default=dict)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]


class RecheckOutcome(models.TextChoices):
    """What judging a commit again from nothing has shown."""

    SAME = "same", "The same"
    DIFFERENT = "different", "Different"
    SKIPPED = "skipped", "Not comparable"


class RecheckQuerySet(models.QuerySet["Recheck"]):
    """Audits of results."""

    def alarming(self) -> Self:
        """Return the newest of each repository that differs, newest first."""
        newest = self.filter(repository=models.OuterRef("repository")).order_by("-pk")
        return self.filter(
            outcome=RecheckOutcome.DIFFERENT, pk=models.Subquery(newest.values("pk")[:1])
        ).order_by("-pk")


class Recheck(models.Model):
    """The last result of a repository, judged again from nothing: no kept fact, nothing but git.

    ``detail`` has sentences: what differs, or why the two cannot be compared.
    """

    repository = models.ForeignKey(
        "dashboard.Repository", models.DB_CASCADE, related_name="rechecks"
    )
    scan = models.ForeignKey("dashboard.Scan", models.DB_SET_NULL, null=True, related_name="+")
    outcome = models.CharField(max_length=9, choices=RecheckOutcome)
    detail = models.JSONField(default=list)
    at = models.DateTimeField(db_default=Now(), db_index=True, editable=False)

    objects = RecheckQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
