"""What the page of one scan shows beyond the row itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.models import Phase, Scan, ScanStandard

if TYPE_CHECKING:
    from collections.abc import Sequence

SKIPPED_SHOWN = 200
PHASES = (Phase.WAITING, Phase.FETCHING, Phase.READING, Phase.JUDGING, Phase.STORING)


@dataclass(frozen=True)
class Step:
    """One phase of a scan and whether it is over, in hand or to come."""

    label: str
    done: bool
    current: bool


@dataclass(frozen=True)
class ScanPage:
    """Steps, results per standard, and the proof of scanning."""

    steps: Sequence[Step]
    standards: Sequence[ScanStandard]
    manifest: dict[str, Any]
    skipped: Sequence[dict[str, str]]
    skipped_more: int
    reasons: Sequence[tuple[str, int]]
    seconds: float | None


def read_scan(scan: Scan) -> ScanPage:
    """Return what belongs to the scan. Reads its own rows only."""
    manifest: dict[str, Any] = scan.manifest or {}
    skipped = manifest.get("skipped", [])
    reasons = Counter(entry["reason"] for entry in skipped)
    took = None
    if scan.started_at and scan.finished_at:
        took = (scan.finished_at - scan.started_at).total_seconds()
    return ScanPage(
        steps=_steps(scan),
        standards=list(scan.standards.select_related("standard")),
        manifest=manifest,
        skipped=skipped[:SKIPPED_SHOWN],
        skipped_more=max(0, len(skipped) - SKIPPED_SHOWN),
        reasons=reasons.most_common(),
        seconds=took,
    )


def _steps(scan: Scan) -> list[Step]:
    position = PHASES.index(Phase(scan.phase)) if scan.phase in PHASES else len(PHASES)
    return [
        Step(phase.label, number < position, number == position)
        for number, phase in enumerate(PHASES)
    ]
