"""A report becomes rows: findings with a life, and numbers that belong together."""

from __future__ import annotations

import json
import random
import zlib

import msgspec
import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext

from checks import model as engine
from checks.report import json as report_json
from dashboard.models import (
    ClauseResult,
    Finding,
    FindingEvent,
    FindingState,
    Repository,
    Scan,
    ScanState,
    Standard,
    StoredReport,
    Trigger,
)
from dashboard.services import lease, results, scanning, transitions
from dashboard.services.lease import Lease, LeaseLostError
from dashboard.text import clean
from tests.dashboard import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


@pytest.fixture
def rules() -> Standard:
    return rows.standard()


@pytest.fixture
def repository(rules: Standard) -> Repository:
    return rows.repository(None, rules)


def begin(repository: Repository, commit: str = "a" * 40) -> Lease:
    held = lease.claim(scanning.request(repository, Trigger.PUSH).pk)
    assert held
    held.write(commit=commit, wanted=1_000_000)
    return held


def store(
    repository: Repository, rules: Standard, report: engine.Report, commit: str = "a" * 40
) -> Scan:
    held = begin(repository, commit)
    judged = results.Judged(
        repository.components.get(), report, report_json.render(report).encode()
    )
    results.store(held, [judged], [rules], {"review": 1.0})
    return Scan.objects.get(pk=held.pk)


def states() -> dict[str, str]:
    return dict(Finding.objects.values_list("fingerprint", "state"))


def events(fingerprint: str) -> list[str]:
    found = FindingEvent.objects.filter(finding__fingerprint=fingerprint).order_by("pk")
    return list(found.values_list("kind", flat=True))


def test_the_first_report_opens_its_findings(repository: Repository, rules: Standard) -> None:
    scan = store(repository, rules, rows.report(rules.version, rows.finding("f1")))

    finding = Finding.objects.get()
    assert (finding.state, finding.strength, finding.severity) == (FindingState.OPEN, "must", 0)
    assert (finding.first_scan, finding.gain_total, finding.area) == (scan, 10.0, "logging")
    assert events("f1") == ["opened"]
    assert (scan.opened_count, scan.fixed_count) == (1, 0)


def test_a_finding_that_is_gone_is_fixed_and_one_that_returns_is_reopened(
    repository: Repository, rules: Standard
) -> None:
    found = rows.report(rules.version, rows.finding("f1"))
    first = store(repository, rules, found)
    second = store(repository, rules, rows.report(rules.version))

    finding = Finding.objects.get()
    assert finding.state == FindingState.FIXED
    assert (finding.last_seen, finding.fixed_scan) == (first, second)

    store(repository, rules, found)
    finding.refresh_from_db()
    assert (finding.state, finding.fixed_at, finding.fixed_scan) == (
        FindingState.REOPENED,
        None,
        None,
    )
    assert finding.first_scan == first
    assert events("f1") == ["opened", "fixed", "reopened"]


def test_the_same_report_twice_changes_no_finding(repository: Repository, rules: Standard) -> None:
    report = rows.report(rules.version, rows.finding("f1"), rows.finding("f2", line=9))
    store(repository, rules, report)
    before = list(Finding.objects.order_by("pk").values())

    scan = store(repository, rules, report)

    assert list(Finding.objects.order_by("pk").values()) == before
    assert (scan.opened_count, scan.fixed_count) == (0, 0)
    assert FindingEvent.objects.count() == 2


def test_findings_that_are_only_worth_another_number_are_not_written_anew(
    repository: Repository, rules: Standard
) -> None:
    def report(worth: float) -> engine.Report:
        found = [rows.finding(f"f{n}", line=n + 1) for n in range(1_200)]
        return rows.report(
            rules.version,
            *(msgspec.structs.replace(each, gain={"house-rules": worth}) for each in found),
        )

    store(repository, rules, report(0.25))
    with CaptureQueriesContext(connection) as asked:
        store(repository, rules, report(0.5), "b" * 40)

    assert set(Finding.objects.values_list("gain_total", flat=True)) == {0.5}
    assert all(
        gain == {"house-rules": 0.5} for gain in Finding.objects.values_list("gain", flat=True)
    )
    table = Finding._meta.db_table
    assert not [query for query in asked if query["sql"].startswith(f'INSERT INTO "{table}"')]


