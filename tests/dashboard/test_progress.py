"""How far a scan is, in steps, counts and time left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.models import Phase, Scan, Trigger
from dashboard.services import lease, scanning
from dashboard.services.progress import about, read_progress
from tests.dashboard import rows

pytestmark = pytest.mark.django_db


def _held() -> lease.Lease:
    scan = scanning.request(rows.repository(), Trigger.PUSH)
    held = lease.claim(scan.pk)
    assert held
    return held


def _scan(held: lease.Lease) -> Scan:
    return Scan.objects.get(pk=held.pk)


def test_the_steps_before_are_done_and_one_is_in_hand() -> None:
    held = _held()
    held.renew((Phase.READING, 3, 9))

    progress = read_progress(_scan(held))

    assert progress
    assert [step.done for step in progress.steps] == [True, True, False, False, False]
    assert [step.label for step in progress.steps if step.current] == ["Reading files"]


def test_what_was_counted_so_far_tells_how_long_the_step_takes() -> None:
    held = _held()
    held.renew((Phase.READING, 0, 90))
    Scan.objects.update(phase_since=timezone.now() - timedelta(minutes=1))
    held.renew((Phase.READING, 15, 90))

    progress = read_progress(_scan(held))

    assert progress
    assert (progress.step_left, progress.left, progress.usual) == ("5 minutes", "", "")


@pytest.mark.parametrize("change", [(Phase.JUDGING, 15, 90), (Phase.READING, 15, 80)])
def test_another_step_or_another_total_is_counted_from_anew(change: tuple[str, int, int]) -> None:
    held = _held()
    held.renew((Phase.READING, 10, 90))
    Scan.objects.update(phase_since=timezone.now() - timedelta(minutes=1))

    held.renew(change)

    progress = read_progress(_scan(held))
    assert progress
    assert progress.step_left == ""


def test_the_last_scan_tells_how_long_the_whole_takes() -> None:
    held = _held()
    repository = _scan(held).repository
    now = timezone.now()
    Scan.objects.update(
        state="complete",
        started_at=now - timedelta(minutes=9),
        finished_at=now - timedelta(minutes=5),
    )
    scan = scanning.request(repository, Trigger.PUSH)
    held = lease.claim(scan.pk) or held
    Scan.objects.filter(pk=scan.pk).update(started_at=now - timedelta(minutes=1))

    progress = read_progress(_scan(held))

    assert progress
    assert (progress.left, progress.usual) == ("3 minutes", "4 minutes")


def test_a_scan_that_has_ended_has_no_progress() -> None:
    held = _held()
    Scan.objects.update(state="failed")

    assert read_progress(_scan(held)) is None
    assert read_progress(None) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, ""),
        (0, ""),
        (4, "a few seconds"),
        (44, "40 seconds"),
        (56, "a minute"),
        (89, "a minute"),
        (150, "2 minutes"),
    ],
)
def test_a_duration_is_told_as_a_guess(seconds: float, words: str) -> None:
    assert about(seconds) == words
