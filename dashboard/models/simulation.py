"""What would change under other standards: a proposal, and how it would do each repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, override

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from dashboard.models.lease import MAX_ATTEMPTS, QUIET, Leased, LeasedQuerySet
from dashboard.models.people import Team, User
from dashboard.models.repository import Repository

if TYPE_CHECKING:
    from datetime import timedelta

    from dashboard.models.people import Reader


class SimulationState(models.TextChoices):
    """The life of a simulation."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class SimulationQuerySet(models.QuerySet["Simulation"]):
    """Simulations: asked for by the person who made them, or by the queue."""

    def visible_to(self, reader: Reader) -> Self:
        """Return those that the person has made: a draft is nobody else's business."""
        return self.filter(author=reader) if isinstance(reader, User) else self.none()

    def unheard(self, for_at_least: timedelta) -> Self:
        """Return the unfinished ones that nothing was heard of for so long."""
        return self.filter(state=SimulationState.RUNNING, rung_at__lte=Now() - for_at_least)


class Simulation(models.Model):
    """A proposal and the repositories it is tried on.

    ``parts`` are the proposed texts, each ``{"replaces": slug, "source": text}``; ``replaces`` is
    the adopted standard whose place the text takes, "" for one that is adopted beside the others.
    ``drops`` are slugs that are adopted no longer. ``team`` narrows the repositories.
    """

    author = models.ForeignKey(User, models.DB_CASCADE, related_name="simulations")
    title = models.CharField(max_length=200)
    parts = models.JSONField(default=list)
    drops = models.JSONField(default=list)
    team = models.ForeignKey(Team, models.DB_CASCADE, null=True, related_name="+")
    untouched = models.PositiveIntegerField(default=0)
    unscanned = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=9, choices=SimulationState, default=SimulationState.RUNNING)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(db_default=Now())

    objects = SimulationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["rung_at"], condition=Q(state="running"), name="simulation_running"
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the address of the results."""
        return reverse("simulation", args=[self.pk])

    @property
    def is_active(self) -> bool:
        """True while repositories are still judged."""
        return self.state == SimulationState.RUNNING


class ForecastState(models.TextChoices):
    """How one repository of a simulation stands."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Being judged"
    DONE = "done", "Judged"
    FAILED = "failed", "Failed"


FORECAST_ENDED = (ForecastState.DONE, ForecastState.FAILED)


class ForecastQuerySet(LeasedQuerySet["Forecast"]):
    """Repositories of simulations."""

    def visible_to(self, reader: Reader) -> Self:
        """Return those of the person's simulations whose repositories the person may see now."""
        return self.filter(
            simulation__in=Simulation.objects.visible_to(reader),
            repository__in=Repository.objects.visible_to(reader),
        )

    def claimable(self) -> Self:
        """Return the rows a worker may take: waiting, or held by one that has gone quiet."""
        free = Q(state=ForecastState.WAITING) | QUIET
        return self.filter(
            free, attempt__lt=MAX_ATTEMPTS, simulation__state=SimulationState.RUNNING
        )

    def done(self) -> Self:
        """Return the rows with an answer."""
        return self.filter(state=ForecastState.DONE)


class Forecast(Leased):
    """One repository under a proposal: how it stands, and how it would.

    ``asked`` counts the questions that no scan had asked before. ``gate_turns`` are the gates that
    would newly fail or no longer do, with their sentences (:mod:`dashboard.services.gate_turns`).
    ``basis`` are digests of the settings that it rests on (:mod:`dashboard.services.basis`), and
    ``moved`` the names of those that had changed between the question and the answer.
    ``details`` is zlib-compressed JSON: clauses whose verdict changes, what the gates would say,
    and the findings that appear and vanish.
    """

    simulation = models.ForeignKey(Simulation, models.DB_CASCADE, related_name="forecasts")
    repository = models.ForeignKey(Repository, models.DB_CASCADE, related_name="+")
    state = models.CharField(max_length=7, choices=ForecastState, default=ForecastState.WAITING)
    message = models.TextField(blank=True)

    commit = models.CharField(max_length=64, blank=True)
    basis = models.JSONField(default=dict)
    moved = models.JSONField(default=list)
    asked = models.PositiveIntegerField(default=0)
    before_score = models.FloatField(null=True)
    before_letter = models.CharField(max_length=1, blank=True)
    before_open_must = models.PositiveIntegerField(default=0)
    score = models.FloatField(null=True)
    raw_score = models.FloatField(null=True)
    low = models.FloatField(null=True)
    letter = models.CharField(max_length=1, blank=True)
    open_must = models.PositiveIntegerField(default=0)
    findings_count = models.PositiveIntegerField(default=0)
    change = models.GeneratedField(
        expression=F("score") - F("before_score"),
        output_field=models.FloatField(null=True),
        db_persist=True,
    )
    new_musts = models.PositiveIntegerField(default=0)
    appearing = models.PositiveIntegerField(default=0)
    vanishing = models.PositiveIntegerField(default=0)
    gates_failing = models.PositiveSmallIntegerField(default=0)
    gates_passing = models.PositiveSmallIntegerField(default=0)
    gate_turns = models.JSONField(default=list)
    details = models.BinaryField(default=b"")

    objects = ForecastQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["simulation", "repository"], name="forecast_repository_once"
            ),
        ]
        indexes = [
            models.Index(fields=["simulation", "state"], name="forecast_state"),
        ]

    @property
    def is_done(self) -> bool:
        """True with an answer."""
        return self.state == ForecastState.DONE
