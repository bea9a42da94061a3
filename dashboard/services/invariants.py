"""What must hold whatever was killed, restarted or sent twice, counted from rows and mirrors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Now

from dashboard.models import (
    ACTIVE_STATES,
    MAX_ATTEMPTS,
    OPEN_STATES,
    RESULT_STATES,
    Branch,
    Finding,
    Outbox,
    Repository,
    Scan,
    ScanState,
    StoredReport,
    Team,
    WebhookDelivery,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEASES = 2
UNDELIVERED_AFTER = timedelta(hours=24)
LEFTOVERS = ("tmp_pack_*", "tmp_idx_*", "tmp_obj_*", "*.lock")


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant and how often it is broken; 0 is as it must be."""

    name: str
    rule: str
    count: int


def check(secrets: Iterable[str] = ()) -> list[Violation]:
    """Count the violations of every invariant.

    Args:
        secrets: Texts that must stand in no plain column, planted by whoever tests that.
    """
    found = [Violation(name, rule, count()) for name, rule, count in _RULES]
    planted = sum(sum(_columns_with(secret)) for secret in secrets)
    return [*found, Violation("I9", "no plain column holds a planted secret", planted)]


def _deliveries() -> int:
    groups = WebhookDelivery.objects.order_by().values("hook", "key").annotate(n=Count("pk"))
    return groups.filter(n__gt=1).count()


def _owed() -> int:
    active = Scan.objects.filter(repository=OuterRef("repository"), state__in=ACTIVE_STATES)
    return Branch.objects.filter(~Exists(active), wanted__gt=F("done")).count()


def _endless() -> int:
    lost = Q(state=ScanState.RUNNING, lease_until__lt=Now() - settings.SCAN_LEASE * LEASES)
    undated = ~Q(state__in=ACTIVE_STATES) & Q(finished_at__isnull=True)
    return Scan.objects.filter(lost | undated | Q(attempt__gt=MAX_ATTEMPTS)).count()


def _results() -> int:
    current = F("component__repository__last_scan")
    return StoredReport.objects.exclude(scan=current).count()


def _overwritten() -> int:
    newest = Scan.objects.filter(repository=OuterRef("pk"), state__in=RESULT_STATES)
    best = Subquery(newest.order_by("-number").values("pk")[:1])
    judged = Repository.objects.annotate(best=best).filter(best__isnull=False)
    return judged.exclude(last_scan=F("best")).count()


def _crowded() -> int:
    running = Count("pk", filter=Q(state=ScanState.RUNNING))
    queued = Count("pk", filter=Q(state=ScanState.QUEUED))
    groups = Scan.objects.order_by().values("repository").annotate(running=running, queued=queued)
    crowded = groups.filter(Q(running__gt=1) | Q(queued__gt=1)).count()
    at_work = Count("repositories__scans", filter=Q(repositories__scans__state=ScanState.RUNNING))
    teams = Team.objects.annotate(running=at_work).filter(running__gt=settings.TEAM_SCAN_CAP)
    return crowded + teams.count()


def _leftovers() -> int:
    """Count what a fetch leaves only while it runs, in mirrors without a running scan."""
    folder = settings.HOME / "mirrors"
    running = set(
        Scan.objects.filter(state=ScanState.RUNNING).values_list("repository_id", flat=True)
    )
    known = set(Repository.objects.values_list("pk", flat=True))
    count = sum(1 for _ in folder.glob("*.git.new"))
    for mirror in folder.glob("*.git"):
        pk = int(mirror.stem) if mirror.stem.isdigit() else 0
        if pk not in known:
            count += 1
        elif pk not in running:
            count += sum(1 for pattern in LEFTOVERS for _ in mirror.rglob(pattern))
    return count


def _undelivered() -> int:
    due = Now() - UNDELIVERED_AFTER
    return Outbox.objects.filter(done_at__isnull=True, due__lt=due).count()


def _undated_findings() -> int:
    opened = Q(state__in=OPEN_STATES)
    return Finding.objects.filter(
        (opened & Q(fixed_at__isnull=False)) | (~opened & Q(fixed_at__isnull=True))
    ).count()


def _columns_with(secret: str) -> Iterator[int]:
    for model in apps.get_app_config("dashboard").get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                text = Cast(field.name, models.TextField())
                rows = model._default_manager.annotate(plain=text)
                yield rows.filter(plain__contains=secret).count()


_RULES: tuple[tuple[str, str, Callable[[], int]], ...] = (
    ("I1", "every delivery has exactly one row", _deliveries),
    ("I2", "news of a branch has a scan that looks at it", _owed),
    ("I3", "every scan ends, and none runs without a living lease", _endless),
    ("I4", "a component has one current report, of the last scan", _results),
    ("I5", "an older scan never overwrites a newer one", _overwritten),
    ("I7", "one running and one queued scan per repository, caps per team", _crowded),
    ("I8", "mirrors hold no leftovers and belong to a repository", _leftovers),
    ("I10", "messages to the outside are sent within a day", _undelivered),
    ("F", "a finding is open, or says when it was fixed", _undated_findings),
)
