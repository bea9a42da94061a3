"""What a new report means for the findings that are known: new, gone, back, or moved.

Guarantee: only what was looked at may close a finding. A finding of a file that was not analysed,
or of a check that could not tell, stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any

from checks.facts.text import REPLACED
from dashboard.models import (
    OPEN_STATES,
    Finding,
    FindingEvent,
    FindingEventKind,
    FindingState,
    Strength,
)
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import checks.model as engine
    from dashboard.models import Component, Scan

BATCH = 500
HEAVY = 0.1
"""Points of the repository from which a finding is kept beyond the bound: a thousand at most."""
MAX_STORED = 20_000
COOKIE_IGNORED = "declares the encoding"
_SEVERITY = {"must": 0, "should": 1, "may": 2}
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
    "gain",
    "gain_total",
)

type Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the adopted standards say about findings.

    Attributes:
        strengths: Strength of each clause, by its id.
        areas: Area of each check, by its id.
        standards: Number of scores of which the repository's is the mean.
    """

    strengths: Mapping[str, str]
    areas: Mapping[str, str]
    standards: int


@dataclass(slots=True)
class Transitions:
    """The rows to write for one component.

    ``write`` holds new, returned and changed findings; the rest is by primary key.
    """

    write: list[Finding] = field(default_factory=list)
    opened: set[Key] = field(default_factory=set)
    reopened: set[Key] = field(default_factory=set)
    fixed: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)


def leave(judged: Sequence[Component]) -> Transitions:
    """Close the findings of folders of the same repository that are retired or gone."""
    others = Finding.objects.filter(
        repository__in={component.repository_id for component in judged}, state__in=OPEN_STATES
    ).exclude(component__in=judged)
    return Transitions(left=list(others.values_list("pk", flat=True)))


def compare(component: Component, report: engine.Report, rules: Rules) -> Transitions:
    """Work out the transitions of one component. Reads rows, writes none."""
    found = dict(_rows(component, report.findings, rules))
    standing = {
        (row["check_id"], row["fingerprint"]): row
        for row in Finding.objects.filter(component=component, state__in=OPEN_STATES).values(
            "pk", "check_id", "fingerprint", "state", *_CONTENT
        )
    }
    result = Transitions()
    _appear(component, found, standing, result)
    _vanish(report, found, standing, result)
    return result


def _rows(
    component: Component, findings: Iterable[engine.Finding], rules: Rules
) -> Iterable[tuple[Key, Finding]]:
    for finding in findings:
        known = [rules.strengths[clause] for clause in finding.clauses if clause in rules.strengths]
        strength = min(known, key=_SEVERITY.__getitem__, default="may")
        row = Finding(
            repository_id=component.repository_id,
            component=component,
            check_id=finding.check,
            fingerprint=finding.fingerprint,
            strength=Strength(strength),
            severity=_SEVERITY[strength],
            clauses=list(finding.clauses),
            area=rules.areas.get(finding.check, ""),
            path=clean(finding.path, 1100),
            line=finding.line,
            end_line=finding.end_line,
            column=finding.column,
            symbol=clean(finding.symbol, 500),
            message=clean(finding.message, 2000),
            measured=clean(finding.measured, 500),
            limit=clean(finding.limit, 500),
            suppressed=finding.suppressed,
            uncertain=finding.uncertain,
            gain=dict(finding.gain),
            gain_total=sum(finding.gain.values()) / max(rules.standards, 1),
        )
        yield (finding.check, finding.fingerprint), row


def _appear(
    component: Component,
    found: Mapping[Key, Finding],
    standing: Mapping[Key, dict[str, Any]],
    result: Transitions,
) -> None:
    """Sort what was found into known, returned and new; keep the number of rows bounded."""
    returned = _known_as_fixed(component, [key for key in found if key not in standing])
    room = MAX_STORED - len(standing)
    # Where not all fit the weightiest come first, and what is worth a tenth of a point always fits.
    for key, row in sorted(found.items(), key=lambda item: -item[1].gain_total):
        before = standing.get(key)
        if before is not None:
            row.state = before["state"]
            if any(getattr(row, name) != before[name] for name in _CONTENT):
                result.write.append(row)
        elif room > 0 or row.gain_total >= HEAVY:
            room -= 1
            row.state = FindingState.REOPENED if key in returned else FindingState.OPEN
            (result.reopened if key in returned else result.opened).add(key)
            result.write.append(row)


