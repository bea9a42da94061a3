"""What the door needs to know of a forge: how it signs, how it numbers, what its events mean."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dashboard.services.webhooks import Change, News

type Headers = Mapping[str, str]

NO_COMMIT = frozenset({"", "0" * 40, "0" * 64})
_HEADS = "refs/heads/"
_TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Forge:
    """One kind of forge; each has a module of its own here.

    Attributes:
        signed: Whether headers and raw body carry the proof of this secret, in constant time.
        key: The forge's own id of the delivery, "" when it gives none.
        event: The forge's name of the event, "" when it gives none.
        read: Event name and JSON text to news. Raises ``msgspec.DecodeError`` or
            ``RecursionError`` when the text is no such payload.
    """

    signed: Callable[[Headers, bytes, str], bool]
    key: Callable[[Headers], str]
    event: Callable[[Headers], str]
    read: Callable[[str, bytes], News]


def same(given: str, wanted: str) -> bool:
    """Compare in constant time; bytes, because of what is not ASCII."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8"))


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the raw body, in hex."""
    return hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest()


def first(headers: Headers, *names: str) -> str:
    """The first of these headers that was sent, "" when none was."""
    return next((headers[name] for name in names if headers.get(name)), "")


def change_of(ref: str, commit: str, *, deleted: bool = False) -> Change:
    """What happened to one full reference name."""
    gone = deleted or commit in NO_COMMIT
    commit = "" if gone else commit
    if ref.startswith(_HEADS):
        return Change("branch", ref.removeprefix(_HEADS), commit, gone)
    if ref.startswith(_TAGS):
        return Change("tag", ref.removeprefix(_TAGS), commit, gone)
    return Change("other", ref, commit, gone)
