"""The result of a scan becomes rows, in one transaction: readers see the old state or the new."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import transaction
from django.db.models.functions import Now

from checks.facts.version import rules_version
from checks.proof import unproven
from checks.rules.specs import specs
from checks.scoring import letter, mean_points, shown_points, units
from dashboard.models import (
    OPEN_STATES,
    Clause,
    ClauseResult,
    Finding,
    Phase,
    Repository,
    RepositoryState,
    Scan,
    ScanStandard,
    ScanState,
    StoredReport,
    Strength,
    Waiver,
)
from dashboard.services import (
    attestations,
    scanning,
    suppressions,
    transitions,
    unread,
    waiver_requests,
    waivers,
)
from dashboard.text import clean_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import checks.model as engine
    from dashboard.models import Component, Standard
    from dashboard.services.identity import Seen
    from dashboard.services.lease import Lease
    from dashboard.services.ledger import Explained

BATCH = 500


@dataclass(frozen=True, slots=True)
class Judged:
    """One component's report, its bytes as the command line would print them, and its answers.

    ``worth`` is what fixing would gain, as :mod:`dashboard.services.worth` packs it,
    ``surroundings`` a digest of the branches and tags that stood around the commit,
    ``recognised`` which of its findings are which rows, ``silenced`` the comments that silence a
    tool, both where somebody has looked, and ``anatomy`` what can be drawn of it, as
    :mod:`checks.anatomy` packs it.
    """

    component: Component
    report: engine.Report
    data: bytes
    answers: bytes = b""
    worth: bytes = b""
    surroundings: str = ""
    recognised: transitions.Recognised | None = None
    anatomy: bytes = b""
    silenced: suppressions.Found | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a scan: means over the standards, sums over the findings."""

    score: float | None
    raw_score: float | None
    low: float | None
    letter: str
    coverage: float | None
    open_must: int
    findings_count: int
    suppressed_count: int
    waived_count: int


def summarise(reports: Sequence[engine.Report]) -> Summary:
    """Return the numbers of all reports together. Nothing measured is None, never 100."""
    results = [standard for report in reports for standard in report.standards]
    findings = [finding for report in reports for finding in report.findings]
    score = _score(standard.score for standard in results)
    suppressed = sum(finding.suppressed for finding in findings)
    waived = sum(bool(finding.waived) for finding in findings)
    return Summary(
        score=score,
        raw_score=_score(standard.raw_score for standard in results),
        low=_score(standard.low for standard in results),
        letter="" if score is None else letter(units(score)),
        coverage=_mean(standard.coverage for standard in results),
        open_must=sum(standard.open_must for standard in results),
        findings_count=len(findings) - suppressed - waived,
        suppressed_count=suppressed,
        waived_count=waived,
    )


def _score(values: Iterable[float | None]) -> float | None:
    """The mean in whole units of a score: what it is made of adds up without a residual."""
    known = [units(value) for value in values if value is not None]
    return shown_points(mean_points(known)) if known else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _with_unseen(summary: Summary, turns: Sequence[transitions.Transitions]) -> Summary:
    """Count what stays open without having been found: it is listed like what was found."""
    rows = [row for turn in turns for row in turn.unseen]
    suppressed = sum(row["suppressed"] for row in rows)
    waived = sum(row["waived_by_id"] is not None and not row["suppressed"] for row in rows)
    return replace(
        summary,
        findings_count=summary.findings_count + len(rows) - suppressed - waived,
        suppressed_count=summary.suppressed_count + suppressed,
        waived_count=summary.waived_count + waived,
    )


