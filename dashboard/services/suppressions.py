"""What comments in the code suppress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboard.models import Scan

if TYPE_CHECKING:
    from dashboard.models import Repository


@dataclass(frozen=True)
class Growth:
    """In-code suppressions now and at the result before; ``before`` is None for the first."""

    now: int
    before: int | None


def growth(repository: Repository) -> Growth:
    """Return how the number of in-code suppressions has moved since the scan before."""
    last = list(
        Scan.objects.filter(repository=repository)
        .with_result()
        .values_list("suppressed_count", flat=True)[:2]
    )
    return Growth(last[0] if last else 0, last[1] if len(last) > 1 else None)
