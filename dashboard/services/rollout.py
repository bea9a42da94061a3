"""What each adopted standard asks of a repository on a day: dates, grace, what gives way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from checks import rollout
from dashboard.models import Adoption, Clause, Repository, Trigger
from dashboard.services import conflicts, scanning, standards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import checks.standard as engine
    from dashboard.models import Standard


@dataclass(frozen=True, slots=True)
class Held:
    """A version that a repository is judged by.

    Attributes:
        standard: Its text.
        fresh: Clauses that cost nothing yet, with the day from which they count.
    """

    standard: engine.Standard
    fresh: Mapping[str, str] = field(default_factory=dict)


def asked(repository: Repository, day: date) -> list[tuple[Standard, engine.Standard]]:
    """Return the adopted versions, each as it counts for the repository on a day.

    Raises:
        checks.standard.StandardError: A stored text asks for what this release cannot read.
    """
    rows = list(repository.adoptions.select_related("standard"))
    counted = as_counted(repository, [held(row) for row in rows], day)
    return [(row.standard, standard) for row, standard in zip(rows, counted, strict=True)]


def held(adoption: Adoption) -> Held:
    """Return an adopted version as its text says it."""
    return Held(standards.parsed(adoption.standard), adoption.fresh)


def as_counted(
    repository: Repository, versions: Sequence[Held], day: date
) -> list[engine.Standard]:
    """Return versions as they count for a repository on a day, whether it has adopted them or not.

    What has been decided about contradictions counts where both clauses are among them.
    """
    clauses = {
        f"{each.standard.slug}/{clause.id}": clause.conflicts
        for each in versions
        for clause in each.standard.clauses
    }
    yielding = conflicts.yielding(repository, clauses)
    return [_as_of(each, day, yielding.get(each.standard.slug, {})) for each in versions]


def _as_of(version: Held, day: date, yielding: Mapping[str, str]) -> engine.Standard:
    counted = rollout.as_of(version.standard, day)
    free = {number for number, end in version.fresh.items() if day.isoformat() < end}
    if free:
        counted = rollout.advisory(counted, free)
    return rollout.without(counted, yielding) if yielding else counted


def begun(repository: Repository, since: date) -> frozenset[str]:
    """Return the clauses that ask something of a repository for the first time after a day."""
    clauses = Clause.objects.filter(
        standard__adoptions__repository=repository,
        advisory_from__gt=since,
        advisory_from__lte=timezone.localdate(),
    )
    return frozenset(clauses.values_list("number", flat=True))


def judge_begun() -> int:
    """Have the repositories judged again for which a clause counts since their last result.

    Returns:
        How many were asked for.
    """
    today = timezone.localdate()
    rows = Repository.objects.filter(last_scan__started_at__isnull=False)
    last = OuterRef("last_scan__started_at__date")
    begun = Q(advisory_from__gt=last, advisory_from__lte=today)
    begun |= Q(enforced_from__gt=last, enforced_from__lte=today)
    clauses = Clause.objects.filter(begun, standard__adoptions__repository=OuterRef("pk"))
    waiting = rows.filter(Exists(clauses) | Q(pk__in=_past_grace(today)))
    return scanning.request_idle(waiting, Trigger.ROLLOUT)


def _past_grace(today: date) -> list[int]:
    """Repositories with a clause that has cost nothing at their last result and does now."""
    rows = Adoption.objects.exclude(fresh={}).filter(
        repository__last_scan__started_at__isnull=False,
        adopted_at__gt=timezone.now() - 4 * standards.GRACE,
    )
    found = []
    for row in rows.select_related("repository__last_scan"):
        scan = row.repository.last_scan
        judged = timezone.localdate(scan.started_at).isoformat() if scan else ""
        if any(judged < end <= today.isoformat() for end in row.fresh.values()):
            found.append(row.repository_id)
    return found
