"""GitHub: ``X-Hub-Signature-256`` over the raw body; JSON, or JSON inside a form."""

from __future__ import annotations

import msgspec

from dashboard.services.webhooks import News, Nothing, Ping, Push
from dashboard.webhooks.forge import Forge, Headers, change_of, same, signature


class _Repository(msgspec.Struct):
    full_name: str = ""
    clone_url: str = ""
    ssh_url: str = ""
    default_branch: str | None = None


class _Payload(msgspec.Struct):
    ref: str = ""
    after: str = ""
    deleted: bool = False
    repository: _Repository | None = None


def _signed(headers: Headers, body: bytes, secret: str) -> bool:
    return same(headers.get("X-Hub-Signature-256", ""), f"sha256={signature(secret, body)}")


def _read(event: str, payload: bytes) -> News:
    said = msgspec.json.decode(payload, type=_Payload)
    if event == "ping":
        return Ping()
    if event != "push":
        return Nothing("GitHub", event)
    repository = said.repository or _Repository()
    return Push(
        (change_of(said.ref, said.after, deleted=said.deleted),),
        name=repository.full_name,
        addresses=(repository.clone_url, repository.ssh_url),
        default_branch=repository.default_branch or "",
    )


FORGE = Forge(
    signed=_signed,
    key=lambda headers: headers.get("X-GitHub-Delivery", ""),
    event=lambda headers: headers.get("X-GitHub-Event", ""),
    read=_read,
)
