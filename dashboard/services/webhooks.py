"""What a delivery from a forge leads to, and the row that says so.

A hook is found by its token or identity; at a forge's common address, by the repository names in
the raw body, which choose whose secrets are tried and nothing else. A payload is read only after
its signature held. Its addresses and commits are never fetched: the hook knows its repository, and
the fetch finds the head.

Guarantee: a delivery is done once. Its row, the news on the branch and the queued scan are one
transaction; what is answered with success is kept.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote_to_bytes

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from dashboard.log import scrub
from dashboard.models import (
    DeliveryOutcome,
    Provider,
    Repository,
    Trigger,
    WebhookDelivery,
    WebhookHook,
)
from dashboard.services import credentials, scanning
from dashboard.services.credentials import CredentialError
from dashboard.text import clean

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from dashboard.models import Scan

logger = structlog.get_logger(__name__)

PAYLOAD_KEPT = 64 * 1024
SEARCHED_BYTES = 1 << 20
# Hooks whose secrets are tried for one request to a forge's common address.
CANDIDATES = 10
SEEN_EVERY = timedelta(minutes=1)
_NAMES = re.compile(
    rb'"(?:full_name|path_with_namespace|slug)"\s{0,9}:\s{0,9}"([\w.~/-]{1,250})"', re.ASCII
)
_ADDRESS = re.compile(r"(?:[a-z]+://)?(?:[^@/]*@)?([^/:]+)(?::\d+(?=/))?[:/]+(.*?)(?:\.git)?/*\Z")


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one branch or tag; ``commit`` is "" when it is gone."""

    kind: Literal["branch", "tag", "other"]
    name: str
    commit: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Push:
    """References of a repository changed.

    Attributes:
        changes: One for most forges, several for Bitbucket.
        name: The repository as the forge names it, ``owner/name``; "" when it does not say.
        addresses: Clone addresses of the repository, as the forge gives them.
        default_branch: The default branch by now, "" when the forge does not say.
    """

    changes: tuple[Change, ...]
    name: str = ""
    addresses: tuple[str, ...] = ()
    default_branch: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """The forge tries the address."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An event that no branch changes by."""

    forge: str
    event: str


type News = Push | Ping | Nothing


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose signature held. ``news`` is None when its payload can not be read."""

    key: str
    event: str
    body: bytes
    news: News | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the forge is told, and what the page shows."""

    outcome: str
    reason: str
    scan: int | None = None


@dataclass(frozen=True, slots=True)
class _Decision:
    outcome: DeliveryOutcome
    reason: str = ""
    change: Change | None = None


def by_token(token: str) -> QuerySet[WebhookHook]:
    """The hook behind an address of its own."""
    return _active().filter(token=token)


def by_forge(provider: Provider, identity: str, body: bytes) -> QuerySet[WebhookHook]:
    """The hooks that may be meant at a forge's common address."""
    hooks = _active().filter(provider=provider)
    if identity:
        return hooks.filter(identity=_uuid(identity))
    meant = Q(pk__in=())
    for name in _last_names(body):
        for ending in (f"/{name}", f"/{name}.git", f":{name}", f":{name}.git"):
            meant |= Q(repository__clone_url__iendswith=ending)
    return hooks.filter(meant).order_by("pk")[:CANDIDATES]


def _active() -> QuerySet[WebhookHook]:
    # Nothing of the repository: to load it would tell by its time that there is one.
    return WebhookHook.objects.filter(active=True).only(
        "repository", "identity", "provider", "secret", "previous_secret", "last_delivery_at"
    )


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


def _last_names(body: bytes) -> set[str]:
    """Last parts of the repository names in a body of which nothing is known yet."""
    ends = [body[:SEARCHED_BYTES], body[SEARCHED_BYTES:][-SEARCHED_BYTES:]]
    if body.startswith(b"payload="):
        ends = [unquote_to_bytes(end.replace(b"+", b" ")) for end in ends]
    names: set[str] = set()
    for end in ends:
        for match in _NAMES.finditer(end):
            names.add(match[1].decode("ascii").rpartition("/")[2].removesuffix(".git"))
            if len(names) >= CANDIDATES:
                return names
    return names - {""}


