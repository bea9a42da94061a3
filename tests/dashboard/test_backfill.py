"""The past is judged week by week, beside the scans, and says what a clean review says."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from dashboard import queue
from dashboard.models import (
    Backfill,
    BackfillState,
    PastResult,
    PastTrail,
    Repository,
    Trigger,
    User,
)
from dashboard.services import (
    backfill,
    components,
    judging,
    lease,
    repositories,
    scanning,
    standards,
    sweeping,
)
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin
from tests.services import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

BAD = "def main():\n    print('hello')\n"
GOOD = "def main():\n    return 'hello'\n"
BROAD = "try:\n    x = 1\nexcept Exception:\n    pass\n"
WEEK = 7 * 86_400
START = int(datetime(2024, 1, 3, tzinfo=UTC).timestamp())


@pytest.fixture(autouse=True)
def rung(own_machine: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is rung is only noted."""
    tasks: list[str] = []

    def ring(task: str, _: object = ()) -> bool:
        tasks.append(task)
        return True

    monkeypatch.setattr(queue, "ring", ring)
    return tasks


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """Five weeks of a repository, one commit each, the last the best."""
    made = Origin.create(tmp_path / "served" / "shop.git")
    for week in range(5):
        text = GOOD if week == 4 else BAD
        files = {f"app/m{number}.py": BAD for number in range(week)}
        made.commit(files | {"app/main.py": text}, when=START + week * WEEK)
    return made


@pytest.fixture
def repository(origin: Origin) -> Repository:
    return repositories.register(
        team=rows.team(), clone_url=str(origin.git_dir), adopted=[rows.standard()]
    )


@pytest.fixture
def lead() -> User:
    return rows.user()


