"""Why the score moved, as pages show it: parts, clauses, and the findings behind them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from dashboard.models import Cause, FindingEvent, FindingEventKind, Scan, ScoreChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import Repository, ScanStandard

SHOWN = 20
"""Findings shown of each kind; the list that it links to has all."""
CLAUSES = 12
WORDS = {
    Cause.TOOL: "tool",
    Cause.SCOPE: "scope",
    Cause.RULES: "rules",
    Cause.WAIVERS: "waivers",
    Cause.CODE: "code",
}
BEHIND = {
    FindingEventKind.OPENED: "code",
    FindingEventKind.FIXED: "code",
    FindingEventKind.REOPENED: "code",
    FindingEventKind.RULE_GONE: "rules",
    FindingEventKind.ATTESTED: "rules",
    FindingEventKind.WITH_TIME: "rules",
    FindingEventKind.OUT_OF_SCOPE: "scope",
}
"""What findings show of a part; one that opens with a new rule shows there as well."""
LISTED = {FindingEventKind.OPENED: "opened", FindingEventKind.FIXED: "fixed"}
"""How the list of findings is asked for them."""


@dataclass(frozen=True)
class Share:
    """One part of a change, of the repository or of one standard."""

    row: ScoreChange

    @property
    def points(self) -> float:
        """How far it moved the score, in points."""
        return self.row.shown

    @property
    def words(self) -> str:
        """What it is owed to: ``code``, or ``rules and code, not separable``."""
        names = [WORDS[Cause(name)] for name in self.row.names]
        if len(names) == 1:
            return names[0]
        return f"{', '.join(names[:-1])} and {names[-1]}, not separable"

    @property
    def clauses(self) -> Sequence[tuple[str, float]]:
        """The clauses that moved it most, with the points of the standard."""
        return self._moved[:CLAUSES]

    @property
    def more(self) -> int:
        """How many clauses moved it beyond those."""
        return max(0, len(self._moved) - CLAUSES)

    @property
    def _moved(self) -> list[tuple[str, float]]:
        units = sorted(self.row.clauses.items(), key=lambda item: (-abs(item[1]), item[0]))
        return [(number, points / 10**6) for number, points in units]


@dataclass(frozen=True)
class Turned:
    """What happened to findings in one way.

    Attributes:
        words: In which.
        count: To how many.
        events: The first of them.
        address: The query string that lists them, "" where no list does.
    """

    words: str
    count: int
    events: Sequence[FindingEvent]
    address: str


@dataclass(frozen=True)
class Change:
    """The change that one scan brought.

    Attributes:
        scan: Which scan.
        whole: The parts for the repository, in the order in which they are told apart.
        standards: The parts of each standard that moved.
        events: What happened to findings, by kind.
    """

    scan: Scan
    whole: Sequence[Share]
    standards: Sequence[tuple[ScanStandard, Sequence[Share]]] = ()
    events: Sequence[Turned] = ()

    @property
    def points(self) -> float:
        """The whole change in points; its parts add up to it exactly."""
        return sum(share.row.points for share in self.whole) / 10**6

    @property
    def before(self) -> Scan | None:
        """The scan it is compared with."""
        return self.scan.before


def read_change(scan: Scan) -> Change | None:
    """Return why the score of a scan is not that of the one before, None for a first result."""
    if scan.before is None:
        return None
    rows = list(scan.changes.select_related("standard__standard", "standard__component"))
    heads = [row for row in rows if row.standard_id]
    heads.sort(key=lambda row: (row.standard_id or 0, row.pk))
    return Change(
        scan=scan,
        whole=[Share(row) for row in rows if not row.standard_id],
        standards=[
            (standard, [Share(row) for row in group])
            for standard, group in groupby(heads, key=lambda row: row.standard)
            if standard is not None
        ],
        events=_turned(scan),
    )


def _turned(scan: Scan) -> list[Turned]:
    """What happened to findings, by kind: how often, and the first of each."""
    events = scan.finding_events.filter(kind__in=BEHIND).order_by()
    counts = dict(events.values_list("kind").annotate(Count("pk")))
    place = Window(RowNumber(), partition_by=F("kind"), order_by="pk")
    first = events.annotate(place=place).filter(place__lte=SHOWN).select_related("finding")
    shown = list(first.order_by("pk"))
    return [
        Turned(
            words=kind.label,
            count=counts[kind],
            events=[event for event in shown if event.kind == kind],
            address=f"?{LISTED[kind]}={scan.number}&state=all&suppressed=any"
            if kind in LISTED
            else "",
        )
        for kind in BEHIND
        if kind in counts
    ]


def last_change(repository: Repository) -> Change | None:
    """Return the change that the repository's page shows: that of the last scan that moved."""
    moved = ~Q(commit=F("before__commit")) | ~Q(score=F("before__score"))
    scans = repository.scans.with_result().filter(moved, before__isnull=False)
    scan = scans.select_related("before").first()
    if scan is None:
        return None
    return Change(scan, [Share(row) for row in scan.changes.filter(standard=None)])
