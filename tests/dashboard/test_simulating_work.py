"""Forecasts as rows that workers take: kept while they last, given back, told when they fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from dashboard import queue
from dashboard.models import (
    Forecast,
    ForecastState,
    Repository,
    Simulation,
    SimulationState,
    User,
)
from dashboard.services import forecasts, mirrors, proposals, simulating, sweeping
from tests.dashboard.proposed import OWN, SHOP, text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]


def test_a_cancelled_simulation_judges_nothing_further_and_can_go_on(
    make: Callable[..., Repository], lead: User
) -> None:
    make("shop", SHOP)
    row = simulating.begin(simulating.Wish(drops=frozenset({"house-rules"})), lead)

    simulating.cancel(row)
    simulating.work(row.pk)
    assert row.forecasts.get().state == ForecastState.WAITING

    simulating.resume(row)
    simulating.work(row.pk)
    row.refresh_from_db()
    assert row.state == SimulationState.DONE
    assert row.forecasts.get().state == ForecastState.DONE


def test_a_row_of_a_worker_that_died_is_taken_over_and_three_times_is_enough(
    make: Callable[..., Repository], lead: User
) -> None:
    make("shop", SHOP)
    row = simulating.begin(simulating.Wish(drops=frozenset({"house-rules"})), lead)
    past = timezone.now() - timedelta(minutes=1)
    Forecast.objects.update(state=ForecastState.RUNNING, attempt=1, lease_until=past, owner="gone")
    simulating.work(row.pk)
    assert row.forecasts.get().state == ForecastState.DONE

    Forecast.objects.update(state=ForecastState.RUNNING, attempt=3, lease_until=past)
    Simulation.objects.update(state=SimulationState.RUNNING)
    simulating.work(row.pk)

    assert row.forecasts.get().message == simulating.POISON
    row.refresh_from_db()
    assert row.state == SimulationState.DONE


def held_until(monkeypatch: pytest.MonkeyPatch, is_over: Callable[[], object]) -> None:
    """Let each forecast go on only when that is true, and five seconds later at the latest."""
    real = forecasts.forecast

    def slow(*args: Any) -> forecasts.Outlook:
        Forecast.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
        for _ in range(500):
            if is_over():
                break
            time.sleep(0.01)
        return real(*args)

    monkeypatch.setattr(forecasts, "forecast", slow)


def test_a_long_forecast_keeps_its_row(
    make: Callable[..., Repository],
    lead: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SCAN_HEARTBEAT = timedelta(milliseconds=20)
    make("shop", SHOP)
    row = simulating.begin(simulating.Wish(drops=frozenset({"house-rules"})), lead)
    held_until(monkeypatch, lambda: not Forecast.objects.claimable().exists())

    simulating.work(row.pk)

    forecast = row.forecasts.get()
    assert (forecast.state, forecast.attempt) == (ForecastState.DONE, 1)


def test_a_forecast_that_has_had_its_time_fails_and_the_next_one_is_judged(
    make: Callable[..., Repository],
    lead: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SCAN_HEARTBEAT = timedelta(milliseconds=20)
    make("shop", SHOP)
    make("other", SHOP)
    settings.SCAN_TIME_LIMIT = timedelta(0)
    row = simulating.begin(simulating.Wish(drops=frozenset({"house-rules"})), lead)
    held_until(monkeypatch, lambda: False)

    simulating.work(row.pk)

    found = [(each.state, each.message) for each in row.forecasts.all()]
    assert found == [(ForecastState.FAILED, simulating.OVERDUE)] * 2
    row.refresh_from_db()
    assert row.state == SimulationState.DONE


def test_a_lost_bell_is_rung_again(
    make: Callable[..., Repository], lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("shop", SHOP)
    row = simulating.begin(simulating.Wish(drops=frozenset({"house-rules"})), lead)
    Simulation.objects.update(rung_at=timezone.now() - timedelta(minutes=5))
    rung: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(queue, "ring", lambda task, args=(): rung.append((task, list(args))))

    sweeping.sweep()

    assert (simulating.SIMULATE, [row.pk]) in rung


def test_a_repository_without_a_readable_copy_fails_with_a_sentence(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    mirrors.remove(repository.pk)
    Repository.objects.filter(pk=repository.pk).update(clone_url="/nowhere/at/all.git")
    stricter = text(OWN, (b"max_lines = 60", b"max_lines = 10"))

    row = simulating.begin(simulating.Wish([proposals.part_of(stricter, "house-rules")]), lead)
    simulating.work(row.pk)

    forecast = row.forecasts.get()
    assert forecast.state == ForecastState.FAILED
    assert forecast.message
    assert simulating.OUR_FAULT not in forecast.message
