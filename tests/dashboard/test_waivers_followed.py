"""Waivers in whole scans of a real repository: where code goes, and what the ledger says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from checks.waiverfile import PATH
from dashboard.models import (
    Finding,
    Repository,
    Scan,
    ScanState,
    User,
    Waiver,
)
from dashboard.services import (
    audit,
    repositories,
    results,
    running,
    waiver_entries,
    waiver_requests,
    waivers,
)
from dashboard.services.waiver_requests import Wish
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.dashboard.test_ledger import causes, no_residual
from tests.dashboard.test_waivers import RULES
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

TWO = 'def run() -> None:\n    print("one")\n    print("two")\n'
ONE = 'def run() -> None:\n    print("two")\n'
LONG = TWO + "\n\ndef sum_up(items: list[int]) -> int:\n    return sum(items) + len(items)\n"
MIXED = {"app/main.py": LONG, "app/clean.py": "def one() -> int:\n    return 1\n"}


@pytest.fixture
def origin(origin: Origin) -> Origin:
    origin.commit(MIXED)
    return origin


@pytest.fixture
def repository(origin: Origin, lead: User) -> Repository:
    team = rows.team(lead=lead)
    adopted = [rows.standard(RULES)]
    return repositories.register(team=team, clone_url=str(origin.git_dir), adopted=adopted)


def judge(repository: Repository) -> Scan:
    """Scan the repository as it is now; nothing else is asked for by it."""
    scan = scan_of(repository)
    assert scan.state == ScanState.COMPLETE, scan.error_message
    assert not repository.scans.filter(state=ScanState.QUEUED).exists()
    no_residual(scan)
    return scan


def waive(repository: Repository, lead: User, **scope: Any) -> Waiver:
    """Have something waived for a month."""
    end = timezone.localdate() + timedelta(days=30)
    wish = Wish("Replaced in spring.", end, **scope)
    row = waiver_requests.ask(repository, wish, rows.user())
    waiver_requests.grant(row, lead, "Fine.")
    return row


def waive_by_file(origin: Origin, repository: Repository, lead: User) -> str:
    """Have the second print waived by an entry in the repository; returns the file's text."""
    end = timezone.localdate() + timedelta(days=30)
    entry = (
        f'[[waiver]]\nfingerprint = "{second_print().fingerprint}"\n'
        f'reason = "Replaced in spring."\nauthor = "ada"\nexpires = {end}\ncount = 1\n'
    )
    origin.commit({"app/main.py": LONG, PATH: entry})
    judge(repository)
    waiver_requests.grant(Waiver.objects.select_related("repository").get(), lead, "Fine.")
    return entry


def second_print() -> Finding:
    return Finding.objects.filter(check_id="no-print").order_by("line")[1]


def test_the_scan_that_sees_code_move_waives_what_moved(
    origin: Origin, repository: Repository, lead: User
) -> None:
    judge(repository)
    finding = second_print()
    row = waive(repository, lead, finding=finding)
    assert judge(repository).waived_count == 1

    origin.commit({"lib/moved.py": f"import os\n\n{LONG}"})
    moved = judge(repository)

    assert (moved.waived_count, moved.findings_count) == (1, 1)
    finding.refresh_from_db()
    assert (finding.path, finding.waived_by) == ("lib/moved.py", row)
    row.refresh_from_db()
    assert (row.outcome, row.matched) == ("in-force", 1)
    assert "waivers" not in causes(moved)
    assert causes(judge(repository)) == {}


def test_a_waiver_does_not_slip_to_the_finding_that_takes_over_the_name(
    origin: Origin, repository: Repository, lead: User
) -> None:
    judge(repository)
    first = Finding.objects.filter(check_id="no-print").order_by("line")[0]
    row = waive(repository, lead, finding=first)
    judge(repository)

    origin.commit({"app/main.py": LONG.replace('    print("one")\n', "")})
    scan = judge(repository)

    assert (scan.waived_count, scan.findings_count) == (0, 1)
    assert Finding.objects.get(fingerprint=first.fingerprint, state="open").waived_by is None
    row.refresh_from_db()
    assert row.outcome == "unused"
    assert audit.audit(repository).outcome == "same"

    origin.commit({"app/main.py": LONG})
    assert judge(repository).waived_count == 1


def test_the_ledger_owes_a_grant_and_its_end_to_the_waivers(
    repository: Repository, lead: User
) -> None:
    before = judge(repository)
    row = waive(repository, lead, path_pattern="app/", check_id="no-print")
    granted = judge(repository)

    gain = causes(granted)
    assert gain.keys() == {"waivers"}
    assert gain["waivers"] > 0
    assert granted.raw_score == before.raw_score

    waiver_requests.revoke(
        Waiver.objects.select_related("repository").get(pk=row.pk), lead, "Fine."
    )
    assert causes(judge(repository)) == {"waivers": -gain["waivers"]}


