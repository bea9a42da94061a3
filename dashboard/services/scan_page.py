"""What the page of one scan shows beyond the row itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.models import Phase, Scan, ScanStandard
from dashboard.services.changes import Change, read_change

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
class Proof:
    """What was looked at in one component, and what was left out for which reason."""

    component: str
    manifest: dict[str, Any]

    @property
    def reasons(self) -> Sequence[tuple[str, int]]:
        """Why files were left out, the commonest reason first."""
        return Counter(entry["reason"] for entry in self._skipped).most_common()

    @property
    def skipped(self) -> Sequence[dict[str, str]]:
        """The first files that were left out."""
        return self._skipped[:SKIPPED_SHOWN]

    @property
    def more(self) -> int:
        """How many were left out beyond those."""
        return max(0, len(self._skipped) - SKIPPED_SHOWN)

    @property
    def _skipped(self) -> list[dict[str, str]]:
        return list(self.manifest.get("skipped", []))


@dataclass(frozen=True)
class ScanPage:
    """Steps, results per standard, why the score moved, and the proof of scanning."""

    steps: Sequence[Step]
    standards: Sequence[ScanStandard]
    proofs: Sequence[Proof]
    seconds: float | None
    change: Change | None


def read_scan(scan: Scan) -> ScanPage:
    """Return what belongs to the scan. Reads its own rows only."""
    took = None
    if scan.started_at and scan.finished_at:
        took = (scan.finished_at - scan.started_at).total_seconds()
    return ScanPage(
        steps=_steps(scan),
        standards=list(scan.standards.select_related("standard")),
        proofs=_proofs(scan.manifest or {}),
        seconds=took,
        change=read_change(scan),
    )


def _proofs(manifest: dict[str, Any]) -> list[Proof]:
    """Return one proof per component; a repository that is judged whole has one."""
    if "components" in manifest:
        return [Proof(path, each) for path, each in sorted(manifest["components"].items())]
    return [Proof("", manifest)] if manifest else []


def _steps(scan: Scan) -> list[Step]:
    position = PHASES.index(Phase(scan.phase)) if scan.phase in PHASES else len(PHASES)
    return [
        Step(phase.label, number < position, number == position)
        for number, phase in enumerate(PHASES)
    ]