def test_a_finding_that_moved_keeps_its_row_and_its_history(
    repository: Repository, rules: Standard
) -> None:
    store(repository, rules, rows.report(rules.version, rows.finding("f1", line=3)))
    before = Finding.objects.get()

    store(repository, rules, rows.report(rules.version, rows.finding("f1", line=30)))

    after = Finding.objects.get()
    assert (after.pk, after.line, after.opened_at) == (before.pk, 30, before.opened_at)
    assert events("f1") == ["opened"]


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"skipped": (engine.Skipped("app/main.py", "larger than 512 KiB"),)}, "open"),
        ({"skipped": (engine.Skipped("", "more than 60000 files"),)}, "open"),
        ({"skipped": (engine.Skipped("app/other.py", "larger than 512 KiB"),)}, "fixed"),
        ({"states": {"no-print": "unknown"}}, "open"),
        ({"states": {"no-print": "not-applicable"}}, "fixed"),
        ({}, "fixed"),
    ],
)
def test_only_what_was_looked_at_closes_a_finding(
    repository: Repository, rules: Standard, report: dict[str, object], expected: str
) -> None:
    store(repository, rules, rows.report(rules.version, rows.finding("f1")))

    store(repository, rules, rows.report(rules.version, **report))  # type: ignore[arg-type]

    assert states() == {"f1": expected}


def test_a_finding_of_a_check_nobody_asks_for_any_more_is_gone_with_the_rule(
    repository: Repository, rules: Standard
) -> None:
    report = rows.report(rules.version, rows.finding("f1"))
    store(repository, rules, report)
    without = engine.Report(
        repository="r",
        commit="b" * 40,
        component="",
        manifest=report.manifest,
        standards=(),
        findings=(),
    )

    scan = store(repository, rules, without)

    assert states() == {"f1": "fixed"}
    assert events("f1") == ["opened", "rule-gone"]
    assert scan.fixed_count == 0


def test_a_flood_of_findings_is_stored_up_to_a_limit_and_counted_in_full(
    repository: Repository, rules: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transitions, "MAX_STORED", 3)
    light = [
        msgspec.structs.replace(rows.finding(f"f{n}", line=n), gain={"house-rules": n / 1000})
        for n in range(1, 9)
    ]
    heavy = rows.finding("heavy", line=99)

    store(repository, rules, rows.report(rules.version, *light))
    scan = store(repository, rules, rows.report(rules.version, *light, heavy))

    assert scan.findings_count == 9
    assert states() == dict.fromkeys(("f8", "f7", "f6", "heavy"), "open")


def test_the_end_of_a_scan_writes_its_numbers_everywhere_they_are_read(
    repository: Repository, rules: Standard
) -> None:
    report = rows.report(rules.version, rows.finding("f1"), score=81.25)
    scan = store(repository, rules, report)

    repository.refresh_from_db()
    assert (scan.state, scan.score, scan.letter) == (ScanState.COMPLETE, 81.25, "B")
    assert (repository.score, repository.letter, repository.last_scan) == (81.25, "B", scan)
    assert (repository.findings_count, repository.open_must) == (1, 1)
    assert repository.scanned_commit == "a" * 40
    failing = ClauseResult.objects.filter(scan_standard__scan=scan).losing().get()
    assert (failing.clause.number, failing.violations, failing.sites) == ("HR-1", 1, 10)
    assert scan.manifest is not None
    assert scan.manifest["analysed"] == 2


