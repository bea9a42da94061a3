"""Contradicting clauses of the standards that a repository has adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dashboard.models import Role, noting
from dashboard.services import conflicts as service
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context
from dashboard.views.undo import decided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponse

    from dashboard.services.conflicts import Pair

PREFIX = "pair:"


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def conflicts(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the pairs; a lead decides which clause of each gives way."""
    role = Role.LEAD if request.method == "POST" else Role.VIEWER
    repository = repository_for(request, slug, role)
    pairs = service.pairs(repository)
    if request.method == "POST":
        with noting() as noted:
            changed = service.decide(repository, _choices(request, pairs), request.user)
        if changed:
            decided(request, "Saved. A scan that counts accordingly is on its way.", noted)
        else:
            messages.success(request, "Nothing has changed.")
        return HttpResponseRedirect(reverse("conflicts", args=[slug]))
    context = page_context(request, repository, "conflicts") | {
        "pairs": pairs,
        "open": sum(not pair.settled for pair in pairs),
        "standards": sorted(
            {each.standard for pair in pairs for each in (pair.first, pair.second)},
            key=lambda standard: standard.title,
        ),
    }
    return answer(request, "repository/conflicts.html", context)


def _choices(request: SignedInRequest, pairs: Sequence[Pair]) -> dict[str, str]:
    """What was chosen pair by pair; a standard that gives way everywhere settles open pairs."""
    chosen = {
        name.removeprefix(PREFIX): value
        for name, value in request.POST.items()
        if name.startswith(PREFIX) and isinstance(value, str)
    }
    everywhere = request.POST.get("everywhere", "")
    for pair in pairs:
        if everywhere and not pair.settled and not chosen.get(pair.name):
            for clause in (pair.first, pair.second):
                if clause.standard.slug == everywhere:
                    chosen[pair.name] = service.key(clause)
    return chosen
