"""A person's own pages, and teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.forms import THEME_COOKIE, AppearanceForm
from dashboard.models import Membership, Team
from dashboard.services.my_work import LISTS, note_visit, read_all, read_my_work
from dashboard.views.answer import answer, posted
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse

SHOWN = 100
YEAR_SECONDS = 365 * 24 * 3600


@require_safe
@signed_in
def me(request: SignedInRequest) -> HttpResponse:
    """Show the person's repositories, what is new in them, what is theirs and asked of them."""
    note_visit(request.user)
    which = request.GET.get("all", "")
    if which in LISTS:
        page = read_all(request.user, which, request.GET.get("page", "1"))
        full = {"section": "me", "title": LISTS[which], "page": page}
        return answer(request, "people/my_findings.html", full, partial="rows")
    context = {"section": "me", "work": read_my_work(request.user)}
    return answer(request, "people/me.html", context)


@require_safe
@signed_in
def team(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show who is in a team and how its repositories stand."""
    row = get_object_or_404(Team.objects.visible_to(request.user), slug=slug)
    members = Membership.objects.filter(team=row).select_related("user")
    context = {
        "section": "fleet",
        "team": row,
        "members": members.order_by("user__username"),
        "repositories": row.repositories.order_by("name")[:SHOWN],
    }
    return answer(request, "people/team.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def settings(request: SignedInRequest) -> HttpResponse:
    """Change how the pages look for this person in this browser."""
    current = request.COOKIES.get(THEME_COOKIE, "auto")
    form = AppearanceForm(posted(request), initial={"theme": current})
    if request.method == "POST" and form.is_valid():
        messages.success(request, "Saved for this browser.")
        response = HttpResponseRedirect(reverse("settings"))
        response.set_cookie(
            THEME_COOKIE,
            form.cleaned_data["theme"],
            max_age=YEAR_SECONDS,
            samesite="Lax",
            secure=request.is_secure(),
        )
        return response
    context = {"section": "settings", "form": form}
    return answer(request, "people/settings.html", context, status=422 if form.is_bound else 200)
