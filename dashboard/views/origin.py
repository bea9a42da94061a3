"""Standards that are read from a repository: registered, looked at, read again, given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.models import OriginState, Repository, Role, StandardOrigin
from dashboard.services import origins
from dashboard.standard_forms import OriginForm
from dashboard.views.answer import answer, posted
from dashboard.views.guards import SignedInRequest, signed_in
from dashboard.views.own_standard import may_bring

if TYPE_CHECKING:
    from django.http import HttpResponse


def _origin(request: SignedInRequest, pk: int, role: Role = Role.VIEWER) -> StandardOrigin:
    """Return a file that a standard is read from.

    Raises:
        Http404: It does not exist, or not for this person.
        PermissionDenied: The person sees it, but has less than ``role`` in its team.
    """
    visible = StandardOrigin.objects.visible_to(request.user)
    row = get_object_or_404(visible.select_related("team", "repository"), pk=pk)
    if role is not Role.VIEWER and not request.user.may(role, row.team):
        raise PermissionDenied(f"This needs the role lead in the team {row.team.name}.")
    return row


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SignedInRequest) -> HttpResponse:
    """Register the file that a standard is read from."""
    may_bring(request)
    typed = request.GET.get("repository", "")
    form = OriginForm(posted(request), user=request.user, typed=typed)
    if request.method == "POST" and form.is_valid():
        try:
            row = origins.register(**form.cleaned_data, actor=request.user)
            return HttpResponseRedirect(reverse("origin", args=[row.pk]))
        except origins.RegisteredError:
            form.add_error("path", "A standard is read from this file already.")
    context = {"section": "standards", "form": form, "found": form.found()}
    status = 422 if form.is_bound else 200
    return answer(request, "standard/origin_new.html", context, partial="found", status=status)


@require_safe
@signed_in
def origin(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show what became of the file: waiting, in step, or which mistakes stand against it."""
    row = _origin(request, pk)
    context = {
        "section": "standards",
        "origin": row,
        "readable": Repository.objects.visible_to(request.user).filter(pk=row.repository_id),
        "waiting": row.state == OriginState.WAITING,
        "may_manage": request.user.may(Role.LEAD, row.team),
    }
    return answer(request, "standard/origin.html", context, partial="state")


@require_POST
@signed_in
def again(request: SignedInRequest, pk: int) -> HttpResponse:
    """Read the file once more."""
    origins.ask_again(_origin(request, pk, Role.LEAD))
    return HttpResponseRedirect(reverse("origin", args=[pk]))


@require_POST
@signed_in
def stop(request: SignedInRequest, pk: int) -> HttpResponse:
    """Read the file no longer; what was read stays."""
    row = _origin(request, pk, Role.LEAD)
    origins.stop(row, request.user)
    messages.success(request, f"{row.path} is read no longer. Its versions stay as they are.")
    where = reverse("standard", args=[row.slug]) if row.slug else reverse("standards")
    return HttpResponseRedirect(where)
