"""Scans run in the test's own process, with all that a worker does."""

from __future__ import annotations

from dashboard.models import Repository, Scan, ScanState, Trigger
from dashboard.services import running, scanning


def scan_of(repository: Repository) -> Scan:
    """Run the queued scan, asked for when there is none, and return it as it ended."""
    if not repository.scans.active().exists():
        scanning.request(repository, Trigger.PUSH)
    scan = repository.scans.get(state=ScanState.QUEUED)
    assert running.run(scan.pk)
    repository.refresh_from_db()
    return Scan.objects.get(pk=scan.pk)
