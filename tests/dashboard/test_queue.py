"""The right to work on a scan: one holder, taken over when it dies, never twice written."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from pytest_django import Settings
from structlog.testing import capture_logs

from dashboard import queue, tasks
from dashboard.models import MAX_ATTEMPTS, Branch, PeriodicRun, Scan, ScanState, Trigger
from dashboard.services import lease, owner, scanning, sweeping
from dashboard.services.lease import Heartbeat, LeaseLostError
from tests.dashboard import rows
from tests.services import on_postgresql

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
# SQLite in memory locks whole tables; workers on SQLite are tested as processes.
threads = pytest.mark.skipif(not on_postgresql(), reason="needs a database for several threads")


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note for which scans the bell rings instead of asking a broker."""
    scans: list[int] = []

    def ring(_task: str, args: list[int] | tuple[()] = ()) -> bool:
        scans.extend(args)
        return True

    monkeypatch.setattr(queue, "ring", ring)
    return scans


def a_scan() -> Scan:
    return scanning.request(rows.repository(), Trigger.PUSH)


def expire(scan: Scan) -> None:
    Scan.objects.filter(pk=scan.pk).update(lease_until=Now() - SECOND)


def sweep() -> None:
    PeriodicRun.objects.update(last_run=None)
    sweeping.sweep()


def test_a_queued_scan_is_claimed_once() -> None:
    scan = a_scan()

    held = lease.claim(scan.pk)

    assert held
    assert held.rows().get().attempt == 1
    assert lease.claim(scan.pk) is None
    assert lease.claim(10_000_000) is None


def test_a_scan_whose_lease_ran_out_is_taken_over_and_the_old_holder_writes_nothing() -> None:
    scan = a_scan()
    old = lease.claim(scan.pk)
    assert old
    expire(scan)

    new = lease.claim(scan.pk)

    assert new
    assert new.fence == old.fence + 1
    with pytest.raises(LeaseLostError):
        old.write(error_message="from the dead")
    new.write(error_message="from the living")
    assert Scan.objects.get(pk=scan.pk).error_message == "from the living"


def test_two_scans_of_one_repository_never_run_at_once() -> None:
    scan = a_scan()
    assert lease.claim(scan.pk)
    waiting = scanning.request(scan.repository, Trigger.PUSH)

    assert lease.claim(waiting.pk) is None
    assert Scan.objects.get(pk=waiting.pk).state == ScanState.QUEUED


def test_a_team_runs_no_more_scans_than_it_may(settings: Settings) -> None:
    settings.TEAM_SCAN_CAP = 1
    team = rows.team()
    first, second = (scanning.request(rows.repository(team), Trigger.PUSH) for _ in range(2))
    other = a_scan()

    assert lease.claim(first.pk)
    assert lease.claim(second.pk) is None
    assert lease.claim(other.pk)


def test_the_third_death_fails_the_scan_visibly() -> None:
    scan = a_scan()
    for _ in range(MAX_ATTEMPTS):
        assert lease.claim(scan.pk)
        expire(scan)
    assert lease.claim(scan.pk) is None

    sweep()

    scan.refresh_from_db()
    assert (scan.state, scan.error_code) == (ScanState.FAILED, "poison")
    assert "3 times" in scan.error_message


def test_a_scan_that_is_given_back_waits_again_and_lost_no_attempt() -> None:
    scan = a_scan()
    held = lease.claim(scan.pk)
    assert held

    lease.release(held)

    scan.refresh_from_db()
    assert (scan.state, scan.attempt, scan.owner) == (ScanState.QUEUED, 0, "")
    assert lease.claim(scan.pk)


def test_a_scan_that_is_given_back_yields_to_the_one_that_was_queued_meanwhile() -> None:
    scan = a_scan()
    held = lease.claim(scan.pk)
    assert held
    newer = scanning.request(scan.repository, Trigger.PUSH)

    lease.release(held)

    scan.refresh_from_db()
    assert scan.state == ScanState.SUPERSEDED
    assert lease.claim(newer.pk)


