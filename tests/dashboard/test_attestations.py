"""A lead's word: how long it counts, when it is out of date, and what a scan makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from checks.memorysource import MemorySource
from dashboard.models import Attestation, AuditEntry, Repository, Scan, Trigger, User
from dashboard.services import attestations
from dashboard.services.attestations import Word
from tests.dashboard import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

RULES = b"""
slug = "word-rules"
title = "Words"

[[clause]]
id = "WR-1"
requirement = "Secrets are rotated."
strength = "must"
checks = [{ id = "lead-attestation", params = { topic = "secret-rotation", validity_days = 90 } }]

[[clause]]
id = "WR-2"
requirement = "Secrets are rotated, and we say how."
strength = "should"
checks = [{ id = "lead-attestation", params = { topic = "secret-rotation" } }]

[[clause]]
id = "WR-3"
requirement = "Somebody is on call."
strength = "must"
"""
WORD = Word("We rotate all of them each quarter.", "https://wiki.example.org/rotation", 60)


@pytest.fixture
def repository(lead: User) -> Repository:
    return rows.repository(rows.team(lead=lead), rows.standard(RULES))


def _topic(repository: Repository, name: str = "secret-rotation") -> attestations.Topic:
    return next(topic for topic in attestations.topics(repository) if topic.name == name)


def _source(**files: str) -> MemorySource:
    return MemorySource.of({f"{name}.toml": text for name, text in files.items()}, time=0)


def test_a_topic_takes_the_strictest_limits_of_its_clauses(repository: Repository) -> None:
    topics = attestations.topics(repository)

    assert [topic.name for topic in topics] == ["WR-3", "secret-rotation"]
    topic = topics[1]
    assert [clause.number for clause in topic.clauses] == ["WR-1", "WR-2"]
    assert topic.validity_days == 90
    assert topic.state == "due"


def test_a_word_counts_and_asks_for_a_scan(repository: Repository, lead: User) -> None:
    attestations.attest(repository, _topic(repository), WORD, lead)

    found = attestations.records(repository, _source(a="1"))
    assert _topic(repository).state == "attested"
    assert [(each["topic"], each["by"], each["lead"]) for each in found] == [
        ("secret-rotation", lead.email, True)
    ]
    assert repository.scans.get().trigger == Trigger.ATTESTATION
    assert AuditEntry.objects.get(action="attestation.recorded").actor == lead


def test_nobody_may_vouch_for_longer_than_the_standard_allows(
    repository: Repository, lead: User
) -> None:
    word = Word(WORD.statement, WORD.evidence, 5_000)

    record = attestations.attest(repository, _topic(repository), word, lead)

    assert record.expires_at <= record.created_at + timedelta(days=90)


def test_the_word_of_somebody_who_is_no_lead_any_more_says_so(
    repository: Repository, lead: User
) -> None:
    attestations.attest(repository, _topic(repository), WORD, lead)
    repository.team.members.clear()

    (record,) = attestations.records(repository, _source(a="1"))

    assert record["lead"] is False


def test_a_word_is_out_of_date_when_a_watched_file_changes(
    repository: Repository, lead: User
) -> None:
    word = Word(WORD.statement, WORD.evidence, 60, ["*.toml", "!b.toml"])
    record = attestations.attest(repository, _topic(repository), word, lead)

    assert attestations.records(repository, _source(a="1", b="1"))
    assert attestations.records(repository, _source(a="1", b="2"))
    assert not attestations.records(repository, _source(a="2", b="2"))
    assert not attestations.records(repository, _source(a="1", b="1"))

    record.refresh_from_db()
    assert record.stale_reason == "a.toml changed since"
    assert _topic(repository).state == "due"


def test_a_new_or_lost_file_is_a_change_as_well(repository: Repository, lead: User) -> None:
    word = Word(WORD.statement, WORD.evidence, 60, ["*.toml"])
    attestations.attest(repository, _topic(repository), word, lead)

    assert attestations.records(repository, _source(a="1"))
    assert not attestations.records(repository, _source(a="1", b="1"))


def test_a_word_that_is_taken_back_stays_in_the_list(repository: Repository, lead: User) -> None:
    record = attestations.attest(repository, _topic(repository), WORD, lead)

    attestations.withdraw(record, lead)

    assert not attestations.records(repository, _source(a="1"))
    assert _topic(repository).record is None
    assert [each.pk for each in attestations.earlier(repository)] == [record.pk]


def test_a_newer_word_takes_the_place_of_the_one_before(repository: Repository, lead: User) -> None:
    attestations.attest(repository, _topic(repository), WORD, lead)
    newer = attestations.attest(repository, _topic(repository), WORD, lead)

    attestations.withdraw(newer, lead)

    assert not attestations.records(repository, _source(a="1"))
    assert _topic(repository).state == "due"


def test_the_page_says_due_where_the_scan_does(repository: Repository, lead: User) -> None:
    record = attestations.attest(repository, _topic(repository), WORD, lead)
    assert _topic(repository).state == "attested"

    long_ago = timezone.now() - timedelta(days=100)
    Attestation.objects.filter(pk=record.pk).update(created_at=long_ago)
    assert _topic(repository).state == "due"

    Attestation.objects.filter(pk=record.pk).update(created_at=timezone.now())
    repository.team.members.clear()
    assert _topic(repository).state == "due"


def test_what_ends_first_stands_first_and_only_for_those_who_may_see_it(
    repository: Repository, lead: User
) -> None:
    late = attestations.attest(repository, _topic(repository, "WR-3"), WORD, lead)
    soon = attestations.attest(
        repository, _topic(repository), Word(WORD.statement, WORD.evidence, 3), lead
    )

    assert [item.record for item in attestations.open_items(lead)] == [soon, late]
    assert not attestations.open_items(rows.user())


def test_a_repository_is_judged_again_once_when_a_word_ends(
    repository: Repository, lead: User
) -> None:
    record = attestations.attest(repository, _topic(repository), WORD, lead)
    scan = repository.scans.get()
    now = timezone.now()
    # The word ends while the scan runs.
    Scan.objects.filter(pk=scan.pk).update(
        state="complete", started_at=now - timedelta(hours=2), finished_at=now
    )
    Repository.objects.filter(pk=repository.pk).update(last_scan=scan)
    assert attestations.judge_ended() == 0

    Attestation.objects.filter(pk=record.pk).update(expires_at=now - timedelta(hours=1))

    assert attestations.judge_ended() == 1
    assert attestations.judge_ended() == 0
    assert repository.scans.active().get().trigger == Trigger.ATTESTATION