def test_the_previous_score_is_that_of_the_commit_before(
    repository: Repository, rules: Standard
) -> None:
    store(repository, rules, rows.report(rules.version, score=70.0), "a" * 40)
    store(repository, rules, rows.report(rules.version, score=75.0), "b" * 40)
    store(repository, rules, rows.report(rules.version, score=75.0), "b" * 40)

    repository.refresh_from_db()
    assert (repository.previous_score, repository.score) == (70.0, 75.0)
    assert repository.score_change == pytest.approx(5.0)


def test_nothing_measured_is_not_scored(repository: Repository, rules: Standard) -> None:
    scan = store(repository, rules, rows.report(rules.version, score=None))

    repository.refresh_from_db()
    assert (scan.score, scan.letter) == (None, "")
    assert (repository.score, repository.letter) == (None, "")


def test_a_scan_that_could_not_read_everything_is_partial(
    repository: Repository, rules: Standard
) -> None:
    skipped = (engine.Skipped("app/big.py", "larger than 512 KiB"),)
    scan = store(repository, rules, rows.report(rules.version, skipped=skipped))

    assert scan.state == ScanState.PARTIAL


def test_the_stored_report_is_the_command_lines_byte_for_byte(
    repository: Repository, rules: Standard
) -> None:
    first = rows.report(rules.version, rows.finding("f1"))
    store(repository, rules, first)
    last = rows.report(rules.version)
    store(repository, rules, last)

    stored = StoredReport.objects.get()
    assert zlib.decompress(stored.data) == report_json.render(last).encode()
    assert json.loads(zlib.decompress(stored.data))["findings"] == []


def test_a_worker_that_lost_its_lease_leaves_no_trace(
    repository: Repository, rules: Standard
) -> None:
    held = begin(repository)
    stale = Lease(Scan, held.pk, held.owner, held.fence - 1)
    report = rows.report(rules.version, rows.finding("f1"))
    judged = results.Judged(repository.components.get(), report, b"{}")

    with pytest.raises(LeaseLostError):
        results.store(stale, [judged], [rules], {})

    assert not Finding.objects.exists()
    assert not StoredReport.objects.exists()
    assert Scan.objects.get().state == ScanState.RUNNING


def test_text_that_a_database_refuses_is_stored_with_replacements(
    repository: Repository, rules: Standard
) -> None:
    odd = rows.finding("f1", path="app/\x00bad\ud800.py")

    store(repository, rules, rows.report(rules.version, odd))

    assert Finding.objects.get().path == "app/\ufffdbad\ufffd.py"


def test_a_path_of_thousands_of_characters_is_stored_and_found(
    repository: Repository, rules: Standard
) -> None:
    drawn = random.Random(8)
    # Four bytes each, and nothing that could be compressed away.
    parts = ("".join(chr(drawn.randrange(0x20000, 0x2A6D0)) for _ in range(60)) for _ in range(66))
    path = "/".join(parts)
    assert len(path) > 4_000
    found = [rows.finding("f1", path=path), rows.finding("f2", path=f"{path[:300]}.py")]

    store(repository, rules, rows.report(rules.version, *found))

    for each, name in zip(found, ("f1", "f2"), strict=True):
        (row,) = Finding.objects.in_file(clean(each.path, 1100)).filter(repository=repository)
        assert row.fingerprint == name


def test_findings_of_a_file_are_found_by_the_index_of_paths(
    repository: Repository, rules: Standard
) -> None:
    found = [rows.finding(f"f{each}", path=f"app/part{each}.py") for each in range(2_000)]
    store(repository, rules, rows.report(rules.version, *found))
    own = Finding.objects.in_file("app/part7.py").filter(repository=repository)
    named = Finding.objects.in_file(OuterRef("slug")).filter(repository=OuterRef("pk"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    assert "finding_path" in own.explain()
    assert "finding_path" in Repository.objects.annotate(found=Exists(named)).explain()
