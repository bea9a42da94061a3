"""Newer versions of standards: what they change, and adopting them on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dashboard.models import Role, noting
from dashboard.services import versions as service
from dashboard.services.catalogue import newest_standard
from dashboard.text import whole
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.own_standard import may_bring
from dashboard.views.repository import page_context, warn_of_conflicts
from dashboard.views.undo import decided

if TYPE_CHECKING:
    from django.http import HttpResponse

OUTDATED = "Somebody has brought another version meanwhile: look at what it changes first."


def _chosen(request: SignedInRequest, name: str) -> list[int]:
    """The numbers that were ticked; a text that is none was sent by no page of ours."""
    return [whole(value) for value in request.POST.getlist(name)]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def renew(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show what the newer versions of the adopted standards change; adopt those that are chosen."""
    row = repository_for(request, slug, Role.LEAD)
    if request.method == "POST":
        try:
            with noting() as noted:
                moved = service.renew(row, _chosen(request, "standard"), request.user)
        except service.OutdatedError:
            messages.warning(request, OUTDATED)
            return HttpResponseRedirect(reverse("repository-renew", args=[slug]))
        if moved:
            decided(request, "Adopted. A scan with the new versions is on its way.", noted)
            warn_of_conflicts(request, row)
            return HttpResponseRedirect(row.get_absolute_url())
    context = page_context(request, row, "settings") | {"renewals": service.renewals(row)}
    return answer(request, "repository/renew.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def adopt(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show who could adopt the newest version and what it changes; adopt it where it is ticked."""
    standard = newest_standard(slug)
    may_bring(request)
    if request.method == "POST":
        shown = request.POST.get("version", "")
        try:
            if shown != standard.version:
                raise service.OutdatedError
            with noting() as noted:
                changed = service.adopt_in(standard, _chosen(request, "repository"), request.user)
            noun = "repository" if changed == 1 else "repositories"
            text = f"Adopted in {changed} {noun}. Scans with it are on their way."
            decided(request, text, noted)
        except service.OutdatedError:
            messages.warning(request, OUTDATED)
        return HttpResponseRedirect(reverse("standard-adopt", args=[slug]))
    spread = service.read_spread(request.user, standard, request.GET.get("page", "1"))
    context = {"section": "standards", "spread": spread, "page": spread.page}
    return answer(request, "standard/adopt.html", context, partial="spread")
