"""The webhook of a repository: how to set it up, and what every delivery led to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.forms import HookForm
from dashboard.models import Role, WebhookDelivery
from dashboard.services import hooks
from dashboard.services.credentials import CredentialError
from dashboard.views.answer import answer, posted
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context

if TYPE_CHECKING:
    from django.http import HttpResponse

    from dashboard.models import Repository, WebhookHook

PAGE_SIZE = 50


@dataclass(frozen=True)
class Instructions:
    """What a person pastes where. ``trouble`` stands in the place of a secret that is lost."""

    hook: WebhookHook
    address: str
    secret: str
    trouble: str


@sensitive_variables()
def _instructions(hook: WebhookHook) -> Instructions:
    try:
        return Instructions(hook, hooks.address(hook), hooks.secret(hook), "")
    except CredentialError as error:
        return Instructions(hook, hooks.address(hook), "", str(error))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def webhook(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the hooks and their deliveries; a lead also sees the secrets and sets up new ones."""
    role = Role.LEAD if request.method == "POST" else Role.VIEWER
    repository = repository_for(request, slug, role)
    taken = repository.hooks.values_list("provider", flat=True)
    likely = hooks.likely_provider(repository.clone_url)
    form = HookForm(posted(request), taken=set(taken), likely=likely)
    if request.method == "POST" and form.is_valid():
        try:
            hooks.set_up(repository, form.cleaned_data["provider"], request.user)
        except CredentialError as error:
            form.add_error(None, str(error))
        else:
            return HttpResponseRedirect(_page(repository, fresh="new" in request.GET))
    context = page_context(request, repository, "webhook")
    context |= {"form": form, "fresh": "new" in request.GET}
    context |= _shown(repository, request.GET.get("page", "1"), secrets=context["may_manage"])
    status = 422 if form.is_bound else 200
    return answer(request, "repository/webhook.html", context, partial="deliveries", status=status)


def _shown(repository: Repository, page: str, *, secrets: bool) -> dict[str, object]:
    """Return hooks and deliveries; ``secrets`` only for those who may manage the repository."""
    rows = list(repository.hooks.order_by("provider"))
    deliveries = WebhookDelivery.objects.filter(hook__in=rows).select_related("hook", "scan")
    return {
        "hooks": rows,
        "instructions": [_instructions(hook) for hook in rows] if secrets else [],
        "page": Paginator(deliveries.defer("payload"), PAGE_SIZE).get_page(page),
    }


def _page(repository: Repository, *, fresh: bool = False) -> str:
    return reverse("webhook", args=[repository.slug]) + ("?new=1" if fresh else "")


def _hook_for(request: SignedInRequest, slug: str, pk: int) -> tuple[Repository, WebhookHook]:
    repository = repository_for(request, slug, Role.LEAD)
    return repository, get_object_or_404(repository.hooks.select_related("repository"), pk=pk)


@require_POST
@signed_in
def rotate(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Give the hook a new secret; the old one works until the next rotation."""
    repository, hook = _hook_for(request, slug, pk)
    try:
        hooks.rotate(hook, request.user)
    except CredentialError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "There is a new secret. The old one works until you renew again.")
    return HttpResponseRedirect(_page(repository))


@require_POST
@signed_in
def remove(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Close the address of a hook."""
    repository, hook = _hook_for(request, slug, pk)
    hooks.remove(hook, request.user)
    messages.success(request, f"The {hook.get_provider_display()} webhook is removed.")
    return HttpResponseRedirect(_page(repository))
