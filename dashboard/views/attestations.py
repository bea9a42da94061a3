"""Attestations: what leads vouch for in one repository, and what ends next in all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.forms import AttestationForm
from dashboard.models import Role, noting
from dashboard.services import attestations as service
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context
from dashboard.views.undo import decided

if TYPE_CHECKING:
    from django.http import HttpResponse

    from dashboard.models import Repository
    from dashboard.services.attestations import Topic

PAGE_SIZE = 50


@require_safe
@signed_in
def ending(request: SignedInRequest) -> HttpResponse:
    """List what is due in all repositories, then what counts by its end."""
    page = Paginator(service.open_items(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"section": "fleet", "page": page}
    return answer(request, "attestation/ending.html", context, partial="rows")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def attestations(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show what the standards want attested; a lead records it."""
    role = Role.LEAD if request.method == "POST" else Role.VIEWER
    repository = repository_for(request, slug, role)
    topics = service.topics(repository)
    refused: AttestationForm | None = None
    if request.method == "POST":
        refused = AttestationForm(request.POST, topic=_topic(topics, request.POST.get("topic")))
        if refused.is_valid():
            with noting() as noted:
                service.attest(repository, refused.topic, refused.word(), request.user)
            decided(request, f"{refused.topic.name} is attested; a scan will count it.", noted)
            return HttpResponseRedirect(reverse("attestations", args=[slug]))
    context = _context(request, repository, topics, refused)
    return answer(request, "attestation/repository.html", context, status=422 if refused else 200)


def _topic(topics: list[Topic], name: str | None) -> Topic:
    for topic in topics:
        if topic.name == name:
            return topic
    raise Http404("No adopted standard wants this attested.")


def _context(
    request: SignedInRequest,
    repository: Repository,
    topics: list[Topic],
    refused: AttestationForm | None,
) -> dict[str, Any]:
    context = page_context(request, repository, "attestations")
    rows = []
    for topic in topics:
        held = refused if refused is not None and refused.topic is topic else None
        form = held or AttestationForm(topic=topic)
        rows.append({"topic": topic, "form": form, "opened": held is not None})
    return context | {
        "rows": rows,
        "due": sum(topic.state == "due" for topic in topics),
        "earlier": service.earlier(repository),
    }


@require_POST
@signed_in
def withdraw(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Take a word back."""
    repository = repository_for(request, slug, Role.LEAD)
    record = get_object_or_404(repository.attestations, pk=pk, withdrawn_at__isnull=True)
    with noting() as noted:
        service.withdraw(record, request.user)
    text = f"{record.topic} is no longer attested; a scan will show it as due."
    decided(request, text, noted)
    return HttpResponseRedirect(reverse("attestations", args=[slug]))
