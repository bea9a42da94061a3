"""Waivers: asked for, granted, refused, taken back; on the pages and in a repository's file."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

import checks.waivers as engine
from checks import waiverfile
from checks.compose import judged
from checks.outcomes import unpack
from checks.pathpatterns import is_pattern
from checks.scoring import mean_points, shown_points, tallies, units
from dashboard.models import (
    OPEN_STATES,
    AuditEntry,
    Clause,
    Repository,
    Scan,
    StoredReport,
    Trigger,
    Waiver,
    WaiverOutcome,
    WaiverScope,
    WaiverState,
)
from dashboard.services import rollout, scanning
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import checks.model as model
    from checks.source import Source
    from dashboard.models import Finding, User
    from dashboard.models.decision import WaiverQuerySet
    from dashboard.models.people import Reader
    from dashboard.services.results import Judged

SOON = timedelta(days=30)
MOST_MATCHES = 1_000_000
"""What a waiver may match while nobody has granted it: growth is told from the number then."""
OUTDATED = "This is no request any more; load the page again."
SOMEBODY = "(somebody else)"
"""Nobody's user name."""
WANTED = (WaiverState.REQUESTED, WaiverState.GRANTED)


class WaiverError(Exception):
    """The waiver cannot be granted. The text is one sentence for a person."""


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: a finding, or a path pattern, a clause or both.

    Attributes:
        reason: Why it is accepted.
        expires_on: The last day, None for no end.
        finding: One finding; the rest of the scope is then left out.
        path_pattern: As in ``.gitignore``.
        check_id: Narrows it.
        clause: ``slug/ID``.
    """

    reason: str = ""
    expires_on: date | None = None
    finding: Finding | None = None
    path_pattern: str = ""
    check_id: str = ""
    clause: str = ""


@dataclass(frozen=True)
class Preview:
    """What a waiver would do today.

    Attributes:
        matched: Findings it would cover.
        most: The most of them in one judged folder: growth is told folder by folder.
        gain: Points that the score would rise by, None where nothing is scored.
        refusal: The rule of a standard that it breaks, as a sentence; "" for none.
    """

    matched: int
    most: int
    gain: float | None
    refusal: str = ""


# --- in a scan


def in_force(repository: Repository, day: date) -> list[engine.Waiver]:
    """Return the waivers that count on a day, in the form that the library reads."""
    rows = Waiver.objects.filter(repository=repository).in_force(day).order_by("pk")
    return [as_engine(row) for row in rows.select_related("finding", "author", "approver")]


def as_engine(row: Waiver) -> engine.Waiver:
    """Return a row in the form that the library reads."""
    return engine.Waiver(
        id=row.name,
        fingerprint=row.finding.fingerprint if row.finding else row.fingerprint,
        path=row.path_pattern,
        check=row.check_id,
        clause=row.clause,
        reason=row.reason,
        author=row.author.get_username() if row.author else row.said_by,
        approver=row.approver.get_username() if row.approver else row.approved_by,
        expires=row.expires_on,
        absorbed=row.absorbed,
    )


_WORST = [
    WaiverOutcome.UNUSED,
    WaiverOutcome.IN_FORCE,
    WaiverOutcome.EXPIRED,
    WaiverOutcome.REFUSED,
    WaiverOutcome.BROKEN,
]


def tell(
    repository: Repository, reports: Iterable[Judged], counted: Iterable[engine.Waiver], day: date
) -> None:
    """Note on each waiver what a scan made of it; of several folders the worst counts.

    What had ended on the day of the scan is noted as ended, which no report says. A finding whose
    code has moved is known by its new name from now on: where a waiver has looked for the old one,
    the commit is judged once more.
    """
    ended = repository.waivers.granted().filter(expires_on__lt=day)
    ended.update(outcome=WaiverOutcome.EXPIRED, matched=0, note="")
    seen: dict[str, list[model.WaiverResult]] = defaultdict(list)
    for each in reports:
        for result in each.report.waivers or ():
            seen[result.id].append(result)
    for name, results in seen.items():
        worst = max(results, key=lambda each: _WORST.index(WaiverOutcome(each.state)))
        Waiver.objects.filter(pk=Waiver.key_of(name)).update(
            outcome=worst.state,
            matched=sum(each.matched for each in results),
            note=clean(worst.note, 500),
        )
    sought = {each.id: each.fingerprint for each in counted if each.fingerprint}
    rows = repository.waivers.granted().filter(finding__state__in=OPEN_STATES)
    if any(
        row.finding and sought.get(row.name, row.finding.fingerprint) != row.finding.fingerprint
        for row in rows.select_related("finding")
    ):
        scanning.request(repository, Trigger.WAIVERS)


@transaction.atomic
def read_file(repository: Repository, source: Source) -> None:
    """Turn the entries of a repository's file into requests, and withdraw what has left it.

    A granted waiver that says the same is that entry: an exported file asks for nothing twice.
    """
    file = waiverfile.of(source)
    rows = {row.file_id: row for row in repository.waivers.exclude(file_id="")}
    unlinked = {
        _said(as_engine(row)): row
        for row in repository.waivers.granted()
        .filter(file_id="")
        .select_related("finding", "author", "approver")
    }
    for entry in file.waivers:
        row = rows.get(entry.id)
        if row is None and (same := unlinked.get(_said(entry))):
            Waiver.objects.filter(pk=same.pk).update(file_id=entry.id)
        elif row is None:
            _note(_from_file(repository, entry), None, "waiver.requested")
        elif row.state == WaiverState.WITHDRAWN:
            _turn(row, WaiverState.REQUESTED, None, "")
    there = {entry.id for entry in file.waivers}
    for name, row in rows.items():
        if name not in there and row.state in WANTED:
            _turn(row, WaiverState.WITHDRAWN, None, "Its entry has left the file.")
    Repository.objects.filter(pk=repository.pk).update(
        waiver_mistakes=[clean(f"{each.id}: {each.note}", 500) for each in file.wrong]
    )


def _said(waiver: engine.Waiver) -> tuple[object, ...]:
    """What makes two waivers the same, whoever has granted them."""
    scope = waiver.fingerprint, waiver.path, waiver.check, waiver.clause
    return (*scope, waiver.reason, waiver.expires, waiver.absorbed)


def _from_file(repository: Repository, entry: engine.Waiver) -> Waiver:
    scope = WaiverScope.PATH if entry.path else WaiverScope.CLAUSE
    return Waiver.objects.create(
        repository=repository,
        scope=WaiverScope.FINDING if entry.fingerprint else scope,
        fingerprint=entry.fingerprint,
        path_pattern=entry.path,
        check_id=entry.check,
        clause=entry.clause,
        reason=clean(entry.reason, 4_000),
        expires_on=entry.expires,
        absorbed=entry.absorbed,
        file_id=entry.id,
        said_by=clean(entry.author, 200),
        approved_by=clean(entry.approver, 200),
    )


# --- what people do


def preview(repository: Repository, wish: Wish, asker: User) -> Preview:
    """Return what a waiver would do with the last result, once somebody else has granted it."""
    if not is_pattern(wish.path_pattern):
        return Preview(0, 0, None, f"{wish.path_pattern} is no pattern of files.")
    candidate = engine.Waiver(
        id="wish",
        fingerprint=wish.finding.fingerprint if wish.finding else "",
        path=wish.path_pattern,
        check=wish.check_id,
        clause=wish.clause,
        author=asker.get_username(),
        approver=SOMEBODY,
        expires=wish.expires_on,
        absorbed=MOST_MATCHES,
    )
    return _forecast(repository, candidate)


def _forecast(repository: Repository, candidate: engine.Waiver) -> Preview:
    day = timezone.localdate()
    standards = [standard for _, standard in rollout.asked(repository, day)]
    others = [each for each in in_force(repository, day) if each.id != candidate.id]
    matches, refusal = [0], ""
    before: list[float | None] = []
    after: list[float | None] = []
    for answers in _stored(repository):
        outcomes = unpack(answers)
        counted = tallies(outcomes)
        now, _ = judged(outcomes, standards, counted, others, day)
        then, done = judged(outcomes, standards, counted, [*others, candidate], day)
        before += [each.score for each in now]
        after += [each.score for each in then]
        for result in done.results if done else ():
            if result.id == candidate.id:
                matches.append(result.matched)
                refusal = refusal or (result.note if result.state == "refused" else "")
    old, new = _mean(before), _mean(after)
    gain = None if old is None or new is None else round(new - old, 6)
    return Preview(sum(matches), max(matches), gain, refusal)


def _stored(repository: Repository) -> list[bytes]:
    """The packed answers of each judged folder's last result."""
    rows = StoredReport.objects.filter(
        component__repository=repository, component__retired_at__isnull=True
    ).exclude(answers=b"")
    return [bytes(each) for each in rows.values_list("answers", flat=True)]


