"""Findings stand since the commit that brought them, as far back as the past is judged."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from django.db import connection, transaction

from checks import authorship
from checks.gitsource import GitSource
from checks.model import Report
from checks.source import Source
from dashboard.models import (
    MAX_ATTEMPTS,
    Backfill,
    BackfillState,
    Component,
    Finding,
    FindingEvent,
    FindingEventKind,
    PastTrail,
    Repository,
    Trigger,
)
from dashboard.services import (
    backfill,
    judging,
    mirrors,
    repositories,
    scanning,
    tracing,
    unread,
)
from dashboard.services.tracing import Tracing
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


def print_and_move(origin: Origin) -> str:
    """Two weeks: a finding comes, then it moves down; returns the first commit."""
    first = origin.commit({"app/main.py": PRINTS}, when=START)
    origin.commit({"app/main.py": MOVED}, when=START + WEEK)
    return first


def crash(_: Tracing) -> NoReturn:
    raise ZeroDivisionError


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
    first = print_and_move(origin)

    judged()

    assert brought(Finding.objects.get()) == (first, START, True)


@pytest.mark.parametrize("later", [False, True])
def test_of_several_changes_in_one_interval_an_earlier_one_may_have_brought_it(
    origin: Origin, judged: Begin, later: bool
) -> None:
    origin.commit({"app/main.py": QUIET}, when=START)
    origin.commit({"app/main.py": PRINTS}, when=START + WEEK)
    remarked = origin.commit({"app/main.py": f"# Main.\n{PRINTS}"}, when=START + WEEK + DAY)
    if later:
        origin.commit({"app/main.py": MOVED}, when=START + 3 * WEEK)

    judged()

    assert brought(Finding.objects.get()) == (remarked, START + WEEK + DAY, True)


def test_what_a_first_scan_could_not_tell_for_sure_the_past_makes_sure(
    origin: Origin, judged: Begin
) -> None:
    origin.commit({"app/main.py": QUIET}, when=START)
    bringing = origin.commit({"app/main.py": PRINTS}, when=START + WEEK)

    repository = judged()

    assert brought(Finding.objects.get()) == (bringing, START + WEEK, False)
    FindingEvent.objects.update(at_least=True)
    backfill.begin(repository)
    assert backfill.run(Backfill.objects.get(repository=repository).pk)
    assert brought(Finding.objects.get()) == (bringing, START + WEEK, False)


def test_what_may_have_stood_unseen_stands_at_least_since(origin: Origin, judged: Begin) -> None:
    origin.commit({"app/main.py": PRINTS}, when=START)
    origin.commit({"app/main.py": "def main(:\n"}, when=START + WEEK)
    back = origin.commit({"app/main.py": PRINTS}, when=START + 2 * WEEK)
    origin.commit({"app/main.py": MOVED}, when=START + 3 * WEEK)

    judged()

    assert brought(Finding.objects.get()) == (back, START + 2 * WEEK, True)


def test_what_a_report_is_not_sure_of_is_told_once_for_all_its_findings(
    origin: Origin, judged: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = origin.commit({"app/main.py": QUIET}, when=START)
    lines = "".join(f"    print('hello {number}')\n" for number in range(4))
    origin.commit({"app/main.py": f"def main():\n{lines}"}, when=START + WEEK)
    asked = list[str]()
    states = unread.states

    def count(report: Report) -> dict[str, set[str]]:
        asked.append(report.commit)
        return states(report)

    monkeypatch.setattr(unread, "states", count)
    judged()

    assert Finding.objects.count() == 4
    assert asked.count(first) == 1


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
    print_and_move(origin)
    repository = judged()
    older = datetime(2001, 1, 1, tzinfo=UTC)
    Finding.objects.update(since=older)

    backfill.begin(repository)
    assert backfill.run(Backfill.objects.get(repository=repository).pk)

    assert Finding.objects.get().since == older


def test_a_past_that_was_rewritten_away_before_its_end_ends_without_dates(
    origin: Origin, judged: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_and_move(origin)
    with monkeypatch.context() as patch:
        patch.setattr(Tracing, "rest", crash)
        repository = judged()
    past = Backfill.objects.get(repository=repository)
    before = Finding.objects.get().since
    # The mirror is made anew, from a history that the server has rewritten.
    shutil.rmtree(mirrors.path(repository))
    shutil.rmtree(origin.git_dir)
    Origin.create(origin.git_dir).commit({"app/main.py": MOVED}, when=START + 2 * WEEK)
    mirrors.fetch(repository, lambda *_: None)
    Repository.objects.update(scanned_commit=origin.top())

    assert backfill.run(past.pk)

    past.refresh_from_db()
    assert past.state == BackfillState.DONE
    assert not PastTrail.objects.exists()
    assert Finding.objects.get().since == before


def test_an_end_that_crashes_again_and_again_is_given_up(
    origin: Origin, judged: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_and_move(origin)
    monkeypatch.setattr(Tracing, "rest", crash)
    past = Backfill.objects.get(repository=judged())

    for _ in range(MAX_ATTEMPTS):
        backfill.run(past.pk)

    past.refresh_from_db()
    assert past.state == BackfillState.DONE
    assert not PastTrail.objects.exists()


@pytest.mark.parametrize("damaged", [b"", b"no zlib", zlib.compress(b"no trail")])
def test_a_trail_that_cannot_be_read_is_begun_anew(
    origin: Origin, judged: Begin, monkeypatch: pytest.MonkeyPatch, damaged: bytes
) -> None:
    origin.commit({"app/main.py": QUIET}, when=START)
    bringing = origin.commit({"app/main.py": PRINTS}, when=START + WEEK)
    origin.commit({"app/main.py": PRINTS, "more.py": QUIET}, when=START + 2 * WEEK)
    with monkeypatch.context() as patch:
        patch.setattr(backfill, "SLICE", timedelta(0))
        past = Backfill.objects.get(repository=judged())
    source = GitSource(mirrors.path(past.repository), origin.top())
    with transaction.atomic():
        Tracing(past).write(Tracing(past).look(source, {}))
    PastTrail.objects.update(data=damaged)

    assert backfill.run(past.pk)

    past.refresh_from_db()
    assert (past.state, past.left_out, past.attempt) == (BackfillState.DONE, {}, 1)
    assert not PastTrail.objects.exists()
    assert brought(Finding.objects.get()) == (bringing, START + WEEK, False)


def test_no_history_is_read_while_rows_are_written(
    origin: Origin, judged: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_and_move(origin)
    real, inside = authorship.last_changes, list[bool]()

    def watched(
        source: Source, paths: Iterable[str], since: str = ""
    ) -> dict[str, authorship.Origin]:
        inside.append(connection.in_atomic_block)
        return real(source, paths, since)

    monkeypatch.setattr(tracing, "last_changes", watched)
    judged()

    assert inside
    assert not any(inside)


def test_rows_are_followed_from_the_commit_that_they_are_of(
    origin: Origin, judged: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    bringing = print_and_move(origin)
    opened: list[Tracing] = []

    def late(past: Backfill) -> Tracing:
        # A scan of a newer commit ends after the row was loaded.
        if not opened:
            origin.commit({"new/main.py": f"\n{MOVED}"}, when=START + 2 * WEEK)
            scan_of(Repository.objects.get())
        opened.append(Tracing(past))
        return opened[-1]

    monkeypatch.setattr(backfill, "Tracing", late)
    judged()

    assert len(opened) == 1
    assert brought(Finding.objects.exclude(state="fixed").get()) == (bringing, START, True)
