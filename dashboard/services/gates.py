"""Quality gates on the server: which are asked, what they are compared with, what they say."""

from __future__ import annotations

from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from django.db import transaction
from django.utils import timezone

from checks.component import has
from checks.errors import InputError
from checks.gate import Base, Earlier, Gate, GateResult, as_table, evaluate, read
from checks.gitsource import GitSource, merge_base, resolve
from checks.since import Since, State
from dashboard.models import (
    OPEN_STATES,
    AuditEntry,
    Component,
    Finding,
    FindingEvent,
    FindingEventKind,
    Repository,
    ScanStandard,
    Trigger,
)
from dashboard.services import facts, judging, mirrors, scanning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    import checks.standard as engine
    from checks.source import Source
    from dashboard.models import User
    from dashboard.services.judging import Ruling
    from dashboard.services.results import Judged

WEEK = timedelta(days=7)
BATCH = 500
_CAME = (
    FindingEventKind.OPENED,
    FindingEventKind.REOPENED,
    FindingEventKind.UNSUPPRESSED,
)
"""From these turns on a finding counts."""

type Key = tuple[str, str]
type GateStanding = Literal["passes", "untold", "fails"]


class BrokenGateError(InputError):
    """A stored gate that this release cannot read."""


def of_repository(repository: Repository) -> Gate | None:
    """Return the gate that the repository's own settings ask, None for none.

    Raises:
        BrokenGateError: The stored fields are no gate.
    """
    if not repository.gate:
        return None
    mistakes: list[str] = []
    gate = read(repository.gate, mistakes)
    if mistakes:
        raise BrokenGateError("; ".join(mistakes))
    return gate


@transaction.atomic
def choose(repository: Repository, gate: Gate | None, actor: User | None) -> bool:
    """Ask this gate of every scan from now on; True when that changes anything."""
    table = dict(as_table(gate)) if gate else {}
    # A gate without any field is still one: it allows no open must.
    if gate and not table:
        table = {"open_musts": 0}
    if table == repository.gate:
        return False
    repository.gate = table
    repository.save(update_fields=["gate"])
    AuditEntry.objects.note(repository, actor, "repository.gate", gate=table)
    scanning.request(repository, Trigger.STANDARDS, actor=actor)
    return True


def judge(repository: Repository, judged: Sequence[Judged], ruling: Ruling) -> GateResult | None:
    """Return what the gates of the repository and of its standards say, None without any.

    Args:
        repository: Still with the results before the one that is asked about.
        judged: What was found, one judgement for each component.
        ruling: By what it was judged; the base is judged by the same.
    """
    asked = gates(repository, ruling.standards)
    if not asked:
        return None
    return evaluate(
        asked,
        [each.report for each in judged],
        base=_base(repository, judged, ruling) if tells_new(asked) else None,
        earlier=_earlier(repository) if any(gate.not_worse for gate in asked.values()) else None,
    )


def gates(repository: Repository, standards: Sequence[engine.Standard]) -> dict[str, Gate]:
    """Return the gates that a repository with these standards has to pass.

    They are by the slug of the standard that asks, "" for the repository's own.
    """
    own = of_repository(repository)
    return ({"": own} if own else {}) | {each.slug: each.gate for each in standards if each.gate}


def tells_new(asked: Mapping[str, Gate]) -> bool:
    """Whether another commit has to be judged, to tell which findings are new."""
    return any(gate.no_new_findings for gate in asked.values())


def _base(repository: Repository, judged: Sequence[Judged], ruling: Ruling) -> Base | None:
    """What new findings are told from.

    Of another branch than the default one it is the commit where the two part; of the default
    branch the commit that was judged before: judging a commit once more makes nothing known.
    """
    head = judged[0].report.commit if judged else ""
    git_dir = mirrors.at_hand(repository)
    try:
        commit = _base_commit(repository, head, git_dir)
        if not commit:
            return None
        source, now = (GitSource(git_dir, each, remember=facts.store()) for each in (commit, head))
        before = _before(repository, [each.component for each in judged], source, ruling)
        known = frozenset[tuple[str, str]]().union(
            *(
                Since(_state(source, then), _state(now, each)).carried()
                for then, each in zip(before, judged, strict=True)
            )
        )
    except InputError as error:
        return Base("", missing=str(error))
    return Base(commit[:10], known.union(*(_unseen(each, commit, known) for each in judged)))


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
        for pk in later.filter(kind__in=_CAME).values_list("finding_id", flat=True):
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


def _base_commit(repository: Repository, head: str, git_dir: Path) -> str:
    watched, default = repository.watched_branch, repository.default_branch
    if watched and default and watched != default:
        base = merge_base(git_dir, head, resolve(git_dir, f"refs/heads/{default}"))
        if not base:
            raise InputError(f"{watched} has no commit in common with {default}.")
        # A branch that has not left it yet would be compared with itself.
        return "" if base == head else base
    others = repository.scans.with_result().exclude(commit=head)
    return others.values_list("commit", flat=True).first() or ""


def _earlier(repository: Repository) -> Earlier | None:
    """The newest result that is older than a week, None when there is none yet."""
    past = repository.scans.with_result().filter(finished_at__lte=timezone.now() - WEEK)
    scan = past.first()
    if scan is None:
        return None
    rows = ScanStandard.objects.filter(scan=scan).select_related("component", "standard")
    return Earlier(
        f"scan {scan.number} of {scan.finished_at:%Y-%m-%d}",
        {(row.component.path, row.standard.slug): row.low for row in rows},
    )


def stored(result: GateResult | None) -> dict[str, Any] | None:
    """Return the result as it is kept with the scan."""
    kept: dict[str, Any] | None = None if result is None else msgspec.to_builtins(result)
    return kept


def standing(kept: Mapping[str, Any]) -> GateStanding:
    """Return how a stored result stands; without a failure it passes only when all was told."""
    passed = [each["passed"] for each in kept["conditions"]]
    return "fails" if False in passed else "untold" if None in passed else "passes"


def in_words(kept: Mapping[str, Any]) -> str:
    """Return how a stored result stands, in a sentence."""
    passed = [each["passed"] for each in kept["conditions"]]
    count = len(passed)
    match standing(kept):
        case "fails":
            return f"The gate fails: {passed.count(False)} of {count} conditions are not met."
        case "untold":
            untold = passed.count(None)
            verb = "has" if untold == 1 else "have"
            return (
                f"The gate does not fail: {passed.count(True)} of {count} conditions are met, and"
                f" {untold} {verb} nothing to compare with yet."
            )
        case "passes":
            return f"The gate passes: all {count} conditions are met."
