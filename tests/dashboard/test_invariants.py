"""The command that counts what must never happen finds it when it does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from pytest_django import Settings

from dashboard import queue
from dashboard.models import Branch, Repository, Scan, ScanState, Trigger
from dashboard.services import invariants, scanning
from tests.dashboard import rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.HOME = tmp_path
    monkeypatch.setattr(queue, "ring", lambda *_: True)
    return tmp_path


def broken(*secrets: str) -> list[str]:
    return [each.name for each in invariants.check(secrets) if each.count]


def test_a_sound_installation_breaks_none() -> None:
    scanning.request(rows.repository(None, rows.standard()), Trigger.PUSH)

    assert broken() == []
    call_command("verify_invariants")


def test_news_that_nobody_looks_at_is_found() -> None:
    Branch.objects.create(repository=rows.repository(), name="main", wanted=2, done=1)

    assert broken() == ["I2"]
    with pytest.raises(CommandError, match="I2"):
        call_command("verify_invariants")


def test_a_scan_that_runs_without_a_living_lease_is_found() -> None:
    scan = scanning.request(rows.repository(), Trigger.PUSH)
    Scan.objects.filter(pk=scan.pk).update(
        state=ScanState.RUNNING, lease_until=Now() - timedelta(hours=1)
    )

    assert broken() == ["I3"]


def test_an_older_result_in_front_of_a_newer_one_is_found() -> None:
    repository = rows.repository()
    for _ in range(2):
        scan = scanning.request(repository, Trigger.PUSH)
        Scan.objects.filter(pk=scan.pk).update(state=ScanState.COMPLETE, finished_at=Now())
    Branch.objects.update(done=2)
    Repository.objects.update(last_scan=repository.scans.order_by("number").first())

    assert broken() == ["I5"]


def test_a_team_beyond_its_cap_is_found(settings: Settings) -> None:
    settings.TEAM_SCAN_CAP = 1
    team = rows.team()
    for _ in range(2):
        scan = scanning.request(rows.repository(team), Trigger.PUSH)
        Scan.objects.filter(pk=scan.pk).update(
            state=ScanState.RUNNING, lease_until=Now() + timedelta(hours=1)
        )

    assert broken() == ["I7"]


def test_what_a_dead_fetch_left_and_mirrors_of_nobody_are_found(home: Path) -> None:
    repository = rows.repository()
    pack = home / "mirrors" / f"{repository.pk}.git" / "objects" / "pack"
    pack.mkdir(parents=True)
    assert broken() == []
    (pack / "tmp_pack_abc").touch()
    assert broken() == ["I8"]
    (pack / "tmp_pack_abc").unlink()
    (home / "mirrors" / "999999999.git").mkdir()
    assert broken() == ["I8"]


def test_a_secret_in_a_plain_column_is_found() -> None:
    repository = rows.repository()
    assert broken("hunter2") == []

    Repository.objects.filter(pk=repository.pk).update(state_message="said: hunter2")

    assert broken("hunter2") == ["I9"]