def test_a_scan_that_waits_for_the_disk_is_not_claimed_before_its_time(rung: list[int]) -> None:
    scan = a_scan()
    held = lease.claim(scan.pk)
    assert held
    lease.release(held, code="disk", reason="The disk is nearly full.", wait=timedelta(hours=1))

    assert lease.claim(scan.pk) is None
    sweep()
    assert scan.pk not in rung
    Scan.objects.filter(pk=scan.pk).update(not_before=Now() - SECOND)
    sweep()
    assert scan.pk in rung
    assert lease.claim(scan.pk)


def test_the_lease_of_a_process_that_ended_on_this_machine_ends_with_it() -> None:
    scan = a_scan()
    held = lease.claim(scan.pk)
    assert held
    done = subprocess.run(
        [sys.executable, "-c", "from dashboard.services import owner; print(owner.name())"],
        capture_output=True,
        text=True,
        check=True,
    )
    Scan.objects.filter(pk=scan.pk).update(owner=done.stdout.strip())

    assert owner.is_dead(done.stdout.strip())
    assert lease.claim(scan.pk)


def test_a_living_owner_and_one_on_another_machine_are_left_alone() -> None:
    assert not owner.is_dead(owner.name())
    assert not owner.is_dead(f"elsewhere/pid:[1]/{os.getpid()}/1")
    assert not owner.is_dead("")


def test_the_sweep_rings_for_what_was_never_rung(rung: list[int]) -> None:
    scan = a_scan()

    sweep()
    sweep()

    assert rung == [scan.pk]


def test_the_sweep_rings_for_a_scan_whose_worker_went_quiet(rung: list[int]) -> None:
    scan = a_scan()
    assert lease.claim(scan.pk)
    sweep()
    assert not rung

    expire(scan)
    sweep()

    assert rung == [scan.pk]


def test_the_sweep_queues_a_scan_for_news_that_none_has_looked_at() -> None:
    repository = rows.repository()
    Branch.objects.create(repository=repository, name="main", wanted=3, done=1)

    sweep()

    assert Scan.objects.get().state == ScanState.QUEUED


def test_two_sweeps_at_one_time_do_the_work_of_one(rung: list[int]) -> None:
    a_scan()
    PeriodicRun.objects.create(name="sweep", last_run=Now())

    sweeping.sweep()

    assert not rung


@threads
def test_a_lost_lease_stops_the_work_at_its_next_step(settings: Settings) -> None:
    held = lease.Lease(Scan, 10_000_000, "nobody", 1)
    settings.SCAN_HEARTBEAT = timedelta(milliseconds=10)

    def work(beat: Heartbeat) -> None:
        for _ in range(1000):
            beat.progress("reading", 1, 2)
            time.sleep(0.01)

    with Heartbeat(held) as beat, pytest.raises(LeaseLostError):
        work(beat)


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_renews_the_lease_and_shows_progress(settings: Settings) -> None:
    settings.SCAN_HEARTBEAT = timedelta(milliseconds=20)
    scan = a_scan()
    held = lease.claim(scan.pk)
    assert held
    expire(scan)

    with Heartbeat(held) as beat:
        beat.progress("reading", 5, 9)
        for _ in range(500):
            scan.refresh_from_db()
            if scan.phase_done == 5:
                break
            time.sleep(0.02)

    assert (scan.phase, scan.phase_done, scan.phase_total) == ("reading", 5, 9)
    assert not Scan.objects.claimable().filter(pk=scan.pk).exists()


@threads
@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_claim_at_once_one_gets_the_scan() -> None:
    scan = a_scan()

    def claim(_number: int) -> bool:
        held = lease.claim(scan.pk)
        connection.close()
        return held is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(claim, range(12))) == 1


def test_a_sweep_that_meets_a_busy_database_is_left_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(*_: object) -> bool:
        raise OperationalError("database is locked")

    monkeypatch.setattr(type(PeriodicRun.objects), "claim", busy)
    with capture_logs() as logs:
        tasks.sweep()

    assert [(each["event"], each["error"]) for each in logs] == [
        ("sweep missed", "database is locked")
    ]