@sensitive_variables()
def admit(
    hooks: Sequence[WebhookHook], opens: Callable[[WebhookHook | None, str], bool]
) -> WebhookHook | None:
    """The hook whose secret opens the door, None when no secret does.

    Each hook costs two comparisons, and no hook at all as much as one: the time tells nobody
    whether an address exists.

    Args:
        hooks: Whose secrets are tried.
        opens: Whether a secret proves the request at hand, asked with the hook or None.

    Raises:
        CredentialError: ``key-missing``: no secret can be opened at the moment.
    """
    admitted = None
    tried: Sequence[WebhookHook | None] = hooks or [None]
    for hook in tried:
        current, previous = _secrets(hook)
        # Both, always: how long it takes does not tell which one it was.
        if opens(hook, current) | opens(hook, previous) and hook is not None:
            admitted = admitted or hook
    return admitted


@sensitive_variables()
def _secrets(hook: WebhookHook | None) -> tuple[str, str]:
    identity, dummy = _dummy(tuple(settings.CREDENTIAL_KEYS))
    if hook is None:
        return credentials.unseal(identity, dummy), credentials.unseal(identity, dummy)
    try:
        current = credentials.unseal(hook.identity, hook.secret)
        if not hook.previous_secret:
            return current, credentials.unseal(identity, dummy)
        return current, credentials.unseal(hook.identity, hook.previous_secret)
    except CredentialError as error:
        if error.code == "key-missing":
            raise
        logger.warning("secret of a hook can not be opened", hook=hook.pk)
        return credentials.unseal(identity, dummy), credentials.unseal(identity, dummy)


@cache
def _dummy(_keys: tuple[str, ...]) -> tuple[uuid.UUID, str]:
    """A sealed secret that nobody knows, for hooks that do not exist; one for each set of keys."""
    identity = uuid.uuid4()
    return identity, credentials.seal(identity, uuid.uuid4().hex + uuid.uuid4().hex)


def receive(hook: WebhookHook, delivery: Delivery) -> Receipt:
    """Do what a delivery asks for, once, and write down what came of it."""
    repository = Repository.objects.get(pk=hook.repository_id)
    decision = decide(repository, delivery.news)
    with transaction.atomic():
        scan = None
        if decision.outcome == DeliveryOutcome.SCAN_REQUESTED and decision.change is not None:
            commit = clean(decision.change.commit, 64)
            scan = scanning.request(repository, Trigger.PUSH, commit=commit)
        elif decision.change is not None and decision.change.gone:
            # The schedule finds out what became of the watched branch, now instead of later.
            Repository.objects.filter(pk=repository.pk).update(poll_at=Now())
        if not _insert(hook, delivery, decision, scan):
            transaction.set_rollback(True)
            return Receipt("duplicate", "This delivery was received before; nothing is done twice.")
        _note_seen(hook)
    reason = decision.reason or "A scan is queued."
    return Receipt(decision.outcome.value, reason, scan.number if scan else None)


def decide(repository: Repository, news: News | None) -> _Decision:
    """What a payload means for a repository: a scan, or a sentence why not."""
    watched = repository.branch_name
    match news:
        case None:
            return _Decision(DeliveryOutcome.REFUSED, "The payload can not be read as JSON.")
        case Ping():
            branch = watched or "the default branch"
            reason = f"The webhook works; the next push to {branch} starts a scan."
            return _Decision(DeliveryOutcome.IGNORED, clean(reason, 500))
        case Nothing(forge, event):
            reason = f"The event {event or 'without a name'} of {forge} changes no branch."
            return _Decision(DeliveryOutcome.IGNORED, clean(reason, 500))
    if not _is_about(repository, news):
        other = news.name or "another repository"
        reason = f"The payload is about {other}; this webhook belongs to {repository.name}."
        return _Decision(DeliveryOutcome.REFUSED, clean(reason, 500))
    return _decide_push(repository, news, watched)


