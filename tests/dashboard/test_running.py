"""One scan from claim to end, over real repositories."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from checks.outcomes import unpack
from checks.review import review
from dashboard.models import (
    Branch,
    Finding,
    FindingEventKind,
    FindingState,
    Repository,
    RepositoryState,
    Scan,
    ScanState,
    Standard,
    StoredReport,
    Trigger,
)
from dashboard.models.source_file import SourceState
from dashboard.services import (
    attestations,
    judging,
    mirrors,
    repositories,
    running,
    scanning,
    source_view,
)
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.dashboard.test_attestations import RULES, WORD
from tests.gitservers import Origin
from tests.services import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

BAD = "def main():\n    print('hello')\n"
GOOD = "def main():\n    return 'hello'\n"


def test_a_registered_repository_is_judged_and_a_fix_raises_its_score(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": BAD}, message="Greet")
    repository = register()

    first = scan_of(repository)
    assert (first.state, first.findings_count, first.open_must) == (ScanState.COMPLETE, 1, 1)
    assert (first.commit, first.commit_subject) == (origin.top(), "Greet")
    assert Finding.objects.get().path == "app/main.py"

    origin.commit({"app/main.py": GOOD}, message="Return the greeting")
    scanning.request(repository, Trigger.PUSH)
    second = scan_of(repository)
    assert second.fixed_count == 1
    assert first.score is not None
    assert second.score is not None
    assert second.score > first.score
    repository.refresh_from_db()
    assert repository.score_change == pytest.approx(second.score - first.score)
    assert Branch.objects.get(name="main").head == origin.top()


def test_findings_of_a_folder_leave_and_return_with_it(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    jobs = {"jobs/pyproject.toml": "", "jobs/app.py": BAD}
    backend = {"backend/pyproject.toml": "", "backend/app.py": BAD}
    origin.commit(jobs | backend)
    repository = register()
    scan_of(repository)
    assert Finding.objects.filter(state=FindingState.OPEN).count() == 2

    origin.commit(jobs)
    scanning.request(repository, Trigger.PUSH)
    scan_of(repository)

    gone = Finding.objects.get(state=FindingState.FIXED)
    assert gone.component.path == "backend"
    assert gone.events.order_by("pk").last().kind == FindingEventKind.OUT_OF_SCOPE  # type: ignore[union-attr]
    assert Finding.objects.get(state=FindingState.OPEN).component.path == "jobs"

    origin.commit(jobs | backend)
    scanning.request(repository, Trigger.PUSH)
    scan_of(repository)
    gone.refresh_from_db()
    assert gone.state == FindingState.REOPENED


def test_what_is_due_is_counted_with_its_cost_until_a_lead_attests_it(origin: Origin) -> None:
    origin.commit({"app/main.py": GOOD})
    lead = rows.user()
    repository = repositories.register(
        team=rows.team(lead=lead), clone_url=str(origin.git_dir), adopted=[rows.standard(RULES)]
    )
    scan_of(repository)
    repository.refresh_from_db()
    due = attestations.open_items(lead)

    assert repository.due_count == 2
    assert {item.heading for item in due} == {"Secret rotation", "Somebody is on call."}
    assert sum(item.cost for item in due) == pytest.approx(100)
    assert not attestations.open_items(rows.user())

    topic = next(each for each in attestations.topics(repository) if each.name == due[0].topic)
    attestations.attest(repository, topic, WORD, lead)
    scan_of(repository)

    repository.refresh_from_db()
    assert repository.due_count == 1
    assert [bool(item.record) for item in attestations.open_items(lead)] == [False, True]


def test_the_server_says_of_a_commit_what_the_command_line_says(
    origin: Origin, register: Callable[..., Repository], tmp_path: Path
) -> None:
    origin.commit({"app/main.py": BAD, "app/odd.py": "def broken(:\n", "README.md": "# Shop\n"})
    repository = register()
    scan_of(repository)
    rules = tmp_path / "house-rules.toml"
    rules.write_bytes(rows.HOUSE_RULES)

    printed = subprocess.run(
        [
            *(sys.executable, "-m", "checks", "review", str(origin.git_dir)),
            *("--standard", str(rules), "--format", "json", "--no-cache"),
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout

    row = StoredReport.objects.get()
    stored = zlib.decompress(row.data)
    assert {check for check, _ in unpack(bytes(row.answers))} == {"no-print", "no-broad-except"}
    name = json.loads(printed)["repository"]
    ours = f'"repository": "{repository.slug}"'.encode()
    assert stored.replace(ours, f'"repository": "{name}"'.encode(), 1) == printed


def test_each_folder_of_a_monorepo_has_its_own_score(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit(
        {
            "api/pyproject.toml": "",
            "api/main.py": BAD,
            "jobs/pyproject.toml": "",
            "jobs/main.py": GOOD,
            "web/package.json": "{}",
        }
    )
    repository = register()

    scan = scan_of(repository)

    scores = {row.component.path: row.score for row in scan.standards.select_related("component")}
    assert scores.keys() == {"api", "jobs"}
    assert scores["jobs"] == 100
    assert scores["api"] is not None
    assert scores["api"] < 100
    assert Finding.objects.get().path == "api/main.py"


def test_a_judged_folder_that_is_gone_does_not_stop_the_others(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit(
        {"api/pyproject.toml": "", "api/a.py": BAD, "jobs/setup.py": "", "jobs/b.py": BAD}
    )
    repository = register()
    scan_of(repository)

    origin.commit({"api/pyproject.toml": "", "api/a.py": BAD})
    scanning.request(repository, Trigger.PUSH)
    scan = scan_of(repository)

    assert scan.state == ScanState.COMPLETE
    assert {row.component.path for row in scan.standards.select_related("component")} == {"api"}


def test_the_same_commit_judged_twice_gives_the_same_bytes(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": BAD})
    repository = register()
    scan_of(repository)
    before = bytes(StoredReport.objects.get().data)

    scanning.request(repository, Trigger.MANUAL)
    scan_of(repository)

    assert bytes(StoredReport.objects.get().data) == before


def test_a_repository_without_python_has_shown_nothing(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"README.md": "# Nothing to judge\n"})

    scan = scan_of(register())

    assert (scan.state, scan.error_code) == (ScanState.FAILED, "nothing-analysed")
    assert (scan.score, scan.letter) == (None, "")


def test_a_file_that_cannot_be_read_makes_the_scan_partial_and_is_named(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": BAD, "app/null.py": b"x = 1\x00\n"})

    scan = scan_of(register())

    assert scan.state == ScanState.PARTIAL
    assert scan.manifest is not None
    assert [skipped["path"] for skipped in scan.manifest["skipped"]] == ["app/null.py"]


@pytest.mark.parametrize(
    ("commit", "branch", "code", "state"),
    [
        (False, "", "empty", RepositoryState.EMPTY),
        (True, "release", "branch-missing", RepositoryState.BRANCH_MISSING),
    ],
)
def test_what_a_person_can_put_right_is_a_code_and_a_sentence(
    origin: Origin,
    register: Callable[..., Repository],
    commit: bool,
    branch: str,
    code: str,
    state: RepositoryState,
) -> None:
    if commit:
        origin.commit({"app/main.py": BAD})
    repository = register(branch=branch)

    scan = scan_of(repository)

    repository.refresh_from_db()
    assert (scan.state, scan.error_code, repository.state) == (ScanState.FAILED, code, state)
    assert scan.error_message.endswith(".")
    assert not Scan.objects.active().exists()


def test_a_repository_that_is_gone_keeps_its_last_good_result(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": BAD})
    repository = register()
    good = scan_of(repository)
    origin.git_dir.rename(origin.git_dir.with_name("moved.git"))

    scanning.request(repository, Trigger.POLL)
    assert scan_of(repository).state == ScanState.FAILED

    repository.refresh_from_db()
    assert (repository.last_scan, repository.score) == (good, good.score)
    assert repository.state != RepositoryState.READY


def test_a_disk_that_is_full_lets_the_scan_wait_with_that_reason(
    origin: Origin, register: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    from checks.gitfaults import FetchError

    def full(*_: object) -> None:
        raise FetchError("disk")

    origin.commit({"app/main.py": BAD})
    repository = register()
    with monkeypatch.context() as patch:
        patch.setattr(mirrors, "fetch", full)
        scan = scan_of(repository)

    assert (scan.state, scan.attempt, scan.error_code) == (ScanState.QUEUED, 0, "disk")
    assert "disk" in scan.error_message
    assert not running.run(scan.pk)
    Scan.objects.update(not_before=None)
    assert running.run(scan.pk)
    assert Scan.objects.get().state == ScanState.COMPLETE


def test_a_fault_of_ours_is_said_to_be_ours(
    origin: Origin, register: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    origin.commit({"app/main.py": BAD})
    repository = register()
    monkeypatch.setattr(judging, "review", crash)

    scan = scan_of(repository)

    assert (scan.state, scan.error_code) == (ScanState.FAILED, "internal")
    assert "secret detail" not in scan.error_message


def test_a_scan_that_outlasts_its_time_is_ended_with_that_reason(
    origin: Origin,
    register: Callable[..., Repository],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    settings.SCAN_TIME_LIMIT = timedelta(seconds=0.2)
    settings.SCAN_HEARTBEAT = timedelta(seconds=0.05)
    origin.commit({"app/main.py": BAD})
    repository = register()
    monkeypatch.setattr(judging, "review", lambda *_, **__: threading.Event().wait(30))

    scan = scan_of(repository)

    assert (scan.state, scan.error_code) == (ScanState.FAILED, "time-limit")


def test_a_process_that_is_told_to_end_gives_the_scan_back(
    origin: Origin, register: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(30)

    origin.commit({"app/main.py": BAD})
    repository = register()
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(judging, "review", told)

    scan = scan_of(repository)

    assert (scan.state, scan.attempt) == (ScanState.QUEUED, 0)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_repository_removed_in_the_middle_stops_its_scan(
    origin: Origin, register: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed(*arguments: Any, **options: Any) -> Any:
        repositories.remove(Repository.objects.get(), None)
        return review(*arguments, **options)

    origin.commit({"app/main.py": BAD})
    repository = register()
    monkeypatch.setattr(judging, "review", removed)

    assert running.run(repository.scans.get().pk)

    assert not Scan.objects.exists()
    assert not Finding.objects.exists()


def test_the_files_with_findings_can_be_read_at_once_and_others_when_asked_for(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": BAD, "app/other.py": GOOD})
    repository = register()
    commit = scan_of(repository).commit

    assert source_view.wanted(repository, commit, "app/main.py").state == SourceState.READY
    other = source_view.wanted(repository, commit, "app/other.py")
    assert other.state == SourceState.WAITING
    running.read_source(other.pk)
    other.refresh_from_db()
    assert other.state == SourceState.READY
    assert zlib.decompress(other.data or b"").decode() == GOOD


def test_a_standard_this_release_cannot_read_is_named(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": BAD})
    repository = register()
    text = rows.HOUSE_RULES.decode().replace("no-print", "no-such-check")
    Standard.objects.update(source=text)

    scan = scan_of(repository)

    assert scan.state == ScanState.FAILED
    assert "no-such-check" in scan.error_message
