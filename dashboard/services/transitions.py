"""What a new report means for the findings that are known: new, gone, back, or moved.

Guarantee: only what was looked at may close a finding. A finding of a file that was not analysed,
or of a check that could not tell, stays as it was; and so does one whose own file is as it was,
while another file cannot be read that could be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from checks.authorship import ABOUT_COMMIT
from dashboard.models import (
    OPEN_STATES,
    Finding,
    FindingCause,
    FindingEvent,
    FindingEventKind,
    FindingState,
    Strength,
)
from dashboard.services import identity, unread
from dashboard.services.causes import Causes
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import checks.model as engine
    from checks.authorship import Origin
    from checks.matching import Site
    from dashboard.models import Component, Scan
    from dashboard.services.identity import Seen
    from dashboard.services.unread import Unread

BATCH = 500
HEAVY = 0.1
"""Points of the repository from which a finding is kept beyond the bound: a thousand at most."""
MAX_STORED = 20_000
_SEVERITY = {"must": 0, "should": 1, "may": 2}
_NAMES = ("check_id", "fingerprint")
_CONTENT = (
    "strength",
    "severity",
    "clauses",
    "area",
    "path",
    "line",
    "end_line",
    "column",
    "symbol",
    "message",
    "measured",
    "limit",
    "suppressed",
    "uncertain",
    "anchor",
    "text",
    "blob",
    "owners",
    "waived_by_id",
)

_WORTH = ("gain", "gain_total")
"""What any change of the code may move for every finding of a clause, and for many alike."""

type Key = tuple[str, str]
type Worth = tuple[float, tuple[tuple[str, float], ...]]
"""Points of the repository, and of each standard by its slug."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the adopted standards say about findings.

    Attributes:
        strengths: Strength of each clause, by its id.
        areas: Area of each check, by its id.
        standards: Number of scores of which the repository's is the mean.
        waivers: Primary key of each waiver, by what the report calls it.
    """

    strengths: Mapping[str, str]
    areas: Mapping[str, str]
    standards: int
    waivers: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Transitions:
    """The rows to write for one component.

    ``write`` holds new, returned and changed findings, those that are rows already with their
    primary key; the rest is by primary key. ``moved`` are rows whose fingerprint changes, ``worth``
    those of which nothing but the points to gain is another.
    ``turned`` are those that a waiver begins or ceases to cover. ``ended`` are those that went
    without code, with the word for it; ``causes`` say what brought others without. ``origins`` are
    the commits behind what opened (by key) and what went (by primary key).
    ``unseen`` are the rows that stay open without having been found, ``seen`` those that are found
    again after that. ``held`` says how many are unseen because another file cannot be read any
    more, ``since`` from which commit on which file cannot.
    """

    write: list[Finding] = field(default_factory=list)
    opened: set[Key] = field(default_factory=set)
    reopened: set[Key] = field(default_factory=set)
    moved: list[int] = field(default_factory=list)
    worth: dict[Worth, list[int]] = field(default_factory=dict)
    suppressed: list[int] = field(default_factory=list)
    unsuppressed: list[int] = field(default_factory=list)
    turned: set[Key] = field(default_factory=set)
    fixed: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    ended: dict[int, FindingEventKind] = field(default_factory=dict)
    causes: Mapping[Key, FindingCause] = field(default_factory=dict)
    origins: dict[Key | int, Origin] = field(default_factory=dict)
    unseen: list[Mapping[str, Any]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    held: int = 0
    since: Mapping[str, str] = field(default_factory=dict)


def leave(judged: Sequence[Component]) -> Transitions:
    """Close the findings of folders of the same repository that are retired or gone."""
    others = Finding.objects.filter(
        repository__in={component.repository_id for component in judged}, state__in=OPEN_STATES
    ).exclude(component__in=judged)
    return Transitions(left=list(others.values_list("pk", flat=True)))


@dataclass(frozen=True)
class Recognised:
    """Findings of a report beside the rows of its component. Waivers change nothing of it.

    Attributes:
        component: What was judged.
        standing: The open rows.
        places: The findings of the report as matching sees them, in their order.
        partner: Which standing row (by its place) each finding (by its place) is.
        returned: The row of each finding that was there once, by its place.
    """

    component: Component
    standing: Sequence[Mapping[str, Any]]
    places: Sequence[Site]
    partner: Mapping[int, int]
    returned: Mapping[int, int]

    def name_of(self, finding: Finding) -> str:
        """Return the fingerprint of a finding that was known before; "" when it is not there.

        One of another component is the finding of the same name in this: folders may overlap.
        """
        if not finding.is_open:
            back = self._back.get(finding.pk)
            return "" if back is None else self.places[back].fingerprint
        here = self._here.get((finding.check_id, finding.fingerprint))
        if here is None:
            return "" if finding.component_id == self.component.pk else finding.fingerprint
        now = self._now.get(here)
        return "" if now is None else self.places[now].fingerprint

    @cached_property
    def _back(self) -> Mapping[int, int]:
        """The finding that each row became which was there once, by its primary key."""
        return {pk: index for index, pk in self.returned.items()}

    @cached_property
    def _here(self) -> Mapping[Key, int]:
        """The place of each standing row."""
        return {(row["check_id"], row["fingerprint"]): n for n, row in enumerate(self.standing)}

    @cached_property
    def _now(self) -> Mapping[int, int]:
        """The finding that each standing row became, both by their places."""
        return {old: new for new, old in self.partner.items()}


def recognise(
    component: Component, report: engine.Report, answers: bytes = b"", seen: Seen | None = None
) -> Recognised:
    """Tell which finding of a report is which row. Reads rows, writes none.

    Args:
        component: What was judged.
        report: What was found.
        answers: The answers behind the report; without them places are known by their messages.
        seen: The commit with the one before it; without it nothing is known of files.
    """
    standing = list(
        Finding.objects.filter(component=component, state__in=OPEN_STATES)
        .order_by("pk")
        .values("pk", "state", "last_seen_id", *_NAMES, *_CONTENT, *_WORTH)
    )
    places = identity.described(report, answers, seen, standing)
    partner = identity.partners(standing, places, seen)
    new = {
        index: (each.check, each.fingerprint)
        for index, each in enumerate(places)
        if index not in partner
    }
    known = _known_as_fixed(component, list(new.values()))
    returned = {index: known[key] for index, key in new.items() if key in known}
    return Recognised(component, standing, places, partner, returned)


def compare(
    recognised: Recognised, report: engine.Report, rules: Rules, seen: Seen | None = None
) -> Transitions:
    """Work out the transitions of one component. Reads rows, writes none.

    Args:
        recognised: Which finding is which row.
        report: What was found.
        rules: What the adopted standards say about findings.
        seen: The commit with the one before it; without it nothing is known of files.
    """
    component, standing = recognised.component, recognised.standing
    rows = list(rows_of(component, report.findings, recognised.places, seen, rules))
    result = Transitions()
    _appear(rows, recognised, result)
    known = set(recognised.partner.values())
    rest = [row for index, row in enumerate(standing) if index not in known]
    changes = identity.Changes(component, report)
    missed = unread.of(component, report, seen, changes)
    result.since = missed.since
    causes = Causes(component, seen, changes)
    gone = _vanish(report, rest, seen, changes, missed, causes, result)
    names = {_key(row) for row in rows}
    # What stays open unseen gives way to what was seen under its name.
    result.moved += [
        row["pk"] for row in result.unseen if (row["check_id"], row["fingerprint"]) in names
    ]
    came = [row for row in result.write if _key(row) in result.opened | result.reopened]
    result.causes = causes.named(came)
    if seen is not None:
        code = [row for row in came if not causes.nameless(row, result.causes.get(_key(row)))]
        _name_origins(seen, code, gone, changes, result)
    return result


def _name_origins(
    seen: Seen,
    came: Sequence[Finding],
    gone: Sequence[Mapping[str, Any]],
    changes: identity.Changes,
    result: Transitions,
) -> None:
    """Write down which commit is behind what came and what went."""
    brought, removed = identity.origins(seen, came, gone, changes)
    for row, origin in zip(came, brought, strict=True):
        if origin is not None:
            result.origins[_key(row)] = origin
            row.since = datetime.fromtimestamp(origin.time, UTC)
    for lost, origin in zip(gone, removed, strict=True):
        if origin is not None:
            result.origins[lost["pk"]] = origin


def rows_of(
    component: Component,
    findings: Iterable[engine.Finding],
    places: Iterable[Site],
    seen: Seen | None,
    rules: Rules,
) -> Iterable[Finding]:
    """Yield the findings of a report as rows that are not stored yet."""
    for finding, place in zip(findings, places, strict=True):
        known = [rules.strengths[clause] for clause in finding.clauses if clause in rules.strengths]
        strength = min(known, key=_SEVERITY.__getitem__, default="may")
        owners = seen.owners.of(finding.path) if seen and finding.path else ()
        yield Finding(
            repository_id=component.repository_id,
            component=component,
            check_id=finding.check,
            fingerprint=finding.fingerprint,
            strength=Strength(strength),
            severity=_SEVERITY[strength],
            clauses=list(finding.clauses),
            area=rules.areas.get(finding.check, ""),
            path=place.path,
            line=finding.line,
            end_line=finding.end_line,
            column=finding.column,
            symbol=place.symbol,
            message=clean(finding.message, 2000),
            measured=clean(finding.measured, 500),
            limit=clean(finding.limit, 500),
            suppressed=finding.suppressed,
            uncertain=finding.uncertain,
            gain=dict(finding.gain),
            gain_total=sum(finding.gain.values()) / max(rules.standards, 1),
            anchor=place.anchor,
            text=place.text,
            blob=place.blob,
            owners=[clean(owner, 100) for owner in owners],
            waived_by_id=rules.waivers.get(finding.waived or ""),
        )


def _appear(found: Sequence[Finding], recognised: Recognised, result: Transitions) -> None:
    """Sort what was found into known, returned and new; keep the number of rows bounded.

    Args:
        found: The findings as rows.
        recognised: Which of them is which row already.
        result: Where they are entered.
    """
    room = MAX_STORED - len(recognised.partner)
    # Where not all fit the weightiest come first, and what is worth a tenth of a point always fits.
    for index, row in sorted(enumerate(found), key=lambda item: -item[1].gain_total):
        place = recognised.partner.get(index)
        if place is not None:
            _go_on(row, recognised.standing[place], result)
        elif room > 0 or row.gain_total >= HEAVY:
            room -= 1
            row.pk = recognised.returned.get(index)
            row.state = FindingState.REOPENED if row.pk else FindingState.OPEN
            (result.reopened if row.pk else result.opened).add(_key(row))
            if row.waived_by_id is not None:
                result.turned.add(_key(row))
            result.write.append(row)


def _go_on(row: Finding, before: Mapping[str, Any], result: Transitions) -> None:
    """A finding that stood before: it keeps its row, whatever it is called now."""
    row.pk, row.state = before["pk"], before["state"]
    if any(getattr(row, name) != before[name] for name in _NAMES):
        result.moved.append(row.pk)
    if any(getattr(row, name) != before[name] for name in (*_NAMES, *_CONTENT)):
        result.write.append(row)
    elif any(getattr(row, name) != before[name] for name in _WORTH):
        worth = row.gain_total, tuple(sorted(row.gain.items()))
        result.worth.setdefault(worth, []).append(row.pk)
    if before["last_seen_id"] is not None:
        result.seen.append(row.pk)
    if (row.waived_by_id is None) != (before["waived_by_id"] is None):
        result.turned.add(_key(row))
    if row.suppressed != before["suppressed"]:
        (result.suppressed if row.suppressed else result.unsuppressed).append(row.pk)


def _known_as_fixed(component: Component, keys: Sequence[Key]) -> dict[Key, int]:
    """The row of each finding that was there once, the one that went last."""
    wanted = set(keys)
    known: dict[Key, int] = {}
    for chunk in batched(sorted({fingerprint for _, fingerprint in wanted}), BATCH, strict=False):
        rows = Finding.objects.filter(
            component=component, state=FindingState.FIXED, fingerprint__in=chunk
        )
        for check, fingerprint, pk in rows.order_by("fixed_at", "pk").values_list(*_NAMES, "pk"):
            known[check, fingerprint] = pk
    return {key: pk for key, pk in known.items() if key in wanted}


def _vanish(
    report: engine.Report,
    rest: Sequence[Mapping[str, Any]],
    seen: Seen | None,
    changes: identity.Changes,
    missed: Unread,
    causes: Causes,
    result: Transitions,
) -> list[Mapping[str, Any]]:
    """Close what was looked for and not found, by the reason why it went; return what code fixed.

    After what :class:`Causes` says, code is the reason when the file changed or is gone, the rules
    when they changed and it did not, and the scope when what it is about is not looked at any more.
    """
    states = unread.states(report)
    fixed = []
    for row in rest:
        state = states.get(row["check_id"])
        word = causes.gone(row)
        if word == FindingEventKind.ATTESTED and state == {"measured"}:
            result.ended[row["pk"]] = word
        elif missed.hides(row):
            result.unseen.append(row)
        elif state is None:
            result.dropped.append(row["pk"])
        elif "unknown" in state:
            result.unseen.append(row)
        elif not changes.limits(row["check_id"]) and missed.holds(row, seen):
            result.unseen.append(row)
            result.held += 1
        elif word is not None:
            result.ended[row["pk"]] = word
        elif identity.by_rules(row, seen, changes):
            result.dropped.append(row["pk"])
        elif row["symbol"].startswith(ABOUT_COMMIT):
            result.left.append(row["pk"])
        else:
            result.fixed.append(row["pk"])
            fixed.append(row)
    return fixed


def write(transitions: Transitions, scan: Scan, previous: int | None, now: Any) -> None:
    """Write the rows and their events. Runs in the transaction that ends the scan.

    Args:
        transitions: What :func:`compare` worked out for one component.
        scan: The scan that saw it.
        previous: The scan that saw the vanished findings last, None for the first scan.
        now: The database's time, one for the whole transaction.
    """
    # What goes gives its name back, and what moves lets go of its own, before either is used.
    ended = _ended(transitions)
    for word in sorted({*ended.values()}):
        for chunk in batched([pk for pk in ended if ended[pk] == word], BATCH, strict=False):
            Finding.objects.filter(pk__in=chunk).update(
                state=FindingState.FIXED, fixed_scan=scan, fixed_at=now, ended=word
            )
    # What was not seen for a while was seen last before that.
    for chunk in batched([*ended, *(row["pk"] for row in transitions.unseen)], BATCH, strict=False):
        Finding.objects.filter(pk__in=chunk, last_seen=None).update(last_seen_id=previous)
    for chunk in batched(transitions.seen, BATCH, strict=False):
        Finding.objects.filter(pk__in=chunk).update(last_seen=None)
    for chunk in batched(transitions.moved, BATCH, strict=False):
        Finding.objects.filter(pk__in=chunk).update(
            fingerprint=Concat(Value("moving-"), Cast("pk", CharField()))
        )
    _write_rows(transitions, scan, now)
    FindingEvent.objects.bulk_create(_events(transitions, scan, now), batch_size=BATCH)


def _write_rows(transitions: Transitions, scan: Scan, now: Any) -> None:
    known = [row for row in transitions.write if row.pk]
    new = [row for row in transitions.write if not row.pk]
    for row in transitions.write:
        row.first_scan = scan
        row.opened_at = now
    Finding.objects.bulk_create(
        known,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["state", *_NAMES, *_CONTENT, *_WORTH],
    )
    Finding.objects.bulk_create(new, batch_size=BATCH)
    for (total, gain), pks in transitions.worth.items():
        for chunk in batched(pks, BATCH, strict=False):
            Finding.objects.filter(pk__in=chunk).update(gain=dict(gain), gain_total=total)
    back = [row for row in known if _key(row) in transitions.reopened]
    for row in back:
        row.fixed_scan = row.fixed_at = row.last_seen = None
        row.ended = ""
    Finding.objects.bulk_update(
        back, ["since", "fixed_scan", "fixed_at", "last_seen", "ended"], batch_size=BATCH
    )


def _key(row: Finding) -> Key:
    return row.check_id, row.fingerprint


def _ended(transitions: Transitions) -> dict[int, FindingEventKind]:
    """What went, by primary key, with the word for it."""
    found = dict(transitions.ended)
    found |= dict.fromkeys(transitions.fixed, FindingEventKind.FIXED)
    found |= dict.fromkeys(transitions.dropped, FindingEventKind.RULE_GONE)
    return found | dict.fromkeys(transitions.left, FindingEventKind.OUT_OF_SCOPE)


def _events(transitions: Transitions, scan: Scan, now: Any) -> Iterable[FindingEvent]:
    kinds = FindingEventKind
    came = [
        *((row, kinds.OPENED) for row in transitions.write if _key(row) in transitions.opened),
        *((row, kinds.REOPENED) for row in transitions.write if _key(row) in transitions.reopened),
    ]
    turns: list[tuple[int, FindingEventKind, Origin | None]] = [
        *((row.pk, kind, transitions.origins.get(_key(row))) for row, kind in came),
        *(
            (row.pk, kinds.UNWAIVED if row.waived_by_id is None else kinds.WAIVED, None)
            for row in transitions.write
            if _key(row) in transitions.turned
        ),
        *((pk, kinds.SUPPRESSED, None) for pk in transitions.suppressed),
        *((pk, kinds.UNSUPPRESSED, None) for pk in transitions.unsuppressed),
        *((pk, kind, transitions.origins.get(pk)) for pk, kind in _ended(transitions).items()),
    ]
    causes = {row.pk: transitions.causes.get(_key(row), "") for row, _ in came}
    for pk, kind, origin in turns:
        event = FindingEvent(finding_id=pk, scan=scan, kind=kind)
        if kind in {kinds.OPENED, kinds.REOPENED}:
            event.cause = causes[pk]
        if origin is not None:
            event.commit = origin.commit
            event.author = clean(origin.author, 200)
            event.committed_at = datetime.fromtimestamp(origin.time, UTC)
            event.at_least = origin.at_least
        yield event
