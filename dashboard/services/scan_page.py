"""What the page of one scan shows beyond the row itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator

from dashboard.services import unread
from dashboard.services.changes import Change, read_change
from dashboard.services.progress import Progress, read_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import Scan, ScanStandard

SKIPPED_SHOWN = 200


@dataclass(frozen=True)
class Proof:
    """What was looked at in one component, and what was left out for which reason."""

    component: str
    manifest: dict[str, Any]

    @property
    def reasons(self) -> Sequence[tuple[str, int]]:
        """Why files were left out, the commonest reason first."""
        return Counter(entry["reason"] for entry in self.skipped).most_common()

    @property
    def skipped(self) -> list[dict[str, str]]:
        """The files that were left out, with the reason."""
        return list(self.manifest.get("skipped", []))

    @property
    def set_aside(self) -> int:
        """How many Python files are not the project's own by their names, as far as that is told.

        A manifest does not list these; each file that it lists may be one that was analysed.
        """
        python = int(self.manifest.get("python_files", 0)) - int(self.manifest.get("analysed", 0))
        named = sum(entry["path"].endswith((".py", ".pyi")) for entry in self.skipped)
        return max(0, python - named)

    @property
    def lost(self) -> list[tuple[str, str]]:
        """Files that could be read before, with the commit from which on they cannot."""
        return unread.lost(self.manifest, "")


@dataclass(frozen=True)
class Timed:
    """Seconds: of the steps of a scan, of the phases of its review, of the slowest checks."""

    steps: Sequence[tuple[str, float]]
    phases: Sequence[tuple[str, float]]
    checks: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class ScanPage:
    """Results, why the score moved, the proof of scanning, a page of what was left out."""

    progress: Progress | None
    standards: Sequence[ScanStandard]
    proofs: Sequence[Proof]
    skipped: Page[dict[str, str]]
    seconds: float | None
    change: Change | None
    timed: Timed


def read_scan(scan: Scan, page: str = "1") -> ScanPage:
    """Return what belongs to the scan, and a page of its skipped files. Reads its rows only."""
    proofs = _proofs(scan.manifest or {})
    skipped = [entry for proof in proofs for entry in proof.skipped]
    took = None
    if scan.started_at and scan.finished_at:
        took = (scan.finished_at - scan.started_at).total_seconds()
    return ScanPage(
        progress=read_progress(scan),
        standards=list(scan.standards.select_related("standard")),
        proofs=proofs,
        skipped=Paginator(skipped, SKIPPED_SHOWN).get_page(page),
        seconds=took,
        change=read_change(scan),
        timed=_timed(scan.timings),
    )


def _timed(timings: dict[str, Any]) -> Timed:
    """The seconds of a scan; those of an earlier release are steps alone."""
    if "steps" not in timings:
        return Timed(list(timings.items()), [], [])
    return Timed(*(list(timings[name].items()) for name in ("steps", "phases", "checks")))


def _proofs(manifest: dict[str, Any]) -> list[Proof]:
    """Return one proof per component; a repository that is judged whole has one."""
    if "components" in manifest:
        return [Proof(path, each) for path, each in sorted(manifest["components"].items())]
    return [Proof("", manifest)] if manifest else []
