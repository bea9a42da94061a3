"""Polling finds what a lost webhook missed, and is patient with servers that fail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from dashboard.models import Branch, Repository, RepositoryState, Scan, ScanState, Trigger
from dashboard.services import mirrors, reconcile
from tests.dashboard import rows
from tests.gitservers import GitServer, Mode, Origin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]


@pytest.fixture
def repository(server: GitServer, remote: Origin, settings: Settings) -> Repository:
    settings.POLL_EVERY = timedelta(minutes=15)
    return rows.repository(url=server.url("team/shop.git"))


def poll(repository: Repository) -> None:
    Repository.objects.update(poll_at=Now())
    reconcile.poll()
    repository.refresh_from_db()


def conclude(state: str = ScanState.COMPLETE) -> None:
    Scan.objects.filter(state=ScanState.QUEUED).update(state=state)


def pause(repository: Repository) -> float:
    """Minutes until the next turn."""
    return (repository.poll_at - timezone.now()).total_seconds() / 60


def test_news_leads_to_one_scan_and_no_news_to_none(repository: Repository, remote: Origin) -> None:
    poll(repository)
    scan = Scan.objects.get()
    assert (scan.trigger, scan.commit) == (Trigger.POLL, remote.top())
    poll(repository)
    conclude()
    poll(repository)
    assert Scan.objects.count() == 1
    remote.commit({"app.py": "x = 2\n"})
    poll(repository)
    assert Scan.objects.filter(state=ScanState.QUEUED).get().commit == remote.top()


def test_a_commit_whose_scan_failed_is_not_tried_for_ever(repository: Repository) -> None:
    poll(repository)
    conclude(ScanState.FAILED)
    poll(repository)
    assert Scan.objects.count() == 1


def test_each_repository_has_its_turn_once_per_period(
    repository: Repository, server: GitServer
) -> None:
    poll(repository)
    asked = len(server.requests)
    reconcile.poll()
    assert len(server.requests) == asked
    assert 13 <= pause(repository) <= 17


def test_a_failing_server_is_asked_less_and_less_often(
    repository: Repository, server: GitServer
) -> None:
    server.mode = "broken"
    pauses = []
    for _ in range(9):
        poll(repository)
        pauses.append(round(pause(repository)))
    assert repository.state == RepositoryState.UNREACHABLE
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(30, rel=0.12)
    assert pauses[1] == pytest.approx(60, rel=0.12)
    assert pauses[-1] == pytest.approx(24 * 60, rel=0.12)
    assert not Scan.objects.exists()
    server.mode = "git"
    poll(repository)
    assert (repository.state, repository.poll_failures) == (RepositoryState.READY, 0)
    assert Scan.objects.count() == 1


ANSWERS: list[tuple[Mode, RepositoryState]] = [
    ("missing", RepositoryState.GONE),
    ("login-page", RepositoryState.NOT_GIT),
    ("redirect", RepositoryState.REFUSED),
]


@pytest.mark.parametrize(("mode", "state"), ANSWERS)
def test_what_the_server_became_is_written_down_and_nothing_lost(
    repository: Repository, server: GitServer, mode: Mode, state: RepositoryState
) -> None:
    commit = mirrors.fetch(repository, lambda *_: None).commit
    poll(repository)
    conclude()
    server.mode, server.target = mode, "http://127.0.0.1:9"
    poll(repository)
    assert repository.state == state
    assert repository.state_message.endswith(".")
    assert Scan.objects.count() == 1
    server.mode = "git"
    assert mirrors.fetch(repository, lambda *_: None).commit == commit


def test_a_repository_that_was_made_private_waits_longer(
    repository: Repository, server: GitServer
) -> None:
    server.login = ("ada", "s3cret")
    poll(repository)
    assert repository.state == RepositoryState.NO_ACCESS
    assert pause(repository) == pytest.approx(8 * 15, rel=0.12)


def test_a_watched_branch_that_is_deleted_is_marked_and_found_again(
    repository: Repository, remote: Origin
) -> None:
    Repository.objects.update(watched_branch="work")
    commit = remote.commit({"a.py": ""}, branch="work")
    poll(repository)
    conclude()
    remote.delete("work")
    poll(repository)
    assert repository.state == RepositoryState.BRANCH_MISSING
    assert Branch.objects.get(name="work").gone_at is not None
    remote.commit({"a.py": "new"}, branch="work")
    poll(repository)
    assert repository.state == RepositoryState.READY
    assert Scan.objects.filter(state=ScanState.QUEUED).exclude(commit=commit).count() == 1


def test_a_renamed_default_branch_is_followed(repository: Repository, remote: Origin) -> None:
    poll(repository)
    conclude()
    remote.commit({"a.py": ""}, branch="trunk")
    remote.set_head("trunk")
    remote.delete("main")
    poll(repository)
    assert repository.default_branch == "trunk"
    assert Scan.objects.get(state=ScanState.QUEUED).branch.name == "trunk"


def test_one_broken_repository_does_not_stop_the_others(
    repository: Repository, server: GitServer
) -> None:
    refused = rows.repository(url="https://10.0.0.1/x")
    Repository.objects.filter(pk=refused.pk).update(poll_at=Now() - timedelta(hours=1))
    reconcile.poll()
    refused.refresh_from_db()
    assert refused.state == RepositoryState.REFUSED
    assert Scan.objects.get().repository == repository
