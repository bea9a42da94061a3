"""Bitbucket Cloud and Data Center: one signature header, two shapes of a push."""

from __future__ import annotations

import msgspec

from dashboard.services.webhooks import Change, News, Nothing, Ping, Push
from dashboard.webhooks.forge import Forge, Headers, change_of, first, same, signature


class _Target(msgspec.Struct):
    hash: str = ""


class _Side(msgspec.Struct):
    """A reference before or after a push to Bitbucket Cloud; absent when it is gone."""

    name: str = ""
    type: str = ""
    target: _Target | None = None


class _Ref(msgspec.Struct):
    id: str = ""


class _Change(msgspec.Struct, rename="camel"):
    """Cloud names ``new`` and ``old``; Data Center names ``ref``, ``toHash`` and ``type``."""

    new: _Side | None = None
    old: _Side | None = None
    ref: _Ref | None = None
    to_hash: str = ""
    type: str = ""


class _Push(msgspec.Struct):
    changes: list[_Change] = []


class _Project(msgspec.Struct):
    key: str = ""


class _Link(msgspec.Struct):
    href: str = ""


class _Links(msgspec.Struct):
    clone: list[_Link] = []


class _Repository(msgspec.Struct):
    full_name: str = ""
    slug: str = ""
    project: _Project | None = None
    links: _Links | None = None


class _Payload(msgspec.Struct):
    push: _Push | None = None
    changes: list[_Change] = []
    repository: _Repository | None = None


def _signed(headers: Headers, body: bytes, secret: str) -> bool:
    return same(headers.get("X-Hub-Signature", ""), f"sha256={signature(secret, body)}")


def _read(event: str, payload: bytes) -> News:
    said = msgspec.json.decode(payload, type=_Payload)
    if event == "diagnostics:ping":
        return Ping()
    if event not in {"repo:push", "repo:refs_changed"}:
        return Nothing("Bitbucket", event)
    repository = said.repository or _Repository()
    project = repository.project or _Project()
    links = repository.links or _Links()
    return Push(
        tuple(_change(change) for change in (said.push or _Push(said.changes)).changes),
        name=repository.full_name or f"{project.key}/{repository.slug}".strip("/"),
        addresses=tuple(link.href for link in links.clone),
    )


def _change(change: _Change) -> Change:
    if change.ref is not None:
        return change_of(change.ref.id, change.to_hash, deleted=change.type == "DELETE")
    side = change.new or change.old or _Side()
    commit = change.new.target.hash if change.new and change.new.target else ""
    kind = side.type if side.type in {"branch", "tag"} else "other"
    prefix = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(kind, "")
    return change_of(prefix + side.name, commit, deleted=change.new is None)


FORGE = Forge(
    signed=_signed,
    key=lambda headers: first(headers, "X-Request-UUID", "X-Request-Id"),
    event=lambda headers: headers.get("X-Event-Key", ""),
    read=_read,
)
