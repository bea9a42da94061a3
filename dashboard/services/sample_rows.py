"""The rows that an invented repository has after its scans, but for what each repository adds."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils import timezone

import checks.model as engine
from checks.ledger import Step, split, standing, together
from checks.report import json as report_json
from dashboard.models import (
    Clause,
    ClauseResult,
    Component,
    Finding,
    FindingState,
    Repository,
    Scan,
    ScanStandard,
    ScanState,
    ScoreChange,
    SourceFile,
    StoredReport,
    Trigger,
)
from dashboard.services import identity, judging, results, source_view, transitions, worth
from dashboard.services.bulk import Table
from dashboard.services.sample_shapes import DEEDS, LINES, Shape, renamed, topic_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.ledger import Part
    from dashboard.models import Standard

FINDINGS, SCANS, HEADS = Table(Finding), Table(Scan), Table(ScanStandard)
CLAUSES, CHANGES, FILES = Table(ClauseResult), Table(ScoreChange), Table(SourceFile)
REPORTS = Table(StoredReport)

TRIGGERS = (Trigger.PUSH, Trigger.PUSH, Trigger.POLL, Trigger.MANUAL, Trigger.STANDARDS)
OWNED = 0.75
DUE: engine.VerdictName = "due"


@dataclass(frozen=True, slots=True)
class Life:
    """One finding: its values, the scan that saw it first and the one that missed it first."""

    values: Sequence[Any]
    born: int
    gone: int | None
    waived: bool


@dataclass(frozen=True, slots=True)
class Head:
    """One standard at one scan: its values, those of its clauses, and those of its changes."""

    values: Sequence[Any]
    clauses: Sequence[Sequence[Any]]
    changes: Sequence[Sequence[Any]]


class Template:
    """The rows of one shape. Whoever writes them gives keys, names and times."""

    def __init__(self, shape: Shape, standards: Sequence[Standard], owners: Sequence[str]) -> None:
        self.shape = shape
        self.rows = standards
        last = shape.stages[-1]
        self.summaries = [results.summarise([report]) for report in shape.stages]
        ruling = judging.Ruling(
            standards, shape.standards, (), {}, shape.waivers, timezone.localdate()
        )
        self.ruling = ruling.kept([""])
        judged = results.Judged(_ANYWHERE, last, b"", shape.answers)
        self.worth = worth.added(judged, ruling).worth
        self.lives = list(_lives(shape.stages, owners))
        self.scans = [self._scan(stage) for stage in range(len(shape.stages))]
        clauses = {
            (standard, number): pk
            for standard, number, pk in Clause.objects.filter(standard__in=standards).values_list(
                "standard__slug", "number", "pk"
            )
        }
        self.heads = [self._heads(stage, clauses) for stage in range(len(shape.stages))]
        self.changes = [self._changes(stage) for stage in range(len(shape.stages))]
        self.due = _due(shape)
        self.files = [_file(path) for path in shape.paths]

    @property
    def final(self) -> results.Summary:
        """The numbers of the last scan."""
        return self.summaries[-1]

    def report(self, slug: str, commit: str, waivers: Sequence[str]) -> list[Any]:
        """Return the values of the stored report of a repository."""
        report = renamed(self.shape.stages[-1], slug, commit, waivers)
        row = StoredReport(
            data=zlib.compress(report_json.rendered(report)),
            answers=self.shape.answers,
            worth=self.worth,
            anatomy=self.shape.anatomy,
        )
        return REPORTS.values(row)

    def point(self, stage: int) -> bytes:
        """Return what a back-filled point keeps of a scan."""
        told = msgspec.to_builtins(self.shape.stages[stage].standards)
        return zlib.compress(msgspec.json.encode([{"component": "", "standards": told}]))

    def _scan(self, stage: int) -> Sequence[Any]:
        report = self.shape.stages[stage]
        kept = results.manifest([results.Judged(_ANYWHERE, report, b"")])
        born = sum(life.born == stage for life in self.lives)
        row = Scan(
            number=stage + 1,
            trigger=TRIGGERS[stage % len(TRIGGERS)] if stage else Trigger.REGISTRATION,
            state=ScanState.COMPLETE,
            phase="done",
            attempt=1,
            fence=1,
            commit_subject=f"feat: {DEEDS[stage % len(DEEDS)]} what customers ask for",
            manifest=kept,
            ruling=self.ruling,
            timings={"steps": {"review": 2.5}, "phases": {}, "checks": {}},
            opened_count=born,
            fixed_count=sum(life.gone == stage for life in self.lives),
            **asdict(self.summaries[stage]),
        )
        return SCANS.values(row)

    def _heads(self, stage: int, clauses: dict[tuple[str, str], int]) -> list[Head]:
        found = []
        before = {each.slug: each for each in self.shape.stages[stage - 1].standards}
        for row, result in zip(self.rows, self.shape.stages[stage].standards, strict=True):
            head = results.head_row(row, result)
            lines = [
                CLAUSES.values(results.clause_row(head, clauses[row.slug, each.id], each))
                for each in result.clauses
            ]
            start = standing(before[row.slug]) if stage else None
            parts = split(start, [Step("code", standing(result))]) if start else ()
            found.append(Head(HEADS.values(head), lines, [_change(part) for part in parts]))
        return found

    def _changes(self, stage: int) -> list[Sequence[Any]]:
        """Why the score of the repository moved."""
        start = together(self.shape.stages[stage - 1].standards) if stage else None
        if start is None:
            return []
        end = together(self.shape.stages[stage].standards)
        return [_change(part) for part in split(start, [Step("code", end)])]


_ANYWHERE = Component(repository=Repository(), path="")
_TEXT = b"".join(b"def step_%d(order: Order) -> None: ...\n" % number for number in range(LINES))


def _lives(stages: Sequence[engine.Report], owners: Sequence[str]) -> list[Life]:
    """The findings with the scans between which they stand, as their last scan says them."""
    first: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], tuple[int, Finding]] = {}
    for stage, report in enumerate(stages):
        rules = results.rules_of([results.Judged(_ANYWHERE, report, b"")])
        places = identity.described(report, b"", None, ())
        for row in transitions.rows_of(_ANYWHERE, report.findings, places, None, rules):
            key = row.check_id, row.fingerprint
            first.setdefault(key, stage)
            last[key] = stage, row
    found = []
    for key, (stage, row) in last.items():
        gone = stage + 1 if stage + 1 < len(stages) else None
        digest = hashlib.sha1(row.path.encode(), usedforsecurity=False).hexdigest()
        row.blob = digest
        row.state = FindingState.FIXED if gone else FindingState.OPEN
        at = int(digest[:8], 16)
        row.owners = [owners[at % len(owners)]] if at % 100 < OWNED * 100 else []
        values = FINDINGS.values(row)
        found.append(Life(values, first[key], gone, row.waived_by_id is not None))
    return found


def _due(shape: Shape) -> set[str]:
    """The topics for want of which the last scan holds a clause for due."""
    missing = set(shape.due)
    verdicts = {
        (result.slug, clause.id): clause.verdict
        for result in shape.stages[-1].standards
        for clause in result.clauses
    }
    return {
        topic
        for standard in shape.standards
        for clause in standard.clauses
        if verdicts[standard.slug, clause.id] == DUE
        for check in clause.checks
        if (topic := topic_of(check.key)) in missing
    }


def _change(part: Part) -> Sequence[Any]:
    row = ScoreChange(causes="+".join(part.causes), points=part.points, clauses=dict(part.clauses))
    return CHANGES.values(row)


def _file(path: str) -> Sequence[Any]:
    row = SourceFile(path=path, path_digest=source_view.digest(path))
    source_view.set_data(row, _TEXT)
    return FILES.values(row)
