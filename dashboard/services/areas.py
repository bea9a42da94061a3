"""Repositories against areas of clauses: where each is far from its standards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.paginator import Page, Paginator
from django.db.models import ExpressionWrapper, F, FloatField, Sum

from checks.scoring import POINT, letter
from dashboard.models import ClauseResult, Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import User

PAGE_SIZE = 200


@dataclass(frozen=True)
class Cell:
    """How far the clauses of one area are met by one repository; ``share`` 0 to 1, or None."""

    area: str
    share: float | None

    @property
    def percent(self) -> int | None:
        """Whole per cent, rounded down, so that 100 means that nothing is missing."""
        return None if self.share is None else int(self.share * 100 + 1e-9)

    @property
    def grade(self) -> str:
        """The letter whose colour it has; "" where nothing applies."""
        return "" if self.share is None else letter(int(self.share * 100 * POINT)).lower()


@dataclass(frozen=True)
class Line:
    """One repository with a cell per area."""

    repository: Repository
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Areas:
    """One page of the map; ``areas`` are its columns, the worst over the page first."""

    page: Page[Repository]
    areas: Sequence[str]
    lines: Sequence[Line]


def read_areas(reader: User, number: str) -> Areas:
    """Return one page of the repositories that were judged, lowest score first."""
    judged = Repository.objects.visible_to(reader).filter(score__isnull=False)
    page = Paginator(judged.order_by("score", "name", "pk"), PAGE_SIZE).get_page(number)
    rows = list(page.object_list)
    shares = _shares(rows)
    totals: dict[str, list[float]] = {}
    for (_, area), share in shares.items():
        totals.setdefault(area, []).append(share)
    areas = sorted(totals, key=lambda area: (sum(totals[area]) / len(totals[area]), area))
    lines = [Line(row, [Cell(area, shares.get((row.pk, area))) for area in areas]) for row in rows]
    return Areas(page, areas, lines)


def _shares(rows: Sequence[Repository]) -> dict[tuple[int, str], float]:
    """Weighted mean of the clauses that gave an answer, by repository and area."""
    met = ExpressionWrapper(F("score") * F("weight"), output_field=FloatField())
    found = (
        ClauseResult.objects.filter(
            scan_standard__scan__in=[row.last_scan_id for row in rows],
            score__isnull=False,
            weight__gt=0,
        )
        .order_by()
        .values_list("scan_standard__scan__repository", "clause__area")
        .annotate(met=Sum(met), weights=Sum("weight"))
    )
    return {(repository, area): met / weight for repository, area, met, weight in found}
