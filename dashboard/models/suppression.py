"""Comments in the code that silence a tool, as the last scan saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from dashboard.models.repository import Component, Repository
from dashboard.models.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models.finding import Finding
    from dashboard.models.people import Reader


class SuppressionKind(models.TextChoices):
    """Which tool a comment silences."""

    NOQA = "noqa", "noqa (ruff, flake8)"
    TYPE_IGNORE = "type-ignore", "type: ignore"
    NOSEC = "nosec", "nosec (bandit)"
    PYLINT = "pylint", "pylint: disable"


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """Suppressions, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the suppressions in repositories the reader may see."""
        return self.filter(repository__in=Repository.objects.visible_to(reader))


class Suppression(models.Model):
    """One comment. It keeps its row while it stands, wherever its line or file goes.

    ``text`` is a digest of its line, ``first_scan`` the scan that saw it first. No index holds the
    path: an entry has no room for 1,100 characters, and the rows of one repository are few.
    """

    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="suppressions")
    component = models.ForeignKey(Component, models.DB_CASCADE, related_name="suppressions")
    path = models.CharField(max_length=1100)
    line = models.PositiveIntegerField()
    end_line = models.PositiveIntegerField(default=0, help_text="0: its own line only")
    kind = models.CharField(max_length=12, choices=SuppressionKind)
    codes = models.JSONField(default=list)
    file_wide = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    text = models.CharField(max_length=16, blank=True)
    first_scan = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="+")

    objects = SuppressionQuerySet.as_manager()
    hides: Sequence[Finding] = ()
    """Findings that it hides, where somebody has looked."""

    class Meta:
        ordering = ["repository", "path", "line", "pk"]
