"""Asks servers for news on a schedule, so that a webhook is a hint and not a promise.

Guarantee: a push whose webhook was lost is found within one period. A server that fails is asked
less and less often, at most once a day apart, and its row says why; a repository that is gone or
closed keeps its last good result.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from checks.cloneurl import UrlError
from checks.gitfaults import GONE, FetchError
from checks.gitfetch import ls_remote
from checks.gitwatch import Limits
from dashboard.models import (
    Branch,
    PeriodicRun,
    Repository,
    RepositoryState,
    ScanState,
    Trigger,
)
from dashboard.services import mirrors, scanning
from dashboard.services.clone_policy import policy
from dashboard.services.credentials import CredentialError
from dashboard.text import clean

if TYPE_CHECKING:
    from checks.gitfetch import Remote

logger = structlog.get_logger(__name__)

DAY = timedelta(days=1)
# One bell works for so long at most, so that scans get their turn; the sweep rings again.
BELL_SECONDS = 60.0
PER_BELL = 50
LIMITS = Limits(short_seconds=20, silent_seconds=10)


def poll() -> None:
    """Ask the servers whose turn it is; any number of processes may do so at the same time."""
    deadline = time.monotonic() + BELL_SECONDS
    for repository in Repository.objects.due_for_polling()[:PER_BELL]:
        if time.monotonic() > deadline:
            break
        if _take_turn(repository):
            look(repository)
    if PeriodicRun.objects.claim("mirrors", DAY):
        mirrors.tidy(timezone.now().toordinal())


def _take_turn(repository: Repository) -> bool:
    """Move the next turn on by one conditional UPDATE, whatever comes of this one."""
    turn = Repository.objects.filter(pk=repository.pk, poll_at__lte=Now())
    return turn.update(poll_at=Now() + _pause(repository, 0), polled_at=Now()) == 1


def _pause(repository: Repository, failures: int) -> timedelta:
    """Time to the next turn: the period, doubled with each failure, spread by a tenth."""
    # The spread is the repository's own, so that a thousand registered at once drift apart.
    spread = 0.9 + 0.2 * (repository.pk * 2654435761 % 2**32) / 2**32
    period: timedelta = settings.POLL_EVERY * 2 ** min(failures, 12)
    return min(period, DAY) * spread


def look(repository: Repository) -> None:
    """Ask one server for the head of the watched branch, and request a scan when it is news."""
    try:
        remote = ls_remote(
            repository.clone_url,
            credential=mirrors.proof(repository),
            policy=policy(),
            limits=LIMITS,
        )
        branch = remote.choose(repository.watched_branch)
    except (FetchError, UrlError, CredentialError) as error:
        _note_failure(repository, error)
        return
    except ValueError:
        # The operator's list of allowed hosts can not be read: no fault of the repository.
        logger.exception("clone policy unreadable")
        return
    _note_answer(repository, remote)
    head = remote.head(branch)
    if head != _last_looked_at(repository, branch):
        logger.info("news found by polling", repository=repository.pk)
        scanning.request(repository, Trigger.POLL, commit=head)


def _note_failure(repository: Repository, error: FetchError | UrlError | CredentialError) -> None:
    mirrors.note_failure(repository, error)
    failures = repository.poll_failures + 1
    if isinstance(error, FetchError) and error.code in GONE:
        # Nobody repairs these in minutes: begin with a longer pause.
        failures = max(failures, 3)
        if error.code == "branch-missing":
            named = Branch.objects.filter(repository=repository, name=repository.branch_name)
            named.filter(gone_at__isnull=True).update(gone_at=Now())
    Repository.objects.filter(pk=repository.pk).update(
        poll_failures=failures, poll_at=Now() + _pause(repository, failures)
    )


def _note_answer(repository: Repository, remote: Remote) -> None:
    """The server answers (again): its default branch, and that it is ready."""
    default = clean(remote.default_branch, 255)
    rows = Repository.objects.filter(pk=repository.pk)
    rows.filter(~Q(default_branch=default) | Q(poll_failures__gt=0)).update(
        default_branch=default, poll_failures=0
    )
    repository.default_branch = default
    settled = {RepositoryState.NEW, RepositoryState.READY, RepositoryState.TOO_LARGE}
    if repository.state not in settled | {RepositoryState.BROKEN}:
        mirrors.note_state(repository, RepositoryState.READY)


def _last_looked_at(repository: Repository, branch: str) -> str:
    """The commit of the newest scan of the branch that concluded, or that waits or runs now.

    A scan that failed counts too: the same commit would fail again, until a person asks.
    """
    newest = (
        repository.scans.filter(branch__name=branch)
        .exclude(state__in=(ScanState.SUPERSEDED, ScanState.CANCELLED))
        .order_by("-number")
        .values_list("commit", flat=True)
    )
    return newest.first() or ""
