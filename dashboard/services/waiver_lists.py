"""Lists of waivers: what waits for a decision, counts, ends soon, is wrong or over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db.models import F
from django.utils import timezone

from dashboard.models import User, Waiver, WaiverOutcome, WaiverState
from dashboard.services.waivers import SOON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.models.decision import WaiverQuerySet
    from dashboard.models.people import Reader

LISTS: Mapping[str, str] = {
    "requested": "Requested",
    "in-force": "In force",
    "expiring": "Expiring",
    "broken": "Broken",
    "unused": "Unused",
    "ended": "Ended",
}


@dataclass(frozen=True)
class Within:
    """Of which waivers a list is made.

    Attributes:
        repository: Only of this one, by its slug.
        team: Only of this one, by its slug.
        mine: Only what concerns the reader: asked for, granted, or to look after as a lead.
        only: Only this waiver, by its key, wherever it stands.
    """

    repository: str = ""
    team: str = ""
    mine: bool = False
    only: int = 0


EVERYWHERE = Within()


def listed(reader: Reader, which: str, within: Within = EVERYWHERE) -> WaiverQuerySet:
    """Return the waivers of one list in the reader's repositories, what is next first."""
    day = timezone.localdate()
    rows = _narrowed(reader, within)
    if which == "requested":
        return rows.filter(state=WaiverState.REQUESTED).order_by("created_at", "pk")
    if which == "ended":
        return rows.ended(day).order_by(F("decided_at").desc(nulls_last=True), "-pk")
    rows = rows.in_force(day).order_by(F("expires_on").asc(nulls_last=True), "pk")
    if which == "expiring":
        return rows.filter(expires_on__lte=day + SOON)
    if which in ("broken", "unused"):
        wrong = [which, WaiverOutcome.REFUSED] if which == "broken" else [which]
        return rows.filter(outcome__in=wrong)
    return rows


def _narrowed(reader: Reader, within: Within) -> WaiverQuerySet:
    rows = Waiver.objects.visible_to(reader)
    if within.repository:
        rows = rows.filter(repository__slug=within.repository)
    if within.team:
        rows = rows.filter(repository__team__slug=within.team)
    if within.mine and isinstance(reader, User):
        rows = rows.concerning(reader)
    if within.only:
        rows = rows.filter(pk=within.only)
    return rows.select_related("repository__team", "finding", "author", "approver")


@dataclass(frozen=True)
class Lists:
    """One list of waivers, "" where one waiver was asked for, and how long each list is."""

    which: str
    rows: WaiverQuerySet
    lists: Sequence[tuple[str, str, int]]


def overview(reader: Reader, which: str, within: Within = EVERYWHERE) -> Lists:
    """Return the list that was asked for, else the first that has something.

    Where one waiver is asked for, it alone is returned and no list is chosen.
    """
    everything = replace(within, only=0)
    tabs = [
        (name, words, listed(reader, name, everything).count()) for name, words in LISTS.items()
    ]
    if within.only:
        return Lists("", _narrowed(reader, within).order_by("pk"), tabs)
    first = next((name for name, _, length in tabs if length), "requested")
    chosen = which if which in LISTS else first
    return Lists(chosen, listed(reader, chosen, within), tabs)
