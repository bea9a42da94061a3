"""Taking back what a person has just decided about waivers, attestations, standards and conflicts.

Every such decision is noted in the audit log with what stood before. For a short while who made it
can go back to that, as long as all stands as the decision left it; going back is noted as well.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dashboard.models import (
    Adoption,
    AuditEntry,
    Concession,
    Repository,
    Role,
    Standard,
    Trigger,
    WaiverState,
)
from dashboard.services import scanning
from dashboard.services.conflicts import conceded
from dashboard.services.waivers import TURNED, WANTED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from dashboard.models import User, Waiver

MINUTES = 10
NOTHING = "There is nothing of yours to undo."
LATE = f"What was decided can be undone for {MINUTES} minutes; now change it where it stands."


class UndoError(Exception):
    """Nothing is undone. The text is one sentence for a person."""


def offered(noted: Sequence[AuditEntry]) -> list[int]:
    """Return the entries by which all that was noted can be undone; none when some of it cannot."""
    known = all(entry.action in REVERSALS for entry in noted)
    return [entry.pk for entry in noted] if known else []


@transaction.atomic
def undo(entries: Collection[int], actor: User) -> int:
    """Go back to what stood before the person's decisions, all of them or none.

    Args:
        entries: Primary keys of the audit entries of the decisions.
        actor: Who made them.

    Returns:
        How many were undone.

    Raises:
        UndoError: One is not theirs, is too old, or something has happened since.
    """
    own = AuditEntry.objects.filter(pk__in=entries, actor=actor, action__in=REVERSALS)
    rows = list(own.order_by("-pk"))
    if not rows or len(rows) != len(set(entries)):
        raise UndoError(NOTHING)
    if min(row.at for row in rows) < timezone.now() - timedelta(minutes=MINUTES):
        raise UndoError(LATE)
    led = Repository.objects.with_role(actor, Role.LEAD).filter(
        slug__in={row.subject for row in rows}
    )
    # Two that undo the same wait for each other, and the second finds that it was done.
    found = {each.slug: each for each in led.order_by("pk").select_for_update(no_key=True)}
    for row in rows:
        repository = found.get(row.subject)
        if repository is None:
            raise UndoError(f"You do not lead {row.subject} any more, so it is not undone.")
        if trigger := REVERSALS[row.action](repository, row):
            scanning.request(repository, trigger, actor=actor)
        AuditEntry.objects.note(
            repository, actor, f"{row.action}.undone", **_about(row), undone=row.pk
        )
    return len(rows)


def _changed(repository: Repository, what: str) -> UndoError:
    return UndoError(f"{what} of {repository.name} has changed since, so nothing is undone.")


def _about(row: AuditEntry) -> dict[str, object]:
    """What the entry is about, beside its repository."""
    return {name: row.detail[name] for name in ("waiver", "topic") if name in row.detail}


def _is_last(row: AuditEntry) -> bool:
    """Whether no person has decided about the same since."""
    family = row.action.split(".")[0] + "." if _about(row) else row.action
    about = {f"detail__{name}": value for name, value in _about(row).items()}
    later = AuditEntry.objects.filter(
        subject=row.subject, pk__gt=row.pk, action__startswith=family, actor__isnull=False, **about
    )
    return not later.exists()


def _waiver(repository: Repository, row: AuditEntry) -> Trigger | None:
    before = row.detail["turned"]
    left = row.action.removeprefix("waiver.")
    turned = repository.waivers.filter(pk=row.detail["waiver"], state=left)
    waiver = turned.first()
    if waiver is None or not _is_last(row):
        raise _changed(repository, "The waiver")
    if left not in WANTED and _asked_anew(waiver):
        raise UndoError("The same waiver was asked for again since, so nothing is undone.")
    decided = parse_datetime(before["decided_at"]) if before["decided_at"] else None
    if not turned.update(decided_at=decided, **{name: before[name] for name in TURNED}):
        raise _changed(repository, "The waiver")
    counts = WaiverState.GRANTED in (left, before["state"])
    return Trigger.WAIVERS if counts else None


def _asked_anew(waiver: Waiver) -> bool:
    scope = ("finding_id", "path_pattern", "check_id", "clause", "component")
    same = waiver.repository.waivers.exclude(pk=waiver.pk).filter(state__in=WANTED)
    return same.filter(**{name: getattr(waiver, name) for name in scope}).exists()


def _word(repository: Repository, row: AuditEntry) -> Trigger:
    """Take a recorded word back, and let the one that it replaced count again."""
    said = repository.attestations.filter(pk=row.detail["word"], withdrawn_at__isnull=True)
    if not _is_last(row) or not said.update(withdrawn_at=Now()):
        raise _changed(repository, "What is attested")
    repository.attestations.filter(pk__in=row.detail["replaced"]).update(withdrawn_at=None)
    return Trigger.ATTESTATION


def _withdrawal(repository: Repository, row: AuditEntry) -> Trigger:
    """Let a word that was taken back count again."""
    words = repository.attestations.filter(topic=row.detail["topic"])
    newer = words.filter(withdrawn_at__isnull=True).exists()
    gone = words.filter(pk=row.detail["word"], withdrawn_at__isnull=False)
    if newer or not _is_last(row) or not gone.update(withdrawn_at=None):
        raise _changed(repository, "What is attested")
    return Trigger.ATTESTATION


def _standards(repository: Repository, row: AuditEntry) -> Trigger:
    before = {each["standard_id"]: each for each in row.detail["before"]}
    now = set(repository.adoptions.values_list("standard_id", flat=True))
    known = Standard.objects.in_bulk(before)
    if now != set(row.detail["after"]) or not _is_last(row) or len(known) != len(before):
        raise _changed(repository, "What is adopted")
    repository.adoptions.exclude(standard__in=before).delete()
    for pk, each in before.items():
        if pk not in now:
            Adoption.objects.create(
                repository=repository,
                standard=known[pk],
                adopted_by_id=each["adopted_by_id"],
                fresh=each["fresh"],
            )
    return Trigger.STANDARDS


def _conflicts(repository: Repository, row: AuditEntry) -> Trigger:
    if conceded(repository) != row.detail["after"] or not _is_last(row):
        raise _changed(repository, "What gives way")
    repository.concessions.all().delete()
    Concession.objects.bulk_create(
        Concession(
            repository=repository,
            standard_slug=slug,
            clause_number=number,
            yields_to=other,
            author_id=author,
        )
        for slug, number, other, author in row.detail["before"]
    )
    return Trigger.CONFLICTS


REVERSALS: Mapping[str, Callable[[Repository, AuditEntry], Trigger | None]] = {
    "waiver.granted": _waiver,
    "waiver.refused": _waiver,
    "waiver.revoked": _waiver,
    "attestation.recorded": _word,
    "attestation.withdrawn": _withdrawal,
    "repository.standards": _standards,
    "repository.conflicts": _conflicts,
}
