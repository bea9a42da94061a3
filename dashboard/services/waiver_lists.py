"""Lists of waivers: what waits for a decision, counts, ends soon, is wrong or over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F
from django.utils import timezone

from dashboard.models import Waiver, WaiverOutcome, WaiverState
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


def listed(reader: Reader, which: str, repository: str = "", team: str = "") -> WaiverQuerySet:
    """Return the waivers of one list in the reader's repositories, what is next first."""
    day = timezone.localdate()
    rows = Waiver.objects.visible_to(reader)
    if repository:
        rows = rows.filter(repository__slug=repository)
    if team:
        rows = rows.filter(repository__team__slug=team)
    rows = rows.select_related("repository__team", "finding", "author", "approver")
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


@dataclass(frozen=True)
class Lists:
    """One list of waivers, and how long each of them is, in words."""

    which: str
    rows: WaiverQuerySet
    lists: Sequence[tuple[str, str, int]]


def overview(reader: Reader, which: str, repository: str = "", team: str = "") -> Lists:
    """Return the list that was asked for, else the first that has something."""
    lengths = {name: listed(reader, name, repository, team).count() for name in LISTS}
    chosen = (
        which
        if which in LISTS
        else next((name for name, length in lengths.items() if length), "requested")
    )
    return Lists(
        chosen,
        listed(reader, chosen, repository, team),
        [(name, LISTS[name], length) for name, length in lengths.items()],
    )
