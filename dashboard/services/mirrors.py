"""The mirrors of this machine, one bare folder per repository, and what the last contact said.

A repository's row says how its server stands: ready, empty, gone, without access. Only what
answered as a git server changes a mirror, so the last good result stays readable whatever happens
to the server.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from checks import mirror
from checks.cloneurl import UrlError, parse
from checks.gitfaults import FetchError
from checks.gitfetch import fetch as fetch_mirror
from checks.gitwatch import Limits, folder_bytes
from dashboard.models import ACTIVE_STATES, RESULT_STATES, Phase, Repository, RepositoryState
from dashboard.services import credentials
from dashboard.services.clone_policy import policy
from dashboard.services.credentials import CredentialError
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checks.gitfaults import Fault
    from checks.gitfetch import Fetched, Rebuild
    from checks.gitrunner import Credential as Proof
    from checks.gitwatch import Progress

logger = structlog.get_logger(__name__)

# A mirror that can not be read is made anew, but not in a loop when the server is the culprit.
REBUILD_EVERY = timedelta(hours=6)
PINNED_SCANS = 100
_DAMAGED = "damaged-repository"

STATES: dict[Fault, RepositoryState] = {
    "address": RepositoryState.REFUSED,
    "auth-failed": RepositoryState.NO_ACCESS,
    "auth-required": RepositoryState.NO_ACCESS,
    "branch-missing": RepositoryState.BRANCH_MISSING,
    "busy": RepositoryState.WAITING,
    "corrupt": RepositoryState.BROKEN,
    "disk": RepositoryState.WAITING,
    "empty": RepositoryState.EMPTY,
    "failed": RepositoryState.UNREACHABLE,
    "git-missing": RepositoryState.WAITING,
    "host-key-changed": RepositoryState.REFUSED,
    "host-key-unknown": RepositoryState.REFUSED,
    "host-refused": RepositoryState.REFUSED,
    "no-branch": RepositoryState.EMPTY,
    "not-a-git-server": RepositoryState.NOT_GIT,
    "not-found": RepositoryState.GONE,
    "redirect": RepositoryState.REFUSED,
    "timeout": RepositoryState.UNREACHABLE,
    "tls": RepositoryState.UNREACHABLE,
    "too-large": RepositoryState.TOO_LARGE,
    "unreachable": RepositoryState.UNREACHABLE,
}


def path(repository: Repository | int) -> Path:
    """Folder of a repository's mirror; it exists after the first fetch."""
    pk = repository if isinstance(repository, int) else repository.pk
    return settings.HOME / "mirrors" / f"{pk}.git"


def fetch(repository: Repository, progress: Callable[[str, int, int], None]) -> Fetched:
    """Bring the mirror up to date and note on the row how the server stands.

    A mirror whose reading failed in the last scan is made anew, at most once in six hours.

    Args:
        repository: Its watched branch is fetched, or the default one.
        progress: Told the phase, objects done and objects in all; may raise to end the fetch.

    Raises:
        FetchError: With a class and one sentence.
        UrlError: The address or the branch is not used (any more).
        CredentialError: The credential can not be opened.
    """
    place = path(repository)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def tell(now: Progress) -> None:
        progress(Phase.FETCHING, now.done, now.total)

    try:
        fetched = fetch_mirror(
            repository.clone_url,
            place,
            branch=repository.watched_branch,
            credential=proof(repository),
            policy=policy(),
            progress=tell,
            limits=Limits(),
            keep=_judged(repository),
            rebuild=_rebuild(repository),
        )
    except (FetchError, UrlError, CredentialError) as error:
        note_failure(repository, error)
        raise
    _note_success(repository, fetched)
    return fetched


def at_hand(repository: Repository) -> Path:
    """Folder of a repository's mirror, fetched where this machine has none.

    Raises:
        FetchError: With a class and one sentence.
        UrlError: The address or the branch is not used (any more).
        CredentialError: The credential can not be opened.
    """
    place = path(repository)
    return place if place.exists() else fetch(repository, lambda *_: None).git_dir


