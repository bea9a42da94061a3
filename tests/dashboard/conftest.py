"""A git server, a home of its own, and a bell that only notes what is rung."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from dashboard import queue
from dashboard.models import Repository, Standard, User
from dashboard.services import repositories
from tests.dashboard import rows
from tests.dashboard.proposed import OWN
from tests.dashboard.scans import scan_of
from tests.gitservers import GitServer, Origin


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    """A state folder and a key for this test alone; the loopback git server may be cloned from."""
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    settings.CLONE_ALLOWED_HOSTS = ("127.0.0.1",)
    settings.CLONE_ALLOWED_PATHS = ()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    return tmp_path / "home"


@pytest.fixture
def server(tmp_path: Path, home: Path) -> Iterator[GitServer]:
    """A running git server that holds nothing yet."""
    with GitServer(tmp_path / "served") as running:
        yield running


@pytest.fixture
def remote(server: GitServer) -> Origin:
    """A repository on it, with one commit."""
    made = Origin.create(server.root / "team" / "shop.git")
    made.commit({"app.py": "x = 1\n"})
    return made


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is rung: what would be asked of a worker waits."""
    monkeypatch.setattr(queue, "ring", lambda *_: True)


@pytest.fixture
def own_machine(no_broker: None, settings: Settings, tmp_path: Path) -> None:
    """A home and repositories in folders of this test alone, and no broker."""
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    settings.CLONE_ALLOWED_PATHS = (str(tmp_path / "served"),)


@pytest.fixture
def lead() -> User:
    """Somebody who may lead a team: ``rows.team(lead=lead)``."""
    return rows.user("the-lead")


@pytest.fixture
def origin(own_machine: None, tmp_path: Path) -> Origin:
    """A repository in a folder that may be cloned from, still without a commit."""
    return Origin.create(tmp_path / "served" / "shop.git")


@pytest.fixture
def register(origin: Origin) -> Callable[..., Repository]:
    """Register the origin, judged by the house rules or by a standard of this text."""

    def do(text: bytes = rows.HOUSE_RULES, **fields: Any) -> Repository:
        return repositories.register(
            team=rows.team(),
            clone_url=str(origin.git_dir),
            adopted=[rows.standard(text)],
            **fields,
        )

    return do


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """What was rung, instead of asking a broker."""
    calls: list[tuple[str, list[int]]] = []

    def ring(task: str, args: list[int]) -> bool:
        calls.append((task, list(args)))
        return True

    monkeypatch.setattr(queue, "ring", ring)
    return calls


@pytest.fixture
def make(tmp_path: Path, lead: User) -> Callable[..., Repository]:
    """Register and scan a repository of the lead's team, judged by its own standard."""
    team = rows.team(lead=lead)

    def do(name: str, files: dict[str, str], *adopted: Standard) -> Repository:
        origin = Origin.create(tmp_path / "served" / f"{name}.git")
        origin.commit(files)
        chosen = adopted or (own(team),)
        repository = repositories.register(
            team=team, clone_url=str(origin.git_dir), adopted=chosen, actor=lead
        )
        scan_of(repository)
        return Repository.objects.get(pk=repository.pk)

    def own(owner: object) -> Standard:
        row = rows.standard(OWN)
        Standard.objects.filter(pk=row.pk).update(team=owner)
        return row

    return do
