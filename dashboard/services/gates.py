"""Quality gates on the server: which are asked, what they are compared with, what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import transaction
from django.utils import timezone

from checks.errors import InputError
from checks.gate import Base, Earlier, Gate, GateResult, as_table, evaluate, read
from checks.gitsource import GitSource, merge_base, resolve
from checks.since import State, carried
from dashboard.models import AuditEntry, Repository, ScanStandard, Trigger
from dashboard.services import facts, judging, scanning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dashboard.models import Scan, User
    from dashboard.services.judging import Ruling
    from dashboard.services.results import Judged

WEEK = timedelta(days=7)


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


def judge(scan: Scan, judged: Sequence[Judged], ruling: Ruling, git_dir: Path) -> GateResult | None:
    """Return what the gates of the repository and of its standards say, None without any.

    Args:
        scan: The scan that asks; its repository still has the result before.
        judged: What was found, one judgement for each component.
        ruling: By what it was judged; the base is judged by the same.
        git_dir: The mirror.
    """
    gates = _asked(scan.repository, ruling)
    if not gates:
        return None
    reports = [each.report for each in judged]
    compares = [gate for gate in gates.values() if gate.compares]
    needs_base = any(gate.no_new_findings for gate in compares)
    return evaluate(
        gates,
        reports,
        base=_base(scan, judged, ruling, git_dir) if needs_base else None,
        earlier=_earlier(scan.repository) if compares else None,
    )


def _asked(repository: Repository, ruling: Ruling) -> dict[str, Gate]:
    own = of_repository(repository)
    gates = {"": own} if own else {}
    return gates | {each.slug: each.gate for each in ruling.standards if each.gate}


def _base(scan: Scan, judged: Sequence[Judged], ruling: Ruling, git_dir: Path) -> Base | None:
    """What new findings are told from.

    Of another branch than the default one it is the commit where the two part; of the default
    branch the commit that was judged before: judging a commit once more makes nothing known.
    """
    head = judged[0].report.commit if judged else ""
    repository = scan.repository
    try:
        commit = _base_commit(repository, head, git_dir)
        if not commit:
            return None
        source, now = (GitSource(git_dir, each, remember=facts.store()) for each in (commit, head))
        known = frozenset[tuple[str, str]]().union(
            *(
                carried(
                    _state(source, judging.judge(each.component, source, ruling)), _state(now, each)
                )
                for each in judged
            )
        )
    except InputError as error:
        return Base("", missing=str(error))
    return Base(commit[:10], known)


def _state(source: GitSource, judged: Judged) -> State:
    return State(source, judged.report.findings, judged.answers)


def _base_commit(repository: Repository, head: str, git_dir: Path) -> str:
    watched, default = repository.watched_branch, repository.default_branch
    if watched and default and watched != default:
        base = merge_base(git_dir, head, resolve(git_dir, f"refs/heads/{default}"))
        if not base:
            raise InputError(f"{watched} has no commit in common with {default}.")
        return base
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


def in_words(kept: Mapping[str, Any]) -> str:
    """Return how a stored result stands, in a sentence."""
    conditions = kept["conditions"]
    failed = [each for each in conditions if not each["passed"]]
    if not failed:
        return f"The gate passes: all {len(conditions)} conditions are met."
    return f"The gate fails: {len(failed)} of {len(conditions)} conditions are not met."
