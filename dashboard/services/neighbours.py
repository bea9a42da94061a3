"""The findings before and after one in the list that it was reached from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboard.services.findings import matching

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
    """Return where the finding stands in the list. One query."""
    keys = list(matching(finding.repository, query).values_list("pk", flat=True))
    address = query.address()[1:]
    if finding.pk not in keys:
        # It was mended or decided while the list was open: its first is the next.
        return Neighbours(0, len(keys), None, keys[0] if keys else None, address)
    at = keys.index(finding.pk)
    return Neighbours(
        at + 1,
        len(keys),
        keys[at - 1] if at else None,
        keys[at + 1] if at + 1 < len(keys) else None,
        address,
    )