def past(repository: Repository) -> Backfill:
    return Backfill.objects.get(repository=repository)


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Whenever a past commit is judged, something else happens first."""
    real = judging.review_past

    def disturbed(*arguments: Any) -> Any:
        act()
        return real(*arguments)

    monkeypatch.setattr(judging, "review_past", disturbed)


def printed(origin: Origin, commit: str, rules: Path) -> dict[str, Any]:
    """What the command line says of a commit."""
    command = [sys.executable, "-m", "checks", "review", str(origin.git_dir), "--rev", commit]
    options = ["--standard", str(rules), "--format", "json", "--no-cache"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def test_it_begins_with_registration_and_waits_for_the_first_result(
    repository: Repository, rung: list[str]
) -> None:
    assert past(repository).state == BackfillState.WAITING
    assert not backfill.run(past(repository).pk)

    scan_of(repository)
    sweeping.sweep()

    assert backfill.JUDGE_PAST in rung
    assert backfill.run(past(repository).pk)
    row = past(repository)
    assert (row.state, row.done, row.total) == (BackfillState.DONE, 4, 4)
    assert [point.commit for point in PastResult.objects.all()] == row.commits


def test_each_point_is_what_a_clean_review_says(
    origin: Origin, repository: Repository, tmp_path: Path
) -> None:
    scan_of(repository)
    assert backfill.run(past(repository).pk)
    rules = tmp_path / "house-rules.toml"
    rules.write_bytes(rows.HOUSE_RULES)

    points = list(PastResult.objects.all())
    assert len(points) == 4
    for point in points:
        report = printed(origin, point.commit, rules)
        told = json.loads(zlib.decompress(point.results))
        assert [each["standards"] for each in told] == [report["standards"]]
        assert point.score == report["standards"][0]["score"]
        assert point.findings_count == len(report["findings"])


@pytest.mark.parametrize("seed", range(2))
def test_points_of_any_history_are_what_a_clean_review_says(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    origin = Origin.create(tmp_path / "served" / "any.git")
    files: dict[str, str | bytes] = {"app/main.py": GOOD}
    when = START
    for _ in range(6):
        path = f"app/m{chance.randrange(3)}.py"
        files[path] = chance.choice([BAD, GOOD, "def broken(:\n", BROAD])
        origin.commit(files, when=when)
        when += chance.choice([86_400, WEEK, 3 * WEEK])
    row = repositories.register(
        team=rows.team(), clone_url=str(origin.git_dir), adopted=[rows.standard()]
    )
    scan_of(row)
    assert backfill.run(past(row).pk)
    rules = tmp_path / "house-rules.toml"
    rules.write_bytes(rows.HOUSE_RULES)

    for point in PastResult.objects.all():
        told = json.loads(zlib.decompress(point.results))
        assert told[0]["standards"] == printed(origin, point.commit, rules)["standards"]


def test_a_scan_that_waits_goes_first(repository: Repository) -> None:
    scan_of(repository)
    other = repositories.register(
        team=rows.team(),
        clone_url=repository.clone_url,
        adopted=[rows.standard()],
    )

    assert not backfill.run(past(repository).pk)
    scan_of(other)
    assert backfill.run(past(repository).pk)


def test_a_scan_that_arrives_meanwhile_is_let_through(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_of(repository)
    with monkeypatch.context() as patch:
        meanwhile(patch, lambda: scanning.request(repository, Trigger.PUSH))
        assert backfill.run(past(repository).pk)

    row = past(repository)
    assert (row.state, row.done) == (BackfillState.WAITING, 1)
    scan_of(repository)
    assert backfill.run(row.pk)
    assert past(repository).done == 4


def test_a_person_pauses_resumes_and_cancels(repository: Repository, lead: User) -> None:
    scan_of(repository)
    backfill.pause(repository, lead)
    assert not backfill.run(past(repository).pk)

    backfill.resume(repository, lead)
    assert backfill.run(past(repository).pk)
    assert PastResult.objects.count() == 4

    backfill.begin(repository, lead)
    backfill.cancel(repository, lead)
    backfill.resume(repository, lead)
    assert past(repository).state == BackfillState.CANCELLED
    assert not backfill.run(past(repository).pk)


def test_cancelling_leaves_nothing_of_the_work_behind(
    repository: Repository, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_of(repository)
    meanwhile(monkeypatch, lambda: scanning.request(repository, Trigger.PUSH))
    assert backfill.run(past(repository).pk)
    assert PastTrail.objects.exists()

    backfill.cancel(repository, lead)

    assert not PastTrail.objects.exists()
    assert PastResult.objects.count() == 1


def test_pausing_stops_the_worker_that_is_at_it(
    repository: Repository, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_of(repository)
    meanwhile(monkeypatch, lambda: backfill.pause(repository, lead))
    assert backfill.run(past(repository).pk)

    assert past(repository).state == BackfillState.PAUSED
    assert not PastResult.objects.exists()


def test_what_a_killed_worker_held_is_taken_over(repository: Repository) -> None:
    scan_of(repository)
    row = past(repository)
    Backfill.objects.update(
        state=BackfillState.RUNNING,
        owner="elsewhere/1/1",
        fence=7,
        lease_until=Now() + timedelta(seconds=60),
    )
    assert not backfill.run(row.pk)

    Backfill.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert backfill.run(row.pk)

    assert past(repository).state == BackfillState.DONE
    with pytest.raises(lease.LeaseLostError):
        lease.Lease(Backfill, row.pk, "elsewhere/1/1", 7).write(done=0)


def test_a_commit_that_ends_its_worker_is_left_out_after_three_times(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_of(repository)
    row = past(repository)
    real = judging.review_past
    worst: list[str] = []

    def crash(component: Any, source: Any, ruling: Any) -> Any:
        worst[:] = worst or [source.commit]
        if source.commit == worst[0]:
            raise ZeroDivisionError
        return real(component, source, ruling)

    monkeypatch.setattr(judging, "review_past", crash)
    for _ in range(4):
        backfill.run(row.pk)

    row = past(repository)
    assert row.state == BackfillState.DONE
    assert list(row.left_out) == worst
    assert PastResult.objects.count() == 3


def test_a_folder_that_was_not_there_yet_is_left_out_and_named(
    origin: Origin, repository: Repository, lead: User
) -> None:
    scan_of(repository)
    components.choose(repository, ["app"], lead)
    origin.commit({"app/main.py": GOOD, "jobs/run.py": BAD}, when=START + 6 * WEEK)
    scan_of(repository)
    components.choose(repository, ["jobs"], lead)
    scan_of(repository)

    assert backfill.run(past(repository).pk)

    row = past(repository)
    assert row.state == BackfillState.DONE
    assert set(row.left_out.values()) == {"none of the judged folders was there yet"}


def test_other_rules_meanwhile_judge_all_points_anew(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_of(repository)
    monkeypatch.setattr(backfill, "SLICE", timedelta(0))
    row = past(repository)
    backfill.run(row.pk)
    monkeypatch.undo()
    monkeypatch.setattr(queue, "ring", lambda *_: True)
    text = rows.HOUSE_RULES.replace(b'"must"', b'"should"')
    standards.adopt(repository, [rows.standard(text)], None)

    assert backfill.run(row.pk)

    kept = past(repository).ruling
    assert kept is not None
    told = [json.loads(zlib.decompress(point.results)) for point in PastResult.objects.all()]
    versions = {each[0]["standards"][0]["version"] for each in told}
    assert versions == {kept["standards"][0]["version"]}


def test_no_weeks_no_past(origin: Origin, settings: Settings) -> None:
    settings.BACKFILL_WEEKS = 0
    repositories.register(
        team=rows.team(), clone_url=str(origin.git_dir), adopted=[rows.standard()]
    )

    assert not Backfill.objects.exists()
