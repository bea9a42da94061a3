"""What the page of one repository shows, read from stored results only."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from checks.model import NOT_BUILT
from dashboard.models import Backfill, Finding, Strength
from dashboard.services.broken import last_broken
from dashboard.services.changes import Change, last_change
from dashboard.services.conflicts import undecided, yielding
from dashboard.services.findings import SORTS, FindingQuery, matching
from dashboard.services.worth import acts_of, outlook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checks.plan import Plan
    from dashboard.models import Clause, ClauseResult, Repository, Scan, ScanStandard
    from dashboard.services.broken import Broken
    from dashboard.services.worth import Line

WEIGHTIEST = 8
RECENT_SCANS = 6
BARS = 12
OPEN_AREAS = 2
AT_ONCE = 50
"""Clauses of a standard that are shown at once; of a longer one only those of the open areas."""
# verdict -> its word for one clause, for several
VERDICT_WORDS = {
    "fails": ("fails", "fail"),
    "due": ("due", "due"),
    "unknown": ("unknown", "unknown"),
    "attested": ("attested", "attested"),
    "holds": ("holds", "hold"),
    "not-applicable": ("not applicable", "not applicable"),
}


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many results have which verdict, in words; "" for none."""
    return " · ".join(
        f"{count} {words[count != 1]}"
        for verdict, words in VERDICT_WORDS.items()
        if (count := counts.get(verdict, 0))
    )


@dataclass(frozen=True)
class ClauseLine:
    """One clause with its verdict, as a line of the page."""

    clause: Clause
    verdict: str
    sites: int
    violations: int
    loss: float
    reasons: Sequence[str]
    weight: int

    @property
    def advisory(self) -> bool:
        """True when the clause is shown and does not count yet."""
        return not self.weight and self.clause.strength != Strength.MAY

    @property
    def unanswered(self) -> bool:
        """True when the reasons explain the verdict."""
        return self.verdict in ("unknown", "not-applicable")

    @property
    def complying(self) -> int:
        """Sites that comply. Several checks may find fault with one site, hence the floor."""
        return max(0, self.sites - self.violations)


@dataclass
class Area:
    """The clauses of one area of one standard. ``loss`` is in points of the standard.

    ``address`` is the query string that opens it; what is not ``shown`` at once is loaded when
    somebody does.
    """

    name: str
    lines: list[ClauseLine] = field(default_factory=list)
    opened: bool = False
    shown: bool = False
    address: str = ""

    @property
    def loss(self) -> float:
        """Points that the area takes from 100."""
        return sum(line.loss for line in self.lines)

    @property
    def answered(self) -> list[ClauseLine]:
        """The clauses with an answer."""
        return [line for line in self.lines if not line.unanswered]

    @property
    def rest(self) -> list[ClauseLine]:
        """The clauses that could not be answered or do not apply."""
        return [line for line in self.lines if line.unanswered]

    @property
    def summary(self) -> str:
        """How many clauses have which verdict, in words."""
        return in_words(Counter(line.verdict for line in self.lines))


@dataclass(frozen=True)
class Bar:
    """One bar of the waterfall, from ``start`` to ``end`` in points."""

    name: str
    kind: str
    start: float
    end: float
    value: float
    anchor: str = ""


@dataclass(frozen=True)
class Overview:
    """One standard's answer in detail, and what happened lately."""

    scan: Scan | None
    standards: Sequence[ScanStandard]
    chosen: ScanStandard | None
    areas: Sequence[Area]
    bars: Sequence[Bar]
    verdicts: Sequence[tuple[str, int]]
    not_built: int
    weightiest: Sequence[Finding]
    broken: Broken | None
    scans: Sequence[Scan]
    active: Scan | None
    undecided: int
    change: Change | None
    plan: Plan | None
    first: Line | None
    first_listed: int
    backfill: Backfill | None

    @property
    def words(self) -> dict[str, str]:
        """The demand of each clause, by its number."""
        lines = (line for area in self.areas for line in area.lines)
        return {line.clause.number: line.clause.requirement for line in lines}

    @property
    def acts(self) -> dict[str, str]:
        """Which clauses ask a lead to act, by number."""
        return acts_of(line.clause for area in self.areas for line in area.lines)

    @property
    def has_folders(self) -> bool:
        """Whether folders are judged one by one, so that a standard needs its folder beside it."""
        return any(row.component.path for row in self.standards)

    @property
    def chart_json(self) -> str:
        """The waterfall for the chart."""
        return json.dumps([asdict(bar) for bar in self.bars])