def _decide_push(repository: Repository, push: Push, watched: str) -> _Decision:
    """Find the watched branch among the changes, or say what was changed instead."""
    names = {watched}
    if not repository.watched_branch:
        # The default branch may have been renamed since the last look; unknown, any may be it.
        names.add(push.default_branch)
    branches = [change for change in push.changes if change.kind == "branch"]
    anything = not any(names)
    hits = [change for change in branches if anything or change.name in names - {""}]
    if live := [change for change in hits if not change.gone]:
        return _Decision(DeliveryOutcome.SCAN_REQUESTED, change=live[-1])
    if hits:
        reason = f"The watched branch {hits[-1].name} was deleted; the last result stays."
        return _Decision(DeliveryOutcome.IGNORED, clean(reason, 500), hits[-1])
    return _Decision(DeliveryOutcome.IGNORED, clean(_elsewhere(push, watched), 500))


def _elsewhere(push: Push, watched: str) -> str:
    if not push.changes:
        return "The push names no branch."
    change = push.changes[-1]
    match change.kind:
        case "branch":
            did = "was deleted" if change.gone else "was pushed"
            return f"The branch {change.name} {did}; only {watched} is judged."
        case "tag":
            did = "deleted" if change.gone else "pushed"
            return f"The tag {change.name} was {did}; only branches are judged."
    return f"The reference {change.name} is no branch."


def _is_about(repository: Repository, push: Push) -> bool:
    """Whether a push is about this repository, as far as both sides say where it lives.

    A forge may be reached under an inner name, so that either the whole address or the end of the
    path has to agree. A local path has no name at any forge.
    """
    url = repository.clone_url
    if url.startswith("/") or not (push.name or any(push.addresses)):
        return True
    host, path = _place(url)
    if any(_place(address) == (host, path) for address in push.addresses if address):
        return True
    ours, theirs = path.split("/"), push.name.lower().strip("/").split("/")
    count = min(len(ours), len(theirs))
    return bool(push.name) and ours[-count:] == theirs[-count:]


def _place(address: str) -> tuple[str, str]:
    """Host and path of a clone address, in lower case."""
    match = _ADDRESS.match(address.lower())
    return (match[1], match[2].strip("/")) if match else ("", address.lower())


def _insert(hook: WebhookHook, delivery: Delivery, decision: _Decision, scan: Scan | None) -> bool:
    """Insert the delivery's row; False when there is one. One statement, so that none is lost."""
    change = decision.change
    if change is None and isinstance(delivery.news, Push) and delivery.news.changes:
        change = delivery.news.changes[-1]
    text = scrub(delivery.body[:PAYLOAD_KEPT].decode("utf-8", "replace"))
    values: dict[str, str | int | None] = {
        "hook_id": hook.pk,
        "key": clean(delivery.key, 128),
        "event": clean(delivery.event, 80),
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "branch": clean(change.name, 255) if change else "",
        "commit": clean(change.commit, 64) if change else "",
        "scan_id": scan.pk if scan else None,
        "payload": clean(text, PAYLOAD_KEPT),
    }
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(WebhookDelivery._meta.db_table)} "  # noqa: S608 - fixed names
            f"({', '.join(map(quote, values))}) VALUES ({', '.join(['%s'] * len(values))}) "
            "ON CONFLICT DO NOTHING RETURNING 1",
            list(values.values()),
        )
        return cursor.fetchone() is not None


def _note_seen(hook: WebhookHook) -> None:
    """Say when the forge was last heard, to the minute: a burst is no burst of updates."""
    if hook.last_delivery_at is None or timezone.now() - hook.last_delivery_at > SEEN_EVERY:
        WebhookHook.objects.filter(pk=hook.pk).update(last_delivery_at=Now())