def _mean(scores: Iterable[float | None]) -> float | None:
    known = [units(score) for score in scores if score is not None]
    return shown_points(mean_points(known)) if known else None


def objection(repository: Repository, wish: Wish) -> str:
    """Say why there is nothing to ask for: no such clause, or it was asked before; "" if not."""
    slug, _, number = wish.clause.rpartition("/")
    asked = Clause.objects.filter(standard__adoptions__repository=repository, number=number)
    if wish.clause and not (asked.filter(standard__slug=slug) if slug else asked).exists():
        return f"No adopted standard has the clause {wish.clause}; write it as standard/clause."
    lasting = Q(expires_on__isnull=True)
    if wish.expires_on:  # one that ends earlier may be asked for anew before it has ended
        lasting |= Q(expires_on__gte=wish.expires_on)
    same = repository.waivers.filter(
        lasting | Q(state=WaiverState.REQUESTED),
        state__in=WANTED,
        finding=wish.finding,
        path_pattern=wish.path_pattern,
        check_id=wish.check_id,
        clause=wish.clause,
    ).first()
    if same is None:
        return ""
    return f"The same was asked for already and is {same.get_state_display().lower()}."


@transaction.atomic
def ask(repository: Repository, wish: Wish, actor: User) -> Waiver:
    """Record a request; it covers nothing until somebody grants it."""
    scope = WaiverScope.PATH if wish.path_pattern else WaiverScope.CLAUSE
    row = Waiver.objects.create(
        repository=repository,
        scope=WaiverScope.FINDING if wish.finding else scope,
        finding=wish.finding,
        path_pattern=wish.path_pattern,
        check_id=wish.check_id,
        clause=wish.clause,
        reason=clean(wish.reason, 4_000),
        expires_on=wish.expires_on,
        author=actor,
        matched=preview(repository, wish, actor).matched,
    )
    _note(row, actor, "waiver.requested")
    return row


