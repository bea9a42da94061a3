"""Attestations: a lead's word on what no repository shows, how long it counts, and what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, overload, override

from django.db import transaction
from django.db.models import Count, Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from checks.pathpatterns import PathPatterns
from checks.rules.specs import ATTESTATION, specs
from dashboard.models import (
    Attestation,
    AuditEntry,
    Clause,
    ClauseResult,
    Repository,
    Role,
    ScanStandard,
    Trigger,
    VerdictName,
)
from dashboard.services import scanning
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.source import Source
    from dashboard.models import Scan, User
    from dashboard.models.people import Reader

MOST_SEEN = 2_000
"""Watched files whose versions are kept; a pattern that matches more watches the first of them."""
SOON = timedelta(days=30)
EARLIER = 50


def in_words(topic: str) -> str:
    """Return a topic as words: ``secret-rotation`` is "Secret rotation"."""
    words = topic.replace("-", " ")
    return topic if any(letter.isdigit() for letter in topic) else words[:1].upper() + words[1:]


@dataclass
class Topic:
    """What a repository's standards want attested.

    Attributes:
        name: The topic.
        validity_days: How long a word counts; the shortest that any clause allows.
        evidence_min_chars: How long the evidence must be; the longest that any clause asks for.
        clauses: The clauses that it decides.
        record: The newest word that was not withdrawn.
        signed: Whether its author leads the team, still.
        unmatched: Whether the files it is about were looked for and none was there.
    """

    name: str
    validity_days: int
    evidence_min_chars: int
    clauses: list[Clause] = field(default_factory=list)
    record: Attestation | None = None
    signed: bool = False
    unmatched: bool = False

    @property
    def words(self) -> str:
        """The topic as a heading: in words, or what the clause demands that is its own topic."""
        own = next((clause for clause in self.clauses if clause.number == self.name), None)
        return own.requirement if own else in_words(self.name)

    @property
    def state(self) -> str:
        """``attested``, or ``due`` for what is missing, expired or out of date."""
        record, now = self.record, timezone.now()
        if record is None or record.stale_since or not self.signed:
            return "due"
        longest = record.created_at + timedelta(days=self.validity_days)
        return "due" if min(record.expires_at, longest) <= now else "attested"

    @property
    def ends_soon(self) -> bool:
        """True when the word that counts will not count for long."""
        record = self.record
        return (
            self.state == "attested"
            and record is not None
            and record.expires_at <= timezone.now() + SOON
        )


@dataclass(frozen=True)
class Word:
    """What a lead says: the statement, its evidence, for how long, about which files."""

    statement: str
    evidence: str
    days: int
    watched: Sequence[str] = ()


def topics(repository: Repository) -> list[Topic]:
    """Return what the adopted standards want attested, what is due first."""
    texts = Clause.objects.filter(standard__adoptions__repository=repository)
    found: dict[str, Topic] = {}
    for clause in texts.select_related("standard").defer("standard__source"):
        for name, days, least in _demands(clause.checks):
            topic = found.setdefault(name, Topic(name, days, least))
            topic.validity_days = min(topic.validity_days, days)
            topic.evidence_min_chars = max(topic.evidence_min_chars, least)
            topic.clauses.append(clause)
    records = repository.attestations.filter(topic__in=found, withdrawn_at__isnull=True)
    unmatched = set(records.filter(seen={}).exclude(watched=[]).values_list("pk", flat=True))
    for record in records.select_related("author").defer("seen"):
        topic = found[record.topic]
        if topic.record is None:
            topic.record, topic.signed = record, _is_lead(record, repository)
            topic.unmatched = record.pk in unmatched
    return sorted(found.values(), key=lambda topic: (topic.state != "due", topic.name))


def _is_lead(record: Attestation, repository: Repository) -> bool:
    return record.author is not None and record.author.may(Role.LEAD, repository.team)


def _demands(checks: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, int, int]]:
    """Topic, days and length of the evidence of each attestation that a clause asks for."""
    for check in checks:
        if check["id"] == ATTESTATION:
            limits = specs()[ATTESTATION].merged(check.get("params", {}))
            yield limits["topic"], limits["validity_days"], limits["evidence_min_chars"]


def earlier(repository: Repository) -> Sequence[Attestation]:
    """Return the newest words on any topic, withdrawn and expired ones as well."""
    return list(repository.attestations.select_related("author").defer("seen")[:EARLIER])


@transaction.atomic
def attest(repository: Repository, topic: Topic, word: Word, actor: User) -> Attestation:
    """Record a lead's word in the place of the one before; the repository is judged again."""
    said = repository.attestations.filter(topic=topic.name, withdrawn_at__isnull=True)
    replaced = list(said.values_list("pk", flat=True))
    said.update(withdrawn_at=Now())
    record = Attestation.objects.create(
        repository=repository,
        topic=topic.name,
        statement=clean(word.statement, 4_000),
        evidence=clean(word.evidence, 4_000),
        author=actor,
        expires_at=Now() + timedelta(days=min(word.days, topic.validity_days)),
        watched=list(word.watched),
    )
    record.refresh_from_db()
    note(repository, actor, "attestation.recorded", record, word=record.pk, replaced=replaced)
    scanning.request(repository, Trigger.ATTESTATION, actor=actor)
    return record


