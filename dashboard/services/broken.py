"""What broke lately in a repository: which findings came, with which scan, by which commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Count, F, Max, Min, Q

from dashboard.models import COUNTS, Finding, FindingEvent, FindingEventKind, Strength
from dashboard.services.findings import NONE, SORTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from dashboard.models import Repository, Scan
    from dashboard.models.finding import FindingEventQuerySet

COMMITS = 4
SHOWN = 3


@dataclass(frozen=True)
class Brought:
    """Findings that one commit brought, of those that count since one scan.

    Attributes:
        commit: Its id, "" where history does not tell.
        author: Its author's name.
        at: When it was committed.
        count: How many findings.
        unsure: How many of them an earlier commit may have brought.
        musts: How many of them break a must.
        unsuppressed: How many of them the code suppresses no longer.
        unwaived: How many of them a waiver covers no longer.
        address: The query string that lists them.
    """

    commit: str
    author: str
    at: datetime | None
    count: int
    unsure: int
    musts: int
    unsuppressed: int
    unwaived: int
    address: str

    @property
    def untold(self) -> int:
        """How many came by a commit that history does not tell."""
        return 0 if self.commit else self.count - self.unsuppressed - self.unwaived


@dataclass(frozen=True)
class Broken:
    """The findings that count since one scan: new, back, or no longer suppressed or waived.

    Attributes:
        scan: Which scan.
        is_first: Whether nobody had looked before: what it saw came earlier.
        is_latest: Whether no result came since.
        same_code: Whether the scan before judged the same commit, so that no code changed.
        count: How many there are.
        commits: Those behind the findings, the latest first; only the first of them.
        more: How many more commits there are.
        rest: How many findings those brought.
        weightiest: The findings to look at first.
        address: The query string that lists all.
    """

    scan: Scan
    is_first: bool
    is_latest: bool
    same_code: bool
    count: int
    commits: Sequence[Brought]
    more: int
    rest: int
    weightiest: Sequence[Finding]
    address: str


def last_broken(repository: Repository) -> Broken | None:
    """Return what came with the last scan of which findings are left, None when none is.

    What the first look finds is no news: that scan is told of only where no later one has any. A
    constant number of queries.
    """
    results = repository.scans.with_result()
    first = results.aggregate(number=Min("number"))["number"]
    of_all = _counting(repository)
    found = of_all.aggregate(
        news=Max("scan__number", filter=~Q(scan__number=first)), any=Max("scan__number")
    )
    scan = results.filter(number=found["news"] or found["any"]).first()
    if scan is None:
        return None
    events = of_all.filter(scan=scan).last_counting()
    brought = [_brought(scan, row) for row in _by_commit(events)]
    before = results.filter(number__lt=scan.number).first()
    weightiest = Finding.objects.filter(repository=repository, pk__in=events.values("finding"))
    return Broken(
        scan=scan,
        is_first=scan.number == first,
        is_latest=scan.pk == repository.last_scan_id,
        same_code=before is not None and before.commit == scan.commit,
        count=sum(each.count for each in brought),
        commits=brought[:COMMITS],
        more=len(brought[COMMITS:]),
        rest=sum(each.count for each in brought[COMMITS:]),
        weightiest=list(weightiest.order_by(*SORTS["weight"])[:SHOWN]),
        address=_address(scan),
    )


def _counting(repository: Repository) -> FindingEventQuerySet:
    """The turns to count of the findings of this repository that count today."""
    ours = FindingEvent.objects.of_open().filter(finding__repository=repository)
    return ours.filter(scan__repository=repository, kind__in=COUNTS).order_by()


def _by_commit(events: QuerySet[FindingEvent]) -> QuerySet[Any, Any]:
    """What each commit brought, the latest first; what no commit is known of comes last."""
    counts = events.values("commit").annotate(
        author=Max("author"),
        at=Max("committed_at"),
        count=Count("pk"),
        unsure=Count("pk", filter=Q(at_least=True)),
        musts=Count("pk", filter=Q(finding__strength=Strength.MUST)),
        unsuppressed=Count("pk", filter=Q(kind=FindingEventKind.UNSUPPRESSED)),
        unwaived=Count("pk", filter=Q(kind=FindingEventKind.UNWAIVED)),
    )
    return counts.order_by(F("at").desc(nulls_last=True), "commit")


def _brought(scan: Scan, row: dict[str, Any]) -> Brought:
    return Brought(**row, address=_address(scan, commit=row["commit"] or NONE))


def _address(scan: Scan, **narrowed: str) -> str:
    return "?" + urlencode({"broke": scan.number, **narrowed})
