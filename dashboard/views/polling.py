"""How often an open page asks for news: quickly at first, more slowly as a scan drags on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

if TYPE_CHECKING:
    from dashboard.models import Scan, Simulation

# (seconds since the scan was asked for, seconds between two polls)
STEPS = ((60, 2), (300, 5), (1800, 15))
SLOWEST = 60


def poll_seconds(work: Scan | Simulation | None) -> int:
    """Return the seconds until the next poll; 0 when there is nothing to wait for."""
    if work is None or not work.is_active:
        return 0
    age = (timezone.now() - work.created_at).total_seconds()
    return next((pause for limit, pause in STEPS if age < limit), SLOWEST)
