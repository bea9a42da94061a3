"""Mirrors and what the last contact with the server says on the repository's row."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from checks import mirror
from checks.cloneurl import UrlError
from checks.gitfaults import SENTENCES, FetchError
from checks.gitfetch import Fetched
from checks.gitwatch import Limits
from dashboard.models import Branch, Phase, Repository, RepositoryState, Scan, ScanState, Trigger
from dashboard.services import credentials, mirrors
from dashboard.services.credentials import CredentialError
from tests.dashboard import rows
from tests.gitservers import GitServer, Origin, git

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(server: GitServer, remote: Origin) -> Repository:
    return rows.repository(url=server.url("team/shop.git"))


def quiet(phase: str, done: int, total: int) -> None:
    return


def fetch(repository: Repository) -> Fetched:
    repository.refresh_from_db()
    return mirrors.fetch(repository, quiet)


def concluded(repository: Repository, commit: str, **fields: object) -> Scan:
    branch, _ = Branch.objects.get_or_create(repository=repository, name="main")
    return Scan.objects.create(
        repository=repository,
        branch=branch,
        number=repository.scans.count() + 1,
        trigger=Trigger.PUSH,
        commit=commit,
        **{"state": ScanState.COMPLETE} | fields,
    )


def test_a_fetch_fills_the_mirror_and_the_row(
    repository: Repository, remote: Origin, home: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    fetched = mirrors.fetch(repository, lambda *news: told.append(news))
    assert fetched.git_dir == home / "mirrors" / f"{repository.pk}.git" == mirrors.path(repository)
    assert fetched.commit == remote.top()
    assert told[-1] == (Phase.FETCHING, 3, 3)
    repository.refresh_from_db()
    assert (repository.state, repository.state_message) == (RepositoryState.READY, "")
    assert repository.default_branch == "main"
    assert repository.fetched_at is not None
    assert repository.mirror_bytes


def test_every_fault_has_a_state() -> None:
    assert mirrors.STATES.keys() == SENTENCES.keys()


def test_a_failure_is_written_down_and_the_mirror_kept(
    repository: Repository, server: GitServer, remote: Origin
) -> None:
    commit = fetch(repository).commit
    server.mode = "missing"
    with pytest.raises(FetchError):
        fetch(repository)
    repository.refresh_from_db()
    assert repository.state == RepositoryState.GONE
    assert repository.state_message == SENTENCES["not-found"]
    since = repository.state_since
    with pytest.raises(FetchError):
        fetch(repository)
    repository.refresh_from_db()
    assert repository.state_since == since
    assert git(mirrors.path(repository), "rev-parse", "refs/heads/main") == commit
    server.mode = "git"
    fetch(repository)
    repository.refresh_from_db()
    assert (repository.state, repository.state_message) == (RepositoryState.READY, "")


def test_an_address_that_is_no_longer_allowed_is_refused(
    repository: Repository, settings: Settings, server: GitServer
) -> None:
    settings.CLONE_ALLOWED_HOSTS = ()
    with pytest.raises(UrlError):
        fetch(repository)
    repository.refresh_from_db()
    assert repository.state == RepositoryState.REFUSED
    assert server.requests == []


def with_credential(repository: Repository, server: GitServer, url: str = "") -> None:
    server.login = ("ada", "s3cret")
    repository.credential = credentials.keep(
        team=repository.team,
        clone_url=url or repository.clone_url,
        kind="token",
        username="ada",
        secret="s3cret",
    )
    repository.save()


def test_a_private_repository_is_fetched_with_its_credential(
    repository: Repository, server: GitServer, remote: Origin
) -> None:
    with_credential(repository, server)
    assert fetch(repository).commit == remote.top()


def test_a_credential_of_another_host_is_dropped_and_never_sent(
    repository: Repository, server: GitServer
) -> None:
    with_credential(repository, server, "http://127.0.0.1:9/team/shop.git")
    with pytest.raises(FetchError) as caught:
        fetch(repository)
    assert caught.value.code == "auth-required"
    assert {authorization for _, _, authorization in server.requests} == {""}
    repository.refresh_from_db()
    assert repository.credential is None


def test_a_missing_key_lets_the_repository_wait(
    repository: Repository, server: GitServer, settings: Settings
) -> None:
    with_credential(repository, server)
    settings.CREDENTIAL_KEYS = []
    with pytest.raises(CredentialError) as caught:
        fetch(repository)
    assert caught.value.code == "key-missing"
    repository.refresh_from_db()
    assert repository.state == RepositoryState.WAITING
    assert "CREDENTIAL_KEYS" in repository.state_message


def test_a_judged_commit_stays_readable_after_a_force_push(
    repository: Repository, remote: Origin
) -> None:
    old = fetch(repository).commit
    scan = concluded(repository, old)
    remote.commit({"b.py": ""}, unrelated=True)
    place = fetch(repository).git_dir
    git(place, "gc", "--quiet", "--prune=now")
    assert git(place, "cat-file", "-t", old) == "commit"
    pinned = git(place, "for-each-ref", "--format=%(refname)", "refs/straightedge/")
    assert pinned == f"refs/straightedge/scans/{scan.number}"


def test_a_mirror_that_a_scan_could_not_read_is_made_anew_once(
    repository: Repository, remote: Origin
) -> None:
    place = fetch(repository).git_dir
    born = place.stat().st_ino
    concluded(repository, remote.top(), state=ScanState.FAILED, error_code="damaged-repository")
    assert fetch(repository).rebuilt
    assert place.stat().st_ino != born
    assert not fetch(repository).rebuilt
    Repository.objects.update(mirror_rebuilt_at=Now() - timedelta(hours=7))
    assert fetch(repository).rebuilt


def test_a_removed_repository_leaves_no_mirror(repository: Repository) -> None:
    place = fetch(repository).git_dir
    mirrors.remove(repository.pk)
    assert list(place.parent.iterdir()) == []


def test_tidying_deletes_orphans_and_finds_damage(repository: Repository) -> None:
    place = fetch(repository).git_dir
    orphan = mirrors.path(repository.pk + 1)
    orphan.mkdir()
    mirrors.tidy(repository.pk)
    assert not orphan.exists()
    repository.refresh_from_db()
    assert repository.state == RepositoryState.READY
    for file in (place / "objects").rglob("*"):
        if file.is_file():
            file.unlink()
    mirrors.tidy(repository.pk + 1)
    repository.refresh_from_db()
    assert repository.state == RepositoryState.READY
    mirrors.tidy(repository.pk + 7)
    repository.refresh_from_db()
    assert repository.state == RepositoryState.BROKEN
    assert fetch(repository).rebuilt


def test_a_mirror_in_use_says_busy_and_changes_no_state(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fetch(repository).git_dir
    impatient = Limits(short_seconds=0.2, free_share=0.0)
    monkeypatch.setattr("dashboard.services.mirrors.Limits", lambda: impatient)
    with mirror.mirror_lock(place, impatient), pytest.raises(FetchError) as caught:
        fetch(repository)
    assert caught.value.code == "busy"
    repository.refresh_from_db()
    assert repository.state == RepositoryState.READY
