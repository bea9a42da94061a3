"""Standards that are read from a repository: registered once, read again whenever the file changes.

Guarantee: a text that cannot be used changes nothing but what stands on the page; every usable text
becomes a version of its own, and none is adopted by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models.functions import Now

from checks.cloneurl import UrlError
from checks.errors import InputError
from checks.gitsource import GitSource
from checks.standard import StandardError, parse
from checks.toml import MAX_BYTES
from dashboard import queue
from dashboard.models import AuditEntry, OriginState, StandardOrigin
from dashboard.services import mirrors, own_standards, standards
from dashboard.services.credentials import CredentialError
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.source import Source
    from dashboard.models import Repository, Team, User

logger = structlog.get_logger(__name__)

READ_STANDARD = "dashboard.read_standard"
MOST_MISTAKES = 200
BATCH = 200


class RegisteredError(Exception):
    """The file is registered already, perhaps by another team."""


@transaction.atomic
def register(team: Team, repository: Repository, path: str, actor: User) -> StandardOrigin:
    """Have a team's standard read from a file of a repository, at once and after every change.

    Raises:
        RegisteredError: It is read from there already.
    """
    row, new = StandardOrigin.objects.get_or_create(
        repository=repository, path=path, defaults={"team": team, "registered_by": actor}
    )
    if not new:
        raise RegisteredError(path)
    _note(row, actor, "standard.registered")
    transaction.on_commit(lambda: ring(row.pk))
    return row


@transaction.atomic
def stop(row: StandardOrigin, actor: User) -> None:
    """Read the file no longer. The versions that were read stay."""
    _note(row, actor, "standard.unregistered")
    row.delete()


def ask_again(row: StandardOrigin) -> None:
    """Let a worker read the file once more."""
    StandardOrigin.objects.filter(pk=row.pk).update(
        state=OriginState.WAITING, oid="", commit="", rung_at=Now()
    )
    ring(row.pk)


def ring(pk: int) -> None:
    """Ask a worker to read the file. A lost bell is rung again by :func:`ring_behind`."""
    queue.ring(READ_STANDARD, [pk])


def ring_behind(after: timedelta = timedelta(minutes=2)) -> None:
    """Ring for the files that nobody has read at the commit that was judged last."""
    rows = list(StandardOrigin.objects.behind(after).values_list("pk", flat=True)[:BATCH])
    StandardOrigin.objects.filter(pk__in=rows).update(rung_at=Now())
    for pk in rows:
        ring(pk)


def read(pk: int) -> None:
    """Read one file out of this machine's mirror, at the commit that was judged last.

    Before the first scan nothing is read: the end of that scan reads it.
    """
    row = StandardOrigin.objects.select_related("repository").filter(pk=pk).first()
    if row is None or not row.repository.scanned_commit:
        return
    try:
        source = GitSource(mirrors.at_hand(row.repository), row.repository.scanned_commit)
        _read(source, [row])
    except (InputError, UrlError, CredentialError) as error:
        logger.info("standard not read", origin=pk, reason=str(error))


def read_all(repository: Repository, source: Source) -> None:
    """Read again what is registered in a repository, at the commit that a scan has judged."""
    rows = list(repository.origins.all())
    if rows:
        _read(source, rows)


def _read(source: Source, rows: Sequence[StandardOrigin]) -> None:
    entries = {entry.path: entry for entry in source.tree()}
    for row in rows:
        entry = entries.get(row.path)
        if entry is None or entry.kind not in ("file", "executable"):
            _write(row.pk, source.commit, "", None, "there is no such file at this commit")
        elif entry.size > MAX_BYTES:
            size = f"the file has {entry.size} bytes, the limit is {MAX_BYTES}"
            _write(row.pk, source.commit, entry.oid, None, size)
        elif entry.oid != row.oid:
            content = dict(source.blobs([entry.oid])).get(entry.oid, b"")
            _write(row.pk, source.commit, entry.oid, content)
        else:
            StandardOrigin.objects.filter(pk=row.pk).update(commit=source.commit, read_at=Now())


@transaction.atomic
def _write(pk: int, commit: str, oid: str, content: bytes | None, refusal: str = "") -> None:
    """Note what was read, and store it when it can be used."""
    row = StandardOrigin.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if row is None:
        return
    mistakes: Sequence[str] = [refusal]
    if content is not None:
        mistakes = _take(row, content, commit)
    StandardOrigin.objects.filter(pk=pk).update(
        slug=row.slug,
        state=OriginState.REFUSED if mistakes else OriginState.READ,
        mistakes=[clean(mistake, 1000) for mistake in mistakes[:MOST_MISTAKES]],
        oid=oid,
        commit=commit,
        read_at=Now(),
    )


def _take(row: StandardOrigin, content: bytes, commit: str) -> Sequence[str]:
    """Store a text as the newest version; return what stands against it instead."""
    try:
        standard = parse(content, row.path)
    except StandardError as error:
        return error.mistakes
    if row.slug and standard.slug != row.slug:
        other = f"slug {standard.slug!r} is not {row.slug!r}, which is read from this file"
        return [f"standard: {other}; change it back, or stop reading the file and register it anew"]
    if obstacle := own_standards.taken(standard.slug, [row.team_id]):
        return [obstacle]
    if StandardOrigin.objects.exclude(pk=row.pk).filter(slug=standard.slug).exists():
        return [f"standard: slug {standard.slug!r} is read from another file; choose another"]
    row.slug = standard.slug
    known = standards.is_newest(standard)
    standards.store(standard, content, team=row.team, commit=commit)
    if not known:
        _note(row, None, "standard.published", version=standard.version, commit=commit)
    return ()


def _note(row: StandardOrigin, actor: User | None, action: str, **detail: str) -> None:
    AuditEntry.objects.create(
        actor=actor,
        team_id=row.team_id,
        action=action,
        subject=row.slug or row.path[:300],
        detail={"repository": row.repository.slug, "path": row.path} | detail,
    )