def proof(repository: Repository) -> Proof | None:
    """The credential of a repository, opened; one of another host is taken off the row.

    Raises:
        CredentialError: It can not be opened.
        UrlError: The address is not used.
    """
    row = repository.credential
    if row is None:
        return None
    if not credentials.fits(row, parse(repository.clone_url, policy())):
        Repository.objects.filter(pk=repository.pk).update(credential=None)
        repository.credential = None
        logger.warning("credential of another host dropped", repository=repository.pk)
        return None
    return credentials.reveal(row)


def _rebuild(repository: Repository) -> Rebuild:
    """Whether the mirror is made anew: the last scan may have found that it can not be read."""
    recently = Repository.objects.filter(
        pk=repository.pk, mirror_rebuilt_at__gt=Now() - REBUILD_EVERY
    )
    if recently.exists():
        return "never"
    last = repository.scans.exclude(state__in=ACTIVE_STATES).order_by("-number").first()
    unreadable = last is not None and last.error_code == _DAMAGED
    return "always" if unreadable or repository.state == RepositoryState.BROKEN else "damaged"


def _judged(repository: Repository) -> dict[int, str]:
    """The newest judged commits: after this fetch a force-push may have left them behind."""
    judged = repository.scans.filter(state__in=RESULT_STATES).exclude(commit="")
    return dict(judged.order_by("-number").values_list("number", "commit")[:PINNED_SCANS])


def _note_success(repository: Repository, fetched: Fetched) -> None:
    fields: dict[str, object] = {
        "default_branch": clean(fetched.default_branch, 255),
        "fetched_at": Now(),
        "mirror_bytes": folder_bytes(fetched.git_dir),
        "poll_failures": 0,
    }
    if fetched.rebuilt:
        fields["mirror_rebuilt_at"] = Now()
    Repository.objects.filter(pk=repository.pk).update(**fields)
    repository.default_branch = clean(fetched.default_branch, 255)
    note_state(repository, RepositoryState.READY)


def note_failure(repository: Repository, error: FetchError | UrlError | CredentialError) -> None:
    """Write down why the repository can not be fetched at the moment."""
    if isinstance(error, FetchError):
        state = STATES[error.code]
        if error.code == "corrupt":
            # Also an attempt to mend it counts: the server itself may hold the damage.
            Repository.objects.filter(pk=repository.pk).update(mirror_rebuilt_at=Now())
        logger.info("fetch failed", repository=repository.pk, code=error.code, said=error.detail)
    elif isinstance(error, CredentialError):
        state = RepositoryState.WAITING
    else:
        state = RepositoryState.REFUSED
    if isinstance(error, FetchError) and error.code == "busy":
        return
    note_state(repository, state, str(error))


def note_state(repository: Repository, state: RepositoryState, message: str = "") -> None:
    """Set the state; its beginning moves only when the state is another one."""
    message = clean(message, 1000)
    rows = Repository.objects.filter(pk=repository.pk)
    rows.exclude(state=state).update(state=state, state_message=message, state_since=Now())
    rows.filter(~Q(state_message=message), state=state).update(state_message=message)
    repository.state, repository.state_message = state, message


def remove(pk: int) -> None:
    """Delete the mirror of a repository that was removed; a fetch that still runs keeps it."""
    try:
        mirror.drop(path(pk))
    except FetchError:
        logger.warning("mirror still in use, left for the sweep", repository=pk)


def tidy(day: int, *, seconds: float = 300.0) -> None:
    """Delete mirrors without a repository; check and pack a seventh of the others.

    Args:
        day: Number of the day; on seven days in a row every mirror has its turn.
        seconds: No further mirror is begun after this time.
    """
    deadline = time.monotonic() + seconds
    folder = settings.HOME / "mirrors"
    there = {int(entry.stem) for entry in folder.glob("*.git") if entry.stem.isdigit()}
    known = {row.pk: row for row in Repository.objects.filter(pk__in=there)}
    for pk in there - known.keys():
        remove(pk)
    for pk in sorted(known):
        if pk % 7 == day % 7 and time.monotonic() < deadline:
            _maintain(known[pk])


def _maintain(repository: Repository) -> None:
    try:
        mirror.maintain(path(repository))
    except FetchError as error:
        logger.warning("mirror not in order", repository=repository.pk, code=error.code)
        if error.code == "corrupt":
            note_state(repository, RepositoryState.BROKEN, error.sentence)
