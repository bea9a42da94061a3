"""Bringing a standard: paste or choose a file, see what it would change, store it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.forms import StandardForm
from dashboard.models import Role, Standard, Team
from dashboard.services import editing, own_standards
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponse


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SignedInRequest) -> HttpResponse:
    """Read a standard, show what it would change, and store it when that is wanted."""
    may_bring(request)
    if request.method != "POST":
        text = editing.start(request.GET.get("from", ""), request.user)
        return show(request, StandardForm(initial={"source": text}))
    form = StandardForm(request.POST, request.FILES)
    if "store" in request.POST and form.is_valid():
        try:
            row = own_standards.publish(form.cleaned_data["source"], request.user)
        except own_standards.RefusedError:
            return show(request, form)
        stored = '{} is stored. <a href="{}">Adopt it in your repositories</a>'
        where = reverse("standard-adopt", args=[row.slug])
        messages.success(request, format_html(stored, row.title, where))
        return HttpResponseRedirect(reverse("standard", args=[row.slug]))
    return show(request, form)


@require_safe
@signed_in
def guide(request: SignedInRequest) -> HttpResponse:
    """Show how a standard is written: the page of the documentation, as text."""
    context = {"section": "standards", "text": own_standards.guide()}
    return answer(request, "standard/help.html", context)


def may_bring(request: SignedInRequest) -> None:
    """Let leads through.

    Raises:
        PermissionDenied: The person leads no team.
    """
    if not Team.objects.with_role(request.user, Role.LEAD).exists():
        raise PermissionDenied("Leads decide about standards; an owner of a team can make one.")


def show(
    request: SignedInRequest, form: StandardForm, mistakes: Sequence[str] = ()
) -> HttpResponse:
    """Show the text of a form with what it would change, or the mistakes in it."""
    offer = None
    if form.is_bound and form.is_valid():
        try:
            offer = own_standards.read(form.cleaned_data["source"], request.user)
        except own_standards.RefusedError as error:
            mistakes = [*mistakes, *error.mistakes]
        for mistake in mistakes:
            form.add_error("source", mistake)
    context = {
        "section": "standards",
        "form": form,
        "offer": offer,
        "source": form.cleaned_data.get("source", "") if form.is_bound else "",
        "standards": Standard.objects.newest().only("slug", "title"),
    }
    status = 422 if form.is_bound and form.errors else 200
    return answer(request, "standard/new.html", context, status=status)