def grant(row: Waiver, actor: User, words: str = "") -> None:
    """Let a waiver count. It absorbs what it matches now, or what its entry in the file says.

    Raises:
        WaiverError: It is no request, it matches nothing, or a standard does not allow it.
    """
    if row.state != WaiverState.REQUESTED:
        raise WaiverError(OUTDATED)
    held = as_engine(row)
    candidate = msgspec.structs.replace(held, approver=actor.get_username(), absorbed=MOST_MATCHES)
    seen = _forecast(row.repository, candidate)
    if seen.refusal:
        raise WaiverError(seen.refusal)
    if row.expires_on and row.expires_on < timezone.localdate():
        raise WaiverError(f"Its last day, {row.expires_on}, is past.")
    if not seen.matched:
        raise WaiverError("It matches no finding of the last result, so there is nothing to waive.")
    with transaction.atomic():
        _decide(row, WaiverState.GRANTED, actor, words)
        absorbed = row.absorbed if row.file_id else seen.most
        Waiver.objects.filter(pk=row.pk).update(absorbed=absorbed, matched=seen.matched)
        scanning.request(row.repository, Trigger.WAIVERS, actor=actor)


@transaction.atomic
def refuse(row: Waiver, actor: User, words: str = "") -> None:
    """Decline a request.

    Raises:
        WaiverError: It is no request.
    """
    if row.state != WaiverState.REQUESTED:
        raise WaiverError(OUTDATED)
    _decide(row, WaiverState.REFUSED, actor, words)


@transaction.atomic
def revoke(row: Waiver, actor: User, words: str = "") -> None:
    """Take a granted waiver back; what it covered counts again with the next scan.

    Raises:
        WaiverError: It is not granted.
    """
    if row.state != WaiverState.GRANTED:
        raise WaiverError("This waiver is not granted, so there is nothing to take back.")
    _decide(row, WaiverState.REVOKED, actor, words)
    scanning.request(row.repository, Trigger.WAIVERS, actor=actor)


DECISIONS = {"grant": grant, "refuse": refuse, "revoke": revoke}


def _decide(row: Waiver, state: WaiverState, actor: User, words: str) -> None:
    if not _turn(row, state, actor, words):
        raise WaiverError(OUTDATED)


