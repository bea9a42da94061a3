"""Search from every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.views.decorators.http import require_safe

from dashboard.services.search import search as look
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def search(request: SignedInRequest) -> HttpResponse:
    """Show in which repositories, clauses, checks, files and findings a text stands."""
    asked = request.GET
    found = look(request.user, asked.get("q", ""), asked.get("only", ""), asked.get("page", "1"))
    context = {"section": "search", "search": found}
    return answer(request, "search/results.html", context, partial="hits")
