"""The fleet that nobody has: rows of the kinds that scans write, whose numbers agree."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models import Count
from django.test import Client

from checks.model import Report
from dashboard.models import (
    Attestation,
    Backfill,
    Component,
    Finding,
    FindingEvent,
    FindingEventKind,
    Repository,
    Scan,
    ScoreChange,
    StoredReport,
    User,
    Waiver,
)
from dashboard.models.change import UNITS
from dashboard.services import attestations, invariants, sample_fleet
from dashboard.services.bulk import Table
from tests.browser.addresses import answering, routes
from tests.dashboard import rows
from tests.services import on_postgresql

pytestmark = pytest.mark.django_db

SIZE = sample_fleet.Size(repositories=60, findings=900, scans=3, shapes=2)


def test_a_fleet_is_made_of_rows_whose_numbers_agree() -> None:
    told: list[int] = []
    found = sample_fleet.generate(SIZE, progress=told.append)

    assert told[-1] == Repository.objects.count() == SIZE.repositories
    judged = list(Repository.objects.filter(last_scan__isnull=False).select_related("last_scan"))
    assert SIZE.repositories - 3 < len(judged) < SIZE.repositories
    assert found == Finding.objects.open().count() > 500
    assert [each.name for each in invariants.check() if each.count] == []
    for repository in judged:
        _numbers_agree(repository)
    _changes_add_up()
    _pages_answer(judged[0])


def _numbers_agree(repository: Repository) -> None:
    own = Finding.objects.filter(repository=repository)
    scan = repository.last_scan
    assert scan is not None
    assert scan.score == repository.score is not None
    assert own.open().count() == repository.findings_count == scan.findings_count
    assert own.waived().count() == repository.waived_count
    assert own.suppressed().count() == repository.suppressed_count
    assert len(attestations.due_topics(scan)) == repository.due_count
    events = FindingEvent.objects.filter(finding__repository=repository)
    for each in repository.scans.with_result():
        of_scan = events.filter(scan=each)
        assert of_scan.filter(kind=FindingEventKind.OPENED).count() == each.opened_count
        assert of_scan.filter(kind=FindingEventKind.FIXED).count() == each.fixed_count
    stored = StoredReport.objects.get(component__repository=repository)
    report = msgspec.json.decode(zlib.decompress(stored.data), type=Report)
    assert report.repository == repository.slug
    assert report.commit == repository.scanned_commit
    assert {each.fingerprint for each in report.findings} == set(
        own.exclude(state="fixed").values_list("fingerprint", flat=True)
    )
    waivers = Waiver.objects.filter(repository=repository).granted()
    assert {each.waived for each in report.findings if each.waived} == {
        waiver.name for waiver in waivers
    }


def _changes_add_up() -> None:
    moved = Scan.objects.filter(before__isnull=False, state="complete")
    for scan in moved.select_related("before")[:20]:
        parts = ScoreChange.objects.filter(scan=scan, standard=None)
        assert sum(each.points for each in parts) == pytest.approx(
            ((scan.score or 0) - ((scan.before and scan.before.score) or 0)) * UNITS
        )


def _pages_answer(repository: Repository) -> None:
    reader = rows.user("reader", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(reader)
    finding = Finding.objects.filter(repository=repository).order_by("pk")[0]
    past = Backfill.objects.get(pk=Backfill.objects.order_by("pk")[0].pk).repository
    sample = {
        "r/slug": repository.slug,
        "r/number": "2",
        "r/path": f"{finding.path}?at={repository.scanned_commit}",
        "f/pk": str(finding.pk),
        "teams/slug": repository.team.slug,
        "standards/slug": repository.adoptions.all()[0].slug,
        "checks/identifier": finding.check_id,
    }
    answered = {route for route in routes() if answering(client, route, sample)}
    assert {"r/<slug:slug>/", "r/<slug:slug>/scans/<int:number>/", "f/<int:pk>/"} <= answered
    assert finding.path in client.get(f"/r/{repository.slug}/findings/?state=all").text
    assert "what customers asked for" in client.get(f"/r/{past.slug}/past/").text


def test_what_is_there_is_left_alone_unless_somebody_asks_for_more() -> None:
    rows.repository()

    with pytest.raises(CommandError, match="There are repositories already"):
        call_command("generate_fleet", repositories=1, findings=5, stdout=StringIO())

    out = StringIO()
    call_command("generate_fleet", repositories=2, findings=40, scans=1, beside=True, stdout=out)
    assert Repository.objects.count() == 3
    assert "2 of 2 repositories" in out.getvalue()


def test_a_database_that_stays_locked_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr(sample_fleet, "generate", locked)
    with pytest.raises(CommandError, match="database is locked. What is written stays"):
        call_command("generate_fleet", repositories=1, findings=5, stdout=StringIO())


def test_who_fills_an_instance_that_nobody_has_used_can_sign_in() -> None:
    out = StringIO()
    call_command("generate_fleet", repositories=1, findings=5, scans=1, stdout=out)

    password = out.getvalue().rpartition("Password: ")[2].strip()
    assert Client().login(username="admin", password=password)
    assert Attestation.objects.filter(author__is_superuser=True).count() == 0


def test_keys_that_are_given_in_bulk_are_given_to_nobody_else() -> None:
    table = Table(Component)
    repository = rows.repository()
    other = rows.repository()

    plain = table.values(Component(path="services"))
    keys = table.write(table.like(plain, repository_id=each.pk) for each in (repository, other))

    added = Component.objects.create(repository=repository, path="later")
    assert list(keys) == list(
        Component.objects.filter(path="services").order_by("pk").values_list("pk", flat=True)
    )
    assert added.pk > keys[-1]
    assert not table.write([])
    assert Component.objects.values("repository").annotate(n=Count("pk")).count() == 2
    assert User.objects.count() == 0


@pytest.mark.skipif(not on_postgresql(), reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_keys_are_nobody_elses_while_others_write() -> None:
    table, repository = Table(Component), rows.repository()

    def beside(number: int) -> list[int]:
        try:
            if number % 2:
                return list(table.reserve(500))
            made = (
                Component.objects.create(repository=repository, path=f"{number}-{each}")
                for each in range(40)
            )
            return [each.pk for each in made]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        given = [key for keys in pool.map(beside, range(16)) for key in keys]

    assert len(given) == len(set(given)) == 8 * 500 + 8 * 40
