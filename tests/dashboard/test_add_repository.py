"""The shell's way to register, with real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboard.installation import Installation
from tests.gitservers import Origin


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("installation")
    made = Installation(home=folder / "home", repositories=folder / "served")
    made.manage("start", "--prepare-only")
    return made


def origin(installation: Installation, name: str) -> Path:
    made = Origin.create(installation.repositories / f"{name}.git")
    made.commit({"app/main.py": "def main():\n    print('hello')\n"})
    return made.git_dir


def test_without_a_worker_the_command_does_the_scan_itself(installation: Installation) -> None:
    done = installation.manage(
        *("add_repository", str(origin(installation, "alone")), "--scan", "--wait"),
        *("--standard", "fastapi-coding-rules", "--name", "Alone"),
    )

    assert "/r/alone/" in done.stdout
    assert "Scan 1 complete at " in done.stdout
    adopted = installation.rows("SELECT a.slug FROM dashboard_adoption a")
    assert ("fastapi-coding-rules",) in adopted


@pytest.mark.slow
def test_with_a_worker_the_command_follows_it(installation: Installation) -> None:
    with installation.worker() as worker:
        done = installation.manage(
            "add_repository", str(origin(installation, "followed")), "--scan", "--wait"
        )
        owner = installation.rows(
            "SELECT s.owner FROM dashboard_scan s JOIN dashboard_repository r "
            "ON r.id = s.repository_id WHERE r.slug = 'followed'"
        )
        assert worker.poll() is None

    assert "Scan 1 complete" in done.stdout
    assert owner


def test_a_known_address_is_scanned_again_only_when_asked_to(installation: Installation) -> None:
    address = str(origin(installation, "known"))
    installation.manage("add_repository", address)

    again = installation.manage("add_repository", address, check=False)
    assert again.returncode == 1
    assert "registered already" in again.stderr
    scanned = installation.manage("add_repository", address, "--scan", "--wait")
    assert "complete" in scanned.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["/etc"], "Local paths are not used"),
        (["https://10.1.2.3/x.git"], "not on the public internet"),
        (["ext::sh"], "start a helper program"),
        (["https://user:hunter2@example.org/x.git"], "credential field"),
        (["https://example.org/x.git", "--standard", "none"], "There is no standard 'none'"),
        (["https://example.org/x.git", "--team", "none"], "There is no team 'none'"),
        (["https://example.org/x.git", "--branch=-x"], "no valid branch name"),
    ],
)
def test_what_cannot_be_registered_is_refused_in_one_sentence(
    installation: Installation, arguments: list[str], sentence: str
) -> None:
    refused = installation.manage("add_repository", *arguments, check=False)

    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "hunter2" not in refused.stderr


def test_a_scan_that_fails_is_said_with_its_reason(installation: Installation) -> None:
    empty = Origin.create(installation.repositories / "empty.git")

    failed = installation.manage(
        "add_repository", str(empty.git_dir), "--scan", "--wait", check=False
    )

    assert failed.returncode == 1
    assert "Scan 1 failed: The repository is empty" in failed.stderr
