"""Hooks: the address and the secret with which a forge may announce pushes to one repository."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from dashboard.models import AuditEntry, Provider, WebhookHook
from dashboard.services import credentials

if TYPE_CHECKING:
    from dashboard.models import Repository, User

SECRET_BYTES = 32
# host -> the forge that is likely to run there, to choose first in the form
_KNOWN_HOSTS = {
    "github.com": Provider.GITHUB,
    "gitlab.com": Provider.GITLAB,
    "bitbucket.org": Provider.BITBUCKET,
    "codeberg.org": Provider.GITEA,
}


@transaction.atomic
def set_up(repository: Repository, provider: Provider, actor: User) -> WebhookHook:
    """Return the hook of this forge for this repository, made with a fresh secret if need be.

    Raises:
        CredentialError: Secrets cannot be kept, with the next step.
    """
    known = WebhookHook.objects.filter(repository=repository, provider=provider).first()
    if known is not None:
        return known
    hook = WebhookHook(repository=repository, provider=provider)
    hook.secret = credentials.seal(hook.identity, _new_secret(provider))
    hook.save()
    _record(hook, actor, "hook.set-up")
    return hook


@transaction.atomic
def rotate(hook: WebhookHook, actor: User) -> None:
    """Give the hook a new secret; the one before opens the door until the next rotation.

    Raises:
        CredentialError: Secrets cannot be kept, with the next step.
    """
    hook.previous_secret = hook.secret
    hook.secret = credentials.seal(hook.identity, _new_secret(hook.provider))
    hook.save(update_fields=["secret", "previous_secret"])
    _record(hook, actor, "hook.rotated")


def _new_secret(provider: str) -> str:
    if provider == Provider.GITLAB:
        # The form of GitLab's signing tokens; it does as a secret token just as well.
        return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode('ascii')}"
    return secrets.token_urlsafe(SECRET_BYTES)


@transaction.atomic
def remove(hook: WebhookHook, actor: User) -> None:
    """Close the address for good, with its log."""
    _record(hook, actor, "hook.removed")
    hook.delete()


@sensitive_variables()
def secret(hook: WebhookHook) -> str:
    """Return the secret in clear, for the page that tells people what to paste.

    Raises:
        CredentialError: No key opens it, with the next step.
    """
    return credentials.unseal(hook.identity, hook.secret)


def address(hook: WebhookHook) -> str:
    """Return the address that the forge is given."""
    return f"{settings.BASE_URL}/hooks/r/{hook.token}/"


def likely_provider(clone_url: str) -> str:
    """Return the forge that a clone address points to, GitHub when it tells nothing."""
    for host, provider in _KNOWN_HOSTS.items():
        if host in clone_url:
            return provider
    return Provider.GITLAB if "gitlab" in clone_url else Provider.GITHUB


def _record(hook: WebhookHook, actor: User, action: str) -> None:
    AuditEntry.objects.note(hook.repository, actor, action, provider=hook.provider)
