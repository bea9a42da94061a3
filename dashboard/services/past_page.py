"""What the pages of a repository's past show: how far it is judged, and one of its points."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from django.core.paginator import Page, Paginator

from checks.model import ClauseResult, StandardResult
from dashboard.models import Backfill, PastResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import Repository

PAGE_SIZE = 60


class _Told(msgspec.Struct):
    component: str
    standards: tuple[StandardResult, ...]


_TOLD = msgspec.json.Decoder(tuple[_Told, ...])


@dataclass(frozen=True)
class Past:
    """How far the past is judged, and one page of its points."""

    backfill: Backfill | None
    page: Page[PastResult]

    @property
    def left_out(self) -> Sequence[tuple[str, str]]:
        """Commits that could not be judged, with the reason."""
        return list(self.backfill.left_out.items()) if self.backfill else []


def read_past(repository: Repository, page: str) -> Past:
    """Return the past of a repository."""
    points = PastResult.objects.filter(repository=repository).defer("results")
    rows = Paginator(points, PAGE_SIZE).get_page(page)
    for point in rows.object_list:
        point.repository = repository
    return Past(Backfill.objects.filter(repository=repository).first(), rows)


@dataclass(frozen=True)
class Told:
    """What one standard said of one folder of an earlier commit."""

    folder: str
    result: StandardResult

    @property
    def losing(self) -> Sequence[ClauseResult]:
        """The clauses that took points, the costliest first."""
        losing = [clause for clause in self.result.clauses if clause.loss > 0]
        return sorted(losing, key=lambda clause: -clause.loss)


def read_point(point: PastResult) -> Sequence[Told]:
    """Return what every standard said of an earlier commit."""
    told = _TOLD.decode(zlib.decompress(point.results))
    return [Told(each.component, result) for each in told for result in each.standards]
