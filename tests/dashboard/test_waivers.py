"""Waivers on the server: who grants them, what a scan makes of them, what the file asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from checks.memorysource import MemorySource
from checks.waiverfile import PATH, parse
from dashboard.models import (
    AuditEntry,
    Branch,
    Finding,
    FindingEvent,
    Repository,
    Scan,
    StoredReport,
    Trigger,
    User,
    Waiver,
    WaiverState,
)
from dashboard.services import (
    judging,
    lease,
    results,
    scanning,
    waiver_entries,
    waiver_lists,
    waiver_requests,
    waivers,
)
from dashboard.services.waiver_requests import WaiverError, Wish
from tests.dashboard import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

RULES = b"""
slug = "team-rules"
title = "Team rules"
[waivers]
approver = "other"
max_days = 90

[[clause]]
id = "TR-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]

[[clause]]
id = "TR-2"
requirement = "Functions are short."
strength = "should"
checks = [{ id = "function-length" }]
"""
PRINTS = 'def run() -> None:\n    print("x")\n'
FILES = {
    "app/main.py": PRINTS,
    "app/other.py": PRINTS,
    "lib/clean.py": "def one() -> int:\n    return 1\n",
}


@pytest.fixture
def asker() -> User:
    return rows.user("the-asker")


@pytest.fixture
def repository(asker: User, lead: User) -> Repository:
    return rows.repository(rows.team(lead=lead, developer=asker), rows.standard(RULES))


def scan(repository: Repository, **more: str) -> Scan:
    """Judge some files the way a worker does, and store the result."""
    files = FILES | {path.replace("__", "/") + ".py": text for path, text in more.items()}
    return judge(repository, files)


def judge(repository: Repository, files: dict[str, str]) -> Scan:
    asked = scanning.request(repository, Trigger.PUSH)
    held = lease.claim(asked.pk)
    assert held
    source = MemorySource.of(files, time=0)
    held.write(commit="a" * 40, wanted=Branch.objects.get(scans=asked.pk).wanted)
    day = timezone.localdate()
    waiver_entries.read(repository, source)
    accepted, names = waivers.in_force(repository, day), waivers.names(repository)
    ruling = judging.ruling(repository, day, (), accepted, names)
    judged = [judging.judge(each, source, ruling) for each in repository.components.judged()]
    results.store(held, judged, ruling.rows, {})
    repository.refresh_from_db()
    return Scan.objects.get(pk=asked.pk)


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def wish(repository: Repository, **changes: Any) -> Wish:
    """What is asked for: a month for everything below app, unless something else is given."""
    asked = Wish("Replaced in spring.", in_days(30), path_pattern="app/")
    return replace(asked, **changes)


def granted(repository: Repository, asker: User, lead: User) -> Waiver:
    """Scan, and have what was found waived."""
    scan(repository)
    row = waiver_requests.ask(repository, wish(repository), asker)
    waiver_requests.grant(row, lead, "Fine.")
    return row


def test_a_granted_waiver_covers_findings_and_lifts_the_score_alone(
    repository: Repository, asker: User, lead: User
) -> None:
    before = scan(repository)
    foreseen = waiver_requests.preview(repository, wish(repository), asker)
    row = waiver_requests.ask(repository, wish(repository), asker)
    waiver_requests.grant(row, lead, "Until the rewrite.")

    after = scan(repository)

    assert (foreseen.matched, before.findings_count) == (2, 2)
    assert before.score is not None
    assert after.score == pytest.approx(before.score + (foreseen.gain or 0), abs=1e-6)
    assert after.raw_score == before.raw_score
    assert (after.findings_count, after.waived_count, repository.waived_count) == (0, 2, 2)
    row.refresh_from_db()
    assert (row.outcome, row.matched, row.absorbed, row.approver) == ("in-force", 2, 2, lead)
    assert Finding.objects.waived().count() == 2
    assert not Finding.objects.open().exists()
    assert FindingEvent.objects.filter(kind="waived").count() == 2
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-2:] == ["waiver.requested", "waiver.granted"]


def test_growth_breaks_it_and_the_findings_count_again(
    repository: Repository, asker: User, lead: User
) -> None:
    row = granted(repository, asker, lead)
    scan(repository)

    grown = scan(repository, app__third=PRINTS)

    row.refresh_from_db()
    assert (row.outcome, row.matched) == ("broken", 3)
    assert "absorbed 2 when granted, and matches 3 now" in row.note
    assert (grown.findings_count, grown.waived_count) == (3, 0)
    assert FindingEvent.objects.filter(kind="unwaived").count() == 2
    assert [w.pk for w in waiver_lists.listed(lead, "broken")] == [row.pk]


def test_a_waiver_of_one_finding_covers_this_one(
    repository: Repository, asker: User, lead: User
) -> None:
    scan(repository)
    finding = Finding.objects.get(path="app/main.py")
    row = waiver_requests.ask(repository, wish(repository, finding=finding, path_pattern=""), asker)
    waiver_requests.grant(row, lead, "Fine.")
    scan(repository)

    assert list(Finding.objects.waived()) == [finding]


def test_who_asks_does_not_grant_where_the_standard_wants_another(
    repository: Repository, lead: User
) -> None:
    scan(repository)
    row = waiver_requests.ask(repository, wish(repository), lead)

    with pytest.raises(WaiverError, match="granted by somebody else"):
        waiver_requests.grant(row, lead, "Fine.")
    row.refresh_from_db()
    assert row.state == WaiverState.REQUESTED


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"expires_on": None}, "never waived for ever"),
        ({"expires_on": in_days(91)}, "90 days at most"),
        ({"expires_on": in_days(-1)}, "is past"),
        ({"path_pattern": "nowhere/"}, "matches no finding"),
    ],
)
def test_what_a_standard_does_not_allow_is_not_granted(
    repository: Repository,
    asker: User,
    lead: User,
    changes: dict[str, object],
    sentence: str,
) -> None:
    scan(repository)
    row = waiver_requests.ask(repository, wish(repository, **changes), asker)

    with pytest.raises(WaiverError, match=sentence):
        waiver_requests.grant(row, lead, "Fine.")


def test_a_revoked_waiver_covers_nothing_and_cannot_be_decided_twice(
    repository: Repository, asker: User, lead: User
) -> None:
    row = granted(repository, asker, lead)
    row.refresh_from_db()
    waiver_requests.revoke(row, lead, "The rewrite is there.")

    assert scan(repository).waived_count == 0
    row.refresh_from_db()
    assert [w.pk for w in waiver_lists.listed(lead, "ended")] == [row.pk]
    for decide in waiver_requests.DECISIONS.values():
        with pytest.raises(WaiverError):
            decide(row, lead, "Fine.")


def test_an_ended_waiver_has_its_repository_judged_again(
    repository: Repository, asker: User, lead: User
) -> None:
    row = granted(repository, asker, lead)
    scan(repository)
    assert waivers.judge_ended() == 0

    Waiver.objects.filter(pk=row.pk).update(expires_on=in_days(-1))

    assert waivers.judge_ended() == 1
    assert scan(repository).waived_count == 0
    assert Waiver.objects.get().standing == "expired"
    assert waivers.judge_ended() == 0


ENTRY = f"""\
[[waiver]]
path = "app/"
reason = "Replaced in spring."
author = "ada"
expires = {in_days(20)}
count = 2
"""


def test_an_entry_of_the_file_is_a_request_that_a_lead_grants_once(
    repository: Repository, lead: User
) -> None:
    files = FILES | {PATH: ENTRY}
    assert judge(repository, files).waived_count == 0
    row = Waiver.objects.get()
    assert (row.state, row.said_by, row.absorbed) == ("requested", "ada", 2)

    waiver_requests.grant(row, lead, "Fine.")

    assert judge(repository, files).waived_count == 2
    assert judge(repository, files | {PATH: f"# moved\n{ENTRY}"}).waived_count == 2
    assert Waiver.objects.count() == 1


def test_an_entry_that_leaves_is_withdrawn_and_an_edited_one_is_a_new_request(
    repository: Repository, lead: User
) -> None:
    files = FILES | {PATH: ENTRY}
    judge(repository, files)
    waiver_requests.grant(Waiver.objects.get(), lead, "Fine.")

    edited = judge(repository, files | {PATH: ENTRY.replace("count = 2", "count = 9")})

    assert edited.waived_count == 0
    states = Waiver.objects.order_by("pk").values_list("state", "absorbed")
    assert list(states) == [("withdrawn", 2), ("requested", 9)]


def test_an_exported_file_asks_for_nothing_that_is_granted(
    repository: Repository, asker: User, lead: User
) -> None:
    granted(repository, asker, lead)
    text = waiver_entries.export(repository)

    assert parse(text.encode()).waivers[0].approver == "the-lead"
    assert judge(repository, FILES | {PATH: text}).waived_count == 2
    assert Waiver.objects.count() == 1


def test_an_entry_that_is_exported_with_who_granted_it_is_granted_still(
    repository: Repository, lead: User
) -> None:
    judge(repository, FILES | {PATH: ENTRY})
    waiver_requests.grant(Waiver.objects.get(), lead, "Fine.")
    text = waiver_entries.export(repository)

    assert text.count("the-lead") == 1
    assert judge(repository, FILES | {PATH: text}).waived_count == 2
    assert judge(repository, FILES | {PATH: ENTRY}).waived_count == 2
    assert Waiver.objects.count() == 1


def test_a_granted_waiver_takes_over_the_entry_of_one_that_was_withdrawn(
    repository: Repository, asker: User, lead: User
) -> None:
    judge(repository, FILES | {PATH: ENTRY})
    scan(repository)
    withdrawn = Waiver.objects.get()
    same = wish(repository, path_pattern=withdrawn.path_pattern, check_id=withdrawn.check_id)
    same = replace(same, reason=withdrawn.reason, expires_on=withdrawn.expires_on)
    waiver_requests.grant(waiver_requests.ask(repository, same, asker), lead, "Fine.")

    assert judge(repository, FILES | {PATH: ENTRY}).waived_count == 2
    states = Waiver.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["withdrawn", "granted"]


def test_a_wrong_entry_is_named_and_asks_for_nothing(repository: Repository) -> None:
    judge(repository, FILES | {PATH: ENTRY.replace("count = 2", "count = 0")})

    assert not Waiver.objects.exists()
    assert repository.waiver_mistakes[0].startswith("line 1: count is not the number")


def test_of_two_who_decide_at_once_one_does(
    repository: Repository, asker: User, lead: User
) -> None:
    scan(repository)
    row = waiver_requests.ask(repository, wish(repository), asker)
    late = Waiver.objects.select_related("repository").get(pk=row.pk)
    waiver_requests.refuse(row, lead, "Fine.")

    with pytest.raises(WaiverError, match="no request any more"):
        waiver_requests.grant(late, lead, "Fine.")

    late.refresh_from_db()
    assert (late.state, late.absorbed) == ("refused", 0)
    assert not AuditEntry.objects.filter(action="waiver.granted").exists()


def test_a_waiver_outlives_the_accounts_of_who_asked_and_who_granted(
    repository: Repository, asker: User, lead: User
) -> None:
    granted(repository, asker, lead)
    lead.delete()
    asker.delete()

    assert scan(repository).waived_count == 2
    row = Waiver.objects.get()
    assert (row.standing, row.approver, row.approved_by) == ("in-force", None, "the-lead")


def test_an_approver_that_a_file_names_has_granted_nothing(repository: Repository) -> None:
    judge(repository, FILES | {PATH: ENTRY + 'approver = "grace"\n'})

    assert waivers.as_engine(Waiver.objects.get()).approver == ""


def test_a_request_says_what_it_matches_in_each_result(repository: Repository, lead: User) -> None:
    judge(repository, FILES | {PATH: ENTRY})
    assert Waiver.objects.get().matched == 2

    more = FILES | {PATH: ENTRY, "app/another.py": "print('more')\n"}
    judge(repository, more)
    assert (Waiver.objects.get().matched, repository.waived_count) == (3, 0)

    judge(repository, {"app/quiet.py": "x = 1\n", PATH: ENTRY})
    assert Waiver.objects.get().matched == 0


def test_only_the_requests_that_differ_are_written_and_what_cannot_be_read_is_skipped(
    repository: Repository,
) -> None:
    judge(repository, FILES | {PATH: ENTRY})

    def written() -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            waiver_requests.recount(repository)
        return [each["sql"] for each in seen if each["sql"].startswith("UPDATE")]

    assert written() == []
    Waiver.objects.update(matched=7)
    assert (len(written()), Waiver.objects.get().matched) == (1, 2)
    StoredReport.objects.update(answers=b"damaged")
    waiver_requests.recount(repository)
    assert Waiver.objects.get().matched == 0


def test_a_request_that_breaks_a_rule_says_so_before_it_is_granted(repository: Repository) -> None:
    endless = "".join(line for line in ENTRY.splitlines(keepends=True) if "expires" not in line)
    judge(repository, FILES | {PATH: endless})

    assert "never waived for ever" in Waiver.objects.get().note


@pytest.mark.parametrize("words", ["", "  \n", "\t"])
def test_nothing_is_decided_without_words(
    words: str, repository: Repository, asker: User, lead: User
) -> None:
    scan(repository)
    row = waiver_requests.ask(repository, wish(repository), asker)
    for name in ("grant", "refuse"):
        with pytest.raises(WaiverError, match="say why"):
            waiver_requests.DECISIONS[name](row, lead, words)
    row.refresh_from_db()
    assert row.state == "requested"

    waiver_requests.grant(row, lead, "Until the rewrite.")
    row.refresh_from_db()
    with pytest.raises(WaiverError, match="say why"):
        waiver_requests.revoke(row, lead, words)
    assert Waiver.objects.get().state == "granted"


def test_an_entry_whose_last_day_is_past_asks_for_nothing_and_is_named(
    repository: Repository,
) -> None:
    judge(repository, FILES | {PATH: ENTRY.replace(str(in_days(20)), str(in_days(-1)))})

    assert not Waiver.objects.exists()
    assert repository.waiver_mistakes == [f"line 1: its last day, {in_days(-1)}, is past"]


def test_what_was_decided_before_stays_in_the_audit_log(repository: Repository, lead: User) -> None:
    judge(repository, FILES | {PATH: ENTRY})
    waiver_requests.refuse(Waiver.objects.get(), lead, "Not now.")
    Waiver.objects.update(state="granted", decision="By hand.")
    judge(repository, FILES)
    judge(repository, FILES | {PATH: ENTRY})

    assert Waiver.objects.get().state == "requested"
    told = AuditEntry.objects.filter(action__startswith="waiver.").order_by("pk")
    assert [(each.action, each.detail.get("said_before")) for each in told] == [
        ("waiver.requested", None),
        ("waiver.refused", ""),
        ("waiver.withdrawn", "By hand."),
        ("waiver.requested", "Its entry has left the file."),
    ]