def store(
    lease: Lease,
    judged: Sequence[Judged],
    standards: Sequence[Standard],
    timings: Mapping[str, Any],
    explained: Explained | None = None,
    seen: Seen | None = None,
    gate: dict[str, Any] | None = None,
) -> None:
    """Write results, transitions, score and the end of the scan, all or nothing.

    Args:
        lease: The right to write them.
        judged: What was found in each component.
        standards: The versions that were judged by.
        timings: Seconds of each step.
        explained: Why the score moved; nothing is said of it without.
        seen: The commit beside the one before, by which findings are recognised.
        gate: What the gates say, None where none was asked.

    Raises:
        LeaseLostError: Another worker has taken over; nothing was written.
    """
    # Read and compared before the transaction: on SQLite all writers wait for it.
    rules = rules_of(judged)
    turns = [_turns(each, rules, seen) for each in judged]
    silent = suppressions.compare({each.component: each.silenced for each in judged})
    left = transitions.leave([each.component for each in judged])
    clauses = _clause_ids(standards)
    summary = _with_unseen(summarise([each.report for each in judged]), turns)
    with transaction.atomic():
        scan, now = _locked(lease)
        transitions.write(left, scan, scan.repository.last_scan_id, now)
        suppressions.write(silent, scan)
        for each, turn in zip(judged, turns, strict=True):
            transitions.write(turn, scan, scan.repository.last_scan_id, now)
            _write_component(scan, each, standards, clauses)
        lease.write(
            finished_at=now,
            timings=timings,
            gate=gate,
            **_ended(judged, turns),
            **_counts(turns),
            **asdict(summary),
            **(explained.write(scan) if explained else {}),
        )
        waivers.tell(scan.repository, [each.report for each in judged], now)
        _write_repository(scan, summary, gate, now)
        scanning.settle(scan)
    waiver_requests.recount(scan.repository)


def _locked(lease: Lease) -> tuple[Scan, Any]:
    """The scan with the database's time: the lease is proven, the row locked until the end."""
    lease.write(phase=Phase.STORING)
    scan = Scan.objects.select_related("repository", "branch").get(pk=lease.pk)
    return scan, Scan.objects.values_list(Now(), flat=True).get(pk=scan.pk)


def _turns(judged: Judged, rules: transitions.Rules, seen: Seen | None) -> transitions.Transitions:
    report = judged.report
    known = judged.recognised
    if known is None:
        known = transitions.recognise(judged.component, report, judged.answers, seen)
    return transitions.compare(known, report, rules, seen)


def _ended(judged: Sequence[Judged], turns: Sequence[transitions.Transitions]) -> dict[str, Any]:
    return {
        "state": _end_state(judged),
        "phase": Phase.DONE,
        "lease_until": None,
        "manifest": manifest(judged, turns),
        "suppressions": suppressions.counted([each.silenced for each in judged]),
    }


def _counts(turns: Sequence[transitions.Transitions]) -> dict[str, int]:
    return {
        "opened_count": sum(len(turn.opened) + len(turn.reopened) for turn in turns),
        "fixed_count": sum(len(turn.fixed) for turn in turns),
    }


def _write_component(
    scan: Scan,
    judged: Judged,
    standards: Sequence[Standard],
    clauses: dict[tuple[int, str], int],
) -> None:
    _write_standards(scan, judged, standards, clauses)
    StoredReport.objects.update_or_create(
        component=judged.component,
        defaults={
            "scan": scan,
            "data": zlib.compress(judged.data),
            "answers": judged.answers,
            "worth": judged.worth,
            "surroundings": judged.surroundings,
            "anatomy": judged.anatomy,
        },
    )


def rules_of(judged: Sequence[Judged]) -> transitions.Rules:
    """Return what the standards that were judged by say about findings."""
    results = [standard for each in judged for standard in each.report.standards]
    strengths: dict[str, str] = {}
    # Several standards may use one id: the strictest says how severe a finding is.
    for strength in reversed(Strength.values):
        for result in results:
            strengths |= {c.id: strength for c in result.clauses if c.strength == strength}
    areas = {name: spec.area for name, spec in specs().items()}
    scored = sum(result.score is not None for result in results)
    known = {one.id: Waiver.key_of(one.id) for each in judged for one in each.report.waivers or ()}
    return transitions.Rules(strengths, areas, scored, known)


