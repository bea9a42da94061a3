"""What gates compare a judgement with: earlier commits, judged by the same rules.

What a gate has refused is no state to compare with: else the next push would make it pass.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from itertools import batched, islice
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone

from checks.component import has
from checks.errors import InputError
from checks.gate import Base, Earlier, lows
from checks.gitsource import GitSource, merge_base, resolve
from checks.since import Since, State
from dashboard.models import (
    CAME,
    OPEN_STATES,
    Component,
    Finding,
    FindingEvent,
    ScanStandard,
)
from dashboard.services import facts, judging, mirrors, waivers
from dashboard.services.mirrors import PINNED_SCANS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from checks.gate import Gate
    from checks.model import Report
    from checks.source import Source
    from dashboard.models import Repository, Scan
    from dashboard.models.scan import ScanQuerySet
    from dashboard.services.judging import Ruling
    from dashboard.services.results import Judged

WEEK = timedelta(days=7)
BATCH = 500
CHUNK = 20
MOST_LOOKED = 500
"""Results that are looked at for one that was not refused."""

type Key = tuple[str, str]
type Result = tuple[int, str]
"""Primary key and commit of a scan."""


class Bases:
    """What the gates of one judgement compare it with.

    Args:
        repository: Still with the results before the judgement.
        judged: What was found, one judgement for each component.
        ruling: By what.
        asked: The gates, by the slug of the standard that asks.
    """

    def __init__(
        self,
        repository: Repository,
        judged: Sequence[Judged],
        ruling: Ruling,
        asked: Mapping[str, Gate],
    ) -> None:
        self._repository, self._judged, self._ruling = repository, judged, ruling
        self._asked = asked
        self._head = judged[0].report.commit if judged else ""
        self._known: dict[str, _Then] = {}

    def base(self) -> Base | None:
        """Return what new findings are told from, None where there is nothing yet.

        Of another branch than the default one it is the commit where the two part; of the default
        branch the last other commit that brought no new findings itself: judging a commit once
        more makes nothing known, and neither does pushing another one after it.
        """
        try:
            commit = self._base_commit()
            if not commit:
                return None
            known = self._at(commit).carried()
        except InputError as error:
            return Base("", missing=str(error))
        return Base(commit[:10], known.union(*(_unseen(e, commit, known) for e in self._judged)))

    def earlier(self) -> Earlier | None:
        """Return the newest result older than a week that had not fallen itself, None before.

        Its commit is judged by the rules of now, as the command line does: a score that new rules
        or waivers moved has not become worse. When it cannot be read any more, what was stored
        then is all there is.
        """
        old = older(self._repository)
        found = next(self._fitting(old, "not_worse"), None)
        if found is None:
            return None
        scan = old.get(pk=found[0])
        name = f"scan {scan.number} of {scan.finished_at:%Y-%m-%d}"
        rows = list(ScanStandard.objects.filter(scan=scan).select_related("component", "standard"))
        stored = {(row.component.path, row.standard.slug): row.low for row in rows}
        if all(row.low == row.score for row in rows) and self._same_rules(scan):
            return Earlier(name, stored)
        try:
            return Earlier(name, lows(self._at(scan.commit).reports()))
        except InputError:
            return Earlier(f"{name}, by the rules of that day", stored)

    def _base_commit(self) -> str:
        watched, default = self._repository.watched_branch, self._repository.default_branch
        if watched and default and watched != default:
            git_dir = mirrors.at_hand(self._repository)
            base = merge_base(git_dir, self._head, resolve(git_dir, f"refs/heads/{default}"))
            if not base:
                raise InputError(f"{watched} has no commit in common with {default}.")
            # A branch that has not left it yet would be compared with itself.
            return "" if base == self._head else base
        others = self._repository.scans.with_result().exclude(commit=self._head)
        fitting = self._fitting(others, "no_new_findings")
        # Where no one is at hand the newest is named, for the sentence that it cannot be read.
        commits = list(dict.fromkeys(commit for _, commit in islice(fitting, PINNED_SCANS)))
        if not commits:
            return ""
        try:
            git_dir = mirrors.at_hand(self._repository)
        except InputError:
            return commits[0]
        return next((each for each in commits if _is_there(git_dir, each)), commits[0])

    def _fitting(self, scans: ScanQuerySet, condition: str) -> Iterator[Result]:
        """Those that no gate of now has refused by a condition, newest first.

        Of the branch that is judged, or of all where there is none of it: else the second push
        to a branch would be compared with what was refused of the first.
        """
        asking = {name for name, gate in self._asked.items() if getattr(gate, condition)}
        own = scans.filter(branch__name=self._repository.branch_name)
        for rows in (own, scans):
            found = _accepted(rows, condition, asking)
            if (first := next(found, None)) is not None:
                yield first
                yield from found
                return

    def _same_rules(self, scan: Scan) -> bool:
        """Whether judging its commit anew could only say what is stored."""
        folders = [each.component.path for each in self._judged]
        return bool(self._ruling.rows) and scan.ruling == self._ruling.kept(folders)

    def _at(self, commit: str) -> _Then:
        if commit not in self._known:
            self._known[commit] = _Then(self._repository, commit, self._judged, self._ruling)
        return self._known[commit]


def _is_there(git_dir: Path, commit: str) -> bool:
    with contextlib.suppress(InputError):
        return bool(resolve(git_dir, commit))
    return False


def older(repository: Repository) -> ScanQuerySet:
    """Return the results older than a week, newest first."""
    return repository.scans.with_result().filter(finished_at__lte=timezone.now() - WEEK)


def _accepted(scans: ScanQuerySet, condition: str, asking: AbstractSet[str]) -> Iterator[Result]:
    """Results that did not miss a condition of these gates, newest first.

    Not all are looked at. Where the newest of them all missed it, the newest that passed whole and
    the oldest are what is left.
    """
    rows = scans.values_list("pk", "commit", "gate")
    whole = rows.filter(Q(gate__isnull=True) | Q(gate__passed=True))
    found = False
    for pk, commit, gate in rows[:MOST_LOOKED].iterator(chunk_size=CHUNK):
        if not _missed(gate, condition) & asking:
            found = True
            yield pk, commit
    if found:
        return
    for pk, commit, gate in (*whole[:1], *rows.reverse()[:1]):
        if not _missed(gate, condition) & asking:
            yield pk, commit


def _missed(gate: Mapping[str, Any] | None, condition: str) -> set[str]:
    """The standards whose gate missed a condition then, "" for the repository's own."""
    return {
        each["standard"]
        for each in (gate or {}).get("conditions", ())
        if each["name"] == condition and each["passed"] is False
    }