@transaction.atomic
def withdraw(record: Attestation, actor: User) -> None:
    """Take a word back; it stays in the list of earlier ones."""
    Attestation.objects.filter(pk=record.pk, withdrawn_at__isnull=True).update(withdrawn_at=Now())
    note(record.repository, actor, "attestation.withdrawn", record, word=record.pk)
    scanning.request(record.repository, Trigger.ATTESTATION, actor=actor)


def note(
    repository: Repository, actor: User | None, action: str, record: Attestation, **detail: object
) -> None:
    """Write down in the audit log what became of a word."""
    end = record.expires_at.date().isoformat()
    AuditEntry.objects.note(repository, actor, action, topic=record.topic, expires=end, **detail)


# --- in a scan


def records(repository: Repository, source: Source) -> list[dict[str, Any]]:
    """Return the words that count for a commit, in the form the library reads.

    Words about files that have changed since are marked out of date on the way.
    """
    found = list(repository.attestations.in_force().select_related("author"))
    if any(row.watched for row in found):
        files = {entry.path: entry.oid for entry in source.tree() if entry.oid}
        found = [row for row in found if _still_true(row, files)]
    return _as_read(found, repository)


def in_force(repository: Repository) -> list[dict[str, Any]]:
    """Return the words that count today, whatever files they are about: for earlier commits."""
    return _as_read(repository.attestations.in_force().select_related("author"), repository)


def _as_read(rows: Iterable[Attestation], repository: Repository) -> list[dict[str, Any]]:
    """Words in the form the library reads."""
    return [
        {
            "topic": row.topic,
            "by": row.author.email if row.author else "",
            "lead": _is_lead(row, repository),
            "on": row.created_at.date(),
            "expires": row.expires_at.date(),
            "evidence": row.evidence,
        }
        for row in rows
    ]


def _still_true(row: Attestation, files: Mapping[str, str]) -> bool:
    if not row.watched:
        return True
    watched = PathPatterns(row.watched)
    matched = (path for path in sorted(files) if watched.match(path))
    now = {path: files[path] for path in islice(matched, MOST_SEEN)}
    if row.seen is None:
        Attestation.objects.filter(pk=row.pk).update(seen=now)
        return True
    changed = sorted(
        path for path in now.keys() | row.seen.keys() if now.get(path) != row.seen.get(path)
    )
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        reason = clean(f"{changed[0]}{more} changed since", 300)
        Attestation.objects.filter(pk=row.pk).update(stale_since=Now(), stale_reason=reason)
    return not changed


# --- over time


