"""What a person does on the findings list: keep a view of it, ask for waivers, take that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.models import Role, SavedView
from dashboard.services import saved_views, waiver_batches
from dashboard.triage_forms import AskForm, numbers
from dashboard.views.guards import SignedInRequest, repository_for, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse

    from dashboard.models import Repository

ASKED = "asked"
"""Where a session keeps the requests that the next list offers to take back."""


def _back(repository: Repository, query: str) -> HttpResponse:
    """Lead back to the list; what comes from a form is read and written anew."""
    address = reverse("findings", args=[repository.slug])
    return HttpResponseRedirect(address + saved_views.read_query(query).address())


@require_POST
@signed_in
def save_view(request: SignedInRequest, slug: str) -> HttpResponse:
    """Keep the list as it is under a name."""
    repository = repository_for(request, slug)
    query = request.POST.get("query", "")
    try:
        row = saved_views.save(request.user, request.POST.get("name", ""), query)
    except saved_views.SavedViewError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Kept as “{row.name}”, for you alone.")
    return _back(repository, query)


@require_POST
@signed_in
def remove_view(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Forget a view."""
    repository = repository_for(request, slug)
    row = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk)
    row.delete()
    messages.success(request, f"“{row.name}” is forgotten.")
    return _back(repository, request.POST.get("query", ""))


@require_POST
@signed_in
def ask(request: SignedInRequest, slug: str) -> HttpResponse:
    """Ask for a waiver of each of the chosen findings, with one reason."""
    repository = repository_for(request, slug, Role.DEVELOPER)
    query = request.POST.get("query", "")
    form = AskForm(request.POST)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
        return _back(repository, query)
    data = form.cleaned_data
    found = waiver_batches.chosen(repository, saved_views.read_query(query), data["picked"])
    try:
        made = waiver_batches.ask(
            repository, found, data["reason"], data["expires_on"], request.user
        )
    except waiver_batches.BatchError as refusal:
        messages.error(request, str(refusal))
    else:
        request.session[ASKED] = {"repository": repository.slug, "waivers": list(made)}
    return _back(repository, query)


@require_POST
@signed_in
def undo(request: SignedInRequest, slug: str) -> HttpResponse:
    """Take back what was asked for, as far as nobody has decided it."""
    repository = repository_for(request, slug, Role.DEVELOPER)
    asked = numbers(request.POST.get("waivers", ""))
    taken = waiver_batches.withdraw(repository, asked, request.user)
    plural = "" if taken == 1 else "s"
    messages.success(request, f"{taken} request{plural} for a waiver taken back.")
    return _back(repository, request.POST.get("query", ""))


def just_asked(request: SignedInRequest, repository: Repository) -> list[int]:
    """Return the requests of the moment before, once."""
    if request.session.get(ASKED, {}).get("repository") != repository.slug:
        return []
    return list(request.session.pop(ASKED)["waivers"])
