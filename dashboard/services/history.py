"""How a repository moved: its scans, and the curve of its score."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.utils import timezone

from dashboard.models import Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import Repository

PAGE_SIZE = 50
CURVE = 120


@dataclass(frozen=True)
class History:
    """One page of scans and the curve over the last 120 results, oldest first."""

    page: Page[Scan]
    curve: Sequence[dict[str, Any]]

    @property
    def curve_json(self) -> str:
        """The curve for the chart."""
        return json.dumps(self.curve)


def read_history(repository: Repository, page: str) -> History:
    """Return the history of a repository."""
    scans = repository.scans.select_related("requested_by")
    rows = Paginator(scans, PAGE_SIZE).get_page(page)
    for scan in rows.object_list:
        scan.repository = repository
    results = (
        Scan.objects.filter(repository=repository)
        .with_result()
        .filter(score__isnull=False)
        .values_list("number", "score", "finished_at")[:CURVE]
    )
    curve = [
        {"label": f"#{number} {_day(finished)}", "score": score}
        for number, score, finished in reversed(results)
    ]
    return History(rows, curve)


def _day(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%d %b %H:%M") if moment else ""
