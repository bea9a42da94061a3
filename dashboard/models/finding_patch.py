"""Patches that mend a finding, made by workers for the pages that ask for them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from dashboard.models.finding import Finding
from dashboard.models.source_file import SourceState


class FindingPatch(models.Model):
    """What ruff would change at the line of a finding, at one commit; "" where it knows nothing.

    ``unsafe`` is ruff's word for a fix that may change what the code means.
    """

    finding = models.OneToOneField(Finding, models.DB_CASCADE, related_name="patch")
    commit = models.CharField(max_length=64)
    line = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=SourceState, default=SourceState.WAITING)
    text = models.TextField(blank=True)
    unsafe = models.BooleanField(default=False)
    rung_at = models.DateTimeField(db_default=Now())

    @property
    def only_removes(self) -> bool:
        """True where ruff is not sure of a fix that writes nothing in place of what it takes."""
        lines = self.text.splitlines()
        written = {
            line[1:].strip()
            for line in lines
            if line.startswith("+") and not line.startswith("+++ ")
        }
        return self.unsafe and bool(lines) and written <= {"", "pass"}
