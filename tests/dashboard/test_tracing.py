"""Findings stand since the commit that brought them, as far back as the past is judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.source import Source
from dashboard.models import (
    Backfill,
    Component,
    Finding,
    FindingEvent,
    FindingEventKind,
    PastTrail,
    Repository,
    Trigger,
)
from dashboard.services import backfill, judging, repositories, scanning
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

DAY = 86_400
WEEK = 7 * DAY
START = int(datetime(2024, 1, 3, tzinfo=UTC).timestamp())
PRINTS = "def main():\n    print('hello')\n"
MOVED = "import os\n\n\ndef main():\n    print('hello')\n"
QUIET = "def main():\n    return 1\n"

type Begin = Callable[[], Repository]


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.create(tmp_path / "served" / "shop.git")


@pytest.fixture
def judged(origin: Origin) -> Begin:
    """Registers it, and judges its head and its past."""

    def do() -> Repository:
        repository = repositories.register(
            team=rows.team(), clone_url=str(origin.git_dir), adopted=[rows.standard()]
        )
        scan_of(repository)
        past = Backfill.objects.get(repository=repository)
        assert backfill.run(past.pk)
        return repository

    return do


def brought(finding: Finding) -> tuple[str, int, bool]:
    """Commit, date and whether it is a bound, of what opened the finding."""
    event = FindingEvent.objects.get(finding=finding, kind=FindingEventKind.OPENED)
    assert finding.since == event.committed_at
    assert event.committed_at
    return event.commit, int(event.committed_at.timestamp()), event.at_least


def test_a_finding_stands_since_the_commit_that_brought_it(origin: Origin, judged: Begin) -> None:
    origin.commit({"app/main.py": QUIET}, when=START)
    origin.commit({"app/main.py": QUIET, "other.py": QUIET}, when=START + WEEK)
    bringing = origin.commit({"app/main.py": PRINTS}, when=START + WEEK + DAY)
    origin.commit({"app/main.py": PRINTS, "more.py": QUIET}, when=START + WEEK + 2 * DAY)
    # The file changes again and again; the finding moves down and stays what it is.
    origin.commit({"app/main.py": MOVED}, when=START + 2 * WEEK)
    origin.commit({"app/main.py": f"# Main.\n{MOVED}"}, when=START + 3 * WEEK)

    judged()

    assert brought(Finding.objects.get()) == (bringing, START + WEEK + DAY, False)


def test_a_finding_is_followed_through_a_renamed_file(origin: Origin, judged: Begin) -> None:
    origin.commit({"keep.py": QUIET}, when=START)
    bringing = origin.commit({"keep.py": QUIET, "old/main.py": PRINTS}, when=START + WEEK)
    origin.commit({"keep.py": QUIET, "new/main.py": MOVED}, when=START + 2 * WEEK)
    origin.commit({"keep.py": QUIET, "new/main.py": f"{MOVED}\n"}, when=START + 3 * WEEK)

    judged()

    assert brought(Finding.objects.get()) == (bringing, START + WEEK, False)


def test_what_stood_before_the_judged_past_stands_at_least_since(
    origin: Origin, judged: Begin
) -> None:
    first = origin.commit({"app/main.py": PRINTS}, when=START)
    origin.commit({"app/main.py": MOVED}, when=START + WEEK)

    judged()

    assert brought(Finding.objects.get()) == (first, START, True)


def test_what_may_have_stood_unseen_stands_at_least_since(origin: Origin, judged: Begin) -> None:
    origin.commit({"app/main.py": PRINTS}, when=START)
    origin.commit({"app/main.py": "def main(:\n"}, when=START + WEEK)
    back = origin.commit({"app/main.py": PRINTS}, when=START + 2 * WEEK)
    origin.commit({"app/main.py": MOVED}, when=START + 3 * WEEK)

    judged()

    assert brought(Finding.objects.get()) == (back, START + 2 * WEEK, True)


def test_what_was_mended_and_came_again_stands_since_it_came_again(
    origin: Origin, judged: Begin
) -> None:
    origin.commit({"app/main.py": PRINTS}, when=START)
    origin.commit({"app/main.py": QUIET}, when=START + WEEK)
    again = origin.commit({"app/main.py": PRINTS}, when=START + 2 * WEEK)
    origin.commit({"app/main.py": MOVED}, when=START + 3 * WEEK)

    judged()

    assert brought(Finding.objects.get()) == (again, START + 2 * WEEK, False)


def test_it_is_followed_across_turns_and_workers(
    origin: Origin, judged: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({"app/main.py": QUIET}, when=START)
    bringing = origin.commit({"app/main.py": PRINTS}, when=START + WEEK)
    for week in range(2, 5):
        origin.commit({"app/main.py": f"{'# More.' * week}\n{MOVED}"}, when=START + week * WEEK)
    real = judging.review_past

    def pushed(component: Component, source: Source, ruling: judging.Ruling) -> judging.Looked:
        scanning.request(component.repository, Trigger.PUSH)
        return real(component, source, ruling)

    with monkeypatch.context() as patch:
        patch.setattr(judging, "review_past", pushed)
        repository = judged()
    past = Backfill.objects.get(repository=repository)
    assert (past.done, PastTrail.objects.filter(past=past).count()) == (1, 1)

    scan_of(repository)
    assert backfill.run(past.pk)

    assert brought(Finding.objects.get()) == (bringing, START + WEEK, False)
    assert not PastTrail.objects.exists()


def test_a_date_moves_back_only(origin: Origin, judged: Begin) -> None:
    origin.commit({"app/main.py": PRINTS}, when=START)
    origin.commit({"app/main.py": MOVED}, when=START + WEEK)
    repository = judged()
    older = datetime(2001, 1, 1, tzinfo=UTC)
    Finding.objects.update(since=older)

    backfill.begin(repository)
    assert backfill.run(Backfill.objects.get(repository=repository).pk)

    assert Finding.objects.get().since == older
