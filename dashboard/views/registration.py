"""Registering a repository: its address, the server's answer, then name, branch and standards."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.forms import NO_CREDENTIAL, AddressForm, ChoicesForm
from dashboard.models import Credential, Probe, ProbeState, Role, Team
from dashboard.services import registration
from dashboard.views.answer import answer, posted
from dashboard.views.guards import SignedInRequest, signed_in
from dashboard.views.repository import warn_of_conflicts

if TYPE_CHECKING:
    from django.http import HttpResponse

PROBE_SECONDS = 2


def _probe_for(request: SignedInRequest, identity: uuid.UUID) -> Probe:
    visible = Probe.objects.visible_to(request.user).select_related("team", "credential")
    return get_object_or_404(visible, identity=identity)


def _probe_address(probe: Probe) -> str:
    return reverse("repository-probe", args=[probe.identity])


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SignedInRequest) -> HttpResponse:
    """First step: take the address and the credential, and let a worker ask the server."""
    teams = Team.objects.with_role(request.user, Role.LEAD)
    form = AddressForm(
        posted(request),
        user=request.user,
        initial={"clone_url": request.GET.get("address", "")[:500]},
    )
    if request.method == "POST" and form.is_valid():
        try:
            credential = _kept_credential(form.cleaned_data)
        except registration.RefusedError as error:
            form.add_error("secret", str(error))
        else:
            probe = registration.ask(
                team=form.cleaned_data["team"],
                clone_url=form.cleaned_data["clone_url"],
                credential=credential,
                actor=request.user,
            )
            return HttpResponseRedirect(_probe_address(probe))
    context = {"section": "repositories", "form": form, "may_register": teams.exists()}
    status = 422 if form.is_bound else 200
    return answer(request, "repository/new.html", context, partial="form", status=status)


def _kept_credential(given: dict[str, Any]) -> Credential | None:
    if given["credential_kind"] == NO_CREDENTIAL:
        return None
    return registration.keep_credential(
        team=given["team"],
        clone_url=given["clone_url"],
        kind=given["credential_kind"],
        username=given["username"],
        secret=given["secret"],
        host_key=given["host_key"],
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def probe(request: SignedInRequest, identity: uuid.UUID) -> HttpResponse:
    """Second step: wait for the server's answer, then choose name, branch and standards."""
    row = _probe_for(request, identity)
    context: dict[str, object] = {"section": "repositories", "probe": row}
    if row.state != ProbeState.REACHED:
        context["poll_seconds"] = PROBE_SECONDS if row.state == ProbeState.WAITING else 0
        return answer(request, "repository/probe.html", context, partial="step")
    form = ChoicesForm(
        posted(request), probe=row, initial={"name": registration.proposed_name(row)}
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            repository = registration.complete(
                row,
                name=given["name"],
                branch=given["branch"],
                adopted=list(given["standards"]),
                actor=request.user,
            )
        except registration.RefusedError as error:
            form.add_error(None, str(error))
        else:
            warn_of_conflicts(request, repository)
            return HttpResponseRedirect(reverse("webhook", args=[repository.slug]) + "?new=1")
    status = 422 if form.is_bound else 200
    return answer(
        request, "repository/probe.html", context | {"form": form}, partial="step", status=status
    )


@require_POST
@signed_in
def probe_again(request: SignedInRequest, identity: uuid.UUID) -> HttpResponse:
    """Ask the server once more, at the address it offered when the person accepts that."""
    row = _probe_for(request, identity)
    follow = "follow" in request.POST and row.offered_url
    registration.ask_again(row, row.offered_url if follow else "")
    return HttpResponseRedirect(_probe_address(row))
