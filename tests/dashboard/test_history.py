"""The course of a score: its parts add up, and the line at constant rules has no step of rules."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.models import (
    Backfill,
    Branch,
    PastResult,
    Repository,
    Scan,
    ScanState,
    ScoreChange,
    Trigger,
)
from dashboard.services.history import Course, read_history
from tests.dashboard import rows

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 2, tzinfo=UTC)
RULING = {"engine": "1", "folders": [""], "standards": [], "said": {}}


@pytest.fixture
def repository() -> Repository:
    return rows.repository(None, rows.standard())


def scan(
    repository: Repository, number: int, score: float, before: Scan | None = None, **parts: int
) -> Scan:
    """A result with the parts of its change, in units."""
    branch, _ = Branch.objects.get_or_create(repository=repository, name="main")
    row = Scan.objects.create(
        repository=repository,
        branch=branch,
        number=number,
        trigger=Trigger.PUSH,
        state=ScanState.COMPLETE,
        score=score,
        before=before,
        ruling=RULING,
        finished_at=DAY + timedelta(days=number),
    )
    for causes, points in parts.items():
        ScoreChange.objects.create(scan=row, causes=causes.replace("_", "+"), points=points)
    return row


def point(repository: Repository, week: int, score: float) -> None:
    PastResult.objects.create(
        repository=repository,
        commit=f"{week:040x}",
        commit_time=DAY - timedelta(weeks=week),
        score=score,
        results=zlib.compress(b"[]"),
    )


def course(repository: Repository) -> Course:
    found = read_history(repository, "1").course
    assert found
    return found


def test_constant_rules_take_off_what_the_code_moved_and_nothing_else(
    repository: Repository,
) -> None:
    first = scan(repository, 1, 60.0)
    second = scan(repository, 2, 50.0, first, rules=-15_000_000, code=5_000_000)
    scan(repository, 3, 58.0, second, code=8_000_000)

    found = course(repository)

    assert [each.score for each in found.points] == [60.0, 50.0, 58.0]
    assert [each.constant for each in found.points] == [45.0, 50.0, 58.0]
    assert [each.note for each in found.points] == ["", "rules −15.00", ""]
    assert dict(found.parts) == {"rules": -15.0, "code": 13.0}


def test_the_past_joins_the_line_and_is_all_code(repository: Repository) -> None:
    Backfill.objects.create(repository=repository, weeks=104, ruling=RULING)
    point(repository, 2, 40.0)
    point(repository, 1, 55.0)
    first = scan(repository, 1, 60.0)
    scan(repository, 2, 50.0, first, rules=-10_000_000)

    found = course(repository)

    assert [each.score for each in found.points] == [40.0, 55.0, 60.0, 50.0]
    assert [each.constant for each in found.points] == [30.0, 45.0, 50.0, 50.0]
    assert dict(found.parts) == {"rules": -10.0, "code": 20.0}


def test_a_past_judged_by_later_rules_joins_the_scan_that_judged_by_them(
    repository: Repository,
) -> None:
    later = RULING | {"engine": "2"}
    Backfill.objects.create(repository=repository, weeks=104, ruling=later)
    point(repository, 1, 48.0)
    first = scan(repository, 1, 60.0)
    second = scan(repository, 2, 50.0, first, rules=-10_000_000)
    Scan.objects.filter(pk=second.pk).update(ruling=later)

    found = course(repository)

    assert [each.constant for each in found.points] == [48.0, 50.0, 50.0]
    assert dict(found.parts) == {
        "rules": -10.0,
        "code": 2.0,
        "later rules for the past": 10.0,
    }


def test_a_past_of_other_rules_meets_the_first_scan_flat(repository: Repository) -> None:
    Backfill.objects.create(repository=repository, weeks=104, ruling=RULING | {"engine": "2"})
    point(repository, 1, 55.0)
    scan(repository, 1, 60.0)

    found = course(repository)

    assert [each.constant for each in found.points] == [60.0, 60.0]
    assert dict(found.parts) == {"not told apart": 5.0}


def test_what_cannot_be_told_apart_is_said_and_still_adds_up(repository: Repository) -> None:
    first = scan(repository, 1, 60.0)
    second = scan(repository, 2, 66.0, first, rules_code=6_000_000)
    scan(repository, 3, 70.0, second)

    found = course(repository)

    assert dict(found.parts) == {"rules and code, not separable": 6.0, "not told apart": 4.0}
    assert found.points[1].note == "rules and code, not separable +6.00"


def test_one_result_makes_no_course(repository: Repository) -> None:
    scan(repository, 1, 60.0)

    assert read_history(repository, "1").course is None
