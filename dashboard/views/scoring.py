"""How a score comes about, and what would raise it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.views.decorators.http import require_safe

from dashboard.services.scoring_page import read_scoring
from dashboard.services.worth import read_gains
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def scoring(request: SignedInRequest) -> HttpResponse:
    """Show the formula, with examples that are computed by it."""
    return answer(request, "scoring.html", {"section": "standards", "view": read_scoring()})


@require_safe
@signed_in
def gains(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show what fixing a clause, a check or a file gains, and a cheap way to the next letter."""
    row = repository_for(request, slug)
    context = page_context(request, row, "gains") | {"view": read_gains(row, request.GET)}
    return answer(request, "repository/gains.html", context, partial="gains")
