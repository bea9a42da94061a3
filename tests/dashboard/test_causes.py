"""What no commit did has nobody's name: words of leads, time, rules; scans of a repository."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from dashboard.models import (
    Attestation,
    Finding,
    FindingEvent,
    Membership,
    Repository,
    Role,
    Scan,
    User,
)
from dashboard.services import attestations, standards, tables
from dashboard.services.attestations import Word
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.dashboard.test_ledger import causes, no_residual
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

WORDS = b"""
slug = "words"
title = "Words"

[[clause]]
id = "W-1"
requirement = "Secrets are rotated."
strength = "must"
checks = [{ id = "lead-attestation", params = { topic = "secret-rotation" } }]

[[clause]]
id = "W-2"
requirement = "Nothing is printed."
strength = "should"
checks = [{ id = "no-print" }]
"""
MORE = (
    WORDS
    + b"""
[[clause]]
id = "W-3"
requirement = "Somebody is on call."
strength = "must"
checks = [{ id = "lead-attestation", params = { topic = "assistant-working-practice" } }]
"""
)
SAFE = b"""
slug = "safe"
title = "Safe"

[[clause]]
id = "S-1"
requirement = "Nothing that is known to be vulnerable is used."
strength = "must"
checks = [{ id = "known-vulnerabilities" }]
"""
ADVISORY: dict[str, Any] = {
    "id": "PYSEC-1",
    "published": "2020-06-01T10:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.5"}]}],
        }
    ],
}
OTHER = ADVISORY | {
    "id": "PYSEC-2",
    "affected": [ADVISORY["affected"][0] | {"package": {"ecosystem": "PyPI", "name": "flask"}}],
}
FILES = {"app/main.py": "print(1)\n", "app/rest.py": "x = 1\n", "keys.toml": "a = 1\n"}
WORD = Word("We rotate all of them each quarter.", "https://wiki.example.org/rotation", 60)


@pytest.fixture
def repository(origin: Origin, register: Callable[..., Repository]) -> Repository:
    """Judged once: nobody has vouched for the topic."""
    origin.commit(FILES)
    row = register(WORDS)
    scan_of(row)
    return row


@pytest.fixture
def lead(repository: Repository) -> User:
    person = rows.user("the-lead")
    Membership.objects.create(team=repository.team, user=person, role=Role.LEAD)
    return person


def attest(repository: Repository, lead: User, word: Word = WORD) -> None:
    (topic,) = attestations.topics(repository)
    attestations.attest(repository, topic, word, lead)


def push(origin: Origin, repository: Repository) -> Scan:
    """Scan after somebody has committed something else."""
    origin.commit(FILES | {"notes.txt": f"{Scan.objects.count()}\n"})
    scan = scan_of(repository)
    no_residual(scan)
    return scan


def word_of_a_lead() -> Finding:
    return Finding.objects.get(check_id="lead-attestation")


def life(finding: Finding) -> list[tuple[str, str, str]]:
    """Kind, cause and author of each turn."""
    events = FindingEvent.objects.filter(finding=finding)
    return list(events.values_list("kind", "cause", "author"))


def test_what_a_lead_vouches_for_is_attested_and_fixed_by_nobody(
    origin: Origin, repository: Repository, lead: User, client: Client
) -> None:
    attest(repository, lead)
    scan = push(origin, repository)

    finding = word_of_a_lead()
    assert life(finding) == [("opened", "", ""), ("attested", "", "")]
    assert (finding.is_open, finding.standing) == (False, "attested")
    assert scan.fixed_count == 0
    assert set(causes(scan)) == {"rules"}
    client.force_login(lead)
    page = client.get(finding.get_absolute_url()).content.decode()
    assert "attested by a lead" in page
    assert "fixed by code" not in page


def test_a_commit_that_was_named_for_a_word_is_so_no_longer(
    origin: Origin, repository: Repository, lead: User
) -> None:
    attest(repository, lead)
    push(origin, repository)
    FindingEvent.objects.update(commit="1" * 40, author="Ada", committed_at=timezone.now())
    FindingEvent.objects.filter(kind="attested").update(kind="fixed")
    Finding.objects.update(ended="", since=timezone.now())

    migration = import_module("dashboard.migrations.0034_finding_causes")
    migration.name_attested(apps, connection.schema_editor())

    finding = word_of_a_lead()
    assert life(finding) == [("opened", "", ""), ("attested", "", "")]
    assert (finding.standing, finding.since) == ("attested", None)
    other = Finding.objects.get(check_id="no-print")
    assert (life(other), other.standing) == ([("opened", "", "Ada")], "open")


def test_a_word_that_ran_out_comes_due_with_time(
    origin: Origin, repository: Repository, lead: User, client: Client
) -> None:
    attest(repository, lead)
    scan_of(repository)
    Attestation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    scan = push(origin, repository)

    finding = word_of_a_lead()
    assert life(finding)[2:] == [("reopened", "time", "")]
    assert (finding.is_open, finding.since, finding.ended) == (True, None, "")
    assert set(causes(scan)) == {"rules"}
    client.force_login(lead)
    assert "reopened with time" in client.get(finding.get_absolute_url()).content.decode()


def test_a_word_that_was_taken_back_is_said_to_be(
    origin: Origin, repository: Repository, lead: User
) -> None:
    attest(repository, lead)
    scan_of(repository)
    attestations.withdraw(Attestation.objects.get(), lead)
    push(origin, repository)

    assert life(word_of_a_lead())[2:] == [("reopened", "word", "")]


def test_a_word_about_files_that_changed_is_ended_by_their_commit(
    origin: Origin, repository: Repository, lead: User
) -> None:
    attest(repository, lead, Word(WORD.statement, WORD.evidence, WORD.days, ("keys.toml",)))
    scan_of(repository)
    origin.commit(FILES | {"keys.toml": "a = 2\n"})
    scan_of(repository)

    assert life(word_of_a_lead())[2:] == [("reopened", "", "Ada")]


def test_a_topic_that_is_asked_anew_comes_with_the_rules(
    origin: Origin, repository: Repository, lead: User
) -> None:
    attest(repository, lead)
    scan_of(repository)
    standards.adopt(repository, [rows.standard(MORE)], None)
    push(origin, repository)

    asked = Finding.objects.get(check_id="lead-attestation", anchor="assistant-working-practice")
    assert life(asked) == [("opened", "rules", "")]
    # The other topic is asked as it was.
    assert [kind for kind, _, _ in life(Finding.objects.get(anchor="secret-rotation"))] == [
        "opened",
        "attested",
    ]


def test_a_word_counts_while_files_cannot_be_read(
    origin: Origin, repository: Repository, lead: User
) -> None:
    attest(repository, lead)
    origin.commit(FILES | {"app/main.py": "print(1\n"})
    scan_of(repository)

    assert [kind for kind, _, _ in life(word_of_a_lead())] == ["opened", "attested"]


def test_an_advisory_comes_and_goes_with_time_and_a_newer_package_by_code(
    origin: Origin, register: Callable[..., Repository], tmp_path: Path
) -> None:
    def told(*advisories: object) -> None:
        export = tmp_path / "export.json"
        export.write_text(json.dumps(advisories))
        tables.read_osv(export)

    def judged(version: str, number: int) -> Finding:
        text = f"jinja2=={version}\nflask==3.9.9\n"
        origin.commit({"requirements.txt": text, "app.py": f"import jinja2\n\nX = {number}\n"})
        no_residual(scan_of(safe))
        return Finding.objects.get()

    told(OTHER)
    origin.commit(
        {"requirements.txt": "jinja2==3.1.4\nflask==3.9.9\n", "app.py": "import jinja2\n"}
    )
    safe = register(SAFE)
    scan_of(safe)
    assert not Finding.objects.exists()

    told(ADVISORY)
    judged("3.1.4", 1)
    told(OTHER)
    judged("3.1.4", 2)
    told(ADVISORY)
    judged("3.1.4", 3)

    found = judged("3.1.6", 4)
    assert life(found) == [
        ("opened", "time", ""),
        ("with-time", "", ""),
        ("reopened", "time", ""),
        ("fixed", "", "Ada"),
    ]


def test_a_clause_whose_day_has_come_brings_what_stood_before_with_time(
    origin: Origin, register: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    later = tomorrow + timedelta(days=30)
    begins = f"advisory_from = {tomorrow}\nenforced_from = {later}\n".encode()
    bringing = origin.commit({"app/main.py": "print(1)\n"})
    origin.commit(FILES)
    repository = register(WORDS.replace(b'id = "W-2"\n', b'id = "W-2"\n' + begins))
    scan_of(repository)
    assert not Finding.objects.filter(check_id="no-print").exists()

    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(days=2))
    push(origin, repository)

    event = FindingEvent.objects.get(finding__check_id="no-print")
    assert (event.kind, event.cause, event.commit) == ("opened", "time", bringing)
