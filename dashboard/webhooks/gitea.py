"""Gitea and Forgejo: a bare hex signature over the raw body, under several names."""

from __future__ import annotations

import msgspec

from dashboard.services.webhooks import News, Nothing, Push
from dashboard.webhooks.forge import Forge, Headers, change_of, first, same, signature


class _Repository(msgspec.Struct):
    full_name: str = ""
    clone_url: str = ""
    ssh_url: str = ""
    default_branch: str | None = None


class _Payload(msgspec.Struct):
    ref: str = ""
    after: str = ""
    repository: _Repository | None = None


def _signed(headers: Headers, body: bytes, secret: str) -> bool:
    given = first(headers, "X-Forgejo-Signature", "X-Gitea-Signature", "X-Hub-Signature-256")
    return same(given.removeprefix("sha256="), signature(secret, body))


def _read(event: str, payload: bytes) -> News:
    said = msgspec.json.decode(payload, type=_Payload)
    if event != "push":
        return Nothing("Gitea", event)
    repository = said.repository or _Repository()
    return Push(
        (change_of(said.ref, said.after),),
        name=repository.full_name,
        addresses=(repository.clone_url, repository.ssh_url),
        default_branch=repository.default_branch or "",
    )


FORGE = Forge(
    signed=_signed,
    key=lambda headers: first(
        headers, "X-Forgejo-Delivery", "X-Gitea-Delivery", "X-GitHub-Delivery"
    ),
    event=lambda headers: first(headers, "X-Forgejo-Event", "X-Gitea-Event", "X-GitHub-Event"),
    read=_read,
)
