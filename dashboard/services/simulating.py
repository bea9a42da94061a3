"""Trying a proposal on the fleet: one row per repository, worked on by any number of workers.

Guarantee: a bell that is lost and a worker that is killed cost time only. One worker at a
time holds a row, and only the last that took it can write.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists
from django.db.models.functions import Now
from django.utils import timezone

from checks.cloneurl import UrlError
from checks.errors import InputError
from checks.standard import StandardError
from dashboard import queue
from dashboard.models import (
    FORECAST_ENDED,
    MAX_ATTEMPTS,
    Adoption,
    Forecast,
    ForecastState,
    Repository,
    Role,
    Simulation,
    SimulationState,
    Standard,
    User,
)
from dashboard.services import basis, forecasts, lease, proposals, stopping, versions
from dashboard.services.credentials import CredentialError
from dashboard.services.own_standards import RefusedError
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dashboard.models import Team
    from dashboard.models.repository import RepositoryQuerySet
    from dashboard.models.simulation import ForecastQuerySet
    from dashboard.services.basis import Basis
    from dashboard.services.lease import Lease
    from dashboard.services.proposals import Part, Proposal

logger = structlog.get_logger(__name__)

SIMULATE = "dashboard.simulate"
TURN_SECONDS = 20
"""After so long a worker lets others have their turn, and comes back."""
BELLS = 4
RINGS_PER_SWEEP = 50
KEEP = timedelta(days=90)
MOST_RUNNING = 3
"""Simulations of one person that are judged at the same time."""
BATCH = 500
ASKED = (
    "state",
    "attempt",
    "moved",
    "basis",
    "before_score",
    "before_letter",
    "before_open_must",
)
OUR_FAULT = "It met a fault of ours, which is in the worker's log; try again, or report it."
OVERDUE = "It did not end within the time limit of a scan; try again when workers have less to do."
POISON = f"It ended its worker {MAX_ATTEMPTS} times; look at the worker's log and memory."


@dataclass(frozen=True)
class Wish:
    """What a person wants to try.

    Attributes:
        parts: Proposed texts.
        drops: Slugs of standards to be adopted no longer.
        team: Only its repositories, None for all that the person sees.
        title: What it is called, "" to name it after what it changes.
    """

    parts: Sequence[Part] = ()
    drops: frozenset[str] = field(default_factory=frozenset)
    team: Team | None = None
    title: str = ""


@transaction.atomic
def begin(wish: Wish, actor: User) -> Simulation:
    """Try a proposal on the repositories that it would change, in the background.

    Raises:
        RefusedError: The person tries as much at once as anybody may.
    """
    _refuse_too_many(actor)
    proposal = proposals.Proposal(wish.parts, wish.drops)
    seen = Repository.objects.visible_to(actor)
    if wish.team is not None:
        seen = seen.filter(team=wish.team)
    touched = seen if proposal.adds else _adopting(seen, proposal)
    scanned = touched.filter(last_scan__isnull=False)
    chosen = list(scanned.order_by("pk"))
    found = basis.of(scanned, proposal.standards, timezone.localdate())
    row: Simulation = Simulation.objects.create(
        author=actor,
        title=clean(wish.title or _title(proposal), 200),
        parts=[{"replaces": part.replaces, "source": part.source} for part in wish.parts],
        drops=sorted(wish.drops),
        team=wish.team,
        untouched=seen.count() - touched.count(),
        unscanned=touched.filter(last_scan__isnull=True).count(),
    )
    Forecast.objects.bulk_create(
        [
            Forecast(
                simulation=row, repository=each, basis=found.get(each.pk, {}), **_standing(each)
            )
            for each in chosen
        ],
        batch_size=BATCH,
    )
    transaction.on_commit(lambda: ring(row.pk, min(BELLS, max(len(chosen), 1))), robust=True)
    return row


def _standing(repository: Repository) -> dict[str, Any]:
    return {
        "before_score": repository.score,
        "before_letter": repository.letter,
        "before_open_must": repository.open_must,
    }


def _refuse_too_many(actor: User) -> None:
    """Leave workers to others; called in the transaction that begins another."""
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    count = Simulation.objects.visible_to(actor).filter(state=SimulationState.RUNNING).count()
    if count >= MOST_RUNNING:
        sentence = f"{count} of your simulations are still running, and {MOST_RUNNING} is the most"
        raise RefusedError([f"{sentence} at once: wait until one has ended, or stop one."])


def _adopting(repositories: RepositoryQuerySet, proposal: Proposal) -> RepositoryQuerySet:
    adopted = Adoption.objects.filter(slug__in=proposal.touched)
    return repositories.filter(pk__in=adopted.values("repository"))


def _title(proposal: Proposal) -> str:
    named = [_named(part) for part in proposal.parts]
    return "; ".join([*named, *(f"without {slug}" for slug in sorted(proposal.drops))])


def _named(part: Part) -> str:
    """What a text does: its one change where it makes but one."""
    base = Standard.objects.newest().filter(slug=part.replaces).first()
    if base is None:
        return f"{part.standard.title} adopted"
    found = versions.against(base, part.standard)
    if len(found.changes) + len(found.settings) != 1:
        return f"{part.standard.title} changed"
    if found.settings:
        return f"{part.standard.title}: {found.settings[0].replace('`', '')}"
    (change,) = found.changes
    return f"{change.number}: {', '.join(change.details) if change.details else change.kind}"


def ring(pk: int, bells: int = 1) -> None:
    """Call workers to a simulation."""
    for _ in range(bells):
        queue.ring(SIMULATE, [pk])


def ring_unheard(after: timedelta = timedelta(minutes=1)) -> None:
    """Ring again for the simulations that nobody works on."""
    rows = list(Simulation.objects.unheard(after).values_list("pk", flat=True)[:RINGS_PER_SWEEP])
    Simulation.objects.filter(pk__in=rows).update(rung_at=Now())
    for pk in rows:
        lease.expire_dead(Forecast.objects.filter(simulation=pk))
        ring(pk)


def forget_old() -> None:
    """Delete the simulations that were made long ago."""
    Simulation.objects.filter(created_at__lt=Now() - KEEP).delete()


def cancel(row: Simulation) -> None:
    """Judge no further repository; what was judged stays."""
    running = Simulation.objects.filter(pk=row.pk, state=SimulationState.RUNNING)
    running.update(state=SimulationState.CANCELLED, finished_at=Now())


def resume(row: Simulation) -> None:
    """Go on with a cancelled simulation, and try again what has failed.

    Raises:
        RefusedError: Its author tries as much at once as anybody may.
    """
    with transaction.atomic():
        if not _locked(row).is_active:
            _refuse_too_many(row.author)
        failed = Forecast.objects.filter(simulation=row, state=ForecastState.FAILED)
        failed.update(state=ForecastState.WAITING, attempt=0, message="")
        Simulation.objects.filter(pk=row.pk).exclude(state=SimulationState.RUNNING).update(
            state=SimulationState.RUNNING, finished_at=None, message="", rung_at=Now()
        )
        transaction.on_commit(lambda: ring(row.pk, BELLS), robust=True)


def ask_again(row: Simulation) -> int:
    """Judge again the repositories of which something has changed since the question or the answer.

    Returns:
        How many there are.

    Raises:
        RefusedError: A text cannot be read any more, or its author tries too much at once.
    """
    proposal = proposals.read(row)
    rows = Forecast.objects.filter(simulation=row)
    own = Repository.objects.filter(pk__in=rows.values("repository"))
    # Read before the transaction: on SQLite all writers wait for it.
    now = basis.of(own, proposal.standards, timezone.localdate())
    done = rows.done().defer("details").select_related("repository")
    again = [
        each.forecast
        for each in basis.beside(done, now, proposals.in_force(proposal, own))
        if each.forecast.moved or each.moved
    ]
    for each in again:
        fields = {"state": ForecastState.WAITING, "attempt": 0, "moved": []}
        fields |= {"basis": now[each.repository_id], **_standing(each.repository)}
        for name, value in fields.items():
            setattr(each, name, value)
    with transaction.atomic():
        if not _locked(row).is_active:
            _refuse_too_many(row.author)
        count = rows.done().bulk_update(again, ASKED, batch_size=BATCH) if again else 0
        if count:
            Simulation.objects.filter(pk=row.pk).update(
                state=SimulationState.RUNNING, finished_at=None, message="", rung_at=Now()
            )
            transaction.on_commit(lambda: ring(row.pk, BELLS), robust=True)
    return count


def _locked(row: Simulation) -> Simulation:
    """The row as it is now, until the end of the transaction.

    The last worker and who has forecasts judged again wait for one another: a simulation that
    has ended with forecasts that wait would let them wait forever.
    """
    return Simulation.objects.select_for_update(no_key=True).get(pk=row.pk)


@dataclass(frozen=True)
class Adopted:
    """What adopting a proposal did.

    Attributes:
        count: How many repositories are judged by it now.
        moved: How many of them were not any more what was judged.
        names: What had changed there.
    """

    count: int
    moved: int
    names: frozenset[str]

    @property
    def words(self) -> str:
        """What had changed, in words."""
        return basis.in_words(self.names)


def adopt(row: Simulation, chosen: Collection[int], actor: User) -> Adopted:
    """Have those of the repositories that the person leads judged by a simulated proposal.

    Raises:
        own_standards.RefusedError: A text cannot be read any more.
        proposals.UnsavedError: A text is not stored yet.
    """
    proposal = proposals.read(row)
    led = Repository.objects.with_role(actor, Role.LEAD).filter(pk__in=chosen)
    rows = Forecast.objects.done().filter(simulation=row, repository__in=led).defer("details")
    moved = [each.moved for each in basis.compared(rows, proposal)]
    names = [each for each in moved if each]
    count = proposals.adopt(proposal, chosen, actor)
    return Adopted(count, len(names), frozenset().union(*names))


# --- in a worker


def work(pk: int) -> None:
    """Judge repositories of a simulation for a turn; the last one to leave ends it."""
    row = Simulation.objects.filter(pk=pk, state=SimulationState.RUNNING).first()
    if row is None:
        return
    try:
        proposal = proposals.read(row)
    except RefusedError as error:
        _end(row, clean(str(error), 1000))
        return
    until = time.monotonic() + TURN_SECONDS
    # Read at once for the whole turn: what changes meanwhile is seen to have changed since.
    waiting = Forecast.objects.filter(simulation=row).claimable().values("repository")
    known = _bases(proposal, pk__in=waiting)
    while claimed := _claim(row):
        if not _judge(claimed, proposal, known) or stopping.is_announced():
            return
        Simulation.objects.filter(pk=pk).update(rung_at=Now())
        if time.monotonic() > until:
            ring(pk)
            return
    Forecast.objects.filter(simulation=row).dead().update(
        state=ForecastState.FAILED, message=POISON, lease_until=None
    )
    if not unfinished(row).exists():
        _end_judged(row)


def _end(row: Simulation, message: str) -> None:
    Simulation.objects.filter(pk=row.pk, state=SimulationState.RUNNING).update(
        state=SimulationState.DONE, finished_at=Now(), message=message
    )


def _end_judged(row: Simulation) -> None:
    """End it unless somebody has had forecasts judged again meanwhile."""
    with transaction.atomic(), contextlib.suppress(Simulation.DoesNotExist):
        _locked(row)
        Simulation.objects.filter(
            ~Exists(unfinished(row)), pk=row.pk, state=SimulationState.RUNNING
        ).update(state=SimulationState.DONE, finished_at=Now(), message="")


def unfinished(row: Simulation) -> ForecastQuerySet:
    """Return the forecasts that are still to be judged."""
    return Forecast.objects.filter(simulation=row).exclude(state__in=FORECAST_ENDED)


def _claim(row: Simulation) -> Lease | None:
    """Take a repository that nobody works on."""
    rows = Forecast.objects.filter(simulation=row).claimable()
    while (pk := rows.order_by("attempt", "pk").values_list("pk", flat=True).first()) is not None:
        if held := lease.take(rows, pk, settings.SCAN_LEASE):
            return held
    return None


def _judge(held: Lease, proposal: Proposal, known: Mapping[int, Basis]) -> bool:
    """Judge one repository; False when this process was told to stop."""
    found = _basis(held.pk, proposal, known)
    claimed = Forecast.objects.select_related("repository__last_scan").get(pk=held.pk)
    # What gates compare with may be judged on the way, which takes as long as a scan.
    beat = lease.Heartbeat(held)
    try:
        with stopping.stoppable(), beat:
            fields = _answer(claimed.repository, proposal)
    except (stopping.StopRequested, KeyboardInterrupt) as stop:
        # A signal may have cut a query off in the middle: its connection answers nothing more.
        connection.close()
        if beat.overdue:
            _leave(held, counts=True, state=ForecastState.FAILED, message=OVERDUE)
        else:
            _leave(held, counts=False, state=ForecastState.WAITING)
        if isinstance(stop, KeyboardInterrupt):
            raise
        return beat.overdue
    if fields["state"] == ForecastState.DONE:
        fields |= found
    _leave(held, counts=True, **fields)
    return True


def _bases(proposal: Proposal, **which: Any) -> dict[int, dict[str, str]]:
    own = Repository.objects.filter(**which)
    return basis.of(own, proposal.standards, timezone.localdate())


def _basis(pk: int, proposal: Proposal, known: Mapping[int, Basis]) -> dict[str, Any]:
    """What a forecast rests on, and what of it has changed since it was asked for."""
    row = Forecast.objects.defer("details").get(pk=pk)
    key = row.repository_id
    now = known.get(key) or _bases(proposal, pk=key)[key]
    return {"basis": now, "moved": basis.moved(row.basis, now)}


def _leave(held: Lease, *, counts: bool, **fields: Any) -> None:
    try:
        held.give_back(counts=counts, **fields)
    except lease.LeaseLostError:
        logger.info("forecast taken over", forecast=held.pk)


def _answer(repository: Repository, proposal: Proposal) -> dict[str, Any]:
    """Return what is to be written about one repository; every failure has its sentence."""
    try:
        outlook = forecasts.forecast(repository, proposal, timezone.localdate())
        found = forecasts.differences(outlook, proposal)
    except (
        forecasts.UnansweredError,
        InputError,
        UrlError,
        CredentialError,
        StandardError,
    ) as error:
        return {"state": ForecastState.FAILED, "message": clean(str(error), 1000)}
    except DatabaseError:
        raise
    except Exception:
        logger.exception("forecast crashed", repository=repository.slug)
        return {"state": ForecastState.FAILED, "message": OUR_FAULT}
    after = asdict(outlook.after)
    numbers = ("score", "raw_score", "low", "letter", "open_must", "findings_count")
    return {
        "state": ForecastState.DONE,
        "commit": outlook.commit,
        "asked": outlook.asked,
        "before_score": outlook.before.score,
        "before_letter": outlook.before.letter,
        "before_open_must": outlook.before.open_must,
        **{name: after[name] for name in numbers},
        **found,
    }
