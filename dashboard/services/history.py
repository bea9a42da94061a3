"""How a repository moved: its scans, the curve of its score, and the same at constant rules."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.utils import timezone

from checks.scoring import shown_points, units
from dashboard.models import Backfill, PastResult, Scan, ScoreChange
from dashboard.services.changes import Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.models import Repository

PAGE_SIZE = 50
CURVE = 200
PAST = 260
_RULES = ("engine", "folders", "standards", "said")


@dataclass(frozen=True)
class Point:
    """One result on the curve.

    Attributes:
        label: Which scan, or which earlier commit.
        url: Address of its page.
        when: When it was judged; of an earlier commit, when it was made.
        score: In points.
        constant: The score that the code alone would have led to.
        note: What beside the code moved the score, "" for nothing.
        parts: All parts of the change that it brought.
    """

    label: str
    url: str
    when: datetime
    score: float
    constant: float
    note: str = ""
    parts: Sequence[Share] = ()

    @property
    def drawn(self) -> dict[str, Any]:
        """What the chart needs."""
        return {
            "label": f"{self.label}, {timezone.localtime(self.when):%d %b %Y}",
            "at": int(self.when.timestamp() * 1000),
            "score": self.score,
            "constant": self.constant,
            "note": self.note,
        }


@dataclass(frozen=True)
class Course:
    """The curve, oldest first, and what moved it between its ends."""

    points: Sequence[Point]
    parts: Sequence[tuple[str, float]]

    @property
    def chart_json(self) -> str:
        """The curve for the chart."""
        return json.dumps([point.drawn for point in self.points])

    @property
    def first(self) -> Point:
        """The oldest point."""
        return self.points[0]

    @property
    def last(self) -> Point:
        """The newest point."""
        return self.points[-1]

    @property
    def newest_first(self) -> Sequence[Point]:
        """The points as the table has them."""
        return self.points[::-1]

    @property
    def marked(self) -> bool:
        """True when anything beside the code moved the score."""
        return any(point.note for point in self.points)


@dataclass(frozen=True)
class History:
    """One page of scans, and the course of the score, None with fewer than two results."""

    page: Page[Scan]
    course: Course | None
    backfill: Backfill | None


def read_history(repository: Repository, page: str) -> History:
    """Return the history of a repository."""
    scans = repository.scans.select_related("requested_by")
    rows = Paginator(scans, PAGE_SIZE).get_page(page)
    for scan in rows.object_list:
        scan.repository = repository
    backfill = Backfill.objects.filter(repository=repository).first()
    return History(rows, read_course(repository, backfill), backfill)


def read_course(repository: Repository, backfill: Backfill | None) -> Course | None:
    """Return the curve over the last results, with the points of the past before the first."""
    found = (
        repository.scans.with_result().filter(score__isnull=False).defer("manifest", "suppressions")
    )
    scans = list(found[:CURVE])[::-1]
    past = _past(repository, scans[0].finished_at) if scans and _is_first(scans[0]) else []
    if len(scans) + len(past) < 2:
        return None
    parts: dict[int, list[Share]] = {}
    for row in ScoreChange.objects.filter(scan__in=scans, standard=None).order_by("pk"):
        parts.setdefault(row.scan_id, []).append(Share(row))
    drawn = _scans(repository, scans, parts)
    match = _of_same_rules(drawn, scans, backfill)
    drawn = [*_earlier(repository, past, drawn[0], match), *drawn]
    return Course(drawn, _totals(drawn, len(past), matched=match is not None))


def _of_same_rules(
    points: Sequence[Point], scans: Sequence[Scan], backfill: Backfill | None
) -> Point | None:
    """The oldest scan that judged by the rules of the past; None when none did."""
    kept = backfill.ruling if backfill else None
    if kept is None:
        return None
    both = zip(points, scans, strict=True)
    return next((point for point, scan in both if _same_rules(kept, scan.ruling)), None)


def _is_first(scan: Scan) -> bool:
    """Whether no result of the repository is older."""
    return scan.before_id is None


def _past(repository: Repository, until: datetime | None) -> list[PastResult]:
    rows = PastResult.objects.filter(repository=repository, score__isnull=False).defer("results")
    if until is not None:
        rows = rows.filter(commit_time__lt=until)
    return list(rows[:PAST])[::-1]


def _scans(
    repository: Repository, scans: Sequence[Scan], parts: Mapping[int, Sequence[Share]]
) -> list[Point]:
    """The points of scans. At constant rules they end where the score is today.

    Going back from there only what the code moved is taken off, so the line has no step where
    rules changed; it is what the past would look like by the rules of today, as far as can be told.
    """
    constant = units(scans[-1].score or 0)
    points: list[Point] = []
    for scan in reversed(scans):
        own = parts.get(scan.pk, ())
        points.append(
            Point(
                label=f"scan {scan.number}",
                url=f"{repository.get_absolute_url()}scans/{scan.number}/",
                when=scan.finished_at or scan.created_at,
                score=scan.score or 0,
                constant=_bounded(constant),
                note=", ".join(_said(share) for share in own if share.row.causes != "code"),
                parts=own,
            )
        )
        constant -= sum(share.row.points for share in own if share.row.causes == "code")
    return points[::-1]


def _said(share: Share) -> str:
    return f"{share.words} {'+' if share.points > 0 else '−'}{abs(share.points):.2f}"


def _bounded(points: int) -> float:
    return shown_points(min(max(points, 0), 100 * 10**6))


def _earlier(
    repository: Repository, past: Sequence[PastResult], first: Point, match: Point | None
) -> list[Point]:
    """The back-filled points, moved to today's rules as the scan that judged by theirs.

    Where no scan on the curve did, they meet the first one flat.
    """
    if not past:
        return []
    offset = units(first.constant) - units(past[-1].score or 0)
    if match is not None:
        offset = units(match.constant) - units(match.score)
    base = repository.get_absolute_url()
    return [
        Point(
            label=f"commit {row.short_commit}",
            url=f"{base}past/{row.commit}/",
            when=row.commit_time,
            score=row.score or 0,
            constant=_bounded(units(row.score or 0) + offset),
        )
        for row in past
    ]


def _same_rules(first: Mapping[str, Any], second: Mapping[str, Any] | None) -> bool:
    if second is None:
        return False
    return all(first[name] == second[name] for name in _RULES)


def _totals(points: Sequence[Point], past: int, *, matched: bool) -> list[tuple[str, float]]:
    """What moved the score from the first point to the last, in words; it adds up exactly."""
    # The first scan on the curve is where it begins: its own change came before.
    counted = Counter[str]()
    for point in points[past + 1 :]:
        for share in point.parts:
            counted[share.words] += share.row.points
    if past:
        # Up to the first scan if both can be told by the same rules, else among themselves.
        until = points[past] if matched else points[past - 1]
        counted["code"] += units(until.constant) - units(points[0].constant)
    rest = units(points[-1].score) - units(points[0].score) - sum(counted.values())
    counted["later rules for the past" if matched else "not told apart"] += rest
    return [(words, shown_points(total)) for words, total in counted.items() if total]