def _turn(row: Waiver, state: WaiverState, actor: User | None, words: str) -> bool:
    """Move a waiver on from the state that it was read in; False when somebody else has by now."""
    turned = Waiver.objects.filter(pk=row.pk, state=row.state).update(
        state=state, approver=actor, decided_at=Now(), decision=clean(words, 2_000), outcome=""
    )
    if turned:
        _note(row, actor, f"waiver.{state.value}", words=clean(words, 500))
    return bool(turned)


def _note(row: Waiver, actor: User | None, action: str, **detail: object) -> None:
    end = row.expires_on.isoformat() if row.expires_on else ""
    AuditEntry.objects.note(
        row.repository, actor, action, waiver=row.pk, scope=scope_words(row), expires=end, **detail
    )


def scope_words(row: Waiver) -> str:
    """Return what a waiver is about, in words."""
    if row.scope == WaiverScope.FINDING:
        return f"the finding {row.fingerprint or row.finding_id}"
    parts = [row.path_pattern or "any path"]
    parts += [f"check {row.check_id}"] if row.check_id else []
    parts += [f"clause {row.clause}"] if row.clause else []
    return ", ".join(parts)


# --- lists

LISTS: Mapping[str, str] = {
    "requested": "Requested",
    "in-force": "In force",
    "expiring": "Expiring",
    "broken": "Broken",
    "unused": "Unused",
    "ended": "Ended",
}


def listed(reader: Reader, which: str, repository: str = "", team: str = "") -> WaiverQuerySet:
    """Return the waivers of one list in the reader's repositories, what is next first."""
    day = timezone.localdate()
    rows = Waiver.objects.visible_to(reader)
    if repository:
        rows = rows.filter(repository__slug=repository)
    if team:
        rows = rows.filter(repository__team__slug=team)
    rows = rows.select_related("repository__team", "finding", "author", "approver")
    if which == "requested":
        return rows.filter(state=WaiverState.REQUESTED).order_by("created_at", "pk")
    if which == "ended":
        return rows.ended(day).order_by(F("decided_at").desc(nulls_last=True), "-pk")
    rows = rows.in_force(day).order_by(F("expires_on").asc(nulls_last=True), "pk")
    if which == "expiring":
        return rows.filter(expires_on__lte=day + SOON)
    if which in ("broken", "unused"):
        wrong = [which, WaiverOutcome.REFUSED] if which == "broken" else [which]
        return rows.filter(outcome__in=wrong)
    return rows


@dataclass(frozen=True)
class Lists:
    """One list of waivers, and how long each of them is, in words."""

    which: str
    rows: WaiverQuerySet
    lists: Sequence[tuple[str, str, int]]


def overview(reader: Reader, which: str, repository: str = "", team: str = "") -> Lists:
    """Return the list that was asked for, else the first that has something."""
    lengths = {name: listed(reader, name, repository, team).count() for name in LISTS}
    chosen = (
        which
        if which in LISTS
        else next((name for name, length in lengths.items() if length), "requested")
    )
    return Lists(
        chosen,
        listed(reader, chosen, repository, team),
        [(name, LISTS[name], length) for name, length in lengths.items()],
    )


def export(repository: Repository) -> str:
    """Return the granted waivers as the file that a repository may hold."""
    rows = repository.waivers.in_force(timezone.localdate()).order_by("created_at", "pk")
    found = rows.select_related("finding", "author", "approver")
    return waiverfile.render(as_engine(row) for row in found)


@dataclass(frozen=True)
class Growth:
    """In-code suppressions now and at the result before; ``before`` is None for the first."""

    now: int
    before: int | None


def suppressions(repository: Repository) -> Growth:
    """Return how the number of in-code suppressions has moved since the scan before."""
    last = list(
        Scan.objects.filter(repository=repository)
        .with_result()
        .values_list("suppressed_count", flat=True)[:2]
    )
    return Growth(last[0] if last else 0, last[1] if len(last) > 1 else None)


def judge_ended() -> int:
    """Have the repositories judged again whose last result rests on a waiver that has ended since.

    Returns:
        How many were asked for.
    """
    ended = Waiver.objects.filter(
        Q(repository=OuterRef("pk")),
        Q(outcome=WaiverOutcome.IN_FORCE),
        state=WaiverState.GRANTED,
        expires_on__lt=timezone.localdate(),
    )
    return scanning.request_idle(Repository.objects.filter(Exists(ended)), Trigger.WAIVERS)
