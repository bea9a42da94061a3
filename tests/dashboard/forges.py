"""Forges, as far as they can be told from their requests: payloads, headers, signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.http import HttpResponse, HttpResponseBase
from django.test import Client

from dashboard.models import Provider, WebhookHook
from dashboard.services import hooks
from tests.dashboard import rows

PAYLOADS = Path(__file__).parent / "payloads"
HEAD = "7b1e0c9a5d3f4e2b8a6c1d0f9e8b7a6c5d4e3f2a"
URLS = {
    Provider.GITHUB: "https://github.com/acme/shop.git",
    Provider.GITLAB: "git@gitlab.com:acme/shop.git",
    Provider.GITEA: "https://codeberg.org/acme/shop",
    Provider.BITBUCKET: "https://bitbucket.org/acme/shop.git",
}


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def digest(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def sign_github(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={digest(secret, body)}"}


def sign_gitlab(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Gitlab-Token": secret}


def sign_gitea(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Gitea-Signature": digest(secret, body)}


def sign_bitbucket(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature": f"sha256={digest(secret, body)}"}


@dataclass(frozen=True)
class Sender:
    """A forge, as far as it can be told from its requests."""

    provider: Provider
    sign: Callable[[str, bytes], dict[str, str]]
    event: str
    key: str

    def send(
        self, hook: WebhookHook, body: bytes, event: str, *, key: str = "", path: str = ""
    ) -> HttpResponse:
        secret = hooks.secret(hook)
        headers = {self.event: event, self.key: key or str(uuid.uuid4())}
        return post(path or f"/hooks/r/{hook.token}/", body, headers | self.sign(secret, body))


SENDERS = {
    Provider.GITHUB: Sender(Provider.GITHUB, sign_github, "X-GitHub-Event", "X-GitHub-Delivery"),
    Provider.GITLAB: Sender(Provider.GITLAB, sign_gitlab, "X-Gitlab-Event", "X-Gitlab-Event-UUID"),
    Provider.GITEA: Sender(Provider.GITEA, sign_gitea, "X-Gitea-Event", "X-Gitea-Delivery"),
    Provider.BITBUCKET: Sender(Provider.BITBUCKET, sign_bitbucket, "X-Event-Key", "X-Request-UUID"),
}
GITHUB = SENDERS[Provider.GITHUB]


def post(
    path: str, body: bytes, headers: dict[str, str], content_type: str = "application/json"
) -> HttpResponse:
    client = Client(enforce_csrf_checks=True)
    response: HttpResponse = client.post(path, body, content_type=content_type, headers=headers)  # type: ignore[assignment]
    return response


def said(response: HttpResponseBase) -> dict[str, object]:
    assert isinstance(response, HttpResponse)
    return dict(json.loads(response.content))


def make_hook(provider: Provider = Provider.GITHUB, url: str = "") -> WebhookHook:
    repository = rows.repository(url=url or URLS[provider])
    return hooks.set_up(repository, provider, rows.user())


SCAN, IGNORED, REFUSED = "scan-requested", "ignored", "refused"
