"""The patch that mends a finding, where ruff knows one. Workers make it; requests read rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from checks.facts.fixes import patch_for
from checks.rules.specs import specs
from dashboard import queue
from dashboard.models import FindingPatch, SourceFile, SourceState
from dashboard.services.source_view import digest, text_of
from dashboard.text import clean

if TYPE_CHECKING:
    from dashboard.models import Finding

MAKE_PATCH = "dashboard.make_patch"
LOST_AFTER = timedelta(seconds=20)
LONGEST = 100_000


def wanted(finding: Finding) -> FindingPatch | None:
    """Return the patch of a finding at the last judged commit; ask a worker when there is none.

    None where ruff is not what decides, or while the file itself has not been read.
    """
    commit = finding.repository.scanned_commit
    if not (_codes(finding) and finding.is_open and finding.line and commit):
        return None
    if not _source(finding, commit):
        return None
    row, new = FindingPatch.objects.get_or_create(
        finding=finding, defaults={"commit": commit, "line": finding.line}
    )
    moved = (row.commit, row.line) != (commit, finding.line)
    lost = row.state == SourceState.WAITING and timezone.now() - row.rung_at > LOST_AFTER
    if moved or lost:
        row.commit, row.line, row.state, row.text = commit, finding.line, SourceState.WAITING, ""
        row.rung_at = timezone.now()
        row.save()
    if new or moved or lost:
        transaction.on_commit(lambda: queue.ring(MAKE_PATCH, [row.pk]))
    return row


def ready(finding: Finding) -> str:
    """Return the patch that can be handed out now, "" for none."""
    row = FindingPatch.objects.filter(
        finding=finding, commit=finding.repository.scanned_commit, state=SourceState.READY
    ).first()
    return row.text if row else ""


def make(pk: int) -> None:
    """Make one patch that a page has asked for."""
    row = (
        FindingPatch.objects.select_related("finding__repository")
        .filter(pk=pk, state=SourceState.WAITING)
        .first()
    )
    source = _source(row.finding, row.commit) if row else None
    if row is None or source is None:
        return
    found = patch_for(row.finding.path, text_of(source), _codes(row.finding), row.line)
    # A patch of a file that is not kept as it was read would not fit it, and one that had to be
    # cleaned or cut would not either.
    text = found.text if found and not source.note else ""
    fits = len(text) <= LONGEST and clean(text, LONGEST) == text
    FindingPatch.objects.filter(pk=pk, commit=row.commit, line=row.line).update(
        state=SourceState.READY if text and fits else SourceState.REFUSED,
        text=text if fits else "",
        unsafe=bool(found and found.unsafe),
        rung_at=Now(),
    )


def _codes(finding: Finding) -> tuple[str, ...]:
    """The rules of ruff that the check of a finding in Python code stands on."""
    spec = specs().get(finding.check_id)
    return spec.ruff if spec and finding.path.endswith(".py") else ()


def _source(finding: Finding, commit: str) -> SourceFile | None:
    return SourceFile.objects.filter(
        repository=finding.repository,
        commit=commit,
        path_digest=digest(finding.path),
        state=SourceState.READY,
    ).first()