class _Then:
    """An earlier commit, judged by the same rules as the one of now."""

    def __init__(
        self, repository: Repository, commit: str, judged: Sequence[Judged], ruling: Ruling
    ) -> None:
        git_dir, head = mirrors.at_hand(repository), judged[0].report.commit
        self._source, self._now = (
            GitSource(git_dir, each, remember=facts.store()) for each in (commit, head)
        )
        self._repository, self._judged, self._ruling = repository, judged, ruling
        plain = replace(ruling, waivers=())
        folders = [each.component for each in judged]
        self._before = _before(repository, folders, self._source, plain)

    @cached_property
    def _since(self) -> list[Since]:
        return [
            Since(_state(self._source, then), _state(self._now, each))
            for then, each in zip(self._before, self._judged, strict=True)
        ]

    def carried(self) -> frozenset[Key]:
        """Check and fingerprint of the findings of now that it had already."""
        return frozenset[Key]().union(*(each.carried() for each in self._since))

    def reports(self) -> list[Report]:
        """Its reports with the waivers of now: a finding is waived by what it was called then."""
        if not self._ruling.waivers:
            return [each.report for each in self._before]
        followed = list(waivers.followed(self._repository))
        found = []
        for then, now, since in zip(self._before, self._judged, self._since, strict=True):
            back = since.back()
            known = now.recognised
            called = waivers.names_in(followed, known) if known else self._ruling.names
            names = {**back, **{row: back[name] for row, name in called.items() if name in back}}
            found.append(judging.waived(then, replace(self._ruling, names=names)).report)
        return found


def _before(
    repository: Repository, folders: Sequence[Component], source: Source, ruling: Ruling
) -> list[Judged]:
    """The base of each folder. One that was not there yet may have been moved from anywhere."""
    whole = Component(repository=repository, path="")
    beside = [each if has(source, each.path) else whole for each in folders]
    different = {each.path: each for each in beside}
    found = {path: judging.judge(each, source, ruling) for path, each in different.items()}
    return [found[each.path] for each in beside]


def _state(source: GitSource, judged: Judged) -> State:
    return State(source, judged.report.findings, judged.answers)


def _unseen(judged: Judged, commit: str, known: AbstractSet[Key]) -> set[Key]:
    """Findings of now that the base did not show, though they have stood since before it.

    They stayed open while a file could not be read: that it can be again brings nothing new.
    """
    base = judged.component.repository.scans.with_result().filter(commit=commit).first()
    if base is None:
        return set()
    rows = _rows_of(judged, known)
    for chunk in batched(sorted(rows), BATCH, strict=False):
        later = FindingEvent.objects.filter(finding__in=chunk, scan__number__gt=base.number)
        for pk in later.filter(kind__in=CAME).values_list("finding_id", flat=True):
            rows.pop(pk, None)
    return set(rows.values())


def _rows_of(judged: Judged, known: AbstractSet[Key]) -> dict[int, Key]:
    """The open rows of findings that are not known, with what the report calls them."""
    names = [(each.check, each.fingerprint) for each in judged.report.findings]
    if (recognised := judged.recognised) is not None:
        pairs = [(names[new], recognised.standing[old]) for new, old in recognised.partner.items()]
        return {row["pk"]: key for key, row in pairs if key not in known and not row["suppressed"]}
    # Judged as a trial, of the commit that the rows are of: they have the same names.
    new = set(names) - known
    rows: dict[int, Key] = {}
    for chunk in batched(sorted({name for _, name in new}), BATCH, strict=False):
        found = Finding.objects.filter(
            component=judged.component, state__in=OPEN_STATES, suppressed=False
        )
        for pk, check, name in found.filter(fingerprint__in=chunk).values_list(
            "pk", "check_id", "fingerprint"
        ):
            rows[pk] = (check, name)
    return {pk: key for pk, key in rows.items() if key in new}
