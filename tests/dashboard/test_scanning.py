"""Requests for scans: none is lost, and a thousand make at most two."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from dashboard import queue
from dashboard.models import Branch, Repository, Scan, ScanState, Trigger
from dashboard.services import lease, scanning
from tests.dashboard import rows
from tests.services import on_postgresql

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bell(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """Note what is rung instead of asking a broker."""
    rung: list[tuple[str, list[int]]] = []

    def ring(task: str, args: list[int]) -> bool:
        rung.append((task, list(args)))
        return True

    monkeypatch.setattr(queue, "ring", ring)
    return rung


def test_requests_while_one_waits_move_it_forward() -> None:
    repository = rows.repository()

    first = scanning.request(repository, Trigger.PUSH, commit="a" * 40)
    second = scanning.request(repository, Trigger.PUSH, commit="b" * 40)

    assert first.pk == second.pk
    assert second.commit == "b" * 40
    assert Branch.objects.get().wanted == 2


def test_a_request_while_one_runs_queues_one_more() -> None:
    repository = rows.repository()
    running = scanning.request(repository, Trigger.PUSH)
    assert lease.claim(running.pk)

    waiting = scanning.request(repository, Trigger.PUSH)
    assert scanning.request(repository, Trigger.PUSH).pk == waiting.pk

    assert waiting.pk != running.pk
    assert (running.number, waiting.number) == (1, 2)


def test_the_bell_rings_after_the_commit_and_once_per_scan(
    bell: list[tuple[str, list[int]]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    repository = rows.repository()

    with django_capture_on_commit_callbacks(execute=True):
        scan = scanning.request(repository, Trigger.PUSH)
        scanning.request(repository, Trigger.PUSH)
        assert not bell

    assert bell == [(queue.RUN_SCAN, [scan.pk])]
    assert Scan.objects.get().rung_at is not None


def test_a_broker_that_is_away_loses_no_request(
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr(queue, "ring", lambda *_: False)

    with django_capture_on_commit_callbacks(execute=True):
        scanning.request(rows.repository(), Trigger.PUSH)

    scan = Scan.objects.get()
    assert scan.state == ScanState.QUEUED
    assert scan.rung_at is None


def test_news_that_came_while_the_scan_looked_elsewhere_leads_to_one_more() -> None:
    repository = rows.repository()
    scan = scanning.request(repository, Trigger.PUSH)
    held = lease.claim(scan.pk)
    assert held
    held.write(wanted=1)
    Branch.objects.update(wanted=2)

    scanning.fail(Scan.objects.get(pk=scan.pk), "unreachable", "The server could not be reached.")

    assert Scan.objects.get(pk=scan.pk).state == ScanState.FAILED
    assert Scan.objects.get(state=ScanState.QUEUED).number == 2
    assert Branch.objects.get().done == 1


def test_an_ended_scan_that_saw_everything_leads_to_nothing_more() -> None:
    repository = rows.repository()
    scan = scanning.request(repository, Trigger.PUSH)
    held = lease.claim(scan.pk)
    assert held
    held.write(wanted=1)

    scanning.fail(Scan.objects.get(pk=scan.pk), "empty", "The repository is empty.")

    assert not Scan.objects.active().exists()


@pytest.mark.skipif(not on_postgresql(), reason="needs a database for several threads")
@pytest.mark.django_db(transaction=True)
def test_a_burst_of_requests_from_many_threads_makes_one_queued_scan() -> None:
    repository = rows.repository()

    def push(_number: int) -> None:
        scanning.request(Repository.objects.get(pk=repository.pk), Trigger.PUSH)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, range(40)))

    assert Scan.objects.count() == 1
    assert Branch.objects.get().wanted == 40