def test_the_ledger_owes_an_expiry_to_the_waivers(
    origin: Origin, repository: Repository, lead: User
) -> None:
    origin.commit({**MIXED, "app/single.py": ONE})
    judge(repository)
    row = waive(repository, lead, finding=Finding.objects.get(path="app/single.py"))
    gain = causes(judge(repository))["waivers"]

    yesterday = timezone.localdate() - timedelta(days=1)
    Waiver.objects.filter(pk=row.pk).update(expires_on=yesterday)

    assert causes(judge(repository)) == {"waivers": -gain}
    row.refresh_from_db()
    assert row.standing == "expired"


def test_a_waiver_and_a_push_between_two_scans_are_told_apart(
    origin: Origin, repository: Repository, lead: User
) -> None:
    origin.commit({**MIXED, "app/single.py": ONE})
    judge(repository)
    waive(repository, lead, finding=Finding.objects.get(path="app/single.py"))
    origin.commit({**MIXED, "lib/single.py": f"import os\n{ONE}", "app/more.py": TWO})

    scan = judge(repository)

    assert scan.waived_count == 1
    assert causes(scan).keys() == {"waivers", "code"}
    assert causes(scan)["waivers"] > 0


def test_an_entry_of_the_file_that_names_a_finding_follows_it_too(
    origin: Origin, repository: Repository, lead: User
) -> None:
    judge(repository)
    entry = waive_by_file(origin, repository, lead)

    origin.commit({"lib/moved.py": LONG, PATH: entry})
    assert judge(repository).waived_count == 1
    origin.commit({"lib/again.py": LONG, PATH: entry})
    assert judge(repository).waived_count == 1
    assert Waiver.objects.get().state == "granted"


def test_a_file_that_is_exported_again_after_code_moved_asks_for_nothing(
    origin: Origin, repository: Repository, lead: User
) -> None:
    judge(repository)
    before = second_print().fingerprint
    entry = waive_by_file(origin, repository, lead)
    judge(repository)
    origin.commit({"lib/moved.py": LONG, PATH: entry})
    judge(repository)

    text = waiver_entries.export(repository)
    assert before not in text
    origin.commit({"lib/moved.py": LONG, PATH: text})
    scan = judge(repository)

    assert scan.waived_count == 1
    row = Waiver.objects.get()
    assert (row.state, row.outcome, row.said_by) == ("granted", "in-force", "ada")
    # It is the entry's now: it goes with it, and comes back as a request.
    origin.commit({"lib/moved.py": LONG})
    assert judge(repository).waived_count == 0
    origin.commit({"lib/moved.py": LONG, PATH: text})
    judge(repository)
    assert Waiver.objects.get().state == "requested"


def test_a_waiver_survives_another_choice_of_folders(repository: Repository, lead: User) -> None:
    judge(repository)
    waive(repository, lead, finding=second_print())
    judge(repository)

    repository.components.update(path="app")
    repository.components.create(path="lib")
    assert judge(repository).waived_count == 1
    assert judge(repository).waived_count == 1


def test_what_a_scan_makes_of_waivers_is_written_with_its_end_or_not_at_all(
    repository: Repository, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(repository)
    row = waive(repository, lead, finding=second_print())

    def dies(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(results, "_write_repository", dies)
        scan = repository.scans.get(state=ScanState.QUEUED)
        assert running.run(scan.pk)
    row.refresh_from_db()
    assert row.outcome == ""
    assert not Finding.objects.waived().exists()

    judge(repository)
    row.refresh_from_db()
    assert row.outcome == "in-force"
    assert list(waivers.names(repository).values()) == [second_print().fingerprint]


def test_a_waiver_of_one_folder_leaves_the_others_alone(
    origin: Origin, repository: Repository, lead: User
) -> None:
    both = {f"{folder}/{path}": text for folder in ("api", "web") for path, text in MIXED.items()}
    origin.commit(both)
    repository.components.update(path="api")
    repository.components.create(path="web")
    judge(repository)
    wish = {"clause": "team-rules/TR-1", "component": "api"}

    row = waive(repository, lead, **wish)

    assert row.matched == 2
    scan = judge(repository)
    assert (scan.waived_count, scan.findings_count) == (2, 2)
    assert {each.component.path for each in Finding.objects.waived()} == {"api"}
    assert causes(scan).keys() == {"waivers"}
    assert audit.audit(repository).outcome == "same"
    assert Waiver.objects.get().standing == "in-force"
