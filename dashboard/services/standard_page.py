"""A standard as its page shows it: read like the document, with what the fleet makes of it."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F

from dashboard.models import (
    Adoption,
    Clause,
    ClauseResult,
    Repository,
    Role,
    ScanStandard,
    StandardOrigin,
    Strength,
    Team,
)
from dashboard.services.catalogue import grouped, newest_standard
from dashboard.services.repository_page import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dashboard.models import Standard, User
    from dashboard.services.catalogue import Group

SHOWN_RESULTS = 50
MEANS = {"automated": "checked", "heuristic": "checked, heuristic", "attested": "a lead attests"}
"""How a clause is decided, in words."""


@dataclass(frozen=True)
class ClauseRow:
    """One clause in the list of a standard.

    Attributes:
        clause: The clause.
        fleet: How many of the reader's repositories came to each verdict.
        conflicts: The clauses of other standards that cannot be met together with it.
    """

    clause: Clause
    fleet: Mapping[str, int]
    conflicts: Sequence[Clause]

    @property
    def verdicts(self) -> str:
        """What the reader's repositories make of it, in words; "" when none was judged by it."""
        return in_words(self.fleet)

    @property
    def means(self) -> str:
        """How the clause is decided, in words."""
        return MEANS[self.clause.automation]


@dataclass(frozen=True)
class StandardPage:
    """A standard with its clauses in the order of the document.

    Attributes:
        by_code: Share of its clauses that the code answers, in percent.
        results: What it says of the reader's repositories by their newest scans, lowest score
            first, no more than can be shown.
        coverage: Median over all such results of the share of the applicable weight that is
            answered, 0 to 1; None without any.
        result_count: How many results there are.
        unjudged: Repositories that have adopted it and were not yet judged by it.
    """

    standard: Standard
    sections: Sequence[Group[ClauseRow]]
    strengths: Mapping[str, int]
    means: Mapping[str, int]
    by_code: float
    results: Sequence[ScanStandard]
    result_count: int
    coverage: float | None
    unjudged: Sequence[Repository]
    origin: StandardOrigin | None
    readable: bool
    may_adopt: bool
    may_change: bool
    outdated: int


def read_standard(reader: User, slug: str) -> StandardPage:
    """Return one standard for its page.

    Raises:
        Http404: There is none of that name.
    """
    standard = newest_standard(slug)
    rows = _rows(reader, standard)
    visible = Repository.objects.visible_to(reader)
    adopted = visible.filter(adoptions__slug=slug)
    newest = ScanStandard.objects.filter(scan__in=visible.values("last_scan"), standard__slug=slug)
    coverages = list(newest.values_list("coverage", flat=True))
    lowest = F("score").asc(nulls_last=True), "scan__repository__name"
    results = newest.select_related("scan__repository", "component").order_by(*lowest)
    judged = newest.values("scan__repository")
    leads = set(Team.objects.with_role(reader, Role.LEAD).values_list("pk", flat=True))
    origin = StandardOrigin.objects.select_related("repository", "team").filter(slug=slug).first()
    strengths = Counter(row.clause.strength for row in rows)
    means = Counter(row.means for row in rows)
    return StandardPage(
        standard=standard,
        sections=grouped((row.clause.section, row) for row in rows),
        strengths={name: strengths[name] for name in Strength.values if strengths[name]},
        means={name: means[name] for name in MEANS.values() if means[name]},
        by_code=100 - 100 * means[MEANS["attested"]] / len(rows),
        results=list(
            results.order_by(F("score").asc(nulls_last=True), "scan__repository__name")[
                :SHOWN_RESULTS
            ]
        ),
        result_count=len(coverages),
        coverage=statistics.median(coverages) if coverages else None,
        unjudged=list(adopted.exclude(pk__in=judged).order_by("name")[:SHOWN_RESULTS]),
        origin=origin,
        may_adopt=bool(leads),
        may_change=origin is None and standard.team_id in leads,
        outdated=Adoption.objects.filter(slug=slug, repository__in=visible)
        .exclude(standard=standard)
        .count(),
        readable=origin is not None and visible.filter(pk=origin.repository_id).exists(),
    )


def _rows(reader: User, standard: Standard) -> list[ClauseRow]:
    clauses = list(standard.clauses.order_by("position"))
    fleet = _in_fleet(reader, standard.slug)
    others = _contradicting(clauses)
    return [
        ClauseRow(
            clause,
            fleet.get(clause.number, {}),
            [other for name in _numbers(clause) for other in others.get(name, ())],
        )
        for clause in clauses
    ]


def _numbers(clause: Clause) -> list[str]:
    return [text.rpartition("/")[2] for text in clause.conflicts]


def _contradicting(clauses: Iterable[Clause]) -> dict[str, list[Clause]]:
    """Return the newest clauses of the numbers that these contradict, by number."""
    numbers = {number for clause in clauses for number in _numbers(clause)}
    found: dict[str, list[Clause]] = {}
    rows = Clause.objects.filter(standard__is_latest=True, number__in=numbers)
    for row in rows.select_related("standard").defer("standard__source").order_by("pk"):
        found.setdefault(row.number, []).append(row)
    return found


def _in_fleet(reader: User, slug: str) -> dict[str, Counter[str]]:
    """Return how many results of each verdict the clauses have in the newest scans."""
    # The database counts by keys, and what these are called is looked up once: by names it takes
    # several times as long.
    scans = Repository.objects.visible_to(reader).values("last_scan")
    judged = ScanStandard.objects.filter(scan__in=scans, standard__slug=slug)
    numbers = dict(Clause.objects.filter(standard__slug=slug).values_list("pk", "number"))
    rows = ClauseResult.objects.filter(scan_standard__in=judged).order_by()
    found: dict[str, Counter[str]] = {}
    for pk, verdict, count in rows.values_list("clause", "verdict").annotate(count=Count("pk")):
        found.setdefault(numbers[pk], Counter())[verdict] += count
    return found
