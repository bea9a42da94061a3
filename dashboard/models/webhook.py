"""The webhook door: who may ring, and what every ring led to."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

from dashboard.models.repository import Repository
from dashboard.models.scan import Scan

if TYPE_CHECKING:
    from dashboard.models.people import Reader

TOKEN_BYTES = 24


def new_token() -> str:
    """Return an unguessable token for the address of a hook."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Provider(models.TextChoices):
    """The forges whose webhooks are understood."""

    GITHUB = "github", "GitHub"
    GITLAB = "gitlab", "GitLab"
    GITEA = "gitea", "Gitea / Forgejo"
    BITBUCKET = "bitbucket", "Bitbucket"


class WebhookHook(models.Model):
    """The address and the secret with which one forge may announce pushes to one repository.

    ``secret`` and ``previous_secret`` are Fernet tokens; both open the door during a rotation.
    """

    identity = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="hooks")
    provider = models.CharField(max_length=10, choices=Provider)
    token = models.CharField(max_length=64, unique=True, default=new_token)
    secret = models.TextField()
    previous_secret = models.TextField(blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_delivery_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "provider"], name="hook_once"),
        ]


class DeliveryOutcome(models.TextChoices):
    """What a delivery led to."""

    SCAN_REQUESTED = "scan-requested", "Scan requested"
    IGNORED = "ignored", "Nothing to do"
    REFUSED = "refused", "Refused"


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Deliveries, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the deliveries to repositories the reader may see."""
        return self.filter(hook__repository__in=Repository.objects.visible_to(reader))


class WebhookDelivery(models.Model):
    """One delivery that passed the signature. ``payload`` is scrubbed and cut to 64 kB."""

    hook = models.ForeignKey(WebhookHook, models.DB_CASCADE, related_name="deliveries")
    key = models.CharField(max_length=128)
    event = models.CharField(max_length=80, blank=True)
    outcome = models.CharField(max_length=16, choices=DeliveryOutcome)
    reason = models.TextField(blank=True)
    branch = models.CharField(max_length=255, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    scan = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="deliveries")
    payload = models.TextField(blank=True)
    received_at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["hook", "key"], name="delivery_once"),
        ]
