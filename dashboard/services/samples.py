"""Made-up rows in every state, for the page that shows every component. None is ever stored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django import forms
from django.core.paginator import Page, Paginator
from django.utils import timezone

from checks.plan import Plan
from checks.plan import Step as PlanStep
from dashboard.forms import StandardsField
from dashboard.models import (
    Backfill,
    BackfillState,
    Clause,
    Finding,
    FindingState,
    Forecast,
    Phase,
    Repository,
    Scan,
    ScanState,
    SourceState,
    Standard,
    Team,
    VerdictName,
)
from dashboard.services.basis import Compared
from dashboard.services.examples import Pair, pairs
from dashboard.services.highlight import code_lines
from dashboard.services.history import Point
from dashboard.services.progress import Progress, about, steps_of
from dashboard.services.repository_page import ClauseLine, group_by_area, waterfall
from dashboard.services.source_view import Line, View
from dashboard.services.versions import CHANGED, GONE, NEW, Difference
from dashboard.services.versions import Change as Changed
from dashboard.services.worth import BY_A_LEAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CODE = """\
def total(prices: list[int]) -> int:
    # Add up.
    print(prices)
    return sum(prices)
"""
EXAMPLE = ("logging", "no-print")


class SampleForm(forms.Form):
    """A field of each kind that pages have."""

    use_required_attribute = False

    name = forms.CharField(help_text="What people call it.")
    kind = forms.ChoiceField(choices=[("one", "One"), ("other", "Another")])
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False)
    standards = StandardsField(label="Standards to adopt")
    limit = forms.IntegerField(label="max", help_text="lines")
    strict = forms.BooleanField(label="strict", required=False)
    kinds = forms.MultipleChoiceField(
        label="kinds", choices=[("a", "a"), ("b", "b")], widget=forms.CheckboxSelectMultiple
    )


@dataclass(frozen=True)
class Running:
    """A scan that is under way, and how far it is."""

    scan: Scan
    progress: Progress


@dataclass(frozen=True)
class Samples:
    """What the page hands to the components."""

    repository: Repository
    standings: Sequence[Repository]
    standard: Standard
    forms: Sequence[SampleForm]
    scans: Sequence[Scan]
    running: Sequence[Running]
    findings: Sequence[Finding]
    clauses: Sequence[ClauseLine]
    bars: str
    course: str
    code: Sequence[View | None]
    example: Pair | None
    plans: Sequence[Plan]
    words: Mapping[str, str]
    acts: Mapping[str, str]
    gates: Sequence[Mapping[str, object]]
    turns: Sequence[Mapping[str, object]]
    moved: Compared
    differences: Sequence[Difference]
    backfills: Sequence[Backfill | None]
    page: Page[int]


def read_samples() -> Samples:
    """Return one of everything, in every state that it can be in."""
    team = Team(pk=1, slug="sample", name="Sample team")
    repository = _repository(team, "judged")
    standard = Standard(pk=1, slug="sample", title="Sample standard", version="0" * 64)
    clauses = _clauses(standard)
    findings = _findings(repository)
    return Samples(
        repository=repository,
        standings=[_repository(team, name) for name in ("judged", "never", "unknown", "failed")],
        standard=standard,
        forms=[SampleForm(initial={"name": "Shop"}), _refused()],
        scans=_scans(repository),
        running=_running(repository),
        findings=findings,
        clauses=clauses,
        bars=json.dumps([asdict(bar) for bar in waterfall(group_by_area(clauses), 72.5)]),
        course=json.dumps([point.drawn for point in _course()]),
        code=_code(findings),
        example=next(iter(pairs(*EXAMPLE)), None),
        plans=_plans(),
        words={"S-1": "Nothing is printed.", "S-2": "Backups are tried out."},
        acts={"S-2": BY_A_LEAD},
        gates=_gates(),
        turns=[
            {"turn": turn, "standard": "sample", "sentences": ["At most 0 musts are open."]}
            for turn in ("fails", "passes", "gone")
        ],
        moved=Compared(Forecast(moved=["attested"]), ["scan", "gate"]),
        differences=_differences(),
        backfills=[None, *(_backfill(repository, state) for state in BackfillState)],
        page=Paginator(range(150), 50).get_page(2),
    )


def _refused() -> SampleForm:
    form = SampleForm({"refused-kind": "third"}, prefix="refused")
    form.add_error(None, "The two do not go together; choose one of them.")
    return form


def _repository(team: Team, standing: str) -> Repository:
    row = Repository(
        pk=1,
        team=team,
        slug="sample",
        name="Sample",
        clone_url="https://git.example.org/team/sample.git",
        scanned_commit="0123456789abcdef",
        findings_count=12,
        suppressed_count=1,
        waived_count=1,
        due_count=2,
    )
    if standing in ("judged", "unknown"):
        row.scanned_at = timezone.now() - timedelta(hours=3)
    if standing == "judged":
        row.score, row.letter, row.coverage = 72.5, "C", 0.9
    if standing == "failed":
        row.failure_code, row.failure_message = "away", "The server did not answer."
    return row


def _scans(repository: Repository) -> list[Scan]:
    now = timezone.now()
    return [
        Scan(
            pk=number,
            repository=repository,
            number=number,
            state=state,
            commit="0123456789abcdef",
            commit_subject="Add up the prices",
            created_at=now - timedelta(minutes=number),
            score=72.5,
            letter="C",
        )
        for number, state in enumerate(ScanState, 1)
    ]


def _running(repository: Repository) -> list[Running]:
    """Before a worker comes, counting nothing, counting, counting again after a mishap."""
    now = timezone.now()
    stages = (
        (Phase.WAITING, 0, 0, 0.0, 0),
        (Phase.FETCHING, 0, 0, 0.0, 1),
        (Phase.READING, 120, 480, 90.0, 1),
        (Phase.JUDGING, 5, 9, 0.0, 2),
    )
    return [
        Running(
            scan := Scan(
                repository=repository,
                number=8,
                state=ScanState.RUNNING,
                phase=phase,
                phase_done=done,
                phase_total=total,
                attempt=attempt,
                created_at=now - timedelta(minutes=1),
            ),
            Progress(steps_of(scan), about(left), about(left * 2), "4 minutes" if left else ""),
        )
        for phase, done, total, left, attempt in stages
    ]


def _findings(repository: Repository) -> list[Finding]:
    now = timezone.now()
    return [
        Finding(
            pk=number,
            repository=repository,
            check_id="no-print",
            state=state,
            strength=strength,
            path="app/total.py",
            line=3,
            message="`print()` writes to standard output.",
            gain_total=gain,
            suppressed=suppressed,
            since=now - timedelta(days=number),
            owners=["@team/shop"] if number == 1 else [],
        )
        for number, (state, strength, gain, suppressed) in enumerate(
            (
                (FindingState.OPEN, "must", 2.5, False),
                (FindingState.REOPENED, "should", 0.004, False),
                (FindingState.FIXED, "may", 0.0, False),
                (FindingState.OPEN, "must", 0.0, True),
            ),
            1,
        )
    ]


def _clauses(standard: Standard) -> list[ClauseLine]:
    return [
        ClauseLine(
            clause=Clause(
                standard=standard,
                number=f"S-{number}",
                position=number,
                requirement="Nothing is written to `stdout`.",
                strength=("must", "should", "may")[number % 3],
                area="logging",
            ),
            verdict=verdict,
            sites=0 if verdict in ("not-applicable", "unknown") else 20,
            violations=4 if verdict == "fails" else 0,
            loss=27.5 if verdict == "fails" else 0.0,
            reasons=["no file of this kind"] if verdict in ("not-applicable", "unknown") else [],
            weight=0 if verdict == "holds" else 4,
        )
        for number, verdict in enumerate(VerdictName.values, 1)
    ]


def _course() -> list[Point]:
    now = timezone.now()
    return [
        Point(f"scan {number}", "#", now - timedelta(days=9 - number), score, 70.0 + number, note)
        for number, score, note in ((1, 71.0, ""), (2, 64.0, "rules"), (3, 72.5, ""))
    ]


def _code(findings: Sequence[Finding]) -> list[View | None]:
    lines = [
        Line(number, html, findings[:2] if number == 3 else (), hit=number == 3)
        for number, html in enumerate(code_lines(CODE, "app/total.py"), 1)
    ]
    return [
        View(SourceState.READY, "The file was cut.", lines, total=len(lines)),
        View(SourceState.WAITING),
        View(SourceState.REFUSED, "This file has 2097152 bytes; larger ones are not shown."),
        None,
    ]


def _plans() -> list[Plan]:
    steps = (PlanStep("S-1", 4, 6.5, 79.0), PlanStep("S-2", 1, 2.0, 81.0))
    return [Plan("B", 80, 72.5, steps, True), Plan("A", 90, 72.5, steps[:1], False)]


def _gates() -> list[Mapping[str, object]]:
    met = {
        "name": "minimum",
        "passed": True,
        "sentence": "The score is at least 70.",
        "standard": "",
    }
    missed = {
        "name": "open_musts",
        "passed": False,
        "sentence": "At most 0 musts are open: there are 2.",
        "standard": "sample",
    }
    untold = {
        "name": "not_worse",
        "passed": None,
        "sentence": "The score is no worse than before: there is nothing to compare with yet.",
        "standard": "",
    }
    return [
        {"passed": True, "conditions": [met]},
        {"passed": None, "conditions": [met, untold]},
        {"passed": False, "conditions": [met, missed]},
    ]


def _differences() -> list[Difference]:
    changes = [
        Changed("S-7", "Nothing is printed.", NEW, ()),
        Changed("S-8", "Every function has a type.", GONE, ()),
        Changed("S-9", "Lines are short.", CHANGED, ("strength: `should` → `must`",)),
    ]
    return [Difference(changes), Difference(unreadable="clause S-7 names no check.")]


def _backfill(repository: Repository, state: str) -> Backfill:
    return Backfill(
        repository=repository,
        state=state,
        weeks=52,
        commits=[*range(52)] if state != BackfillState.WAITING else None,
        done=20,
    )
