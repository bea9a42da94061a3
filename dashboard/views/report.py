"""Pages for leads: the report before a meeting, and the map of repositories and areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.views.decorators.http import require_safe

from dashboard.services.areas import read_areas
from dashboard.services.report import VISIT, WINDOWS, read_report
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def report(request: SignedInRequest) -> HttpResponse:
    """Show what changed, what fails most, and what is not measured; it prints on paper."""
    asked = request.GET.get("days", "")
    days = 0 if asked == VISIT else int(asked) if asked in map(str, WINDOWS) else WINDOWS[1]
    context = {
        "section": "fleet",
        "report": read_report(request.user, days, request.GET.get("page", "1")),
        "windows": WINDOWS,
    }
    part = "places" if request.htmx.target == "repositories" else "glance"
    return answer(request, "fleet/report.html", context, partial=part)


@require_safe
@signed_in
def areas(request: SignedInRequest) -> HttpResponse:
    """Show how far each repository meets each area of its standards."""
    context = {"section": "fleet", "map": read_areas(request.user, request.GET.get("page", "1"))}
    return answer(request, "fleet/areas.html", context, partial="map")