def _clause_ids(standards: Sequence[Standard]) -> dict[tuple[int, str], int]:
    rows = Clause.objects.filter(standard__in=standards)
    return {(s, number): pk for s, number, pk in rows.values_list("standard_id", "number", "pk")}


def _write_standards(
    scan: Scan,
    judged: Judged,
    standards: Sequence[Standard],
    clauses: dict[tuple[int, str], int],
) -> None:
    rows = {(standard.slug, standard.version): standard for standard in standards}
    for result in judged.report.standards:
        standard = rows[result.slug, result.version]
        head = head_row(standard, result)
        head.scan, head.component = scan, judged.component
        head.save(force_insert=True)
        ClauseResult.objects.bulk_create(
            [
                clause_row(head, clauses[standard.pk, clause.id], clause)
                for clause in result.clauses
            ],
            batch_size=BATCH,
        )


def head_row(standard: Standard, result: engine.StandardResult) -> ScanStandard:
    """Return the row of a standard, still of no scan and no component."""
    return ScanStandard(
        standard=standard,
        version=result.version,
        score=result.score,
        raw_score=result.raw_score,
        low=result.low,
        letter=result.letter or "",
        coverage=result.coverage,
        open_must=result.open_must,
    )


def clause_row(head: ScanStandard, clause_id: int, clause: engine.ClauseResult) -> ClauseResult:
    """Return the row of a clause below that of its standard."""
    return ClauseResult(
        scan_standard=head,
        clause_id=clause_id,
        verdict=clause.verdict,
        score=clause.score,
        weight=clause.weight,
        loss=clause.loss,
        sites=sum(check.sites for check in clause.checks),
        violations=sum(check.violations for check in clause.checks),
        suppressed=sum(check.suppressed for check in clause.checks),
        checks=clean_json(msgspec.to_builtins(clause.checks)),
    )


def manifest(
    judged: Sequence[Judged], turns: Sequence[transitions.Transitions] = ()
) -> dict[str, Any]:
    """Return the proof of scanning; of several components, each under its path.

    The digest of our own rules stands beside what the report says, and so do the files that cannot
    be read any more, with how many findings stay open for that.
    """
    rules = {"rules": rules_version()}
    manifests = {
        each.component.path: clean_json(msgspec.to_builtins(each.report.manifest)) | rules
        for each in judged
    }
    for each, turn in zip(judged, turns, strict=False):
        if turn.since:
            lost = {"unread_since": turn.since, "held": turn.held}
            manifests[each.component.path] |= lost
    return manifests[""] if set(manifests) == {""} else {"components": manifests}


def _end_state(judged: Sequence[Judged]) -> ScanState:
    """Complete, or partial when a file that should have been analysed was not."""
    cut = any(unread.paths(each.report) or unproven(each.report) for each in judged)
    return ScanState.PARTIAL if cut else ScanState.COMPLETE


def _write_repository(scan: Scan, summary: Summary, gate: dict[str, Any] | None, now: Any) -> None:
    """Repeat the result on the repository's row, for the fleet page."""
    before = scan.repository
    moved = before.scanned_commit != scan.commit or before.score != summary.score
    Repository.objects.filter(pk=before.pk).update(
        last_scan=scan,
        previous_score=before.score if moved else before.previous_score,
        score=summary.score,
        raw_score=summary.raw_score,
        letter=summary.letter,
        gate_passed=gate["passed"] if gate else None,
        gate_untold=any(each["passed"] is None for each in gate["conditions"]) if gate else False,
        failure_code="",
        failure_message="",
        coverage=summary.coverage,
        open_must=summary.open_must,
        findings_count=summary.findings_count,
        suppressed_count=summary.suppressed_count,
        due_count=len(attestations.due_topics(scan)),
        waived_count=summary.waived_count,
        owners=Finding.objects.filter(repository=before, state__in=OPEN_STATES).owner_names(),
        scanned_at=now,
        scanned_commit=scan.commit,
        state=RepositoryState.READY,
        state_message="",
        state_since=before.state_since if before.state == RepositoryState.READY else now,
    )
