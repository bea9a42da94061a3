"""The fleet: all repositories at a glance, and the list that manages them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.views.decorators.http import require_safe

from dashboard.models import Repository, Role, Team
from dashboard.services.fleet import PAGE_SIZE, FleetQuery, read_fleet
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def fleet(request: SignedInRequest) -> HttpResponse:
    """Show how far each repository is from its standards."""
    query = FleetQuery.read(request.GET)
    context = {"section": "fleet", "query": query, "fleet": read_fleet(request.user, query)}
    return answer(request, "fleet/list.html", context, partial="rows")


@require_safe
@signed_in
def repositories(request: SignedInRequest) -> HttpResponse:
    """List the repositories with what a person who looks after them needs to know."""
    rows = Repository.objects.visible_to(request.user).select_related("team")
    rows = rows.prefetch_related("adoptions", "hooks").order_by("name", "pk")
    context = {
        "section": "repositories",
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page", "1")),
        "may_register": Team.objects.with_role(request.user, Role.LEAD).exists(),
    }
    return answer(request, "repository/list.html", context, partial="rows")
