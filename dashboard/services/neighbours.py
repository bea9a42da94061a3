"""The findings before and after one in the list that it was reached from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Max, Window
from django.db.models.functions import Lag, Lead, RowNumber

from dashboard.services.findings import SORTS, matching

if TYPE_CHECKING:
    from dashboard.models import Finding
    from dashboard.services.findings import FindingQuery


@dataclass(frozen=True)
class Neighbours:
    """Where a finding stands in a list.

    Attributes:
        place: 1-based; 0 where the list does not hold it any more.
        total: How long the list is.
        before: Key of the finding before it, None at the beginning.
        after: Key of the finding after it, None at the end.
        query: The query string of the list.
    """

    place: int
    total: int
    before: int | None
    after: int | None
    query: str


def neighbours(finding: Finding, query: FindingQuery) -> Neighbours:
    """Return where the finding stands in the list. One query, two where it stands there no more."""
    rows = matching(finding.repository, query)
    order = list(SORTS[query.sort])
    address = query.address()[1:]
    placed = rows.annotate(
        place=Window(RowNumber(), order_by=order),
        before=Window(Lag("pk"), order_by=order),
        after=Window(Lead("pk"), order_by=order),
        total=Window(Count("pk")),
        # A condition on a column would narrow the list before anything is placed in it.
        own=Window(Max("pk"), partition_by="pk"),
    ).filter(own=finding.pk)
    found = placed.values_list("place", "total", "before", "after").first()
    if found:
        return Neighbours(*found, address)
    # It was mended or decided while the list was open: its first is the next.
    total = Window(Count("pk"))
    after, length = rows.values_list("pk").annotate(total=total).first() or (None, 0)
    return Neighbours(0, length, None, after, address)
