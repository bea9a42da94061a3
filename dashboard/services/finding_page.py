"""What the page of one finding shows, so that nobody needs another one to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.authorship import ABOUT_COMMIT
from checks.rules.specs import ATTESTATION
from dashboard.models import Clause, Standard
from dashboard.services import unread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import Finding


@dataclass(frozen=True)
class Gained:
    """What mending one finding gains in a standard, in points of that standard."""

    slug: str
    title: str
    points: float


@dataclass(frozen=True)
class FindingPage:
    """One finding with what a person needs to understand and mend it."""

    finding: Finding
    clauses: Sequence[Clause]
    gains: Sequence[Gained]
    events: Sequence[Any]
    lost: Sequence[tuple[str, str]]

    @property
    def commit(self) -> str:
        """The commit that the finding itself is about, "" where it is about code."""
        symbol = self.finding.symbol
        return symbol.removeprefix(ABOUT_COMMIT) if symbol.startswith(ABOUT_COMMIT) else ""

    @property
    def by_word(self) -> bool:
        """Whether no change of code mends it, but what a lead attests."""
        return self.finding.check_id == ATTESTATION


def read_finding(finding: Finding) -> FindingPage:
    """Return the finding with its clauses in their words, its points and its history.

    Where it stays open unseen, with the files that cannot be read any more, and since when.
    """
    last = finding.repository.last_scan if finding.is_unseen else None
    adopted = Clause.objects.filter(
        standard__adoptions__repository=finding.repository, number__in=finding.clauses
    )
    clauses = list(adopted.select_related("standard").order_by("standard__title", "position"))
    # A standard may gain though none of its clauses that are adopted now names the finding.
    named = Standard.objects.filter(slug__in=list(finding.gain)).order_by("pk")
    titles = dict(named.values_list("slug", "title"))
    titles |= {clause.standard.slug: clause.standard.title for clause in clauses}
    gains = sorted(finding.gain.items(), key=lambda item: (-item[1], item[0]))
    return FindingPage(
        finding=finding,
        clauses=clauses,
        gains=[Gained(slug, titles.get(slug, slug), worth) for slug, worth in gains if worth > 0],
        events=list(finding.events.select_related("scan", "actor")),
        lost=unread.lost(last.manifest, finding.component.path) if last else [],
    )