def lost(repository: Repository, topic: str) -> Literal["ended", "changed", "withdrawn"]:
    """Return why nobody vouches for a topic any more: its time, files it is about, or people."""
    record = repository.attestations.filter(topic=topic).defer("seen").first()
    if record is None or record.withdrawn_at is not None:
        return "withdrawn"
    if record.stale_since is not None:
        return "changed"
    return "ended" if _is_lead(record, repository) else "withdrawn"


@dataclass
class Item:
    """One topic of one repository: due, or attested until a day.

    Attributes:
        repository: Whose it is.
        topic: Its name.
        heading: The topic in words, or what is demanded.
        cost: Points of the repository's score that it costs while it is due.
        record: The word that counts, None for what is due.
    """

    repository: Repository
    topic: str
    heading: str
    cost: float = 0.0
    record: Attestation | None = None


def due_topics(scan: Scan) -> set[str]:
    """Return the topics for which the result of a scan misses a word."""
    rows = ClauseResult.objects.filter(scan_standard__scan=scan, verdict=VerdictName.DUE)
    asked = rows.values_list("clause__checks", flat=True)
    return {name for checks in asked for name, _, _ in _demands(checks)}


class OpenItems(Sequence[Item]):
    """What is due, costliest first, then what ends when; words are read where they are shown."""

    def __init__(self, due: Sequence[Item], ending: Sequence[int]) -> None:
        self._due = due
        self._ending = ending

    @override
    def __len__(self) -> int:
        return len(self._due) + len(self._ending)

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...

    @override
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, int):
            return self[place : place + 1 or None][0]
        wanted = [*self._due, *self._ending][place]
        records = Attestation.objects.select_related("repository", "author").defer("seen")
        found = records.in_bulk([each for each in wanted if isinstance(each, int)])
        return [
            each if isinstance(each, Item) else _item(found[each])
            for each in wanted
            if isinstance(each, Item) or each in found
        ]


def _item(record: Attestation) -> Item:
    return Item(record.repository, record.topic, in_words(record.topic), record=record)


def open_items(reader: Reader) -> OpenItems:
    """Return what is due in the reader's repositories, costliest first, then what ends when."""
    due = _due(reader)
    records = Attestation.objects.visible_to(reader).in_force().order_by("expires_at", "pk")
    ending = [
        pk
        for pk, repository, topic in records.values_list("pk", "repository_id", "topic")
        if (repository, topic) not in due
    ]
    return OpenItems(
        sorted(due.values(), key=lambda item: (-item.cost, item.repository.name)), ending
    )


def _due(reader: Reader) -> dict[tuple[int, str], Item]:
    """What the newest scans say is due, by repository and topic."""
    scans = Repository.objects.visible_to(reader).filter(due_count__gt=0).values("last_scan")
    scored = ScanStandard.objects.filter(scan__in=scans, score__isnull=False)
    shares = dict(scored.values_list("scan").annotate(Count("pk")).order_by())
    rows = ClauseResult.objects.filter(scan_standard__scan__in=scans, verdict=VerdictName.DUE)
    rows = rows.select_related("clause", "scan_standard__scan__repository")
    found: dict[tuple[int, str], Item] = {}
    for row in rows:
        scan = row.scan_standard.scan
        for name, _, _ in _demands(row.clause.checks):
            own = row.clause.requirement if row.clause.number == name else in_words(name)
            place = (scan.repository_id, name)
            item = found.setdefault(place, Item(scan.repository, name, own))
            item.cost += row.loss / shares.get(scan.pk, 1)
    return found


def judge_ended() -> int:
    """Have the repositories judged again whose last result rests on a word that has ended since.

    Returns:
        How many were asked for.
    """
    ended = Attestation.objects.filter(
        repository=OuterRef("pk"),
        withdrawn_at__isnull=True,
        expires_at__lte=Now(),
        expires_at__gt=OuterRef("last_scan__started_at"),
    )
    return scanning.request_idle(Repository.objects.filter(Exists(ended)), Trigger.ATTESTATION)
