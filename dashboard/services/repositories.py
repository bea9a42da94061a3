"""Repositories come, change and go."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.text import slugify

from checks.cloneurl import CloneUrl, UrlError, check_branch, parse
from dashboard.models import AuditEntry, Component, Repository, Trigger
from dashboard.services import backfill, mirrors, scanning, standards
from dashboard.services.clone_policy import policy
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dashboard.models import Credential, Standard, Team, User

SLUG_LENGTH = 90


class RefusedError(Exception):
    """What was asked for is not done. The text is one sentence with the next step."""


class AlreadyRegisteredError(RefusedError):
    """The team has this address already."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(
            f"This address is registered already, as {repository.name}; open its page instead."
        )
        self.repository = repository


@dataclass(frozen=True, slots=True)
class Changes:
    """What the settings of a repository say after a person changed them."""

    name: str
    watched_branch: str
    standards: Sequence[Standard]


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn the library's refusal of an address or a name into ours."""
    try:
        yield
    except UrlError as error:
        raise RefusedError(error.sentence) from error


@transaction.atomic
def register(
    *,
    team: Team,
    clone_url: str,
    adopted: Sequence[Standard],
    name: str = "",
    branch: str = "",
    credential: Credential | None = None,
    actor: User | None = None,
) -> Repository:
    """Add a repository and ask for its first scan.

    Args:
        team: Whose it is.
        clone_url: Where it is fetched from.
        adopted: The versions it is judged by.
        name: What people call it; "" for the last part of the address.
        branch: The branch to judge; "" for the remote's default.
        credential: For private repositories; must be the team's.
        actor: The person who registers, None for the command line.

    Raises:
        RefusedError: The address or the branch name is not used.
        AlreadyRegisteredError: The team has it already.
    """
    with _refusing():
        url = parse(clone_url, policy())
        url.refuse_inner(policy())
        branch = check_branch(branch) if branch else ""
    known = Repository.objects.filter(team=team, clone_url=url.text).first()
    if known is not None:
        raise AlreadyRegisteredError(known)
    repository = Repository.objects.create(
        team=team,
        slug=free_slug(name or url.name, url),
        name=clean(name.strip() or free_name(team, url), 200),
        clone_url=url.text,
        watched_branch=branch,
        credential=credential,
        created_by=actor,
        # The first scan is on its way: polling begins after it.
        poll_at=Now() + settings.POLL_EVERY,
    )
    Component.objects.create(repository=repository, path="")
    AuditEntry.objects.note(repository, actor, "repository.registered", clone_url=url.text)
    standards.adopt(repository, adopted, actor)
    scanning.request(repository, Trigger.REGISTRATION, actor=actor)
    backfill.begin(repository)
    return repository


def free_slug(name: str, url: CloneUrl) -> str:
    """Return a slug nobody has: the name's, else with its owner before it, else numbered."""
    base = slugify(name)[:SLUG_LENGTH] or "repository"
    owner = slugify(_owner(url))
    candidates = [base, *([f"{owner}-{base}"[:SLUG_LENGTH]] if owner else [])]
    taken = set(
        Repository.objects.filter(slug__startswith=base).values_list("slug", flat=True)
    ) | set(Repository.objects.filter(slug__in=candidates).values_list("slug", flat=True))
    candidates += [f"{base}-{number}" for number in range(2, len(taken) + 3)]
    return next(slug for slug in candidates if slug not in taken)


def _owner(url: CloneUrl) -> str:
    return url.path.strip("/").split("/")[-2] if url.path.count("/") > 1 else ""


def free_name(team: Team, url: CloneUrl) -> str:
    """Return the last part of the address, behind its owner where the team has it already."""
    owner = _owner(url)
    taken = bool(owner) and Repository.objects.filter(team=team, name=url.name).exists()
    return f"{owner}/{url.name}" if taken else url.name


@transaction.atomic
def change(repository: Repository, changes: Changes, actor: User | None) -> bool:
    """Apply changed settings; True when the repository is scanned again because of them.

    Raises:
        RefusedError: The branch name is not one.
    """
    with _refusing():
        branch = check_branch(changes.watched_branch) if changes.watched_branch else ""
    moved = branch != repository.watched_branch
    renamed = changes.name != repository.name
    repository.name = clean(changes.name, 200)
    repository.watched_branch = branch
    repository.save(update_fields=["name", "watched_branch"])
    judged_anew = standards.adopt(repository, changes.standards, actor)
    if moved or renamed:
        AuditEntry.objects.note(
            repository, actor, "repository.changed", name=repository.name, branch=branch
        )
    if moved or judged_anew:
        trigger = Trigger.STANDARDS if judged_anew else Trigger.BRANCH
        scanning.request(repository, trigger, actor=actor)
    return moved or judged_anew


def remove(repository: Repository, actor: User | None) -> None:
    """Delete the repository, all its results and its mirror. A scan that runs stops by itself."""
    pk = repository.pk
    with transaction.atomic():
        AuditEntry.objects.note(
            repository, actor, "repository.removed", clone_url=repository.clone_url
        )
        repository.delete()
        transaction.on_commit(lambda: mirrors.remove(pk), robust=True)
