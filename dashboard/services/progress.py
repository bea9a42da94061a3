"""How far a scan is: its steps, what is counted in the one at hand, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from dashboard.models import Phase, Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

PHASES = (Phase.WAITING, Phase.FETCHING, Phase.READING, Phase.JUDGING, Phase.STORING)
# A rate that was watched for less than this says nothing.
LEAST_WATCHED = 3.0


@dataclass(frozen=True)
class Step:
    """One phase of a scan and whether it is over, in hand or to come."""

    label: str
    done: bool
    current: bool


@dataclass(frozen=True)
class Progress:
    """Where a scan is.

    Attributes:
        steps: Its phases in their order.
        step_left: How long the step at hand may still take, in words; "" when that cannot be told.
        left: The same of the whole scan, told from how long the last one took.
        usual: How long the last one took, in words; "" when there was none.
    """

    steps: Sequence[Step]
    step_left: str
    left: str
    usual: str


def read_progress(scan: Scan | None) -> Progress | None:
    """Return where a scan is that waits or runs; None for one that has ended."""
    if scan is None or not scan.is_active:
        return None
    usual = _usual(scan)
    now = timezone.now()
    left = 0.0
    if usual and scan.started_at:
        left = usual - (now - scan.started_at).total_seconds()
    return Progress(
        steps=steps_of(scan),
        step_left=about(_step_left(scan, (now - scan.phase_since).total_seconds()))
        if scan.phase_since
        else "",
        left=about(left),
        usual=about(usual),
    )


def about(seconds: float) -> str:
    """Return a duration as nobody can mistake it for an exact one; "" for none."""
    if seconds <= 0:
        return ""
    if seconds < 10:
        return "a few seconds"
    if seconds < 55:
        return f"{round(seconds / 10) * 10} seconds"
    minutes = max(1, round(seconds / 60))
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def _step_left(scan: Scan, watched: float) -> float:
    if not 0 < scan.phase_done < scan.phase_total or watched < LEAST_WATCHED:
        return 0.0
    return watched * (scan.phase_total - scan.phase_done) / scan.phase_done


def _usual(scan: Scan) -> float:
    """Seconds that the last scan of the repository with a result was at work."""
    last = Scan.objects.filter(repository=scan.repository_id).with_result()
    times = last.values_list("started_at", "finished_at").first()
    began, ended = times or (None, None)
    return (ended - began).total_seconds() if began and ended else 0.0


def steps_of(scan: Scan) -> list[Step]:
    """Return the phases of a scan: which are over, which one is in hand."""
    position = PHASES.index(Phase(scan.phase)) if scan.phase in PHASES else len(PHASES)
    return [
        Step(phase.label, number < position, number == position)
        for number, phase in enumerate(PHASES)
    ]
