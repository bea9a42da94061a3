"""A worker's sign of life."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from dashboard import queue
from dashboard.models import PeriodicRun, Worker
from dashboard.services.pulse import Pulse, beat
from tests.dashboard.installation import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_beats_and_sweeps_until_it_signs_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SWEEP_EVERY = timedelta(milliseconds=20)
    monkeypatch.setattr(queue, "ring", lambda *_: True)
    pulse = Pulse("w@host")
    pulse.start()
    until(lambda: Worker.objects.alive(timedelta(minutes=1)).exists())
    until(lambda: PeriodicRun.objects.filter(name="sweep", last_run__isnull=False).exists())

    pulse.end()
    pulse.join(30)

    assert not pulse.is_alive()
    assert not Worker.objects.exists()


def test_a_worker_that_comes_back_lives_since_then() -> None:
    beat("w@host")
    Worker.objects.update(seen_at=Now() - timedelta(days=1), started_at=Now() - timedelta(days=1))

    beat("w@host", first=True)
    since = Worker.objects.get().started_at
    beat("w@host")

    assert Worker.objects.get().started_at == since
    assert Worker.objects.filter(started_at__gte=Now() - timedelta(minutes=1)).exists()