def read_overview(
    repository: Repository, standard: str = "", component: str = "", area: str = ""
) -> Overview:
    """Return the overview of a repository; ``standard`` is the slug of the one in detail.

    Of a repository with several judged folders ``component`` names the one that is meant. What is
    unknown falls back to the standard with the lowest score. ``area`` is opened beside those that
    cost most.
    """
    scans = list(repository.scans.select_related("requested_by")[:RECENT_SCANS])
    active = next((scan for scan in scans if scan.is_active), None)
    newest_result = next((scan for scan in scans if scan.has_result), None)
    if newest_result is not None and newest_result.pk != repository.last_scan_id:
        # A scan has ended since the row was read: without this the page would show neither the
        # scan in progress nor its result, and follow nothing.
        repository.refresh_from_db()
    scan = repository.last_scan
    standards = list(scan.standards.select_related("standard", "component")) if scan else []
    chosen = _choose(standards, standard, component)
    areas = _areas(repository, chosen, area) if chosen else []
    lines = [line for each in areas for line in each.lines]
    own = Finding.objects.filter(repository=repository).open()
    ahead = outlook(standards, chosen)
    counts = Counter(line.verdict for line in lines)
    return Overview(
        scan=scan,
        standards=standards,
        chosen=chosen,
        areas=areas,
        bars=waterfall(areas, chosen.score if chosen else None),
        verdicts=[(verdict, counts[verdict]) for verdict in VERDICT_WORDS if counts[verdict]],
        not_built=sum(NOT_BUILT in line.reasons for line in lines),
        weightiest=list(own.order_by(*SORTS["weight"])[:WEIGHTIEST]),
        broken=last_broken(repository),
        scans=scans,
        active=active,
        undecided=undecided(repository),
        change=last_change(repository),
        plan=ahead.plan,
        first=ahead.first,
        first_listed=_listed(repository, ahead.first),
        backfill=Backfill.objects.filter(repository=repository).first(),
    )


def _listed(repository: Repository, line: Line | None) -> int:
    """How many findings the list of a clause has: those that are kept, costly or not."""
    if line is None:
        return 0
    return matching(repository, FindingQuery(clause=line.name)).count()


def read_area(
    repository: Repository, standard: str, component: str, name: str
) -> tuple[ScanStandard, Area] | None:
    """Return one area of one standard of the last scan, None when there is none of that name."""
    scan = repository.last_scan
    standards = list(scan.standards.select_related("standard", "component")) if scan else []
    chosen = _choose(standards, standard, component)
    areas = _areas(repository, chosen, name) if chosen else []
    area = next((each for each in areas if each.name == name), None)
    return (chosen, area) if chosen and area else None


def _areas(repository: Repository, chosen: ScanStandard, asked: str) -> list[Area]:
    gives_way = yielding(repository).get(chosen.standard.slug, {})
    lines = [_line(row, gives_way) for row in chosen.clauses.with_clause()]
    areas = group_by_area(lines)
    folder = {"component": chosen.component.path} if chosen.component.path else {}
    for area in areas:
        area.opened = area.opened or area.name == asked
        area.shown = area.opened or len(lines) <= AT_ONCE
        named = {"standard": chosen.standard.slug, **folder, "area": area.name}
        area.address = "?" + urlencode(named)
    return areas


def _line(result: ClauseResult, gives_way: Mapping[str, str]) -> ClauseLine:
    unanswered = [
        check.get("reason", "")
        for check in result.checks
        if check.get("state") != "measured" or check.get("reason")
    ]
    if not result.checks and result.clause.number in gives_way:
        unanswered.append(f"gives way to {gives_way[result.clause.number]}")
    return ClauseLine(
        clause=result.clause,
        verdict=result.verdict,
        sites=result.sites,
        violations=result.violations,
        loss=result.loss,
        weight=result.weight,
        reasons=sorted({reason for reason in unanswered if reason}),
    )


def _choose(standards: Sequence[ScanStandard], slug: str, path: str) -> ScanStandard | None:
    named = [row for row in standards if row.standard.slug == slug]
    exact = [row for row in named if row.component.path == path]
    if named:
        return (exact or named)[0]
    scored = [row for row in standards if row.score is not None]
    if scored:
        return min(scored, key=lambda row: row.score or 0)
    return standards[0] if standards else None


def group_by_area(lines: Iterable[ClauseLine]) -> list[Area]:
    """Return the areas, the costliest first; those that cost nothing by name.

    Inside an area the clauses that lose most come first, then the order of the document.
    """
    areas: dict[str, Area] = {}
    for line in lines:
        areas.setdefault(line.clause.area, Area(line.clause.area)).lines.append(line)
    ordered = sorted(areas.values(), key=lambda area: (-area.loss, area.name))
    for area in ordered:
        area.lines.sort(key=lambda line: (-line.loss, line.clause.position))
    for area in ordered[:OPEN_AREAS]:
        area.opened = area.loss > 0
    return ordered


def waterfall(areas: Sequence[Area], score: float | None) -> list[Bar]:
    """Return the bars from 100 down to the score; nothing when nothing was measured.

    Beyond ``BARS`` areas the smallest losses share one bar, so that the bars still add up.
    """
    if score is None:
        return []
    losing = [area for area in areas if area.loss > 0]
    shown, rest = losing[:BARS], losing[BARS:]
    losses = [(area.name, area.loss, f"area-{area.name}") for area in shown]
    if rest:
        losses.append((f"{len(rest)} other areas", sum(area.loss for area in rest), ""))
    bars = [Bar("everything holds", "total", 0, 100, 100)]
    left = 100.0
    for name, loss, anchor in losses:
        bars.append(Bar(name, "loss", left - loss, left, loss, anchor))
        left -= loss
    bars.append(Bar("score", "score", 0, score, score))
    return bars
