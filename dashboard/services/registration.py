"""Before a repository is registered its server is asked: does it answer, and which branches?

A worker asks, never the web process. The question is a row, so a lost bell loses nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.views.decorators.debug import sensitive_variables

from checks.cloneurl import UrlError, parse
from dashboard import queue
from dashboard.models import Probe, ProbeState, Repository
from dashboard.services import credentials, repositories
from dashboard.services.clone_policy import policy
from dashboard.text import clean, clean_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import Credential, Standard, Team, User

logger = structlog.get_logger(__name__)

ANSWER_PROBE = "dashboard.answer_probe"
BRANCHES_SHOWN = 500
RINGS = 50
OUR_FAULT = (
    "Asking the server met a fault of ours, which is in the worker's log; try again, or report it."
)


class RefusedError(Exception):
    """What was entered cannot be used. The text is one sentence for the person who entered it."""


@sensitive_variables("secret")
def keep_credential(
    *, team: Team, clone_url: str, kind: str, username: str, secret: str, host_key: str
) -> Credential:
    """Store a credential for the host of an address.

    Raises:
        RefusedError: It does not fit the address, or secrets cannot be kept here.
    """
    try:
        return credentials.keep(
            team=team,
            clone_url=clone_url,
            kind=kind,
            username=username,
            secret=secret,
            host_key=host_key,
        )
    except (credentials.CredentialError, UrlError) as error:
        raise RefusedError(str(error)) from None


@transaction.atomic
def ask(*, team: Team, clone_url: str, credential: Credential | None, actor: User) -> Probe:
    """Let a worker ask the server behind an address that has passed the parser."""
    probe: Probe = Probe.objects.create(
        team=team, asked_by=actor, clone_url=clone_url, credential=credential
    )
    transaction.on_commit(lambda: _ring(probe.pk))
    return probe


def ask_again(probe: Probe, clone_url: str = "") -> None:
    """Ask once more, at ``clone_url`` if given: the address that the server pointed to."""
    Probe.objects.filter(pk=probe.pk).exclude(state=ProbeState.WAITING).update(
        state=ProbeState.WAITING,
        clone_url=clone_url or probe.clone_url,
        code="",
        message="",
        offered_url="",
        rung_at=Now(),
    )
    _ring(probe.pk)


def _ring(pk: int) -> None:
    queue.ring(ANSWER_PROBE, [pk])


def ring_unheard(after: timedelta = timedelta(seconds=30)) -> None:
    """Ring again for the probes that nobody has answered."""
    rows = list(Probe.objects.unheard(after).values_list("pk", flat=True)[:RINGS])
    Probe.objects.filter(pk__in=rows).update(rung_at=Now())
    for pk in rows:
        _ring(pk)


def answer(pk: int) -> None:
    """Ask the server and write down what it says. Doing it twice does no harm."""
    probe = Probe.objects.filter(pk=pk, state=ProbeState.WAITING).select_related("credential")
    row = probe.first()
    if row is not None:
        # The address may have changed meanwhile: then another bell rings for the new one.
        probe.filter(clone_url=row.clone_url).update(**_asked(row))


def _asked(row: Probe) -> dict[str, object]:
    from checks.gitfaults import FetchError
    from checks.gitfetch import probe

    try:
        secret = credentials.reveal(row.credential) if row.credential else None
        found = probe(row.clone_url, credential=secret, policy=policy())
    except FetchError as error:
        return _failed(error.code, error.sentence) | {"offered_url": _offered(error.address)}
    except UrlError as error:
        return _failed(error.code, error.sentence)
    except credentials.CredentialError as error:
        return _failed(error.code, str(error))
    except Exception:
        logger.exception("probe crashed", probe=row.pk)
        return _failed("internal", OUR_FAULT)
    branches = [name for name in found.branches if name == clean(name, 255)]
    if found.empty:
        return _failed("empty", "The repository is empty; push a first commit, then try again.")
    return {
        "state": ProbeState.REACHED,
        "clone_url": found.url.text,
        "default_branch": clean(found.default_branch, 255),
        "branches": clean_json(branches[:BRANCHES_SHOWN]),
    }


def _failed(code: str, sentence: str) -> dict[str, object]:
    return {"state": ProbeState.FAILED, "code": code, "message": clean(sentence, 1000)}


def _offered(address: str) -> str:
    """Return an address that may be offered to the person: one that the parser accepts."""
    try:
        return parse(address, policy()).text if address else ""
    except UrlError:
        return ""


def proposed_name(probe: Probe) -> str:
    """Return what the repository may be called: as its address ends, unlike others of the team."""
    try:
        return repositories.free_name(probe.team, parse(probe.clone_url, policy()))
    except UrlError:
        return ""


@transaction.atomic
def complete(
    probe: Probe, *, name: str, branch: str, adopted: Sequence[Standard], actor: User
) -> Repository:
    """Register what was probed, and forget the question.

    Raises:
        RefusedError: The team has the address already, or the address is no longer allowed.
    """
    try:
        repository = repositories.register(
            team=probe.team,
            clone_url=probe.clone_url,
            adopted=adopted,
            name=name,
            branch=branch,
            credential=probe.credential,
            actor=actor,
        )
    except (repositories.AlreadyRegisteredError, UrlError) as error:
        raise RefusedError(str(error)) from None
    probe.delete()
    return repository
