"""The badge: a picture for people without an account, behind a key that nobody can guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from dashboard.models import Repository, Standing
from dashboard.services.badge import badge_key
from dashboard.templatetags.straightedge import score as rounded_down

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

COLOURS = {"A": "#1c7a43", "B": "#4c7a12", "C": "#946600", "D": "#b4530f", "E": "#b42a2a"}
GREY = "#5a6875"
LABEL, SHORT, LONG, CORNER = 84, 58, 98, 3
"""Pixels: of the name, of short and of long words, of the round of a corner."""
NOT_GREEN = {
    Standing.FAILED: ("scan failed", "#b42a2a"),
    Standing.NEVER: ("never scanned", GREY),
    Standing.UNKNOWN: ("unknown", GREY),
}
SHOWN = ("letter", "score", "scanned_at", "failure_code")


@require_safe
def badge(request: HttpRequest, slug: str) -> HttpResponse:
    """Draw letter and score, or the same grey picture for every miss."""
    row = Repository.objects.filter(slug=slug).only(*SHOWN).first()
    # The key is compared for unknown names too, so that the time tells nothing.
    fits = constant_time_compare(request.GET.get("key", ""), badge_key(slug))
    words, colour = "unknown", GREY
    if fits and row is not None:
        words, colour = NOT_GREEN.get(row.standing, (words, colour))
        if row.standing is Standing.JUDGED:
            words, colour = f"{row.letter} {rounded_down(row.score)}", COLOURS[row.letter]
    wide = LONG if len(words) > len("unknown") else SHORT
    shape = {"width": LABEL + wide, "reach": wide - CORNER, "middle": LABEL + wide // 2}
    context = {"words": words, "colour": colour, **shape}
    response = render(request, "badge.svg", context, content_type="image/svg+xml")
    response["Cache-Control"] = "no-store"
    return response
