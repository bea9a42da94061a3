"""Waivers: asked for and decided, of one repository and of all that a person may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.models import Finding, Role, Waiver, WaiverState, noting
from dashboard.services import (
    suppressions,
    waiver_batches,
    waiver_entries,
    waiver_lists,
    waiver_requests,
)
from dashboard.services.waiver_lists import Within
from dashboard.text import whole
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context
from dashboard.views.undo import decided
from dashboard.waiver_forms import WaiverForm

if TYPE_CHECKING:
    from dashboard.models import Repository

PAGE_SIZE = 25
DONE = {
    "grant": "The waiver is granted; a scan will count it.",
    "refuse": "The request is refused.",
    "revoke": "The waiver is taken back; a scan will count its findings again.",
}


def _list(request: SignedInRequest, within: Within) -> dict[str, Any]:
    only = replace(within, only=whole(request.GET.get("waiver", "")))
    found = waiver_lists.overview(request.user, request.GET.get("list", ""), only)
    return {
        "lists": found.lists,
        "which": found.which,
        "page": Paginator(found.rows, PAGE_SIZE).get_page(request.GET.get("page")),
    }


@require_safe
@signed_in
def waivers(request: SignedInRequest) -> HttpResponse:
    """List what waits for a decision, counts, ends soon, is broken, unused or over."""
    team, repository = (
        request.GET.get(name, "")[:80].replace("\x00", "") for name in ("team", "repository")
    )
    mine = request.GET.get("mine") == "1"
    context = {"section": "fleet", "team": team, "chosen": repository, "mine": mine}
    context |= _list(request, Within(repository, team, mine))
    return answer(request, "waiver/list.html", context, partial="rows")


@require_safe
@signed_in
def repository_waivers(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the waivers of a repository, and what its code suppresses."""
    repository = repository_for(request, slug)
    context = page_context(request, repository, "waivers") | _list(request, Within(slug))
    context["silent"] = suppressions.read(request.user, repository, request.GET)
    return answer(request, "waiver/repository.html", context, partial="rows")


@require_safe
@signed_in
def export(request: SignedInRequest, slug: str) -> HttpResponse:
    """Hand out what is granted as the file that the repository may hold."""
    repository = repository_for(request, slug)
    response = HttpResponse(waiver_entries.export(repository), content_type="application/toml")
    response["Content-Disposition"] = 'attachment; filename="waivers.toml"'
    return response


PROPOSED = timedelta(days=90)
"""How long a waiver is to last where nobody says otherwise."""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SignedInRequest, slug: str) -> HttpResponse:
    """Ask for a waiver, after a look at what it would do."""
    repository = repository_for(request, slug, Role.DEVELOPER)
    finding = _finding(request, repository)
    given = request.POST if request.method == "POST" else None
    initial = {
        "path_pattern": request.GET.get("path", "")[:1000],
        "check_id": request.GET.get("check", "")[:200],
        "clause": request.GET.get("clause", "")[:200],
    }
    proposed = timezone.localdate() + PROPOSED
    folders = list(repository.components.judged().values_list("path", flat=True))
    form = WaiverForm(
        given, finding=finding, folders=folders, initial={**initial, "expires_on": proposed}
    )
    if given is not None and "ask" not in given:
        # A look at what it would cover needs no reason yet.
        form.fields["reason"].required = False
    if given is not None and form.is_valid() and "ask" in given:
        refusal = waiver_requests.objection(repository, form.wish())
        if not refusal:
            waiver_requests.ask(repository, form.wish(), request.user)
            messages.success(request, "The waiver is asked for; a lead decides.")
            return HttpResponseRedirect(reverse("repository-waivers", args=[slug]))
        form.add_error(None, refusal)
    if given is not None and form.is_valid():
        wish = form.wish()
    else:
        wish = waiver_requests.Wish(
            finding=finding,
            path_pattern="" if finding else initial["path_pattern"],
            check_id="" if finding else initial["check_id"],
            clause="" if finding else initial["clause"],
            expires_on=proposed,
        )
    foreseen = None
    if wish.finding or wish.path_pattern or wish.clause:
        foreseen = waiver_requests.preview(repository, wish, request.user)
    context = page_context(request, repository, "waivers")
    context |= {"form": form, "finding": finding, "foreseen": foreseen}
    if finding is not None and given is None:
        context["taken"] = waiver_requests.taken(finding)
    wrong = given is not None and not form.is_valid()
    return answer(request, "waiver/new.html", context, status=422 if wrong else 200)


def _finding(request: SignedInRequest, repository: Repository) -> Finding | None:
    given = request.GET.get("finding", "")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Http404("There is no such finding.")
    return get_object_or_404(Finding, repository=repository, pk=int(given))


@require_POST
@signed_in
def decide(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Grant, refuse or take back, with words; who has asked may take the request back."""
    action = request.POST.get("action", "")
    if action == "withdraw":
        return _withdraw(request, repository_for(request, slug, Role.DEVELOPER), pk)
    repository = repository_for(request, slug, Role.LEAD)
    rows = Waiver.objects.filter(repository=repository)
    row = get_object_or_404(rows.select_related("repository", "finding", "author"), pk=pk)
    if action not in waiver_requests.DECISIONS:
        raise Http404("There is no such decision.")
    words = request.POST.get("words", "")[:2000]
    try:
        with noting() as noted:
            waiver_requests.DECISIONS[action](row, request.user, words)
    except waiver_requests.WaiverError as error:
        messages.error(request, str(error))
        shown = "requested" if row.state == WaiverState.REQUESTED else ""
    else:
        decided(request, DONE[action], noted)
        shown = "in-force" if action == "grant" else "ended"
    page = reverse("repository-waivers", args=[slug])
    return HttpResponseRedirect(f"{page}?list={shown}#waiver-{pk}")


def _withdraw(request: SignedInRequest, repository: Repository, pk: int) -> HttpResponse:
    if waiver_batches.withdraw(repository, [pk], request.user):
        messages.success(request, "Your request is taken back.")
    else:
        messages.error(request, "This is no request of yours any more; load the page again.")
    page = reverse("repository-waivers", args=[repository.slug])
    return HttpResponseRedirect(f"{page}?list=ended#waiver-{pk}")
