"""Gates on the server: asked by settings and standards, stored with the scan, told in sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from checks.gate import Gate
from dashboard.models import AuditEntry, Repository, Scan, ScanState, Standing
from dashboard.services import gates
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin, git
from tests.services import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

BAD = "def main():\n    print('hello')\n"
GOOD = "def main():\n    return 'hello'\n"


def standing(repository: Repository) -> Standing:
    return repository.standing


def failed(scan: Scan) -> list[str]:
    assert scan.gate is not None
    return [each["name"] for each in scan.gate["conditions"] if not each["passed"]]


def test_server_and_command_line_say_the_same(
    origin: Origin, register: Callable[..., Repository], tmp_path: Path
) -> None:
    origin.commit({"app/main.py": GOOD, "app/more.py": GOOD})
    text = rows.HOUSE_RULES + b"\n[gate]\nminimum = 99\n"
    repository = register(text)
    gates.choose(repository, Gate(no_new_findings=True, coverage=0.5), None)
    first = scan_of(repository)
    assert first.gate is not None
    assert first.gate["passed"]
    base = origin.top()
    origin.commit({"app/main.py": BAD})
    second = scan_of(repository)

    rules, gate = tmp_path / "rules.toml", tmp_path / "gate.toml"
    rules.write_bytes(text)
    gate.write_text("[gate]\nno_new_findings = true\ncoverage = 0.5\n")
    printed = subprocess.run(
        [
            *(sys.executable, "-m", "checks", "review", str(origin.git_dir), "--no-cache"),
            *("--standard", str(rules), "--gate", str(gate), "--base", base, "--format", "json"),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert printed.returncode == 1
    assert json.loads(printed.stdout)["gate"] == second.gate
    assert failed(second) == ["open_musts", "no_new_findings", "minimum", "open_musts"]
    assert repository.gate_passed is False


def test_what_is_new_stays_new_when_its_commit_is_judged_again(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    assert failed(scan_of(repository)) == []
    assert failed(scan_of(repository)) == []
    origin.commit({"app/main.py": BAD})
    assert failed(scan_of(repository)) == ["no_new_findings"]

    assert failed(scan_of(repository)) == ["no_new_findings"]

    origin.commit({"app/more.py": GOOD})
    assert failed(scan_of(repository)) == []


def test_the_ratchet_is_the_newest_result_older_than_a_week(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(not_worse=True, open_musts=None), None)
    first = scan_of(repository)
    origin.commit({"app/main.py": BAD})
    assert failed(scan_of(repository)) == []
    past = timezone.now() - timedelta(days=8)
    Scan.objects.filter(pk=first.pk).update(finished_at=past)
    third = scan_of(repository)
    assert failed(third) == ["not_worse"]
    assert third.gate is not None
    assert f"since scan 1 of {past:%Y-%m-%d}." in third.gate["conditions"][1]["sentence"]


def test_another_branch_is_compared_with_where_it_left_the_default(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": BAD})
    parted = origin.top()
    git(origin.git_dir, "branch", "work", parted)
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    scan_of(repository)
    origin.commit({"app/more.py": BAD})
    Repository.objects.filter(pk=repository.pk).update(watched_branch="work")
    repository.refresh_from_db()
    scan = scan_of(repository)
    assert scan.gate is not None
    assert scan.gate["conditions"][1]["sentence"] == f"No finding is new against {parted[:10]}."


def test_a_branch_with_no_past_in_common_fails_and_says_so(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    origin.commit({"app/main.py": BAD}, branch="work", unrelated=True)
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    scan_of(repository)
    Repository.objects.filter(pk=repository.pk).update(watched_branch="work")
    repository.refresh_from_db()

    scan = scan_of(repository)

    assert failed(scan) == ["no_new_findings"]
    assert scan.gate is not None
    sentence = scan.gate["conditions"][1]["sentence"]
    assert "work has no commit in common with main" in sentence


def test_a_base_that_is_gone_fails_and_says_so(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True), None)
    Scan.objects.filter(pk=scan_of(repository).pk).update(commit="b" * 40)
    scan = scan_of(repository)
    assert failed(scan) == ["no_new_findings"]


def test_choosing_a_gate_is_audited_and_judged(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    scan = scan_of(repository)
    assert scan.gate is None
    assert gates.choose(repository, Gate(), None)
    assert not gates.choose(repository, Gate(), None)
    assert gates.of_repository(repository) == Gate()
    scan_of(repository)
    assert repository.gate_passed is True
    assert gates.choose(repository, None, None)
    assert scan_of(repository).gate is None
    assert AuditEntry.objects.filter(action="repository.gate").count() == 2


def test_nothing_analysed_is_an_error_and_the_last_good_result_stands(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    assert standing(repository) == Standing.NEVER
    scan_of(repository)
    assert standing(repository) == Standing.JUDGED
    origin.commit({"README.md": "# Shop\n"})
    scan = scan_of(repository)
    assert (scan.state, scan.error_code) == (ScanState.FAILED, "nothing-analysed")
    assert scan.error_message.startswith("No Python file was analysed: the repository has none.")
    assert standing(repository) == Standing.FAILED
    assert repository.failure_message == scan.error_message
    assert repository.score is not None
    origin.commit({"app/main.py": GOOD})
    scan_of(repository)
    assert standing(repository) == Standing.JUDGED
