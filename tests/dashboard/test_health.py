"""The addresses that tell machines how the installation is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dashboard import queue
from dashboard.models import PeriodicRun, Scan, Trigger, Worker
from dashboard.services import scanning
from tests.dashboard import rows
from tests.dashboard.installation import printed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def all_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "unreachable", lambda: "")
    monkeypatch.setattr(queue, "ring", lambda *_: True)
    Worker.objects.create(name="w")
    PeriodicRun.objects.create(name="sweep", last_run=Now())


def sick(client: Client) -> list[str]:
    """Return the parts that are not well; the status says whether there is any."""
    answer = client.get("/readyz")
    parts = [name for name, part in answer.json().items() if not part["ok"]]
    assert answer.status_code == (503 if parts else 200)
    return parts


def test_an_installation_that_works_is_ready(client: Client) -> None:
    scanning.request(rows.repository(), Trigger.PUSH)

    assert sick(client) == []


def test_a_silent_worker_and_a_late_sweep_are_named(client: Client) -> None:
    Worker.objects.update(seen_at=Now() - timedelta(hours=1))
    PeriodicRun.objects.update(last_run=Now() - timedelta(hours=1))

    assert sick(client) == ["workers", "sweep"]


def test_a_broker_that_is_away_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "unreachable", lambda: "OperationalError")

    assert sick(client) == ["broker"]


def test_a_queue_that_stands_still_is_named_but_not_what_waits_for_a_reason(
    client: Client,
) -> None:
    scan = scanning.request(rows.repository(), Trigger.PUSH)
    Scan.objects.filter(pk=scan.pk).update(created_at=Now() - timedelta(minutes=10))
    assert sick(client) == ["queue"]

    Scan.objects.filter(pk=scan.pk).update(not_before=Now() + timedelta(minutes=1))
    assert sick(client) == []


def test_the_process_is_alive_whatever_its_parts_do(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok\n"


def test_a_broker_at_a_dead_address_is_said_to_be_away_and_breaks_nothing(tmp_path: Path) -> None:
    script = (
        "import django; django.setup(); from dashboard import queue;"
        "print(bool(queue.unreachable()), queue.ring(queue.SWEEP))"
    )

    said = printed(script, tmp_path, REDIS_URL="redis://127.0.0.1:1/0")

    assert said.split() == ["True", "False"]
