"""What each adopted standard asks of a repository on a day: dates, grace, what gives way."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from checks import rollout
from dashboard.models import Adoption, Clause, Repository, Trigger
from dashboard.services import conflicts, scanning, standards

if TYPE_CHECKING:
    import checks.standard as engine
    from dashboard.models import Standard


def asked(repository: Repository, day: date) -> list[tuple[Standard, engine.Standard]]:
    """Return the adopted versions, each as it counts for the repository on a day.

    Raises:
        checks.standard.StandardError: A stored text asks for what this release cannot read.
    """
    yielding = conflicts.yielding(repository)
    return [
        (
            row.standard,
            _as_of(standards.parsed(row.standard), row, day, yielding.get(row.slug, {})),
        )
        for row in repository.adoptions.select_related("standard")
    ]


def _as_of(
    standard: engine.Standard, adoption: Adoption, day: date, yielding: dict[str, str]
) -> engine.Standard:
    counted = rollout.as_of(standard, day)
    free = {number for number, end in adoption.fresh.items() if day.isoformat() < end}
    if free:
        counted = rollout.advisory(counted, free)
    return rollout.without(counted, yielding) if yielding else counted


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
