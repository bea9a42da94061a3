"""Gates on the server: asked by settings and standards, stored with the scan, told in sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from django.utils import timezone

from checks.errors import InputError
from checks.gate import Gate
from dashboard.models import (
    Adoption,
    AuditEntry,
    Finding,
    Repository,
    Scan,
    ScanStandard,
    ScanState,
    Standing,
    Waiver,
    WaiverState,
)
from dashboard.services import components, gate_bases, gates, judging, mirrors, standards
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
    return [each["name"] for each in scan.gate["conditions"] if each["passed"] is False]


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
    untold = [each["name"] for each in first.gate["conditions"] if each["passed"] is None]
    assert untold == ["no_new_findings"]
    assert (repository.gate_passed, repository.gate_untold) == (True, True)
    base = origin.top()
    origin.commit({"app/main.py": BAD})
    second = scan_of(repository)

    rules = tmp_path / "rules.toml"
    rules.write_bytes(text)
    again = printed(origin, rules, base=base, rev=base)
    assert (again.returncode, json.loads(again.stdout)["gate"]) == (0, first.gate)
    later = printed(origin, rules, base=base)
    assert (later.returncode, json.loads(later.stdout)["gate"]) == (1, second.gate)
    assert failed(second) == ["open_musts", "no_new_findings", "minimum", "open_musts"]
    assert (repository.gate_passed, repository.gate_untold) == (False, False)


def printed(
    origin: Origin, rules: Path, *, base: str, rev: str = "main", gate: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """What the command line says by a gate, on new findings and coverage if none is given."""
    if gate is None:
        gate = rules.with_name("gate.toml")
        gate.write_text("[gate]\nno_new_findings = true\ncoverage = 0.5\n")
    return subprocess.run(
        [
            *(sys.executable, "-m", "checks", "review", str(origin.git_dir), "--no-cache"),
            *("--standard", str(rules), "--gate", str(gate), "--base", base, "--rev", rev),
            *("--format", "json"),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("passed", "says"),
    [
        ([True, True], "The gate passes: all 2 conditions are met."),
        ([True, False, None], "The gate fails: 1 of 3 conditions are not met."),
        (
            [True, None],
            (
                "The gate does not fail: 1 of 2 conditions are met, and 1 has nothing to compare"
                " with yet."
            ),
        ),
    ],
)
def test_how_a_gate_stands_is_said_in_a_sentence(passed: list[bool | None], says: str) -> None:
    assert gates.in_words({"conditions": [{"passed": each} for each in passed]}) == says


def test_a_folder_that_the_base_has_not_is_compared_with_what_was_moved_there(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/pyproject.toml": "[project]\n", "app/main.py": BAD})
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    scan_of(repository)
    origin.commit(
        {
            "backend/pyproject.toml": "[project]\n",
            "backend/main.py": BAD,
            "backend/more.py": BAD.replace("main", "more"),
        }
    )
    components.choose(repository, ["backend"], rows.user())

    scan = scan_of(repository)

    assert scan.gate is not None
    (new,) = [each for each in scan.gate["conditions"] if each["passed"] is False]
    assert "1 finding is new against" in new["sentence"]
    assert "backend/more.py" in new["sentence"]


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

    origin.commit({"app/more.py": GOOD, "app/main.py": BAD})
    assert failed(scan_of(repository)) == ["no_new_findings"]

    origin.commit({"app/more.py": GOOD})
    assert failed(scan_of(repository)) == []


def test_what_a_gate_refused_and_what_failed_is_no_base(
    origin: Origin, register: Callable[..., Repository], tmp_path: Path
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True, coverage=0.5), None)
    scan_of(repository)
    passing = origin.top()
    origin.commit({"app/main.py": BAD})
    assert "no_new_findings" in failed(scan_of(repository))
    origin.commit({"README.md": "# Shop\n"})
    assert scan_of(repository).state == ScanState.FAILED
    origin.commit({"app/main.py": BAD, "app/more.py": GOOD})

    scan = scan_of(repository)

    rules = tmp_path / "rules.toml"
    rules.write_bytes(rows.HOUSE_RULES)
    again = printed(origin, rules, base=passing)
    assert (again.returncode, json.loads(again.stdout)["gate"]) == (1, scan.gate)
    assert f"1 finding is new against {passing[:10]}" in str(scan.gate)


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("no_new_findings", Gate(no_new_findings=True, open_musts=None)),
        ("not_worse", Gate(not_worse=True, open_musts=None)),
    ],
)
def test_what_was_refused_on_a_new_branch_is_no_base_of_its_next_push(
    name: str, gate: Gate, origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, gate, None)
    aged(scan_of(repository))
    git(origin.git_dir, "branch", "-m", "main", "trunk")
    git(origin.git_dir, "symbolic-ref", "HEAD", "refs/heads/trunk")
    origin.commit({"app/main.py": BAD}, branch="trunk")
    refused = scan_of(repository)
    assert (refused.branch.name, failed(refused)) == ("trunk", [name])
    aged(refused)
    origin.commit({"app/main.py": BAD, "app/more.py": GOOD}, branch="trunk")

    assert failed(scan_of(repository)) == [name]


def test_where_the_base_is_gone_the_next_accepted_one_is_taken(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    kept = scan_of(repository).commit
    origin.commit({"app/more.py": GOOD})
    gone = scan_of(repository)
    origin.commit({"app/main.py": BAD})
    assert failed(scan_of(repository)) == ["no_new_findings"]
    Scan.objects.filter(pk=gone.pk).update(commit="b" * 40)
    origin.commit({"app/main.py": BAD, "app/third.py": GOOD})

    scan = scan_of(repository)

    assert f"1 finding is new against {kept[:10]}" in str(scan.gate)


def test_a_copy_that_cannot_be_fetched_is_asked_for_once(
    origin: Origin, register: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = register()
    for number in range(4):
        origin.commit({"app/main.py": f"x = {number}\n"})
        scan_of(repository)
    asked: list[Repository] = []

    def away(of: Repository) -> NoReturn:
        asked.append(of)
        raise InputError("The server is gone.")

    monkeypatch.setattr(mirrors, "at_hand", away)
    ruling = judging.ruling(repository, timezone.localdate(), ())
    gate = Gate(no_new_findings=True)

    base = gate_bases.Bases(repository, [], ruling, {"": gate}).base()

    assert base is not None
    assert base.missing == "The server is gone."
    assert len(asked) == 2  # to look which commit is there, and to read it


def test_far_back_only_what_passed_is_looked_for(
    origin: Origin, register: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_bases, "MOST_LOOKED", 1)
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True), None)
    passed = scan_of(repository).commit
    for number in range(3):
        origin.commit({"app/main.py": BAD, f"app/{number}.py": GOOD})
        told = str(scan_of(repository).gate)
        assert f"1 finding is new against {passed[:10]}" in told


def test_another_branch_is_no_base_of_the_default_one(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    git(origin.git_dir, "branch", "work", origin.top())
    origin.commit({"app/main.py": BAD}, branch="work")
    repository = register()
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    base = scan_of(repository).commit
    watch(repository, "work")
    gates.choose(repository, None, None)
    scan_of(repository)
    watch(repository, "main")
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    origin.commit({"app/more.py": GOOD})
    scan = scan_of(repository)
    assert scan.gate is not None
    assert scan.gate["conditions"][1]["sentence"] == f"No finding is new against {base[:10]}."


def watch(repository: Repository, branch: str) -> None:
    Repository.objects.filter(pk=repository.pk).update(watched_branch=branch)
    repository.refresh_from_db()


def aged(scan: Scan) -> None:
    past = timezone.now() - timedelta(days=8)
    Scan.objects.filter(pk=scan.pk).update(finished_at=past)


def test_a_fall_does_not_become_what_the_ratchet_holds(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(not_worse=True, open_musts=None), None)
    aged(scan_of(repository))
    origin.commit({"app/main.py": BAD})
    fallen = scan_of(repository)
    assert failed(fallen) == ["not_worse"]
    aged(fallen)

    assert failed(scan_of(repository)) == ["not_worse"]


def test_the_ratchet_judges_the_earlier_commit_by_the_rules_of_now(
    origin: Origin, register: Callable[..., Repository], tmp_path: Path
) -> None:
    clean = {"app/b.py": GOOD, "app/c.py": GOOD}
    origin.commit(clean | {"app/main.py": BAD})
    repository = register(rows.HOUSE_RULES.replace(b'"must"', b'"should"'))
    gates.choose(repository, Gate(not_worse=True, open_musts=None), None)
    first = scan_of(repository)
    aged(first)
    standards.adopt(repository, [rows.standard()], None)
    Adoption.objects.update(fresh={})
    origin.commit(clean | {"app/main.py": BAD, "app/more.py": GOOD})

    second = scan_of(repository)

    assert (first.score or 0) > (second.score or 0)
    assert failed(second) == []
    origin.commit(clean | {"app/main.py": BAD, "app/more.py": BAD})
    rules, gate = tmp_path / "rules.toml", tmp_path / "gate.toml"
    rules.write_bytes(rows.HOUSE_RULES)
    gate.write_text('[gate]\nnot_worse = true\nopen_musts = "any"\n')
    third = scan_of(repository)
    again = printed(origin, rules, base=first.commit, gate=gate)
    assert third.gate is not None
    said = [str(each["sentence"]).split(" since ")[0] for each in third.gate["conditions"]]
    told = json.loads(again.stdout)["gate"]["conditions"]
    assert [each["sentence"].split(" since ")[0] for each in told] == said
    assert (again.returncode, failed(third)) == (1, ["not_worse"])


def test_a_check_that_broke_lowers_no_ratchet(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": GOOD})
    repository = register()
    gates.choose(repository, Gate(not_worse=True, open_musts=None), None)
    first = scan_of(repository)
    aged(first)
    ScanStandard.objects.filter(scan=first).update(low=0)
    origin.commit({"app/main.py": BAD})
    assert failed(scan_of(repository)) == ["not_worse"]


def test_a_waiver_of_this_week_hides_no_fall(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    clean = {f"app/{name}.py": GOOD for name in "defg"}
    origin.commit(clean | {f"app/{name}.py": BAD for name in "abc"})
    repository = register()
    gates.choose(repository, Gate(not_worse=True, open_musts=None), None)
    first = scan_of(repository)
    aged(first)
    for row in Finding.objects.filter(path__in=["app/a.py", "app/b.py"]):
        Waiver.objects.create(
            repository=repository,
            scope="finding",
            finding=row,
            fingerprint=row.fingerprint,
            reason="It goes in spring.",
            state=WaiverState.GRANTED,
            expires_on=timezone.localdate() + timedelta(days=30),
            absorbed=1,
        )
    moved = {"app/a.py": f"# moved\n{BAD}", "app/d.py": BAD}
    origin.commit(clean | {"app/b.py": BAD, "app/c.py": BAD} | moved)

    scan = scan_of(repository)

    assert scan.waived_count == 2
    assert (scan.low or 0) > (first.low or 0)
    assert failed(scan) == ["not_worse"]


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
    origin.commit({"app/less.py": GOOD}, branch="work")
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
