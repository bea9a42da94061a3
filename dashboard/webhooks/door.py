"""``POST /hooks/<forge>/`` and ``POST /hooks/r/<token>/``: the one view behind both.

Measured, then read, then proved by its signature, and only then parsed and acted upon. A wrong
signature, an unknown hook and another forge's hook get the same answer.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
import structlog
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from dashboard.models import Provider
from dashboard.services import webhooks
from dashboard.services.credentials import CredentialError
from dashboard.webhooks import bitbucket, gitea, github, gitlab
from dashboard.webhooks.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboard.models import WebhookHook
    from dashboard.webhooks.forge import Forge

logger = structlog.get_logger(__name__)

LARGEST = 25 * 1024 * 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
FORGES: dict[str, Forge] = {
    Provider.GITHUB.value: github.FORGE,
    Provider.GITLAB.value: gitlab.FORGE,
    Provider.GITEA.value: gitea.FORGE,
    Provider.BITBUCKET.value: bitbucket.FORGE,
}
LIMITS = Limits()


class RefusedError(Exception):
    """The request is answered without a delivery."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.response = _answer(status, "refused", reason, headers or {})


def _answer(
    status: int, outcome: str, reason: str, headers: Mapping[str, str], **more: int
) -> HttpResponse:
    said = {"outcome": outcome, "reason": reason, **more}
    return JsonResponse(said, status=status, headers={"Cache-Control": "no-store", **headers})


@csrf_exempt
def receive(request: HttpRequest, provider: str = "", token: str = "") -> HttpResponse:
    """Take one delivery. 202 done or nothing to do, 200 a duplicate; everything else is refused.

    Args:
        request: As the forge sends it.
        provider: At a forge's common address, its name; ``?hook=<identity>`` may name the hook.
        token: At the address of one hook, its token.
    """
    try:
        body = _body(request)
        hook = _admitted(request, provider, token, body)
        delivery = _delivery(request, FORGES[hook.provider], body)
        receipt = webhooks.receive(hook, delivery)
    except RefusedError as refused:
        return refused.response
    except OperationalError:
        logger.exception("delivery not kept")
        return _later("The database is away for the moment; send the delivery again.")
    if delivery.news is None:
        return _answer(400, receipt.outcome, receipt.reason, {})
    status = 200 if receipt.outcome == "duplicate" else 202
    more = {} if receipt.scan is None else {"scan": receipt.scan}
    return _answer(status, receipt.outcome, receipt.reason, {}, **more)


def _later(reason: str) -> HttpResponse:
    return _answer(503, "refused", reason, {"Retry-After": "30"})


def _body(request: HttpRequest) -> bytes:
    """The raw body, after its measures were found acceptable. Nothing is looked up before."""
    if request.method != "POST":
        raise RefusedError(405, "Webhooks are delivered by POST.", {"Allow": "POST"})
    if wait := LIMITS.take():
        raise _too_many(wait)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedError(415, "Send the body without a content encoding.")
    if request.content_type not in {JSON, FORM}:
        raise RefusedError(415, "Send the payload as application/json.")
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        raise RefusedError(411, "Send a Content-Length header.")
    if int(length) > LARGEST:
        raise RefusedError(413, "The payload is larger than 25 MiB.")
    try:
        body = request.read(int(length))
    except OSError:
        body = b""
    if len(body) != int(length):
        raise RefusedError(400, "The body ended before its announced length.")
    return body


def _too_many(wait: int) -> RefusedError:
    return RefusedError(
        429, f"Too many deliveries; send again in {wait} seconds.", {"Retry-After": str(wait)}
    )


def _admitted(request: HttpRequest, provider: str, token: str, body: bytes) -> WebhookHook:
    """The hook whose secret signed the request."""
    if token:
        candidates = webhooks.by_token(token)
    else:
        identity = request.GET.get("hook", "")
        candidates = webhooks.by_forge(Provider(provider), identity, body)

    def opens(hook: WebhookHook | None, secret: str) -> bool:
        forge = FORGES[hook.provider if hook else provider or Provider.GITHUB.value]
        return forge.signed(request.headers, body, secret)

    try:
        hook = webhooks.admit(list(candidates), opens)
    except CredentialError as error:
        logger.exception("webhook secrets can not be opened", code=error.code)
        raise RefusedError(
            503, "Signatures can not be verified at the moment.", {"Retry-After": "60"}
        ) from error
    if hook is None:
        raise RefusedError(403, "There is no such webhook, or the signature is wrong.")
    if wait := LIMITS.take_for(hook.pk):
        raise _too_many(wait)
    return hook


def _delivery(request: HttpRequest, forge: Forge, body: bytes) -> webhooks.Delivery:
    event = forge.event(request.headers)
    key = forge.key(request.headers)
    if not key or len(key) > 128 or not key.isprintable():
        # Forges that number nothing: the same words are the same delivery.
        key = f"sha256:{hashlib.sha256(event.encode() + b':' + key.encode() + body).hexdigest()}"
    try:
        payload = _payload(request, body)
        return webhooks.Delivery(key, event, payload, forge.read(event, payload))
    except (ValueError, RecursionError, msgspec.DecodeError):
        return webhooks.Delivery(key, event, body, None)


def _payload(request: HttpRequest, body: bytes) -> bytes:
    """The JSON text in strict UTF-8, taken out of its form where the forge sends one."""
    text = body.decode("utf-8")
    if request.content_type != FORM:
        return body
    fields = parse_qs(text, strict_parsing=True, max_num_fields=10, errors="strict")
    return fields.get("payload", [""])[0].encode()
