"""The audit: results are made again from nothing and compared byte for byte.

No kept fact, no remembered history, nothing but the mirror: what a scan took from its stores must
be what it would have found without them. Any difference is a fault of ours and raises an alarm.
Each audit is a task of its own, so the workers of all hosts share them; a host whose mirror has not
got the commit fetches it first.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from django.db import DatabaseError
from django.db.models import Max, Q
from django.utils import timezone

from checks.cloneurl import UrlError
from checks.errors import InputError
from checks.facts.store import MemoryFactStore
from checks.gitfaults import FetchError
from checks.gitsource import GitSource, resolve
from dashboard import queue
from dashboard.models import Recheck, RecheckOutcome, Repository, StoredReport
from dashboard.services import attestations, judging, mirrors, waivers
from dashboard.services.credentials import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.models import Scan

logger = structlog.get_logger(__name__)

RUN_AUDIT = "dashboard.run_audit"
SAMPLE = 5
MOST_DIFFERENCES = 12
KEPT = 20
LENGTH = 300


@dataclass(frozen=True)
class Finding:
    """What an audit has shown of one repository, in sentences."""

    outcome: RecheckOutcome
    detail: Sequence[str]


def nightly() -> None:
    """Ring for a sample: the repositories whose last audit is longest ago, of never first."""
    waiting = Repository.objects.filter(last_scan__isnull=False).annotate(
        audited=Max("rechecks__at")
    )
    never = Q(audited__isnull=True)
    sample = list(waiting.filter(never).order_by("?")[:SAMPLE])
    sample += waiting.exclude(never).order_by("audited")[: SAMPLE - len(sample)]
    for repository in sample:
        queue.ring(RUN_AUDIT, [repository.pk])


def run(repository_id: int) -> None:
    """Audit one repository, if it is still there."""
    repository = Repository.objects.select_related("last_scan").filter(pk=repository_id).first()
    if repository is not None:
        audit(repository)


def audit(repository: Repository) -> Recheck:
    """Judge the last result of a repository again from nothing, and note what it has shown."""
    try:
        found = _compare(repository)
    except (InputError, FetchError, UrlError, CredentialError) as error:
        found = Finding(RecheckOutcome.SKIPPED, [str(error)])
    except DatabaseError:
        raise
    except Exception as fault:
        # One that cannot be audited must not keep the others from it, tonight and every night.
        logger.exception("audit crashed", repository=repository.slug)
        found = Finding(
            RecheckOutcome.SKIPPED,
            [f"The audit met a fault of ours, which is in the log: {type(fault).__name__}."],
        )
    row = Recheck.objects.create(
        repository=repository,
        scan=repository.last_scan,
        outcome=found.outcome,
        detail=[sentence[:LENGTH] for sentence in found.detail],
    )
    old = Recheck.objects.filter(repository=repository).values("pk")[KEPT:]
    Recheck.objects.filter(pk__in=[each["pk"] for each in old]).delete()
    if found.outcome == RecheckOutcome.DIFFERENT:
        logger.error("audit found a difference", repository=repository.slug, detail=row.detail)
    return row


def _compare(repository: Repository) -> Finding:
    scan = repository.last_scan
    if scan is None:
        return Finding(RecheckOutcome.SKIPPED, ["There is no result yet."])
    reports = list(StoredReport.objects.filter(scan=scan).select_related("component__repository"))
    if not reports:
        return Finding(RecheckOutcome.SKIPPED, ["The report of the last result was not kept."])
    source = _source(repository, scan.commit, reports)
    day = timezone.localdate(scan.started_at)
    said, accepted = attestations.records(repository, source), waivers.in_force(repository, day)
    ruling = judging.ruling(repository, day, said, accepted, waivers.names(repository))
    now = ruling.kept([each.component.path for each in reports])
    if moved := _moved(scan, now, reports, source):
        return Finding(RecheckOutcome.SKIPPED, moved)
    differences = []
    for stored in reports:
        judged = judging.judge(stored.component, source, ruling, store=MemoryFactStore())
        kept = zlib.decompress(stored.data)
        if judged.data != kept:
            differences += _differences(stored.component.path, kept, judged.data)
    if differences:
        return Finding(RecheckOutcome.DIFFERENT, differences[:MOST_DIFFERENCES])
    return Finding(RecheckOutcome.SAME, [])


def _source(repository: Repository, commit: str, reports: Sequence[StoredReport]) -> GitSource:
    """The commit in this host's mirror; where another host has scanned it, it is fetched first."""
    git_dir = mirrors.path(repository)
    if git_dir.exists():
        with contextlib.suppress(InputError):
            source = GitSource(git_dir, resolve(git_dir, commit))
            if all(each.surroundings == source.surroundings() for each in reports):
                return source
    return GitSource(mirrors.fetch(repository, lambda *_: None).git_dir, commit)


def _moved(
    scan: Scan, now: Mapping[str, Any], reports: Sequence[StoredReport], source: GitSource
) -> list[str]:
    """Why the result may rightly differ: what it depends on is not what it was."""
    then = scan.ruling or {}
    # The day is that of the scan in both; waivers carry theirs.
    names = [
        name
        for name in sorted(now)
        if name != "on" and then.get(name) != json.loads(json.dumps(now[name]))
    ]
    found = [f"What it was judged by has changed since: {', '.join(names)}."] if names else []
    if any(each.surroundings != source.surroundings() for each in reports):
        found.append("Branches or tags around the commit have moved since.")
    return found


def _differences(component: str, kept: bytes, anew: bytes) -> list[str]:
    """What differs between two reports, the most telling first."""
    old, new = json.loads(kept), json.loads(anew)
    where = f"{component}: " if component else ""
    found = []
    for one, other in zip(old["standards"], new["standards"], strict=False):
        if one["score"] != other["score"]:
            found.append(f"{where}{one['slug']} was {one['score']} and is {other['score']}.")
        for before, after in zip(one["clauses"], other["clauses"], strict=False):
            if before["verdict"] != after["verdict"]:
                verdicts = f"{before['verdict']}, and is {after['verdict']}"
                found.append(f"{where}{one['slug']} {before['id']} was {verdicts}.")
    names = [{_name(each) for each in report["findings"]} for report in (old, new)]
    found += [f"{where}{name} was found and is not there." for name in sorted(names[0] - names[1])]
    found += [f"{where}{name} is there and was not found." for name in sorted(names[1] - names[0])]
    if old["manifest"] != new["manifest"]:
        found.append(f"{where}The manifest differs.")
    return found or [f"{where}The reports differ in their bytes."]


def _name(finding: Mapping[str, Any]) -> str:
    return f"{finding['check']} at {finding['path'] or 'the repository'}:{finding['line']}"
