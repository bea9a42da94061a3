"""What people do about waivers: look at what one would do, ask, grant, refuse, take back."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

import checks.waivers as engine
from checks.compose import judged
from checks.hidden import governed
from checks.outcomes import unpack
from checks.pathpatterns import is_pattern
from checks.scoring import mean_points, shown_points, tallies, units
from dashboard.models import (
    OPEN_STATES,
    Clause,
    Finding,
    Repository,
    StoredReport,
    Trigger,
    Waiver,
    WaiverState,
)
from dashboard.services import rollout, scanning, waivers
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from checks.model import Outcome
    from checks.rules.specs import Key
    from dashboard.models import User

MOST_MATCHES = 1_000_000
"""What a waiver may match while nobody has granted it: growth is told from the number then."""
BATCH = 100
OUTDATED = "This is no request any more; load the page again."
SOMEBODY = "(somebody else)"
"""Nobody's user name."""


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
        component: The judged folder that it is about, "." for the root; "" for every one.
    """

    reason: str = ""
    expires_on: date | None = None
    finding: Finding | None = None
    path_pattern: str = ""
    check_id: str = ""
    clause: str = ""
    component: str = ""


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


def preview(repository: Repository, wish: Wish, asker: User) -> Preview:
    """Return what a waiver would do with the last result, once somebody else has granted it."""
    if not is_pattern(wish.path_pattern):
        return Preview(0, 0, None, f"{wish.path_pattern} is no pattern of files.")
    return _forecast(repository, _candidate(wish, asker))


def _candidate(wish: Wish, asker: User) -> engine.Waiver:
    return engine.Waiver(
        id="wish",
        fingerprint=wish.finding.fingerprint if wish.finding else "",
        path=wish.path_pattern,
        check=wish.check_id,
        clause=wish.clause,
        component=wish.component,
        reason=wish.reason,
        author=asker.get_username(),
        approver=SOMEBODY,
        expires=wish.expires_on,
        absorbed=MOST_MATCHES,
    )


def _forecast(repository: Repository, candidate: engine.Waiver) -> Preview:
    day = timezone.localdate()
    wanted = [standard for _, standard in rollout.asked(repository, day)]
    others = [each for each in waivers.counted(repository, day) if each.id != candidate.id]
    matches, refusal = [0], ""
    before: list[float | None] = []
    after: list[float | None] = []
    for folder, answers in _stored(repository):
        outcomes, standards = governed(answers, wanted)
        counted = tallies(outcomes)
        here = engine.within(others, folder)
        more = engine.within([*others, candidate], folder)
        now, _ = judged(outcomes, standards, counted, here, day)
        then, done = judged(outcomes, standards, counted, more, day)
        before += [each.score for each in now]
        after += [each.score for each in then]
        for result in done.results if done else ():
            if result.id == candidate.id:
                matches.append(result.matched)
                refusal = refusal or (result.note if result.state == "refused" else "")
    old, new = _mean(before), _mean(after)
    gain = None if old is None or new is None else round(new - old, 6)
    return Preview(sum(matches), max(matches), gain, refusal)


def recount(repository: Repository) -> None:
    """Note on each request what it would match in the last result, and the rule that it breaks.

    All are looked at as one: a waiver matches what it matches, whatever others cover. This judges
    once more, so it has no place in a transaction that others wait for.
    """
    rows = repository.waivers.filter(state=WaiverState.REQUESTED).select_related(
        "finding", "author", "approver"
    )
    requests = {
        row.name: msgspec.structs.replace(
            waivers.as_engine(row), approver=SOMEBODY, absorbed=MOST_MATCHES
        )
        for row in rows
    }
    if not requests:
        return
    day = timezone.localdate()
    wanted = [standard for _, standard in rollout.asked(repository, day)]
    matched: Counter[str] = Counter()
    notes: dict[str, str] = {}
    for folder, answers in _stored(repository):
        outcomes, standards = governed(answers, wanted)
        here = engine.within(requests.values(), folder)
        _, done = judged(outcomes, standards, tallies(outcomes), here, day)
        for result in done.results if done else ():
            matched[result.id] += result.matched
            if result.state == "refused":
                notes.setdefault(result.id, result.note)
    changed = []
    for row in rows:
        found = matched[row.name], clean(notes.get(row.name, ""), 500)
        if found != (row.matched, row.note):
            row.matched, row.note = found
            changed.append(row)
    # Who decides meanwhile is not overruled: only what is a request still is written.
    undecided = Waiver.objects.filter(state=WaiverState.REQUESTED)
    undecided.bulk_update(changed, ["matched", "note"], batch_size=BATCH)


def _stored(repository: Repository) -> Iterator[tuple[str, dict[Key, Outcome]]]:
    """The answers of each judged folder's last result, by its path.

    Those of another release may be unreadable: the next scan asks them anew.
    """
    rows = StoredReport.objects.filter(
        component__repository=repository, component__retired_at__isnull=True
    ).exclude(answers=b"")
    for path, data in rows.values_list("component__path", "answers"):
        with contextlib.suppress(ValueError):
            yield path, unpack(bytes(data))


def _mean(scores: Iterable[float | None]) -> float | None:
    known = [units(score) for score in scores if score is not None]
    return shown_points(mean_points(known)) if known else None


def taken(finding: Finding) -> str:
    """Say who has asked for a waiver of a finding that nobody has decided yet; "" for nobody."""
    asked = finding.waivers.filter(state=WaiverState.REQUESTED).select_related("author").first()
    if asked is None:
        return ""
    day = timezone.localtime(asked.created_at).date()
    return f"{asked.asker} asked for a waiver of this finding on {day}; it waits for a lead."


def objection(repository: Repository, wish: Wish) -> str:
    """Say why there is nothing to ask for: no such clause, or it was asked before; "" if not."""
    if wish.finding and (said := taken(wish.finding)):
        return said
    slug, _, number = wish.clause.rpartition("/")
    asked = Clause.objects.filter(standard__adoptions__repository=repository, number=number)
    if wish.clause and not (asked.filter(standard__slug=slug) if slug else asked).exists():
        return f"No adopted standard has the clause {wish.clause}; write it as standard/clause."
    lasting = Q(expires_on__isnull=True)
    if wish.expires_on:  # one that ends earlier may be asked for anew before it has ended
        lasting |= Q(expires_on__gte=wish.expires_on)
    same = repository.waivers.filter(
        lasting | Q(state=WaiverState.REQUESTED),
        state__in=waivers.WANTED,
        finding=wish.finding,
        path_pattern=wish.path_pattern,
        check_id=wish.check_id,
        clause=wish.clause,
        component=wish.component,
    ).first()
    if same is None:
        return ""
    return f"The same was asked for already and is {same.get_state_display().lower()}."


@transaction.atomic
def ask(repository: Repository, wish: Wish, actor: User) -> Waiver:
    """Record a request; it covers nothing until somebody grants it."""
    matched = preview(repository, wish, actor).matched
    asked = _candidate(wish, actor)
    return waivers.record(
        repository, asked, actor, finding=wish.finding, author=actor, matched=matched
    )


def grant(row: Waiver, actor: User, words: str) -> None:
    """Let a waiver count. It absorbs what it matches now, or what its entry in the file says.

    Raises:
        WaiverError: It is no request, nothing is said, it matches nothing, or a standard does not
            allow it.
    """
    if row.state != WaiverState.REQUESTED:
        raise WaiverError(OUTDATED)
    _say_why(words)
    held = waivers.as_engine(row)
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
        Waiver.objects.filter(pk=row.pk).update(
            absorbed=absorbed,
            matched=seen.matched,
            finding_id=row.finding_id or _named(row),
            approved_by=actor.get_username(),
        )
        scanning.request(row.repository, Trigger.WAIVERS, actor=actor)


def _named(row: Waiver) -> int | None:
    """The finding that an entry of a file names, so that the waiver follows it from now on."""
    if not row.fingerprint:
        return None
    found = Finding.objects.filter(
        repository=row.repository_id, fingerprint=row.fingerprint, state__in=OPEN_STATES
    )
    return found.order_by("pk").values_list("pk", flat=True).first()


@transaction.atomic
def refuse(row: Waiver, actor: User, words: str) -> None:
    """Decline a request.

    Raises:
        WaiverError: It is no request, or nothing is said.
    """
    if row.state != WaiverState.REQUESTED:
        raise WaiverError(OUTDATED)
    _say_why(words)
    _decide(row, WaiverState.REFUSED, actor, words)


@transaction.atomic
def revoke(row: Waiver, actor: User, words: str) -> None:
    """Take a granted waiver back; what it covered counts again with the next scan.

    Raises:
        WaiverError: It is not granted, or nothing is said.
    """
    if row.state != WaiverState.GRANTED:
        raise WaiverError("This waiver is not granted, so there is nothing to take back.")
    _say_why(words)
    _decide(row, WaiverState.REVOKED, actor, words)
    scanning.request(row.repository, Trigger.WAIVERS, actor=actor)


DECISIONS = {"grant": grant, "refuse": refuse, "revoke": revoke}


def _say_why(words: str) -> None:
    if not clean(words, 2_000).strip():
        raise WaiverError("Nothing was decided: say why, for everybody who reads it later.")


def _decide(row: Waiver, state: WaiverState, actor: User, words: str) -> None:
    if not waivers.turn(row, state, actor, words):
        raise WaiverError(OUTDATED)
