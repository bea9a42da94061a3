"""Why scores moved: the parts of the change that a scan brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from dashboard.models.scan import Scan, ScanStandard

if TYPE_CHECKING:
    from collections.abc import Sequence

UNITS = 10**6


class Cause(models.TextChoices):
    """What can move a score."""

    TOOL = "tool", "a new release of Straightedge"
    SCOPE = "scope", "other folders"
    RULES = "rules", "rules"
    WAIVERS = "waivers", "waivers"
    CODE = "code", "code"


class ScoreChange(models.Model):
    """One part of the change between a scan and the one it is compared with.

    The parts of a scan add up to the change exactly: ``points`` is in whole units of 10^-6 of a
    point. ``standard`` is None for the repository as a whole. ``causes`` are joined by a plus sign
    where they cannot be told apart. ``clauses`` says how far each clause of the standard moved it,
    by number; they add up to ``points``.
    """

    scan = models.ForeignKey(Scan, models.DB_CASCADE, related_name="changes")
    standard = models.ForeignKey(ScanStandard, models.DB_CASCADE, null=True, related_name="changes")
    causes = models.CharField(max_length=40)
    points = models.IntegerField()
    clauses = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    @property
    def names(self) -> Sequence[str]:
        """The causes, one after the other."""
        return self.causes.split("+")

    @property
    def is_separable(self) -> bool:
        """True when the part is owed to one cause."""
        return "+" not in self.causes

    @property
    def shown(self) -> float:
        """The part in points."""
        return self.points / UNITS
