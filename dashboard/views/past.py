"""The past of a repository: how far it is judged, what leads do about it, and its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dashboard.models import PastResult, Role
from dashboard.services import backfill
from dashboard.services.past_page import read_past, read_point
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context

if TYPE_CHECKING:
    from django.http import HttpResponse

TURNS = {
    "begin": (backfill.begin, "The past is judged by the rules of today, newest week first."),
    "pause": (backfill.pause, "Paused. What is judged stays."),
    "resume": (backfill.resume, "Judging the past goes on."),
    "cancel": (backfill.cancel, "Stopped. What is judged stays."),
}


@require_safe
@signed_in
def past(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show how far the past is judged, and its points; the fragment follows the progress."""
    repository = repository_for(request, slug)
    found = read_past(repository, request.GET.get("page", "1"))
    context = page_context(request, repository, "history")
    context |= {"past": found, "backfill": found.backfill}
    return answer(request, "repository/past.html", context, partial="progress")


@require_safe
@signed_in
def point(request: SignedInRequest, slug: str, commit: str) -> HttpResponse:
    """Show what an earlier commit would have been told by the rules of today."""
    repository = repository_for(request, slug)
    points = PastResult.objects.visible_to(request.user)
    row = get_object_or_404(points, repository=repository, commit=commit)
    context = page_context(request, repository, "history")
    context |= {"point": row, "standards": read_point(row)}
    return answer(request, "repository/past_point.html", context)


@require_POST
@signed_in
def turn(request: SignedInRequest, slug: str, verb: str) -> HttpResponse:
    """Begin, pause, resume or cancel the judging of the past."""
    repository = repository_for(request, slug, Role.LEAD)
    if verb not in TURNS:
        raise Http404
    act, sentence = TURNS[verb]
    act(repository, request.user)
    messages.success(request, sentence)
    return HttpResponseRedirect(reverse("repository-past", args=[slug]))