def _known_as_fixed(component: Component, keys: Sequence[Key]) -> set[Key]:
    wanted = set(keys)
    known: set[Key] = set()
    for chunk in batched(sorted({fingerprint for _, fingerprint in wanted}), BATCH, strict=False):
        rows = Finding.objects.filter(
            component=component, state=FindingState.FIXED, fingerprint__in=chunk
        )
        known.update(rows.values_list("check_id", "fingerprint"))
    return known & wanted


def unread(report: engine.Report) -> set[str]:
    """Return the paths that were seen and not analysed; "" among them when the tree was cut.

    A file that was read with a remark about its encoding was analysed.
    """
    remarks = (REPLACED, COOKIE_IGNORED)
    return {
        skipped.path
        for skipped in report.manifest.skipped
        if not skipped.reason.startswith(remarks)
    }


def _vanish(
    report: engine.Report,
    found: Mapping[Key, Finding],
    standing: Mapping[Key, dict[str, Any]],
    result: Transitions,
) -> None:
    """Close what was looked for and not found; tell it from what nobody asks for any more."""
    states: dict[str, set[str]] = {}
    for standard in report.standards:
        for clause in standard.clauses:
            for check in clause.checks:
                states.setdefault(check.id, set()).add(check.state)
    missed = {clean(path, 1100) for path in unread(report)}
    for key, row in standing.items():
        if key in found or row["path"] in missed or "" in missed:
            continue
        state = states.get(row["check_id"])
        if state is None:
            result.dropped.append(row["pk"])
        elif "unknown" not in state:
            result.fixed.append(row["pk"])


def write(transitions: Transitions, scan: Scan, previous: int | None, now: Any) -> None:
    """Write the rows and their events. Runs in the transaction that ends the scan.

    Args:
        transitions: What :func:`compare` worked out for one component.
        scan: The scan that saw it.
        previous: The scan that saw the vanished findings last, None for the first scan.
        now: The database's time, one for the whole transaction.
    """
    for row in transitions.write:
        row.first_scan = scan
        row.opened_at = now
    Finding.objects.bulk_create(
        transitions.write,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["component", "check_id", "fingerprint"],
        update_fields=["state", *_CONTENT],
    )
    for pks in (transitions.fixed, transitions.dropped, transitions.left):
        for chunk in batched(pks, BATCH, strict=False):
            Finding.objects.filter(pk__in=chunk).update(
                state=FindingState.FIXED, last_seen_id=previous, fixed_scan=scan, fixed_at=now
            )
    back = [row.pk for row in transitions.write if _key(row) in transitions.reopened]
    for chunk in batched(back, BATCH, strict=False):
        Finding.objects.filter(pk__in=chunk).update(fixed_scan=None, fixed_at=None, last_seen=None)
    FindingEvent.objects.bulk_create(_events(transitions, scan, now), batch_size=BATCH)


def _key(row: Finding) -> Key:
    return row.check_id, row.fingerprint


def _events(transitions: Transitions, scan: Scan, now: Any) -> Iterable[FindingEvent]:
    kinds = FindingEventKind
    turns = [
        *((row.pk, kinds.OPENED) for row in transitions.write if _key(row) in transitions.opened),
        *(
            (row.pk, kinds.REOPENED)
            for row in transitions.write
            if _key(row) in transitions.reopened
        ),
        *((pk, kinds.FIXED) for pk in transitions.fixed),
        *((pk, kinds.RULE_GONE) for pk in transitions.dropped),
        *((pk, kinds.OUT_OF_SCOPE) for pk in transitions.left),
    ]
    for pk, kind in turns:
        yield FindingEvent(finding_id=pk, scan=scan, kind=kind)
