"""What ends soon, waivers and words of leads: told once as an event, shown to whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.models import Attestation, Waiver
from dashboard.services import attestations, waivers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from dashboard.models import User
    from dashboard.models.decision import AttestationQuerySet, WaiverQuerySet

logger = structlog.get_logger(__name__)

SHOWN = 10


@dataclass(frozen=True)
class Ending:
    """What ends within a month and concerns one person: the first of it, and how much there is.

    Attributes:
        waivers: Those that the person asked for or granted, and those of repositories they lead.
        waivers_total: How many waivers that are.
        words: The same of attestations.
        words_total: How many attestations that are.
    """

    waivers: Sequence[Waiver]
    waivers_total: int
    words: Sequence[Attestation]
    words_total: int

    @property
    def total(self) -> int:
        """How much there is of both."""
        return self.waivers_total + self.words_total


def concerning(reader: User) -> Ending:
    """Return what ends soon and concerns the reader, what ends first in front. Four queries."""
    asked, said = _waivers().concerning(reader), _words().concerning(reader)
    shown = asked.select_related("repository", "finding").order_by("expires_on", "pk")
    words = said.select_related("repository").defer("seen").order_by("expires_at", "pk")
    return Ending(list(shown[:SHOWN]), asked.count(), list(words[:SHOWN]), said.count())


def count(reader: User) -> int:
    """Return how much ends soon and concerns the reader."""
    return _waivers().concerning(reader).count() + _words().concerning(reader).count()


def announce() -> int:
    """Note once for each waiver and each word of a lead that its end is near.

    Returns:
        How many were noted.
    """
    day = timezone.localdate()
    told = 0
    for waiver in _waivers().filter(announced_at__isnull=True).select_related("repository"):
        told += _tell_waiver(waiver, day)
    words = _words().filter(announced_at__isnull=True).defer("seen")
    for word in words.select_related("repository"):
        told += _tell_word(word, day)
    return told


def _waivers() -> WaiverQuerySet:
    day = timezone.localdate()
    return Waiver.objects.in_force(day).filter(expires_on__lte=day + waivers.SOON)


def _words() -> AttestationQuerySet:
    until = timezone.now() + attestations.SOON
    return Attestation.objects.in_force().filter(expires_at__lte=until)


@transaction.atomic
def _tell_waiver(row: Waiver, day: date) -> bool:
    fresh = Waiver.objects.filter(pk=row.pk, announced_at__isnull=True)
    if not row.expires_on or not fresh.update(announced_at=Now()):
        return False
    days = (row.expires_on - day).days
    waivers.note(row, None, "waiver.ending", days=days)
    _log("waiver ends soon", row.repository.slug, days, waiver=row.pk)
    return True


@transaction.atomic
def _tell_word(row: Attestation, day: date) -> bool:
    fresh = Attestation.objects.filter(pk=row.pk, announced_at__isnull=True)
    if not fresh.update(announced_at=Now()):
        return False
    days = (timezone.localdate(row.expires_at) - day).days
    attestations.note(row.repository, None, "attestation.ending", row, days=days)
    _log("attestation ends soon", row.repository.slug, days, topic=row.topic)
    return True


def _log(event: str, repository: str, days: int, **which: object) -> None:
    def write() -> None:
        logger.info(event, repository=repository, days=days, **which)

    transaction.on_commit(write)
