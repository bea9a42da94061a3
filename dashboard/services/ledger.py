"""Why a scan's score is not that of the scan before: told apart, stored, and read again.

What is needed between the two is judged from kept answers wherever these say it. Only what nobody
has asked of the old commit (by other limits, by a new release, of other folders) is asked now, of
kept facts; when that cannot be done, the causes share a part. The parts always add up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from django.conf import settings

from checks.errors import InputError
from checks.facts.version import rules_version
from checks.fresh import ask
from checks.gitsource import GitSource
from checks.hidden import governed
from checks.ledger import CAUSES, Part, Standing, Step, split, standing, together
from checks.outcomes import unpack
from checks.rules.specs import ATTESTATION
from checks.scoring import mean_points, units
from checks.verdict import judge
from checks.waivers import Waiver, apply, followed, within
from dashboard.models import ClauseResult, ScanStandard, ScoreChange, StoredReport
from dashboard.services import facts, judging, mirrors, tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import checks.standard as engine
    from checks.ledger import Cause
    from checks.model import Outcome, StandardResult
    from checks.rules.specs import Key
    from dashboard.models import Repository, Scan
    from dashboard.services.judging import Ruling
    from dashboard.services.results import Judged

logger = structlog.get_logger(__name__)

SAID = frozenset({ATTESTATION, *tables.USED_BY})
"""Checks that answer from what no commit holds."""

type Place = tuple[str, str]
"""Folder and slug: one standard in one component."""
type State = dict[Place, StandardResult]


@dataclass(frozen=True, slots=True)
class Explained:
    """By what a scan judged, and the parts of the change since the one before.

    Attributes:
        kept: The ruling, as it is stored.
        before: The scan it is compared with, None for the first result.
        whole: Parts of the change of the repository's score.
        parts: Parts of each standard that had a score before.
    """

    kept: Mapping[str, Any]
    before: Scan | None = None
    whole: Sequence[Part] = ()
    parts: Mapping[Place, Sequence[Part]] = field(default_factory=dict)

    def write(self, scan: Scan) -> dict[str, Any]:
        """Store the parts, in the transaction that ends the scan, after its standards.

        Returns:
            The fields of the scan itself.
        """
        heads = {
            (row.component.path, row.standard.slug): row
            for row in scan.standards.select_related("component", "standard")
        }
        rows = [_row(scan, None, part) for part in self.whole]
        for place, parts in self.parts.items():
            rows += [_row(scan, heads[place], part) for part in parts]
        ScoreChange.objects.bulk_create(rows)
        return {"ruling": self.kept, "before": self.before}


def explain(
    repository: Repository,
    commit: str,
    judged: Sequence[Judged],
    ruling: Ruling,
    kept: Mapping[str, Any],
) -> Explained:
    """Tell apart what moved the score since the repository's last result. Reads rows only.

    Args:
        repository: The repository, with its last result.
        commit: The commit that was judged.
        judged: What was found.
        ruling: By what it was judged.
        kept: The same as it is stored, with the folders that were chosen when judging began.
    """
    before = repository.last_scan
    if before is None:
        return Explained(kept)
    now: State = {
        (each.component.path, result.slug): result
        for each in judged
        for result in each.report.standards
    }
    first = _start(before)
    steps: list[tuple[Cause, State | None]] = []
    if before.ruling is None:
        # Judged by a release that kept no account of its rules.
        steps += [(cause, None) for cause in CAUSES[:-1]]
    else:
        steps += _Between(repository, before, commit, judged, ruling, kept).steps()
    steps.append(("code", now))
    begun = [each.points for each in first.values()]
    return Explained(
        kept=kept,
        before=before,
        whole=_whole(begun, steps),
        parts={place: _split(each, steps, place) for place, each in first.items() if place in now},
    )


def _whole(begun: Sequence[int], steps: Sequence[tuple[Cause, State | None]]) -> Sequence[Part]:
    if not begun:
        return ()
    states = [Step(cause, None if s is None else together(s.values())) for cause, s in steps]
    return split(Standing(mean_points(begun)), states)


def _split(
    start: Standing, steps: Sequence[tuple[Cause, State | None]], place: Place
) -> Sequence[Part]:
    found = []
    for cause, state in steps:
        result = None if state is None else state.get(place)
        found.append(Step(cause, None if result is None else standing(result)))
    return split(start, found)


def _start(before: Scan) -> dict[Place, Standing]:
    """Where the scored standards of a stored scan stand."""
    heads = ScanStandard.objects.filter(scan=before, score__isnull=False)
    rows = {row.pk: row for row in heads.select_related("component", "standard")}
    losses: dict[int, dict[str, int]] = {pk: {} for pk in rows}
    results = ClauseResult.objects.filter(scan_standard__in=rows)
    for pk, number, loss in results.values_list("scan_standard_id", "clause__number", "loss"):
        losses[pk][number] = units(loss)
    return {
        (row.component.path, row.standard.slug): Standing(units(row.score or 0), losses[pk])
        for pk, row in rows.items()
    }


@dataclass(slots=True, eq=False)
class _Judging:
    """By what the old commit is judged at one of the steps; ``anew`` with what is said today."""

    folders: Sequence[str]
    standards: Sequence[engine.Standard] | None
    waivers: Sequence[Waiver]
    on: date | None
    anew: bool = False


class _Between:
    """The old commit, judged by the new tool, in the new scope, by the new rules and waivers."""

    def __init__(
        self,
        repository: Repository,
        before: Scan,
        commit: str,
        judged: Sequence[Judged],
        ruling: Ruling,
        kept: Mapping[str, Any],
    ) -> None:
        self._before = before
        self._ruling = ruling
        self._old: Mapping[str, Any] = before.ruling or {}
        self._kept = kept
        self._same_engine = self._old["engine"] == rules_version()
        self._same_said = self._old["said"] == kept["said"]
        self._same_commit = before.commit == commit
        self._now = {each.component.path: each.answers for each in judged}
        self._git_dir = mirrors.path(repository)
        self._known: dict[str, dict[Key, Outcome]] = {}

    def steps(self) -> list[tuple[Cause, State | None]]:
        """The steps up to the new commit, without those of what did not change."""
        old, new = self._old, self._kept
        # The old commit is that of the last result: there findings are called what rows say.
        kept = msgspec.convert(old["waivers"], list[Waiver])
        waivers = followed(kept, self._ruling.names)
        on = date.fromisoformat(old["on"]) if old["on"] else None
        at = _Judging(old["folders"], self._old_standards, waivers, on)
        steps: list[tuple[Cause, State | None]] = []
        if not self._same_engine:
            steps.append(("tool", self._judge(at)))
        if old["folders"] != new["folders"]:
            at.folders = new["folders"]
            steps.append(("scope", self._judge(at)))
        if old["standards"] != new["standards"] or not self._same_said:
            at.standards, at.anew = self._ruling.standards, True
            steps.append(("rules", self._judge(at)))
        if (waivers or self._ruling.waivers) and self._differ(("waivers", "on")):
            at.waivers, at.on = self._ruling.accepted, self._ruling.on
            steps.append(("waivers", self._judge(at)))
        return steps

    def _differ(self, names: Sequence[str]) -> bool:
        return any(self._old[name] != self._kept[name] for name in names)

    @cached_property
    def _source(self) -> GitSource:
        return GitSource(self._git_dir, self._before.commit, remember=facts.store())

    @cached_property
    def _old_standards(self) -> list[engine.Standard] | None:
        return judging.earlier_standards(self._old)

    def _judge(self, at: _Judging) -> State | None:
        if at.standards is None:
            return None
        found: State = {}
        try:
            for folder in self._present(at.folders):
                outcomes = self._outcomes(folder, at)
                if outcomes is None:
                    return None
                found |= _results(folder, outcomes, at)
        except InputError as error:
            logger.info("old commit not judged", scan=self._before.pk, reason=str(error))
            return None
        return found

    def _present(self, folders: Sequence[str]) -> list[str]:
        """The folders of which the old commit has anything."""
        heads = ScanStandard.objects.filter(scan=self._before)
        there = set(heads.values_list("component__path", flat=True))
        if set(folders) <= there | {""}:
            return list(folders)
        paths = [entry.path for entry in self._source.tree()]
        return [
            folder
            for folder in folders
            if not folder or any(path.startswith(f"{folder}/") for path in paths)
        ]

    def _outcomes(self, folder: str, at: _Judging) -> Mapping[Key, Outcome] | None:
        """What the old commit answers in a folder; None when that cannot be told any more."""
        wanted = {key for each in at.standards or () for key in each.demanded()}
        stored = self._stored(folder)
        said_then = not at.anew and not self._same_said
        found: dict[Key, Outcome] = {}
        missing: set[Key] = set()
        for key in wanted:
            said = key[0] in SAID
            usable = self._same_engine or (said and said_then)
            if key in stored and usable and not (said and at.anew and not self._same_said):
                found[key] = stored[key]
            elif said and said_then:
                return None
            else:
                missing.add(key)
        return found | self._asked(folder, missing, at.standards or ()) if missing else found

    def _stored(self, folder: str) -> dict[Key, Outcome]:
        row = StoredReport.objects.filter(component__path=folder, scan=self._before).first()
        try:
            return unpack(bytes(row.answers)) if row else {}
        except ValueError:
            return {}

    def _asked(
        self, folder: str, missing: set[Key], standards: Sequence[engine.Standard]
    ) -> dict[Key, Outcome]:
        """What the old commit answers now to what its kept answers do not say."""
        known = self._known.setdefault(folder, {})
        if self._same_commit and not known and folder in self._now:
            known.update(unpack(self._now[folder]))
        left = missing - known.keys()
        if left:
            only = [_asking(each, left) for each in standards]
            said = {"attestations": self._ruling.attested, "tables": self._ruling.tables}
            jobs = settings.ANALYSIS_JOBS
            store = facts.store()
            known |= ask(self._source, only, folder, store, said, jobs=jobs, progress=None)[1]
        return {key: known[key] for key in missing}


def _asking(standard: engine.Standard, keys: set[Key]) -> engine.Standard:
    """The standard with those questions only."""
    clauses = tuple(
        msgspec.structs.replace(
            clause, checks=tuple(check for check in clause.checks if check.key in keys)
        )
        for clause in standard.clauses
    )
    return msgspec.structs.replace(standard, clauses=clauses)


def _results(folder: str, outcomes: Mapping[Key, Outcome], at: _Judging) -> State:
    outcomes, standards = governed(outcomes, at.standards or ())
    waivers = within(at.waivers, folder)
    applied = apply(outcomes, standards, waivers, at.on) if waivers else None
    found: State = {}
    for each in standards:
        result = judge(each, outcomes)
        found[folder, each.slug] = applied.judge(each, result) if applied else result
    return found


def _row(scan: Scan, head: ScanStandard | None, part: Part) -> ScoreChange:
    return ScoreChange(
        scan=scan,
        standard=head,
        causes="+".join(part.causes),
        points=part.points,
        clauses=dict(part.clauses),
    )
