"""Bringing a standard: paste or choose a file, see what it would change, store it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from dashboard.forms import StandardForm
from dashboard.models import Role, Standard, Team
from dashboard.services import own_standards
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SignedInRequest) -> HttpResponse:
    """Read a standard, show what it would change, and store it when that is wanted."""
    if not Team.objects.with_role(request.user, Role.LEAD).exists():
        raise PermissionDenied("Standards are brought by leads; an owner of a team can make one.")
    text = own_standards.copy_of(request.GET.get("from", ""))
    form = StandardForm(initial={"source": text})
    offer = None
    if request.method == "POST":
        form = StandardForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                offer = own_standards.read(form.cleaned_data["source"], request.user)
                if "store" in request.POST:
                    row = own_standards.publish(form.cleaned_data["source"], request.user)
                    stored = '{} is stored. <a href="{}">Adopt it in your repositories</a>'
                    where = reverse("standard-adopt", args=[row.slug])
                    messages.success(request, format_html(stored, row.title, where))
                    return HttpResponseRedirect(reverse("standard", args=[row.slug]))
            except own_standards.RefusedError as error:
                for mistake in error.mistakes:
                    form.add_error("source", mistake)
    context = {
        "section": "standards",
        "form": form,
        "offer": offer,
        "source": form.cleaned_data.get("source", "") if form.is_bound else text,
        "shipped": Standard.objects.newest().only("slug", "title"),
    }
    status = 422 if form.is_bound and form.errors else 200
    return answer(request, "standard/new.html", context, status=status)
