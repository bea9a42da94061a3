"""GitLab: a secret token in clear, or a signature as the Standard Webhooks document describes it.

A signed delivery is judged by its signature alone. Its time is not compared with the clock: a
delivery is done once in any case, under an id that the signature covers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

from dashboard.services.webhooks import News, Nothing, Push
from dashboard.webhooks.forge import Forge, Headers, change_of, first, same

_KEY_PREFIX = "whsec_"


class _Project(msgspec.Struct):
    path_with_namespace: str = ""
    git_http_url: str = ""
    git_ssh_url: str = ""
    default_branch: str | None = None


class _Payload(msgspec.Struct):
    object_kind: str = ""
    event_name: str = ""
    ref: str = ""
    after: str = ""
    project: _Project | None = None


def _signed(headers: Headers, body: bytes, secret: str) -> bool:
    signatures = headers.get("Webhook-Signature", "")
    # Computed in any case: that a hook is GitLab's, and exists, shall not show in the time.
    signed = f"{headers.get('Webhook-Id', '')}.{headers.get('Webhook-Timestamp', '')}."
    digest = hmac.new(_key(secret), signed.encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode("ascii")
    if not signatures:
        return same(headers.get("X-Gitlab-Token", ""), secret)
    return any(same(given, wanted) for given in signatures.split(" ")[:10])


def _key(secret: str) -> bytes:
    """A signing token is ``whsec_`` and the key in base64."""
    try:
        return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def _read(event: str, payload: bytes) -> News:
    said = msgspec.json.decode(payload, type=_Payload)
    kind = said.object_kind or said.event_name
    if kind not in {"push", "tag_push"}:
        return Nothing("GitLab", event or kind)
    project = said.project or _Project()
    return Push(
        (change_of(said.ref, said.after),),
        name=project.path_with_namespace,
        addresses=(project.git_http_url, project.git_ssh_url),
        default_branch=project.default_branch or "",
    )


FORGE = Forge(
    signed=_signed,
    key=lambda headers: first(headers, "Webhook-Id", "Idempotency-Key", "X-Gitlab-Event-UUID"),
    event=lambda headers: headers.get("X-Gitlab-Event", ""),
    read=_read,
)
