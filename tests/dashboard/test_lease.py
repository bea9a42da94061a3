"""One lease for all rows that are worked on: of all who held one, only the last can write."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models.functions import Now

from dashboard.models import (
    Backfill,
    Forecast,
    Leased,
    Repository,
    Scan,
    Simulation,
    Trigger,
)
from dashboard.models.lease import LeasedQuerySet
from dashboard.services import lease, scanning
from tests.dashboard import rows

pytestmark = pytest.mark.django_db

HOLD = timedelta(seconds=60)
Made = tuple[LeasedQuerySet[Any], int]


def a_scan() -> Made:
    return Scan.objects.claimable(), scanning.request(rows.repository(), Trigger.PUSH).pk


def a_past() -> Made:
    repository = rows.repository()
    scan = scanning.request(repository, Trigger.PUSH)
    Repository.objects.filter(pk=repository.pk).update(last_scan=scan)
    return Backfill.objects.claimable(), Backfill.objects.create(repository=repository, weeks=9).pk


def a_forecast() -> Made:
    simulation = Simulation.objects.create(author=rows.user(), title="what if")
    forecast = Forecast.objects.create(simulation=simulation, repository=rows.repository())
    return Forecast.objects.claimable(), forecast.pk


every_kind = pytest.mark.parametrize("make", [a_scan, a_past, a_forecast])


def expire(free: LeasedQuerySet[Any], pk: int) -> None:
    free.model._default_manager.filter(pk=pk).update(lease_until=Now() - timedelta(seconds=1))


def test_every_row_with_a_lease_is_of_one_making() -> None:
    for model in apps.get_app_config("dashboard").get_models():
        names = {field.name for field in model._meta.get_fields()}
        assert ("lease_until" in names) == issubclass(model, Leased), model


@every_kind
def test_a_row_is_taken_once(make: Callable[[], Made]) -> None:
    free, pk = make()

    held = lease.take(free, pk, HOLD)

    assert held
    assert held.rows().get().attempt == 1
    assert lease.take(free, pk, HOLD) is None


@every_kind
def test_what_was_taken_over_is_written_by_the_last_alone(make: Callable[[], Made]) -> None:
    free, pk = make()
    old = lease.take(free, pk, HOLD)
    expire(free, pk)
    new = lease.take(free, pk, HOLD)
    assert old
    assert new

    with pytest.raises(lease.LeaseLostError):
        old.write(attempt=0)
    with pytest.raises(lease.LeaseLostError):
        old.renew(("judging", 1, 2))
    new.renew(("judging", 1, 2))
    assert new.rows().get().attempt == 2


@every_kind
def test_what_is_given_back_can_be_taken_again_and_did_not_count(
    make: Callable[[], Made],
) -> None:
    free, pk = make()
    state = free.get(pk=pk).state
    held = lease.take(free, pk, HOLD)
    assert held

    held.give_back(state)

    assert (free.get(pk=pk).attempt, free.get(pk=pk).owner) == (0, "")
    with pytest.raises(lease.LeaseLostError):
        held.write(attempt=9)


@every_kind
def test_the_lease_of_a_process_that_ended_here_ends_with_it(make: Callable[[], Made]) -> None:
    free, pk = make()
    assert lease.take(free, pk, HOLD)
    print_name = "from dashboard.services import owner; print(owner.name())"
    done = subprocess.run(
        [sys.executable, "-c", print_name], capture_output=True, text=True, check=True
    )
    everything = free.model._default_manager.all()
    everything.update(owner=done.stdout.strip())

    lease.expire_dead(everything)

    assert lease.take(free, pk, HOLD)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("make", [a_past, a_forecast])
def test_of_two_that_take_at_once_the_second_sees_what_the_first_did(
    make: Callable[[], Made],
) -> None:
    """The conditions of these name another table, which an UPDATE that waits does not ask again."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one write at a time")
    free, pk = make()
    second: list[lease.Lease | None] = []

    def take() -> None:
        second.append(lease.take(free.all(), pk, HOLD))
        connection.close()

    thread = threading.Thread(target=take)
    with transaction.atomic():
        assert lease.take(free, pk, HOLD)
        thread.start()
        _until_it_waits()
    thread.join()

    assert second == [None]


def _until_it_waits() -> None:
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("the second never waited for the first")


def test_a_row_that_shows_nothing_is_renewed_all_the_same() -> None:
    free, pk = a_past()
    held = lease.take(free, pk, HOLD)
    assert held
    expire(free, pk)

    held.renew(("judging", 1, 2))

    assert not free.filter(pk=pk).exists()
