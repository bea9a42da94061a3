"""Asking for many waivers of single findings at once, and taking that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from dashboard.models import AuditEntry, Finding, Waiver, WaiverScope, WaiverState
from dashboard.services.findings import matching
from dashboard.services.waivers import WANTED
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from dashboard.models import Repository, User
    from dashboard.models.finding import FindingQuerySet
    from dashboard.services.findings import FindingQuery

MOST = 200
"""What a lead can be asked to decide at once; more is a case for a path or a clause."""


class BatchError(Exception):
    """Nothing is asked for. The text is one sentence for a person."""


def chosen(
    repository: Repository, query: FindingQuery, picked: Collection[int] | None
) -> FindingQuerySet:
    """Return what a person chose: the findings picked, or with None all that match."""
    if picked is None:
        return matching(repository, query)
    return Finding.objects.filter(repository=repository, pk__in=picked)


@transaction.atomic
def ask(
    repository: Repository,
    findings: FindingQuerySet,
    reason: str,
    expires_on: date | None,
    actor: User,
) -> Sequence[int]:
    """Ask for a waiver of each finding that counts and for which nobody has asked yet.

    Returns:
        The new requests, for :func:`withdraw`.

    Raises:
        BatchError: There is nothing to ask for, or too much.
    """
    asked = Waiver.objects.filter(finding=OuterRef("pk"), state__in=WANTED)
    wanted = findings.open().filter(~Exists(asked)).order_by("pk")
    keys = list(wanted.values_list("pk", flat=True)[: MOST + 1])
    if not keys:
        raise BatchError("Nothing is left to ask for: choose open findings without a waiver.")
    if len(keys) > MOST:
        raise BatchError(
            f"These are more than {MOST}; narrow the list, or ask for a waiver of a whole path."
        )
    made = Waiver.objects.bulk_create(
        Waiver(
            repository=repository,
            scope=WaiverScope.FINDING,
            finding_id=key,
            reason=clean(reason, 4_000),
            expires_on=expires_on,
            author=actor,
            said_by=actor.get_username(),
            matched=1,
        )
        for key in keys
    )
    numbers = [row.pk for row in made]
    AuditEntry.objects.note(repository, actor, "waiver.requested", waivers=numbers)
    return numbers


@transaction.atomic
def withdraw(repository: Repository, numbers: Collection[int], actor: User) -> int:
    """Take back the person's own requests that nobody has decided yet; return how many."""
    own = Waiver.objects.filter(
        repository=repository, pk__in=numbers, author=actor, state=WaiverState.REQUESTED
    )
    taken = list(own.values_list("pk", flat=True))
    own.update(state=WaiverState.WITHDRAWN, decided_at=Now())
    if taken:
        AuditEntry.objects.note(repository, actor, "waiver.withdrawn", waivers=taken)
    return len(taken)
