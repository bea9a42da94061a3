"""What each adopted standard asks of a repository on a day: dates, grace, what gives way."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from checks import rollout
from dashboard.models import Adoption, Clause, Repository, Scan, Trigger
from dashboard.services import conflicts, scanning, standards

if TYPE_CHECKING:
    import checks.standard as engine
    from dashboard.models import Standard

GRACE = timedelta(days=30)
"""How long a clause costs nothing that came with the renewal of an adopted standard."""
MOST = 200


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
    if adoption.fresh and day < ends(adoption):
        counted = rollout.advisory(counted, set(adoption.fresh))
    return rollout.without(counted, yielding) if yielding else counted


def ends(adoption: Adoption) -> date:
    """Return the day on which the new clauses of a renewed standard begin to count."""
    return timezone.localdate(adoption.adopted_at + GRACE)


def judge_begun() -> int:
    """Have the repositories judged again for which a clause counts since their last result.

    Returns:
        How many were asked for.
    """
    today = timezone.localdate()
    rows = Repository.objects.filter(last_scan__finished_at__isnull=False)
    last = OuterRef("last_scan__finished_at__date")
    begun = Q(advisory_from__gt=last, advisory_from__lte=today)
    begun |= Q(enforced_from__gt=last, enforced_from__lte=today)
    clauses = Clause.objects.filter(begun, standard__adoptions__repository=OuterRef("pk"))
    fresh = Adoption.objects.filter(
        repository=OuterRef("pk"),
        adopted_at__lte=_before(today),
        adopted_at__gt=OuterRef("last_scan__finished_at") - GRACE,
    ).exclude(fresh=[])
    waiting = rows.filter(Exists(clauses) | Exists(fresh))
    found = list(
        waiting.exclude(pk__in=Scan.objects.active().values("repository")).order_by("pk")[:MOST]
    )
    for repository in found:
        scanning.request(repository, Trigger.STANDARDS)
    return len(found)


def _before(today: date) -> datetime:
    """The moment before which an adoption is past its grace."""
    midnight = datetime(today.year, today.month, today.day, tzinfo=timezone.get_current_timezone())
    return midnight - GRACE
